"""The endpoint of what is near a model, in every form that programs read."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage import documents, indexing, queries
from lineage.api import shapes
from lineage.api.params import GraphParams
from lineage.api.views import find_id
from lineage.drawings import Drawing
from lineage.ego import ego_of
from lineage.exports import Entry, Extract, as_cyclonedx, as_dot, as_graphml
from lineage.graph import Node, draw
from registry.api.auth import sight_of_request
from registry.limits import costly

# More chips than this are no picture that anybody can read.
MAX_DRAWN = 500
# The drawing brings its colours along, and no script.
DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
TEXTS: dict[str, tuple[Callable[[Extract], str], str, str]] = {
    "graphml": (as_graphml, "application/graphml+xml; charset=utf-8", "graphml"),
    "dot": (as_dot, "text/vnd.graphviz; charset=utf-8", "dot"),
    "cyclonedx": (
        as_cyclonedx,
        "application/vnd.cyclonedx+json; version=1.6",
        "cdx.json",
    ),
}


@costly
class Graph(APIView):
    """What is near a model."""

    @extend_schema(
        parameters=[GraphParams],
        responses={
            (200, "application/json"): shapes.GraphShape,
            (200, "application/graphml+xml"): OpenApiTypes.STR,
            (200, "text/vnd.graphviz"): OpenApiTypes.STR,
            (200, "image/svg+xml"): OpenApiTypes.STR,
            (200, "application/vnd.cyclonedx+json"): OpenApiResponse(
                OpenApiTypes.OBJECT
            ),
        },
    )
    @indexing.one_moment()
    def get(self, request: Request) -> HttpResponse:
        """Return the models so many hops up and down, and the derivations among them.

        Where a budget of nodes or of time left something out, every form says so:
        `truncated` with its reason in JSON, `truncated_reason` in GraphML and DOT,
        a line in the drawing, the notes of the pedigree in CycloneDX. A drawing has
        at most 500 nodes. Edges of GraphML and DOT lead from parent to child.
        """
        params = GraphParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        given = params.validated_data
        form = given["as"]
        limit = min(given["limit"], MAX_DRAWN) if form == "svg" else given["limit"]
        sight = sight_of_request(request)
        scope = params.scope(sight)
        ego = ego_of(
            find_id(given["focus"], sight),
            scope,
            up=given["up"],
            down=given["down"],
            limit=limit,
        )
        edges = queries.edges_among(ego.hops, scope)
        if form == "json":
            return Response(documents.graph(ego, edges))
        extract = documents.extract(ego, edges)
        if form == "svg":
            return _drawing(request, extract)
        write, content_type, suffix = TEXTS[form]
        return HttpResponse(
            write(extract),
            content_type=content_type,
            headers={"Content-Disposition": _file_name(extract, suffix)},
        )


def _drawing(request: Request, extract: Extract) -> HttpResponse:
    picture = draw([_node(request, e) for e in extract.entries], extract.derivations)
    drawing = Drawing(picture, [], extract.focus)
    context = {
        "drawing": drawing,
        "title": extract.focus,
        "note": extract.truncated_reason,
    }
    return HttpResponse(
        render_to_string("lineage/graph.svg", context),
        content_type="image/svg+xml; charset=utf-8",
        headers={
            "Content-Disposition": _file_name(extract, "svg"),
            "Content-Security-Policy": DRAWING_POLICY,
        },
    )


def _node(request: Request, entry: Entry) -> Node:
    words = (entry.name, entry.category or entry.kind, entry.released)
    return Node(
        slug=entry.slug,
        label=entry.name,
        title=" · ".join(word for word in words if word),
        href=request.build_absolute_uri(reverse("lineage:model", args=[entry.slug])),
        released=entry.released,
        family=entry.family,
        category=entry.category,
        kind=entry.kind,
    )


def _file_name(extract: Extract, suffix: str) -> str:
    return f'inline; filename="{extract.focus}.{suffix}"'
