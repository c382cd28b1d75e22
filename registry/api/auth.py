"""Bearer tokens for the API."""

from __future__ import annotations

from django.contrib.auth import get_user
from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import (
    AuthenticationFailed,
    NotAuthenticated,
    PermissionDenied,
)
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from registry.bearer import token_of
from registry.models import ApiToken
from registry.permissions import PUBLIC, Sight, can_administer, sight_of


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; `request.auth` is the ApiToken."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's user and the token, or None without a header.

        Raises AuthenticationFailed for a header with no valid token.
        """
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        if scheme.lower() != "bearer":
            return None
        token = token_of(request._request)
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge that makes a refusal a 401 and not a 403."""
        return "Bearer"


def administrator_of(request: Request) -> ApiToken:
    """Return the token of a request, if it may administer its organisation.

    Raises NotAuthenticated without a token and PermissionDenied with another.
    """
    token = request.auth
    if not isinstance(token, ApiToken):
        raise NotAuthenticated("This needs a token.")
    if not can_administer(token.user, token.organization, token=token):
        raise PermissionDenied("This needs a token of an owner with the scope 'admin'.")
    return token


def bearer_of(request: Request) -> ApiToken | None:
    """Return the token of a request, or None."""
    return request.auth if isinstance(request.auth, ApiToken) else None


def person_of(request: Request) -> User:
    """Return whose token a request bears; raises NotAuthenticated without one."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def sight_of_request(request: Request) -> Sight:
    """Return what of private models whoever asks may see.

    Links on our pages lead to the API, so that to read a session does as well as a
    token. For everything else it is nobody's.
    """
    if isinstance(request.auth, ApiToken):
        return sight_of(request.user, request.auth)
    if request.method not in SAFE_METHODS:
        return PUBLIC
    return sight_of(get_user(request._request))
