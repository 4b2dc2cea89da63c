"""/healthz: is this worker alive, and does its database answer?"""
from django.db import Error, connection
from django.http import HttpResponse


def healthz():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return HttpResponse("database unavailable\n", "text/plain", status=503)
    return HttpResponse("ok\n", "text/plain")


class HealthMiddleware:
    """Answers /healthz ahead of the host check, the sessions and everything else."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path == "/healthz":
            return healthz()
        return self.get_response(request)
