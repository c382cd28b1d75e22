"""One's own tokens in the organisation that a token administers."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api import shapes
from registry.api.auth import administrator_of
from registry.api.lists import whole_list
from registry.models import ApiToken
from registry.models.organizations import ApiTokenQuerySet
from registry.services.organizations import create_token, revoke_token


class TokenInput(serializers.Serializer[Any]):
    """What a token is made of."""

    name = serializers.CharField(max_length=80)
    scope = serializers.ChoiceField(choices=ApiToken.Scope.choices, default="push")
    expires = serializers.DateTimeField(default=None, allow_null=True)

    def validate_expires(self, value: Any) -> Any:
        """Return the moment; raises ValidationError for one that has passed."""
        if value is not None and value <= timezone.now():
            raise ValidationError("this moment has passed")
        return value


class TokenList(APIView):
    """One's tokens in the organisation of the token that asks."""

    @extend_schema(operation_id="tokens_list", responses=shapes.TokenListShape)
    def get(self, request: Request) -> Response:
        """Return the tokens that are not revoked; secrets are never shown again."""
        results = [_document(found) for found in _own(request).order_by("-id")]
        return Response(whole_list(results, total=len(results)))

    @extend_schema(request=TokenInput, responses={201: shapes.NewTokenShape})
    def post(self, request: Request) -> Response:
        """Make a token and return it with its secret, this once."""
        asking = administrator_of(request)
        given = TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        made, key = create_token(
            user=asking.user,
            organization=asking.organization,
            name=given.validated_data["name"],
            scope=given.validated_data["scope"],
            expires_at=given.validated_data["expires"],
        )
        return Response(_document(made) | {"secret": key}, status=201)


class TokenDetail(APIView):
    """One of one's tokens."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke the token; the one that asks may be revoked too."""
        asking = administrator_of(request)
        revoke_token(get_object_or_404(_own(request), pk=pk), by=asking.user)
        return Response(status=204)


def _own(request: Request) -> ApiTokenQuerySet:
    asking = administrator_of(request)
    tokens = ApiToken.objects.filter(revoked_at=None, user=asking.user)
    return tokens.filter(organization=asking.organization)


def _document(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "prefix": token.prefix,
        "scope": token.scope,
        "organization": token.organization.slug,
        "created": token.created_at,
        "expires": token.expires_at,
        "last_used": token.last_used_at,
    }
