from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from .forms import EntryForm
from .models import Entry

PER_PAGE = 20


@require_http_methods(["GET", "HEAD", "POST"])
def entries(request):
    """The page: the form, and what others wrote."""
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Thank you, your entry is in the book.")
        return redirect("entries")
    page = Paginator(Entry.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    status = 422 if form.errors else 200
    return render(request, "guestbook/entries.html", {"form": form, "page": page}, status=status)
