"""Two to four entries side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from lineage import queries, walks
from lineage.models import with_verdict
from lineage.queries import EVERY_LAYER, Scope
from registry.facts import SHOWN, Fact, facts_of, number_sources
from registry.limits import costly
from registry.models import RegisteredModel
from registry.permissions import Sight, sight_of
from registry.services.fingerprints import stored_sketch
from registry.vocabulary import WEIGHT_LAYERS, Layer

MOST: Final = 4
MAX_SUGGESTIONS: Final = 8
MAX_ANCESTORS: Final = 6
TOKENIZER: Final = "tokenizer"

Cones = Mapping[int, Sequence[queries.Edge]]


@dataclass(frozen=True)
class Row:
    """A fact of every model, None where unknown; differing values stand out."""

    name: str
    cells: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Return whether two of the known values are not the same."""
        known = [repr(cell) for cell in self.cells if cell is not None]
        return len(set(known)) > 1


@dataclass(frozen=True)
class Common:
    """An ancestor of all models, with the hops that each is away."""

    model: RegisteredModel
    hops: tuple[int, ...]


@costly
def compare(request: HttpRequest) -> HttpResponse:
    """Show what is known of several entries, and what they have in common."""
    asked = list(dict.fromkeys(s for s in request.GET.getlist("model") if s.strip()))
    sight = sight_of(request.user)
    found = {slug: _find(slug, sight) for slug in asked[: MOST + 1]}
    models = list({m.pk: m for m in found.values() if m is not None}.values())[:MOST]
    text = request.GET.get("add", "")[:200].strip()
    cones = _cones(models, sight)
    context = {
        "models": [
            (model, _address(m for m in models if m != model)) for model in models
        ],
        "missing": [slug for slug, model in found.items() if model is None],
        "is_full": len(models) >= MOST,
        "too_many": len(asked) > MOST,
        "text": text,
        "suggestions": _suggestions(text, models, sight),
        "facts": _facts(models),
        "insides": _insides(models),
        "common": _common(cones, EVERY_LAYER),
        "common_weights": _common(cones, WEIGHT_LAYERS),
    }
    return render(request, "lineage/compare.html", context)


def _find(slug: str, sight: Sight) -> RegisteredModel | None:
    listed = RegisteredModel.objects.listed().filter(sight.allows())
    models: Any = listed.with_slug(slug)
    found: RegisteredModel | None = (
        with_verdict(models).select_related("organization", "head").first()
    )
    return found


def _address(models: Any) -> str:
    return "?" + urlencode([("model", model.slug) for model in models])


def _suggestions(
    text: str, models: Sequence[RegisteredModel], sight: Sight
) -> list[tuple[RegisteredModel, str]]:
    """Return entries of that name, each with the address that adds it."""
    if not text:
        return []
    listed = RegisteredModel.objects.listed().filter(sight.allows())
    near: Any = listed.searched(text).by_name(text)
    near = near.exclude(pk__in=[model.pk for model in models])
    near = near.select_related("organization").order_by("closeness", "name", "id")
    return [(m, _address([*models, m])) for m in near[:MAX_SUGGESTIONS]]


def _facts(models: Sequence[RegisteredModel]) -> list[Row]:
    """Return the rows that at least one model has something to say to."""
    if not models:
        return []
    of_model = [
        {fact.name: fact for fact in facts_of(model, number_sources(model))}
        for model in models
    ]
    rows = [Row("kind", tuple(model.kind for model in models))]
    rows.append(Row("category", tuple(model.category or None for model in models)))
    rows += [
        Row(name, tuple(_value(facts.get(name)) for facts in of_model))
        for name in SHOWN
    ]
    rows.append(Row("verdict", tuple(model.verdict for model in models)))  # type: ignore[attr-defined]
    return [row for row in rows if any(cell is not None for cell in row.cells)]


def _value(fact: Fact | None) -> Any:
    return None if fact is None else fact.value


def _insides(models: Sequence[RegisteredModel]) -> list[Row]:
    """Return config and tokenizer as the stored sketches have them."""
    sketches = [stored_sketch(model) for model in models]
    known = [sketch for sketch in sketches if sketch is not None]
    if len(known) < 2:
        return []
    keys = dict.fromkeys(key for sketch in known for key in sketch.config)
    rows = [
        Row(key, tuple(s.config.get(key) if s else None for s in sketches))
        for key in keys
    ]
    tokens = tuple(s.tokenizer if s else None for s in sketches)
    return [*rows, Row(TOKENIZER, tokens)] if any(tokens) else rows


def _cones(models: Sequence[RegisteredModel], sight: Sight) -> Cones:
    """Return, of two models or more, every derivation above each."""
    if len(models) < 2:
        return {}
    scope = Scope(sight=sight)
    return {model.pk: queries.edges_above(model.pk, scope) for model in models}


def _common(cones: Cones, layers: frozenset[Layer]) -> list[Common]:
    """Return the nearest ancestors of all models; a model counts as its own."""
    if not cones:
        return []
    distances = []
    for pk, edges in cones.items():
        steps = walks.steps((e.child, e.parent) for e in edges if e.layer in layers)
        distances.append(walks.hops(pk, steps))
    shared = set.intersection(*(set(hops) for hops in distances))
    nearest = sorted(shared, key=lambda pk: (sum(hops[pk] for hops in distances), pk))
    kept = nearest[:MAX_ANCESTORS]
    rows = RegisteredModel.objects.select_related("organization").in_bulk(kept)
    return [Common(rows[pk], tuple(hops[pk] for hops in distances)) for pk in kept]
