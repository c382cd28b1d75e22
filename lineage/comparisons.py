"""Reading the engine's comparisons: what was seen, and how strongly. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

Comparison = Mapping[str, Any]  # the object of the engine's compare

# In a comparison a is the other model and b the revision: the other is the child.
REVERSED: Final = "b->a"
COPIES: Final = frozenset({"identical", "renamed", "permuted", "noised"})
COMMON_START: Final = "common-initialisation"
SIBLINGS: Final = "siblings"
# The engine's codes for comparisons that stay open though something was seen.
SEEN: Final = frozenset(
    {"start-or-descent", "half-kept", "equal-norms", "few-equal-matrices"}
)
BORDERLINE: Final = "borderline"


def corrected(comparison: Comparison, n_scanned: int) -> Comparison:
    """Return a comparison out of a scan with p corrected for all comparisons in it.

    Bonferroni: p times their number. An item of evidence says so.
    """
    log10_p = comparison["log10_p"]
    if log10_p is None or n_scanned < 2:
        return comparison
    paid = round(min(0.0, log10_p + math.log10(n_scanned)), 4)
    item = {
        "kind": "corrected-p",
        "value": n_scanned,
        "text": f"The p-value is corrected for all {n_scanned} models compared.",
        "log10_p_alone": log10_p,
    }
    evidence = [*comparison.get("evidence", ()), item]
    return {**comparison, "log10_p": paid, "p_value": 10**paid, "evidence": evidence}


def likeness(comparison: Comparison) -> float:
    """Return the least log10 p of all tests in a comparison, 0 where there is none.

    Also of one that stays open, and so has no p-value of its own.
    """
    items = comparison.get("evidence", ())
    tests = [item["log10_p"] for item in items if "log10_p" in item]
    return min(tests, default=0.0)


def is_seen(comparison: Comparison) -> bool:
    """Return whether a comparison stays open though something is common to both."""
    return comparison["related"] is None and _code(comparison) in SEEN


def is_open(comparison: Comparison) -> bool:
    """Return whether a closer look may make a kinship of an open comparison."""
    is_borderline = _code(comparison) == BORDERLINE
    return is_seen(comparison) or (comparison["related"] is None and is_borderline)


def is_siblings(comparison: Comparison) -> bool:
    """Return whether weights show a common ancestor and exclude descent."""
    return list(comparison["relation_set"]) == [SIBLINGS]


def strength(comparison: Comparison) -> tuple[bool, float, float]:
    """Order comparisons: copies first, then the smallest p, then the largest effect."""
    log10_p, effect = comparison["log10_p"], comparison["effect"]
    return (
        comparison["relation"] not in COPIES,
        -math.inf if log10_p is None else log10_p,
        -(effect or 0.0),
    )


def _code(comparison: Comparison) -> str:
    items = comparison.get("evidence", ())
    codes = (item["value"] for item in items if item["kind"] == "open-question")
    return str(next(codes, ""))
