"""Endpoints that show models with their derivations and verdicts."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage import documents
from lineage.api import shapes
from lineage.api.pagination import page_of_models
from lineage.api.params import ModelListParams
from lineage.hearing import verdict_for
from lineage.models import with_verdict
from registry.api.auth import bearer_of, sight_of_request
from registry.fingerprint import Sketch, compare
from registry.limits import costly
from registry.models import RegisteredModel
from registry.permissions import Sight
from registry.services.fingerprints import stored_sketch

FACETS = {
    "kind": "kind",
    "category": "category",
    "family": "family",
    "architecture": "architecture",
    "organization": "organization__slug",
    "country": "organization__country",
    "license": "license",
    "verdict": "verdict",
}


def find_model(slug: str, sight: Sight) -> Any:
    """Return the entry with that slug, whatever its case, with its `verdict`.

    Raises NotFound, also for a private one that is not seen.
    """
    seen = RegisteredModel.objects.with_slug(slug).filter(sight.allows())
    models = with_verdict(seen)
    found = models.select_related("organization", "head", "removal__by").first()
    if found is None:
        raise _not_registered(slug)
    return found


def find_id(slug: str, sight: Sight) -> int:
    """Return the id of the entry with that slug, whatever its case.

    Raises NotFound, also for a private one that is not seen.
    """
    seen = RegisteredModel.objects.with_slug(slug).filter(sight.allows())
    found = seen.values_list("pk", flat=True).first()
    if found is None:
        raise _not_registered(slug)
    return found


def _not_registered(slug: str) -> NotFound:
    return NotFound(f"No model is registered under {slug!r}.")


class ModelList(APIView):
    """All registered models, products and tools."""

    @extend_schema(
        operation_id="models_list",
        parameters=[ModelListParams],
        responses=shapes.ModelListShape,
    )
    def get(self, request: Request) -> Response:
        """Return a page of entries that every given filter lets through."""
        params = ModelListParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        seen = params.models(sight_of_request(request))
        models = with_verdict(seen).select_related("organization")
        page = page_of_models(
            models,
            ordering=params.column,
            limit=params.validated_data["limit"],
            cursor=params.validated_data["cursor"],
        )
        results = [documents.model_row(model) for model in page.rows]
        return Response(page.as_json(request, results))


class ModelFacets(APIView):
    """How many models each value of each filter holds."""

    @extend_schema(parameters=[ModelListParams], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Return {filter: {value: count}} for the entries let through."""
        params = ModelListParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        ids = params.models(sight_of_request(request)).values("id")
        models = with_verdict(RegisteredModel.objects.filter(id__in=ids))
        return Response({name: _counts(models, col) for name, col in FACETS.items()})


def _counts(models: Any, column: str) -> dict[str, int]:
    rows = models.order_by().values_list(column).annotate(n=Count("id", distinct=True))
    return {value: n for value, n in rows.order_by("-n", column) if value}


class ModelDetail(APIView):
    """One entry."""

    @extend_schema(responses=shapes.ModelDetailShape)
    def get(self, request: Request, slug: str) -> Response:
        """Return facts, sources, derivations, files, declaration, job and verdict.

        A verdict that waits for its team's answer is shown to the team alone.
        """
        sight, token = sight_of_request(request), bearer_of(request)
        model = find_model(slug, sight)
        shown = verdict_for(request.user, model, model.head, sight, token=token)
        response = Response(documents.model_document(model, shown, sight))
        patch_vary_headers(response, ["Authorization"])
        return response


@costly
class ModelCompare(APIView):
    """Two models compared from their stored sketches."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, other: str) -> Response:
        """Return the engine's comparison of `slug` (a) with `other` (b)."""
        sight = sight_of_request(request)
        a, b = find_model(slug, sight), find_model(other, sight)
        comparison = compare(_sketch(a), _sketch(b), names=(a.slug, b.slug))
        return Response(comparison.to_json())


def _sketch(model: RegisteredModel) -> Sketch:
    sketch = stored_sketch(model)
    if sketch is None:
        raise NotFound(f"The register holds no fingerprint of {model.slug}.")
    return sketch
