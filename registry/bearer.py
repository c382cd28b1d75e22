"""The token that a program sends along."""

from __future__ import annotations

from django.http import HttpRequest

from registry.models import ApiToken
from registry.services.organizations import find_token


def bearer_key(request: HttpRequest) -> str:
    """Return the secret of `Authorization: Bearer …`, or nothing without one."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def token_of(request: HttpRequest) -> ApiToken | None:
    """Return the valid token of a request, or None; it is looked up once."""
    if not hasattr(request, "bearer_token"):
        key = bearer_key(request)
        token = find_token(key) if key else None
        request.bearer_token = token  # type: ignore[attr-defined]  # for the next who asks
    found: ApiToken | None = request.bearer_token  # type: ignore[attr-defined]
    return found
