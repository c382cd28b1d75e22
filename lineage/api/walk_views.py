"""Endpoints that walk the lineage: parents to descendants, roots and paths.

`hops` of a model is always the length of the shortest path to it over the derivations
that the request allows.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from django.db.models import Count
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage import documents, indexing, queries, walks
from lineage.api import shapes
from lineage.api.pagination import (
    Page,
    page_of_models,
    page_of_reached,
)
from lineage.api.params import CommonParams, PathParams, SubtreeParams, WalkParams
from lineage.api.views import find_id
from lineage.queries import Scope
from lineage.walks import Reached
from registry.api.auth import sight_of_request
from registry.models import RegisteredModel

MAX_PATHS = 100


class Walk(APIView):
    """Models reached from one model along its derivations, nearest first."""

    depth: ClassVar[int | None] = None

    @extend_schema(parameters=[WalkParams], responses=shapes.LineageShape)
    @indexing.one_moment()
    def get(self, request: Request, slug: str) -> Response:
        """Return a page of nodes and the derivations among them and the model.

        `total` is exact and counts what all pages list.
        """
        params = WalkParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        sight = sight_of_request(request)
        given, scope = params.validated_data, params.scope(sight)
        start, depth = find_id(slug, sight), self.depth or given.get("depth")
        page = _page(self.walk(start, scope, depth), given)
        listed = {node: hops for hops, node in page.rows}
        shown = {start: 0} | listed
        edges = queries.edges_among(shown, scope)
        nodes, among = documents.drawing(shown, edges)
        results = nodes if start in listed else nodes[1:]
        return Response(page.as_json(request, results, nodes=nodes, edges=among))

    def walk(self, start: int, scope: Scope, depth: int | None) -> Reached:
        """Return what the walk from a model comes to."""
        raise NotImplementedError


class Ancestors(Walk):
    """Everything a model comes from."""

    def walk(self, start: int, scope: Scope, depth: int | None) -> Reached:
        """Return what is above the model."""
        return queries.above(start, scope, depth=depth)


class Descendants(Walk):
    """Everything that comes from a model."""

    def walk(self, start: int, scope: Scope, depth: int | None) -> Reached:
        """Return what is below the model."""
        return queries.below(start, scope, depth=depth)


class Parents(Ancestors):
    """The models that a model comes from directly."""

    depth = 1


class Children(Descendants):
    """The models that come from a model directly."""

    depth = 1


class Roots(Walk):
    """Where a lineage begins: the ancestors without parents.

    A model without parents is its own root, no hop away.
    """

    def walk(self, start: int, scope: Scope, depth: int | None) -> Reached:
        """Return the roots at most so many hops away."""
        upwards = walks.steps(queries.pairs_above([start], scope))
        distance = walks.hops(start, upwards)
        roots = {node: distance[node] for node in walks.roots(start, upwards)}
        return Reached.of_hops(roots).within(depth)


def _page(reached: Reached, given: dict[str, Any]) -> Page:
    """Return the page of (hops, id) pairs that was asked for."""
    limit, cursor, ordering = given["limit"], given["cursor"], given["ordering"]
    categories = given.get("category")
    if ordering == "hops" and categories is None:
        return page_of_reached(reached, limit=limit, cursor=cursor)
    models = RegisteredModel.objects.among(reached.ids.tolist())
    if categories is not None:
        models = models.filter(category__in=categories)
    if ordering == "hops":
        kept = reached.among(set(models.values_list("pk", flat=True)))
        return page_of_reached(kept, limit=limit, cursor=cursor)
    page = page_of_models(models, ordering=ordering, limit=limit, cursor=cursor)
    shown = reached.among({model.pk for model in page.rows})
    hops = dict(zip(shown.ids.tolist(), shown.hops.tolist(), strict=True))
    rows = [(hops[model.pk], model.pk) for model in page.rows]
    return Page(rows=rows, total=page.total, end=page.end)


class Subtree(APIView):
    """What has come of a model, counted."""

    @extend_schema(parameters=[SubtreeParams], responses=shapes.SubtreeShape)
    @indexing.one_moment()
    def get(self, request: Request, slug: str) -> Response:
        """Return how many models descend from one, in all and by category."""
        params = SubtreeParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        depth = params.validated_data.get("depth")
        sight = sight_of_request(request)
        below = queries.below(find_id(slug, sight), params.scope(sight), depth=depth)
        rows = RegisteredModel.objects.among(below.ids.tolist()).order_by()
        counted = rows.values_list("category", "kind").annotate(n=Count("pk"))
        categories: Counter[str] = Counter()
        for category, kind, n in counted:
            categories[category or kind] += n
        return Response({"total": len(below), "by_category": dict(categories)})


class Path(APIView):
    """How two models are connected."""

    @extend_schema(parameters=[PathParams], responses=shapes.PathShape)
    @indexing.one_moment()
    def get(self, request: Request) -> Response:
        """Return the shortest paths from a model to its ancestor or descendant.

        Each path begins at `from`. No path is an empty list, not an error.
        """
        params = PathParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        given = params.validated_data
        sight = sight_of_request(request)
        scope = params.scope(sight)
        start, end = find_id(given["from"], sight), find_id(given["to"], sight)
        paths = _paths(start, end, scope)
        kept = paths[:MAX_PATHS]
        hops = {node: i for path in kept for i, node in enumerate(path)}
        edges = queries.edges_among(hops, scope)
        nodes, among = documents.drawing(hops, edges)
        slug_of = dict(zip(hops, (node["slug"] for node in nodes), strict=True))
        is_cut = len(paths) > len(kept)
        return Response(
            {
                "truncated": is_cut,
                "truncated_reason": f"only {MAX_PATHS} paths" if is_cut else None,
                "paths": [[slug_of[node] for node in path] for path in kept],
                "nodes": nodes,
                "edges": among,
            }
        )


def _paths(start: int, end: int, scope: Scope) -> list[list[int]]:
    """Return shortest paths, one more than are shown.

    Both ends are walked up from: below a hub there may be half the register.
    """
    for low, high in ((start, end), (end, start)):
        steps = walks.steps(queries.pairs_above([low], scope))
        if found := walks.shortest_paths(low, high, steps, at_most=MAX_PATHS + 1):
            return found if low == start else [path[::-1] for path in found]
    return []


class CommonAncestors(APIView):
    """Where the ways of several models meet."""

    @extend_schema(parameters=[CommonParams], responses=shapes.CommonListShape)
    @indexing.one_moment()
    def get(self, request: Request) -> Response:
        """Return the lowest common ancestors, nearest first.

        A common ancestor is lowest if no other one descends from it. A model counts
        as its own ancestor, so that of a model and its base is the base. `hops_from`
        has the hops from each model, `hops` their sum.
        """
        params = CommonParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        sight = sight_of_request(request)
        scope = params.scope(sight)
        asked = [find_id(slug, sight) for slug in params.validated_data["models"]]
        pairs = queries.pairs_above(asked, scope)
        upwards = walks.steps(pairs)
        distances = {pk: walks.hops(pk, upwards) for pk in asked}
        common = set.intersection(*(set(hops) for hops in distances.values()))
        lowest = walks.lowest(common, pairs)
        total = {pk: sum(hops[pk] for hops in distances.values()) for pk in lowest}
        nearest = sorted(lowest, key=lambda pk: (total[pk], pk))
        shown = dict.fromkeys(asked, 0) | {pk: total[pk] for pk in nearest}
        edges = queries.edges_among(shown, scope)
        nodes, among = documents.drawing(shown, edges)
        by_id = dict(zip(shown, nodes, strict=True))
        results = [
            by_id[pk]
            | {"hops_from": {by_id[a]["slug"]: distances[a][pk] for a in asked}}
            for pk in nearest
        ]
        page = Page(rows=nearest, total=len(nearest), end=None)
        return Response(page.as_json(request, results, nodes=nodes, edges=among))
