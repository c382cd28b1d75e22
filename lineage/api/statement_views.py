"""Endpoints of signed statements."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage.api import shapes
from lineage.api.views import find_model
from lineage.attestations import NothingToSign, envelope_of
from lineage.models import Verification, VerificationQuerySet
from registry.api.auth import sight_of_request
from registry.attest import MEDIA_TYPE
from registry.permissions import Sight

ANSWERS: Final = {(200, MEDIA_TYPE): OpenApiResponse(shapes.EnvelopeShape)}


class VerificationStatement(APIView):
    """A verdict as a signed statement."""

    @extend_schema(responses=ANSWERS)
    def get(self, request: Request, pk: int) -> Response:
        """Return the DSSE envelope of one verdict, superseded or not.

        A superseded one names its successor. Public keys:
        `/.well-known/baimo-signing-keys.json`.
        """
        sight = sight_of_request(request)
        found = Verification.objects.public().filter(pk=pk).visible_to(sight)
        return _signed(found, "There is no such verdict.", sight)


class ModelStatement(APIView):
    """A model's current verdict as a signed statement."""

    @extend_schema(responses=ANSWERS)
    def get(self, request: Request, slug: str) -> Response:
        """Return the DSSE envelope of the newest verdict on the current revision."""
        sight = sight_of_request(request)
        model = find_model(slug, sight)
        newest = Verification.objects.current().filter(revision=model.head_id)
        otherwise = f"There is no verdict on {model.slug} yet."
        return _signed(newest.public(), otherwise, sight)


def _signed(found: VerificationQuerySet, otherwise: str, sight: Sight) -> Response:
    verification = (
        found.with_models().select_related("compared_revision").order_by("-pk").first()
    )
    if verification is None:
        raise NotFound(otherwise)
    try:
        envelope = envelope_of(verification, sight)
    except NothingToSign as error:
        raise NotFound("The revision holds no file to speak of.") from error
    return Response(envelope.to_json(), content_type=MEDIA_TYPE)
