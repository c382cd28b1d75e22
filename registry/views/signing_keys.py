"""The public keys that signed statements are checked with."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, JsonResponse

from registry import signing

MEDIA_TYPE: Final = "application/jwk-set+json"


def signing_keys(request: HttpRequest) -> JsonResponse:
    """Return the JWK set of every key that this register signs or has signed with."""
    return JsonResponse(signing.public_keys(), content_type=MEDIA_TYPE)
