"""The family tree as a page."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from lineage.models import Derivation
from lineage.views.drawings import (
    Options,
    derivations_near,
    draw_derivations,
    drawn,
)
from registry.models import RegisteredModel
from registry.vocabulary import Layer

# More lines than this are no picture that anybody can read.
MAX_EDGES = 600
HOPS_UP = 8
HOPS_DOWN = 2
MAX_MATCHES = 12
MAX_QUERY_LENGTH = 200


@dataclass(frozen=True)
class LayerChoice:
    """A layer in the legend and the address that shows or hides it."""

    layer: str
    is_on: bool
    href: str


def tree(request: HttpRequest) -> HttpResponse:
    """Draw what is described here in the layers asked for; imports where one looks."""
    layers = _layers(request.GET)
    text = request.GET.get("focus", "").replace("\x00", "")[:MAX_QUERY_LENGTH].strip()
    matches = _matches(text)
    focus = matches[0] if len(matches) == 1 else None
    of_layers = drawn().of_described().filter(layer__in=layers)
    n_edges = of_layers.count()
    is_imported = any(m.origin == RegisteredModel.Origin.HUB for m in matches)
    if matches and (is_imported or n_edges > MAX_EDGES):
        edges = _edges_near(matches, layers)
    else:
        ordered = of_layers.with_ends().order_by("child__released", "id")
        edges = list(ordered[:MAX_EDGES])
    options = Options(
        focus=focus.slug if focus else "",
        opened=request.GET.getlist("open")[:50],
        query=_kept(request.GET),
        lights=[match.slug for match in matches],
    )
    context = {
        "drawing": draw_derivations(edges, alone=matches, options=options),
        "choices": _choices(request.GET, layers),
        "text": text,
        "focus": focus,
        "matches": matches,
        "n_edges": n_edges,
        "n_drawn": len(edges),
    }
    return render(request, "lineage/tree.html", context)


def _matches(text: str) -> list[RegisteredModel]:
    """Return the entry of that slug or address, else what the search finds."""
    if not text:
        return []
    models = RegisteredModel.objects.select_related("organization")
    exact = (
        models.with_slug(text.replace("/", "--", 1)).first()
        or models.filter(hub_repos__repo_id__lower=text.lower()).first()
    )
    described = models.filter(origin__in=RegisteredModel.DESCRIBED)
    found = described.searched(text).order_by("released", "id")
    return [exact] if exact else list(found[:MAX_MATCHES])


def _edges_near(
    matches: Iterable[RegisteredModel], layers: Collection[str]
) -> list[Derivation]:
    near = {
        derivation.pk: derivation
        for match in matches
        for derivation in derivations_near(match, up=HOPS_UP, down=HOPS_DOWN)
        if derivation.layer in layers
    }
    return list(near.values())[:MAX_EDGES]


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
