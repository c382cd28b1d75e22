"""Lists with an exact total and cursors that stay put while rows are added."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from lineage.walks import Reached
from registry.models import RegisteredModel

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

Position = tuple[str | int, int]

_NO_CURSOR = ValidationError({"cursor": "this is no cursor of this list"})


def encode_cursor(position: Position) -> str:
    """Return the opaque text of a position (value, id) in an ordered list."""
    content = json.dumps(position, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *, kind: type[str] | type[int]) -> Position:
    """Return the position in a cursor; raises ValidationError for any other text."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value, key = json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise _NO_CURSOR from error
    is_of_kind = type(value) is kind and type(key) is int
    if not is_of_kind or not all(map(_is_storable, (value, key))):
        raise _NO_CURSOR
    return value, key


def _is_storable(part: str | int) -> bool:
    """Return whether both databases can compare a column with the part."""
    if isinstance(part, int):
        return abs(part) < 2**63
    return part.isprintable()


@dataclass(frozen=True)
class Page:
    """A slice of a list, the total of the whole, and the position it ends at.

    `end` is None on the last page.
    """

    rows: list[Any]
    total: int
    end: Position | None

    def as_json(
        self, request: Request, results: list[Any], **more: Any
    ) -> dict[str, Any]:
        """Return the list object of the API; `next` is a full address or null."""
        return {
            "total": self.total,
            "truncated": False,
            "truncated_reason": None,
            "next": self._next_address(request),
            "results": results,
            **more,
        }

    def _next_address(self, request: Request) -> str | None:
        if self.end is None:
            return None
        query = request.query_params.copy()
        query["cursor"] = encode_cursor(self.end)
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def page_of_models(
    models: QuerySet[RegisteredModel], *, ordering: str, limit: int, cursor: str
) -> Page:
    """Return a page of entries ordered by a column that is never null, then by id."""
    column = ordering.removeprefix("-")
    is_descending = ordering.startswith("-")
    ordered = models.order_by(ordering, "-id" if is_descending else "id")
    if cursor:
        kind = int if column in {"n_params", "id"} else str
        value, key = decode_cursor(cursor, kind=kind)
        way = "lt" if is_descending else "gt"
        ordered = ordered.filter(
            Q(**{f"{column}__{way}": value}) | Q(**{column: value, f"id__{way}": key})
        )
    rows = list(ordered[: limit + 1])
    last = rows[limit - 1] if len(rows) > limit else None
    end = (getattr(last, column), last.pk) if last is not None else None
    return Page(rows=rows[:limit], total=models.count(), end=end)


def page_by_id(rows: QuerySet[Any], *, limit: int, cursor: str) -> Page:
    """Return a page of rows, those with the largest id first."""
    ordered = rows.order_by("-id")
    if cursor:
        _, key = decode_cursor(cursor, kind=int)
        ordered = ordered.filter(id__lt=key)
    found = list(ordered[: limit + 1])
    end = (0, found[limit - 1].pk) if len(found) > limit else None
    return Page(rows=found[:limit], total=rows.count(), end=end)


def page_of_reached(reached: Reached, *, limit: int, cursor: str) -> Page:
    """Return a page of (hops, id) pairs, in the order in which they were reached."""
    first = _place_after(reached, decode_cursor(cursor, kind=int)) if cursor else 0
    end = first + limit
    rows = reached.pairs(first, end)
    return Page(rows, total=len(reached), end=rows[-1] if end < len(reached) else None)


def _place_after(reached: Reached, position: Position) -> int:
    hops, key = position
    first, end = (reached.hops.searchsorted(hops, side) for side in ("left", "right"))
    return int(first + reached.ids[first:end].searchsorted(key, "right"))
