"""A verdict under its own lasting address."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from lineage.models import Verification
from lineage.views.model import declarations_of


def verification(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one verdict, and the newer one when it has been superseded."""
    found = get_object_or_404(Verification.objects.with_models(), pk=pk)
    context = {
        "verification": found,
        "model": found.revision.model,
        "declarations": declarations_of(found.revision),
        "newer": found.superseding(),
    }
    return render(request, "lineage/verification.html", context)
