"""Who is asking: bearer tokens, and whether they may write."""

from __future__ import annotations

from django.http import HttpRequest

from registry.bearer import bearer_key, token_of
from registry.hubapi.errors import Forbidden, NotAuthenticated
from registry.models import ApiToken, Organization
from registry.permissions import PUBLIC, Sight, can_administer, can_push, sight_of


def sight_of_asker(request: HttpRequest) -> Sight:
    """Return what of private models whoever asks may see.

    Links on our pages lead to files, so that to read a session does as well as a
    token. A token that is not valid sees what everybody sees.
    """
    if "Authorization" in request.headers:
        token = token_of(request)
        return sight_of(token.user, token) if token else PUBLIC
    return sight_of(request.user) if request.method in {"GET", "HEAD"} else PUBLIC


def is_mistaken(request: HttpRequest) -> bool:
    """Return whether the request carries a token that is not valid."""
    return "Authorization" in request.headers and token_of(request) is None


def require_token(request: HttpRequest) -> ApiToken:
    """Return the valid token in the Authorization header.

    Raises NotAuthenticated without one. Cookies count for nothing here, so these
    views need no protection against forged requests.
    """
    if not bearer_key(request):
        raise NotAuthenticated("Set HF_TOKEN to a token of this register.")
    token = token_of(request)
    if token is None:
        raise NotAuthenticated(
            "This token is unknown, expired or revoked. Make a new one on the page "
            "of your organisation and set it as HF_TOKEN."
        )
    return token


def require_pusher(request: HttpRequest, organization: Organization) -> ApiToken:
    """Return a token that may write the organisation's models.

    Raises NotAuthenticated, or Forbidden with the reason.
    """
    token = require_token(request)
    if not can_push(token.user, organization, token=token):
        raise Forbidden(_reason(token, organization.slug))
    return token


def require_owner(request: HttpRequest, organization: Organization) -> ApiToken:
    """Return a token that may hide, show and remove the organisation's models.

    Raises NotAuthenticated, or Forbidden with the reason.
    """
    token = require_token(request)
    if not can_administer(token.user, organization, token=token):
        raise Forbidden(
            f"only an owner of {organization.slug} may do this, with a token of the "
            "scope 'admin' or on the page of the model's settings"
        )
    return token


def _reason(token: ApiToken, team: str) -> str:
    if token.organization.slug.lower() != team.lower():
        return (
            f"this token belongs to {token.organization.slug} and cannot write "
            f"models of {team}"
        )
    if not token.can_push:
        return "this token may only read; make one with the scope 'push'"
    return f"your role in {team} does not allow pushing; ask an owner"
