"""The list object of the API."""

from __future__ import annotations

from typing import Any


def whole_list(results: list[dict[str, Any]], *, total: int) -> dict[str, Any]:
    """Return the list object of the API for a list that has one page only."""
    is_cut = total > len(results)
    return {
        "total": total,
        "truncated": is_cut,
        "truncated_reason": f"only the first {len(results)}" if is_cut else None,
        "next": None,
        "results": results,
    }
