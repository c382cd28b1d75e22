"""Bytes as text and objects as bytes, read strictly: the input is a stranger's."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from registry.attest.errors import Unreadable


def to_base64(data: bytes) -> str:
    """Return bytes in the standard alphabet, padded."""
    return base64.b64encode(data).decode()


def to_base64url(data: bytes) -> str:
    """Return bytes in the alphabet of addresses, without padding, as JWK wants."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64(text: object, what: str) -> bytes:
    """Return the bytes of either alphabet, padded or not; raises Unreadable."""
    if not isinstance(text, str):
        raise Unreadable(f"{what} is not text.")
    standard = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        padded = standard + "=" * (-len(standard) % 4)
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable(f"{what} is not base64.") from error


def canonical(document: dict[str, Any]) -> bytes:
    """Return a JSON object as the same bytes every time: keys sorted, no blanks.

    Raises ValueError for NaN and infinity.
    """
    text = json.dumps(
        document,
        allow_nan=False,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    )
    return text.encode()


def parse_object(data: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in UTF-8 bytes; raises Unreadable for anything else."""
    try:
        document = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{what} is not JSON.") from error
    if not isinstance(document, dict):
        raise Unreadable(f"{what} is not a JSON object.")
    return document
