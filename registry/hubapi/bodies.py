"""Reading what clients send, within bounds and without trusting it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from registry import paths
from registry.hubapi.errors import HubError, TooLarge

# Base64 makes four bytes of three; the rest is the path and the punctuation.
LINE_BYTES_BESIDE_CONTENT = 64 * 1024


def read_json(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body; raises HubError for anything else."""
    return parse_object(request.body)


def read_lines(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a body with one in each line.

    One line is in memory at a time. Raises HubError for a line that is no object
    and TooLarge for one that is longer than an inline file can make it.
    """
    longest = settings.MAX_INLINE_BYTES * 4 // 3 + LINE_BYTES_BESIDE_CONTENT
    while line := request.readline(longest + 1):
        if len(line) > longest:
            raise TooLarge(
                f"a file sent inside the commit is larger than "
                f"{settings.MAX_INLINE_BYTES} bytes; push it again as a large file"
            )
        if line.strip():
            yield parse_object(line)


def parse_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object that these bytes are; raises HubError."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HubError("the body is not valid JSON") from error
    if not isinstance(value, dict):
        raise HubError("the body must be a JSON object")
    return value


def text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """Return a member that must be text which a database can hold.

    Raises HubError for another type, NUL, unpaired surrogates, or a missing member
    without default.
    """
    value = body.get(name)
    if value is None:
        value = default
    if not isinstance(value, str):
        raise HubError(f"{name!r} must be text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise HubError(f"{name!r} is not valid Unicode") from error
    if "\x00" in value:
        raise HubError(f"{name!r} holds a NUL character")
    return value


def size(body: dict[str, Any], name: str = "size") -> int:
    """Return a member that must be a number of bytes; raises HubError."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise HubError(f"{name!r} must be a number of bytes")
    return value


def objects(body: dict[str, Any], name: str, *, at_most: int) -> list[dict[str, Any]]:
    """Return a member that must be a list of objects; raises HubError, TooLarge."""
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise HubError(f"{name!r} must be a list of objects")
    if len(value) > at_most:
        raise TooLarge(f"{name!r} may name {at_most} at a time")
    return value


def path(body: dict[str, Any]) -> str:
    """Return the member 'path', which can stand in a model; raises HubError."""
    return _checked(body, paths.check)


def place(body: dict[str, Any]) -> str:
    """Return the member 'path', of whatever format the file is; raises HubError."""
    return _checked(body, paths.check_place)


def _checked(body: dict[str, Any], check: Callable[[str], None]) -> str:
    value = text(body, "path")
    try:
        check(value)
    except paths.PathRefused as error:
        raise HubError(f"{value!r}: {error}") from error
    return value
