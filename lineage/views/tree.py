"""The family tree as a page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from lineage.models import Derivation
from lineage.views.drawings import Options, derivations_near, draw_derivations
from registry.models import RegisteredModel
from registry.vocabulary import Layer

# More lines than this are no picture that anybody can read.
MAX_EDGES = 600
HOPS_UP = 8
HOPS_DOWN = 2


@dataclass(frozen=True)
class LayerChoice:
    """A layer in the legend and the address that shows or hides it."""

    layer: str
    is_on: bool
    href: str


def tree(request: HttpRequest) -> HttpResponse:
    """Draw everything registered in the layers asked for."""
    layers = _layers(request.GET)
    focus = request.GET.get("focus", "")
    found = RegisteredModel.objects.with_slug(focus).first() if focus else None
    shown = Derivation.objects.shown().filter(layer__in=layers)
    n_edges = shown.count()
    if found and n_edges > MAX_EDGES:
        near = derivations_near(found, up=HOPS_UP, down=HOPS_DOWN)
        edges = [derivation for derivation in near if derivation.layer in layers]
    else:
        ordered = shown.with_ends().order_by("child__released", "id")
        edges = list(ordered[:MAX_EDGES])
    options = Options(
        focus=found.slug if found else "",
        opened=request.GET.getlist("open")[:50],
        query=_kept(request.GET),
        lights_kin=found is not None,
    )
    context = {
        "drawing": draw_derivations(
            edges, alone=[found] if found else (), options=options
        ),
        "choices": _choices(request.GET, layers),
        "focus": found,
        "focus_missing": focus and not found,
        "n_edges": n_edges,
        "n_drawn": len(edges),
    }
    return render(request, "lineage/tree.html", context)


def _layers(query: QueryDict) -> list[str]:
    """Return the layers asked for, in order; all when none is known."""
    asked = {word for part in query.getlist("layer") for word in part.split(",")}
    return [layer for layer in Layer if layer in asked] or list(Layer)


def _kept(query: QueryDict) -> dict[str, list[str]]:
    return {name: query.getlist(name) for name in ("layer", "focus") if name in query}


def _choices(query: QueryDict, layers: list[str]) -> list[LayerChoice]:
    """Return one toggle per layer; hiding the last one shows all again."""
    choices = []
    for layer in Layer:
        toggled = [other for other in Layer if (other in layers) != (other is layer)]
        kept = {**_kept(query), "open": query.getlist("open")}
        kept.pop("layer", None)
        if toggled and len(toggled) < len(Layer):
            kept["layer"] = [",".join(toggled)]
        href = f"{reverse('lineage:tree')}?{urlencode(kept, doseq=True)}"
        choices.append(LayerChoice(layer, layer in layers, href))
    return choices
