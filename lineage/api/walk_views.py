"""Endpoints that walk the lineage: parents to descendants, roots and paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage import queries, walks
from lineage.api import documents, shapes
from lineage.api.pagination import page_of_nodes
from lineage.api.params import PathParams, WalkParams
from lineage.api.views import find_model
from lineage.models import Derivation
from lineage.queries import Edge, Scope
from registry.models import RegisteredModel

MAX_PATHS = 100


def reach(model_id: int, scope: Scope, *, upwards: bool) -> dict[int, int]:
    """Return the hops to everything above or below a model, without itself."""
    way = _edges(model_id, scope, upwards=upwards)
    distance = walks.hops(model_id, _steps(way, upwards=upwards))
    del distance[model_id]
    return distance


def _edges(model_id: int, scope: Scope, *, upwards: bool) -> list[Edge]:
    if upwards:
        return queries.edges_above(model_id, scope)
    return queries.edges_below(model_id, scope)


def _steps(edges: list[Edge], *, upwards: bool) -> walks.Steps:
    if upwards:
        return walks.steps((edge.child, edge.parent) for edge in edges)
    return walks.steps((edge.parent, edge.child) for edge in edges)


class Walk(APIView):
    """Models reached from one model along its derivations, nearest first."""

    upwards: ClassVar[bool] = True
    depth: ClassVar[int | None] = None

    @extend_schema(parameters=[WalkParams], responses=shapes.LineageShape)
    def get(self, request: Request, slug: str) -> Response:
        """Return a page of nodes and the derivations among them and the model."""
        params = WalkParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        given, model = params.validated_data, find_model(slug)
        depth = self.depth or given.get("depth")
        distance = reach(model.pk, params.scope, upwards=self.upwards)
        reached = [
            (hops, node)
            for node, hops in distance.items()
            if depth is None or hops <= depth
        ]
        page = page_of_nodes(reached, limit=given["limit"], cursor=given["cursor"])
        shown = {model.pk: 0} | {node: hops for hops, node in page.rows}
        nodes, edges = _drawing(shown, params.scope)
        listed = page.as_json(request, nodes[1:], nodes=nodes, edges=edges)
        return Response(listed)


class Parents(Walk):
    """The models that a model comes from directly."""

    depth = 1


class Children(Walk):
    """The models that come from a model directly."""

    upwards = False
    depth = 1


class Ancestors(Walk):
    """Everything a model comes from."""


class Descendants(Walk):
    """Everything that comes from a model."""

    upwards = False


class Roots(APIView):
    """Where a lineage begins."""

    @extend_schema(parameters=[WalkParams], responses=shapes.LineageShape)
    def get(self, request: Request, slug: str) -> Response:
        """Return the ancestors without parents; a model without parents is its own."""
        params = WalkParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        given, model = params.validated_data, find_model(slug)
        upwards = _steps(queries.edges_above(model.pk, params.scope), upwards=True)
        distance = walks.hops(model.pk, upwards)
        reached = [(distance[node], node) for node in walks.roots(model.pk, upwards)]
        page = page_of_nodes(reached, limit=given["limit"], cursor=given["cursor"])
        shown = {node: hops for hops, node in page.rows}
        nodes, edges = _drawing(shown, params.scope)
        return Response(page.as_json(request, nodes, nodes=nodes, edges=edges))


class Subtree(APIView):
    """What has come of a model, counted."""

    @extend_schema(parameters=[WalkParams], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Return {"total", "by_category": {category: count}} of all descendants."""
        params = WalkParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        below = queries.descendants(find_model(slug).pk, params.scope)
        categories = Counter(
            model.category or model.kind
            for model in RegisteredModel.objects.filter(pk__in=below)
        )
        return Response({"total": len(below), "by_category": dict(categories)})


class Path(APIView):
    """How two models are connected."""

    @extend_schema(parameters=[PathParams], responses=shapes.PathShape)
    def get(self, request: Request) -> Response:
        """Return the shortest paths from a model to its ancestor or descendant.

        Each path begins at `from`. No path is an empty list, not an error.
        """
        params = PathParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        given = params.validated_data
        start, end = find_model(given["from"]), find_model(given["to"])
        scope = params.scope
        paths = _paths(start.pk, end.pk, scope)
        hops = {node: i for path in reversed(paths) for i, node in enumerate(path)}
        nodes, edges = _drawing(hops, scope)
        slug_of = dict(zip(hops, (node["slug"] for node in nodes), strict=True))
        named = [[slug_of[node] for node in path] for path in paths]
        return Response({"paths": named, "nodes": nodes, "edges": edges})


def _paths(start: int, end: int, scope: Scope) -> list[list[int]]:
    if start == end:
        return [[start]]
    for upwards in (True, False):
        edges = _edges(start, scope, upwards=upwards)
        steps = _steps(edges, upwards=upwards)
        if found := walks.shortest_paths(start, end, steps, at_most=MAX_PATHS):
            return found
    return []


def _drawing(
    hops: Mapping[int, int], scope: Scope
) -> tuple[list[documents.Json], list[documents.Json]]:
    """Return the nodes in the order of `hops`, and the derivations among them."""
    models = RegisteredModel.objects.in_bulk(list(hops))
    among = Derivation.objects.among(list(hops)).filter(
        layer__in=scope.layers, state__in=scope.states, relation__in=scope.relations
    )
    slugs = {key: model.slug for key, model in models.items()}
    nodes = [documents.node(models[key], distance) for key, distance in hops.items()]
    return nodes, documents.edges(among.order_by("id"), slugs)
