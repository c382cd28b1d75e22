"""What the register counts, drawn; every number also stands in a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from lineage import charts, queries
from lineage.queries import Scope
from registry.facts import compute_of
from registry.models import RegisteredModel
from registry.templatetags.words import own_name
from registry.vocabulary import (
    CATEGORY_HEADLINE,
    FROM_SCRATCH,
    WEIGHT_LAYERS,
    Category,
    Kind,
)

MOST_BASES: Final = 15
SIDES: Final = ("from-scratch", "derived")

Models = list[RegisteredModel]
Values = list[tuple[RegisteredModel, float]]


def statistics(request: HttpRequest) -> HttpResponse:
    """Show base against derived, the bases most built on, tokens and compute.

    Of the catalog, whose every number has a source.
    """
    known = RegisteredModel.objects.from_catalog().filter(kind=Kind.MODEL)
    models = list(known.exclude(category="").order_by("released", "id"))
    by_year = _by_year(models)
    carried = _carried()
    drawn = charts.rows({model.slug: n for model, n in carried})
    tokens = [(m, float(m.facts["tokens"])) for m in models if m.facts.get("tokens")]
    compute = [(m, flops) for m in models if (flops := compute_of(m))]
    context = {
        "n": len(models),
        "n_dated": sum(sum(sides.values()) for sides in by_year.values()),
        "sides": SIDES,
        "by_year": by_year,
        "columns": charts.stacked_columns(by_year),
        "carried": carried,
        "rows": drawn,
        "row_labels": [
            (model.slug, own_name(model), y)
            for (model, _), (_, y) in zip(carried, drawn.labels, strict=True)
        ],
        "figures": [
            _figure(name, values)
            for name, values in (("tokens", tokens), ("compute", compute))
            if values
        ],
    }
    return render(request, "lineage/statistics.html", context)


def _figure(name: str, values: Values) -> tuple[Any, ...]:
    """Return a figure's name, its drawing, its dots with names, and its table."""
    drawn = charts.log_strips(_by_category(values))
    names = {model.slug: own_name(model) for model, _ in values}
    dots = [(dot, names[dot.key]) for dot in drawn.dots]
    return name, drawn, dots, sorted(values, key=lambda item: -item[1])


def _by_year(models: Models) -> dict[str, dict[str, int]]:
    """Return, from the first year to the last, how many were made which way."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for model in models:
        if model.released:
            is_own = Category(model.category) in FROM_SCRATCH
            counts[model.released[:4]][SIDES[0] if is_own else SIDES[1]] += 1
    if not counts:
        return {}
    years = range(int(min(counts)), int(max(counts)) + 1)
    return {str(y): {side: counts[str(y)][side] for side in SIDES} for y in years}


def _carried() -> list[tuple[RegisteredModel, int]]:
    """Return the models from scratch with the most that carry their weights on.

    Exact for those with the most children, among which the first are sought.
    """
    scope = Scope(layers=WEIGHT_LAYERS)
    direct = Q(
        scope.sight.allows("derivatives__child"),
        derivatives__layer__in=scope.layers,
        derivatives__state__in=scope.states,
    )
    bases = RegisteredModel.objects.from_catalog().filter(category__in=FROM_SCRATCH)
    likely = bases.annotate(n=Count("derivatives", filter=direct)).filter(n__gt=0)
    counted = [
        (model, len(queries.descendants(model.pk, scope)))
        for model in likely.order_by("-n", "id")[: 2 * MOST_BASES]
    ]
    return sorted(counted, key=lambda item: (-item[1], item[0].pk))[:MOST_BASES]


def _by_category(values: Values) -> dict[str, list[tuple[str, float]]]:
    """Return the values by headline category, the categories in their usual order."""
    found: dict[Category, list[tuple[str, float]]] = defaultdict(list)
    for model, value in sorted(values, key=lambda item: item[1]):
        headline = CATEGORY_HEADLINE[Category(model.category)]
        found[headline].append((model.slug, value))
    return {category: found[category] for category in Category if category in found}
