from unittest import mock

from django.db import OperationalError
from django.test import Client, TestCase, override_settings

from .models import Entry

# Tests run without collectstatic, so there is no manifest of hashed names to look into.
plain_static = override_settings(
    STATICFILES_STORAGE="django.contrib.staticfiles.storage.StaticFilesStorage"
)


@plain_static
class EntriesTest(TestCase):
    def test_an_entry_is_saved_and_shown(self):
        reply = self.client.post("/", {"name": "Ada", "message": "Hello"}, follow=True)
        self.assertRedirects(reply, "/")
        self.assertContains(reply, "Hello")
        self.assertEqual(Entry.objects.get().name, "Ada")

    def test_markup_in_an_entry_is_shown_as_text(self):
        Entry.objects.create(name="Eve", message="<script>alert(1)</script>")
        self.assertContains(self.client.get("/"), "&lt;script&gt;alert(1)")

    def test_an_empty_entry_is_refused_with_a_reason(self):
        reply = self.client.post("/", {"name": "", "message": "Hello"})
        self.assertContains(reply, "This field is required", status_code=422)
        self.assertFalse(Entry.objects.exists())

    def test_a_post_without_a_token_is_refused(self):
        strict = Client(enforce_csrf_checks=True)
        reply = strict.post("/", {"name": "Eve", "message": "Hello"})
        self.assertEqual(reply.status_code, 403)

    def test_the_newest_entry_comes_first_and_pages_hold_twenty(self):
        for number in range(21):
            Entry.objects.create(name="Ada", message=f"number {number}")
        first = self.client.get("/")
        self.assertContains(first, "number 20")
        self.assertNotContains(first, "number 0<")
        self.assertContains(self.client.get("/?page=2"), "number 0<")


class HealthTest(TestCase):
    def test_health_does_not_mind_the_host_name(self):
        self.assertEqual(self.client.get("/healthz", HTTP_HOST="10.0.0.1").status_code, 200)

    def test_health_fails_without_a_database(self):
        with mock.patch("config.health.connection.cursor", side_effect=OperationalError):
            self.assertEqual(self.client.get("/healthz").status_code, 503)
