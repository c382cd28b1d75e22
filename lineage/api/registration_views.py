"""Endpoints for what has no weights: wrappers, products and tools."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import (
    APIException,
    NotFound,
    PermissionDenied,
    ValidationError,
)
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage import documents
from lineage.api import shapes
from lineage.api.views import find_model
from lineage.hearing import verdict_for
from registry.api.auth import sight_of_request
from registry.description import Description, Evidence
from registry.models import ApiToken, Organization, RegisteredModel, Revision
from registry.permissions import can_push
from registry.services.registrations import (
    HasWeights,
    Registration,
    RegistrationRefused,
    address_from,
    describe_again,
    register,
    usual_relation,
    without_weights,
)
from registry.services.revisions import CommitConflict, CommitRefused, NameTaken
from registry.vocabulary import Category, Kind, Relation


class Conflict(APIException):
    """The state of the register stands against it."""

    status_code = 409


class Registrations(APIView):
    """Entries without weights that the token's organisation has registered."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses=shapes.ModelListShape)
    def get(self, request: Request) -> Response:
        """Return the organisation's entries without weights, by name."""
        models = without_weights(_token(request).organization)
        sight, slugs = sight_of_request(request), models.values_list("slug", flat=True)
        rows = [find_model(slug, sight) for slug in slugs]
        listed = {
            "total": len(rows),
            "truncated": False,
            "truncated_reason": None,
            "next": None,
            "results": [documents.model_row(model) for model in rows],
        }
        return Response(listed)

    @extend_schema(
        request=shapes.NewRegistrationShape, responses={201: shapes.ModelDetailShape}
    )
    def post(self, request: Request) -> Response:
        """Register a wrapper, a product or a tool; the verdict comes with the answer.

        Needs a token that may push. Without `organization` it is the token's. Each
        of `parents` is an id as in a model card; `relation` follows from `category`
        or `kind` where it is left out.
        """
        given = _read(shapes.NewRegistrationShape, request)
        team = _team(request, given.get("organization", ""))
        address = given.get("address") or address_from(given["name"])
        entry = _entry(given)
        try:
            revision = register(
                team,
                address=address,
                entry=entry,
                by=_token(request).user,
                private=given["private"],
            )
        except DjangoValidationError as error:
            raise ValidationError({"address": error.messages}) from error
        except NameTaken as error:
            raise Conflict(str(error)) from error
        except (CommitRefused, RegistrationRefused) as error:
            raise _refusal(error) from error
        return Response(_document(revision, request), status=201)


class RegistrationDetail(APIView):
    """One entry without weights."""

    permission_classes = [IsAuthenticated]

    @extend_schema(request=shapes.RegistrationShape, responses=shapes.ModelDetailShape)
    def put(self, request: Request, slug: str) -> Response:
        """Describe an entry anew, in full; what it was stays in its history.

        With `revision`, only while the entry stands there, else 409.
        """
        model = _own(request, slug)
        given = _read(shapes.RegistrationShape, request)
        try:
            revision = describe_again(
                model,
                entry=_entry(given),
                by=_token(request).user,
                parent_commit=given.get("revision") or None,
            )
        except CommitConflict as error:
            raise Conflict(str(error)) from error
        except HasWeights as error:
            why = _("Push its README.md to change what it declares.")
            raise Conflict(why) from error
        except (CommitRefused, RegistrationRefused) as error:
            raise _refusal(error) from error
        return Response(_document(revision, request))


def _token(request: Request) -> ApiToken:
    """Return the token of a request that has passed the permission classes."""
    token: Any = request.auth
    found: ApiToken = token
    return found


def _read(shape: Any, request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    given: dict[str, Any] = body.validated_data
    return given


def _team(request: Request, slug: str) -> Organization:
    """Return the organisation that the token may write; raises PermissionDenied."""
    token = _token(request)
    named = Organization.objects.named(slug).first() if slug else token.organization
    if named is None or not can_push(token.user, named, token=token):
        raise PermissionDenied(_("This token may not register models there."))
    return named


def _own(request: Request, slug: str) -> RegisteredModel:
    """Return an entry of the token's organisation; raises PermissionDenied."""
    model: RegisteredModel = find_model(slug, sight_of_request(request))
    team = model.organization
    if model.origin != RegisteredModel.Origin.TEAM or team is None:
        raise NotFound(_("No team has registered this entry."))
    token = _token(request)
    if not can_push(token.user, team, token=token):
        raise PermissionDenied(_("This token may not change this entry."))
    return model


def _entry(given: dict[str, Any]) -> Registration:
    kind = Kind(given["kind"])
    category = Category(given["category"]) if given.get("category") else None
    usual = usual_relation(kind, category)
    return Registration(
        description=Description(
            kind=kind,
            name=given["name"],
            name_zh=given.get("name_zh", ""),
            released=given.get("released", ""),
            homepage=given.get("homepage", ""),
            contribution=given.get("contribution", ""),
            evidence=tuple(
                Evidence(parent["id"], link["url"], link["title"])
                for parent in given["parents"]
                for link in parent.get("evidence", ())
            ),
        ),
        category=category,
        bases=tuple(
            (parent["id"], Relation(parent.get("relation") or usual))
            for parent in given["parents"]
        ),
    )


def _refusal(error: Exception) -> ValidationError:
    field = error.field if isinstance(error, RegistrationRefused) else "registration"
    return ValidationError({field: [str(error)]})


def _document(revision: Revision, request: Request) -> dict[str, Any]:
    sight = sight_of_request(request)
    model = find_model(revision.model.slug, sight)
    shown = verdict_for(request.user, model, model.head, sight, token=_token(request))
    return documents.model_document(model, shown, sight)
