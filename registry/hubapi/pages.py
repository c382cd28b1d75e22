"""Addresses that the client prints: they lead a browser to the model's page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from registry.hubapi.errors import NotAuthenticated, RepoNotFound
from registry.hubapi.lookup import find_entry


@require_safe
def model_page(
    request: HttpRequest, *, team: str, name: str, rest: str = ""
) -> HttpResponseBase:
    """Redirect to the model; an unknown one is an ordinary page not found."""
    try:
        model = find_entry(request, team, name)
    except (RepoNotFound, NotAuthenticated) as error:
        raise Http404(error.message) from error
    return redirect(model)
