"""How to register a model."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from registry.models import Organization


def register(request: HttpRequest) -> HttpResponse:
    """Show the three steps, with the reader's own organisation in the commands."""
    mine = None
    if request.user.is_authenticated:
        mine = Organization.objects.of_member(request.user).order_by("id").first()
    context = {
        "endpoint": settings.PUBLIC_URL,
        "organization": mine,
        "team": mine.slug if mine else "acme",
        "window": settings.VERDICT_WINDOW_HOURS,
    }
    return render(request, "registry/register.html", context)
