"""The emblem where browsers look for it unasked."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static


def favicon(request: HttpRequest) -> HttpResponse:
    """Lead to the emblem; its own address changes with its contents."""
    return redirect(static("img/emblem.svg"))
