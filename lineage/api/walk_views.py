"""Endpoints that walk the lineage: parents to descendants, roots and paths."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage import documents, queries, walks
from lineage.api import shapes
from lineage.api.pagination import page_of_nodes
from lineage.api.params import PathParams, WalkParams
from lineage.api.views import find_model
from lineage.queries import Edge, Scope
from registry.models import RegisteredModel

MAX_PATHS = 100


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
        edges = _edges(model.pk, params.scope, upwards=self.upwards)
        distance = walks.hops(model.pk, _steps(edges, upwards=self.upwards))
        reached = [
            (hops, node)
            for node, hops in distance.items()
            if hops and (depth is None or hops <= depth)
        ]
        page = page_of_nodes(reached, limit=given["limit"], cursor=given["cursor"])
        shown = {model.pk: 0} | {node: hops for hops, node in page.rows}
        nodes, among = documents.drawing(shown, edges)
        listed = page.as_json(request, nodes[1:], nodes=nodes, edges=among)
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
        edges = queries.edges_above(model.pk, params.scope)
        upwards = _steps(edges, upwards=True)
        distance = walks.hops(model.pk, upwards)
        reached = [(distance[node], node) for node in walks.roots(model.pk, upwards)]
        page = page_of_nodes(reached, limit=given["limit"], cursor=given["cursor"])
        shown = {node: hops for hops, node in page.rows}
        nodes, among = documents.drawing(shown, edges)
        return Response(page.as_json(request, nodes, nodes=nodes, edges=among))


class Subtree(APIView):
    """What has come of a model, counted."""

    @extend_schema(parameters=[WalkParams], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Return {"total", "by_category": {category: count}} of all descendants."""
        params = WalkParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        below = queries.descendants(find_model(slug).pk, params.scope)
        rows = RegisteredModel.objects.filter(pk__in=below)
        categories = Counter(
            category or kind for category, kind in rows.values_list("category", "kind")
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
        paths, edges = _paths(start.pk, end.pk, params.scope)
        hops = {node: i for path in paths for i, node in enumerate(path)}
        nodes, among = documents.drawing(hops, edges)
        slug_of = dict(zip(hops, (node["slug"] for node in nodes), strict=True))
        named = [[slug_of[node] for node in path] for path in paths]
        return Response({"paths": named, "nodes": nodes, "edges": among})


def _paths(start: int, end: int, scope: Scope) -> tuple[list[list[int]], list[Edge]]:
    """Return the shortest paths and the edges walked, up first and then down."""
    if start == end:
        return [[start]], []
    for upwards in (True, False):
        edges = _edges(start, scope, upwards=upwards)
        steps = _steps(edges, upwards=upwards)
        if found := walks.shortest_paths(start, end, steps, at_most=MAX_PATHS):
            return found, edges
    return [], []
