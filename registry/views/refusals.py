"""Pages that say: not now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """Return the page that says when to try again."""
    answer = render(request, "429.html", {"wait": waiting(seconds)}, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def waiting(seconds: int) -> str:
    """Return a time to wait in words, rounded up."""
    if seconds <= 90:
        return _("%(number)d seconds") % {"number": seconds}
    return _("%(number)d minutes") % {"number": -(-seconds // 60)}
