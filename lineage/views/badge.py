"""The badge that a team puts into its README file."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string

from lineage.badges import badge_of
from registry.models import RegisteredModel
from registry.permissions import PUBLIC

# Other sites show the badge: they keep it no longer than this.
MAX_AGE_SECONDS: Final = 60
# The drawing brings its colours along, and no script.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def badge(request: HttpRequest, slug: str) -> HttpResponse:
    """Draw how a model's origin stands, in the language of the address.

    The same for whoever asks, so that a private model has none.
    """
    models = RegisteredModel.objects.filter(PUBLIC.allows()).select_related("head")
    model = get_object_or_404(models.with_slug(slug))
    return HttpResponse(
        render_to_string("lineage/badge.svg", {"badge": badge_of(model)}),
        content_type="image/svg+xml; charset=utf-8",
        headers={
            "Cache-Control": f"public, max-age={MAX_AGE_SECONDS}",
            "Content-Security-Policy": POLICY,
        },
    )
