"""What signed statements are checked with and read by: public keys and a schema."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse

from registry import signing
from registry.attest import predicate_schema

KEYS: Final = "application/jwk-set+json"
SCHEMA: Final = "application/schema+json"


def signing_keys(request: HttpRequest) -> JsonResponse:
    """Return the JWK set of every key that this register signs or has signed with."""
    return JsonResponse(signing.public_keys(), content_type=KEYS)


def predicate(request: HttpRequest) -> HttpResponse:
    """Return the schema of the predicate, at the address that is its type."""
    return HttpResponse(predicate_schema(), content_type=SCHEMA)
