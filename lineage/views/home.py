"""The home page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, get_language_from_request

from lineage.models import Derivation, Verification
from lineage.views.drawings import Drawing, draw_derivations
from registry.models import RegisteredModel
from registry.vocabulary import Layer

N_VERDICTS = 6
# The slice of the tree: the families that the story runs through.
MAX_EDGES = 60


def home(request: HttpRequest) -> HttpResponse:
    """Say what this is; readers whose browser prefers Chinese are sent there once."""
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
    verdicts = Verification.objects.current().with_models().order_by("-id")
    return {
        "n_models": RegisteredModel.objects.count(),
        "drawing": _slice(),
        "verdicts": verdicts[:N_VERDICTS],
    }


def _slice() -> Drawing:
    """Return the catalog's families by weights and the ideas between them."""
    derivations = (
        Derivation.objects.shown()
        .with_ends()
        .filter(child__origin=RegisteredModel.Origin.CATALOG)
        .exclude(layer=Layer.TOKENIZER)
        .order_by("child__released", "id")
    )
    return draw_derivations(list(derivations[:MAX_EDGES]))
