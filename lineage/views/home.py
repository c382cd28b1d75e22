"""The home page."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, get_language_from_request

from lineage import veils
from lineage.drawings import Drawing, Options, draw_derivations
from lineage.models import Derivation, Verification
from lineage.tree import derivations_near, drawn
from registry.models import RegisteredModel
from registry.permissions import PUBLIC

N_VERDICTS = 6


def home(request: HttpRequest) -> HttpResponse:
    """Say what this is; readers whose browser prefers Chinese are sent there once.

    It shows what everybody sees, members of organisations too.
    """
    if _prefers_chinese(request):
        response: HttpResponse = HttpResponseRedirect("/zh-hans/")
    else:
        response = render(request, "lineage/home.html", _context())
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


def _prefers_chinese(request: HttpRequest) -> bool:
    return (
        get_language() == "en"
        and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES
        and get_language_from_request(request) == "zh-hans"
    )


def _context() -> dict[str, object]:
    public = Verification.objects.current().public().visible_to(PUBLIC)
    verdicts = public.with_models().order_by("-id")[:N_VERDICTS]
    return {
        "n_models": RegisteredModel.objects.listed().filter(PUBLIC.allows()).count(),
        "drawing": _slice(),
        "verdicts": veils.veiled_all(verdicts, PUBLIC),
    }


def _slice() -> Drawing:
    """Return the kin of the entry that others built on in the most ways."""
    from_catalog = Derivation.objects.shown().filter(
        # What the catalog describes is public, and so is what it comes from.
        child__origin=RegisteredModel.Origin.CATALOG
    )
    counts = from_catalog.values("parent").annotate(
        n_relations=Count("relation", distinct=True), n_children=Count("child")
    )
    most = counts.order_by("-n_relations", "-n_children", "parent").first()
    if most is None:
        return draw_derivations([])
    hub = RegisteredModel.objects.get(pk=most["parent"])
    near = derivations_near(hub, up=3, down=1, shown=drawn(PUBLIC))
    return draw_derivations(near.derivations, options=Options(focus=hub.slug))
