"""Rescaled: every matrix is the other's but for a factor per row and per column."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.delta.explanation import Explanation, Item
from registry.fingerprint.delta.measure import Delta

# Energy that factors leave unexplained, over that of rounding twice.
ALLOWED: Final = 4.0
# Without factors much more is left; a faint training is within a few roundings too.
MIN_MOVED: Final = 100.0
# Standard deviation of the logarithms of factors: what rounding makes, and real ones.
SAME: Final = 0.01
VARIED: Final = 0.03
_OF_UNITS: Final = ("gate", "up", "down")


def judge(delta: Delta, disguised: bool) -> Explanation | None:
    """Return "permuted" when factors explain every matrix that differs, else None.

    With "fine-tuned" unless units are seen to write by as much more as they read less:
    factors may have been learnt, too (adapters that only scale). None where those of a
    unit do not cancel, where each matrix has one factor alone, and behind a disguise,
    which loses lengths.
    """
    each = [change.scales for change in delta.touched if change.scales]
    if disguised or not each or any(scales.left > ALLOWED for scales in each):
        return None
    moved = [scales for scales in each if scales.moved >= MIN_MOVED]
    if not any(_deviation(s.rows, s.columns) >= VARIED for s in moved):
        return None
    units = _factors_of_units(delta)
    if any(_deviation(np.sum(factors, axis=0)) > SAME for factors in units):
        return None
    is_cancelled = any(_deviation(*factors) >= VARIED for factors in units)
    words = ("permuted",) if is_cancelled else ("permuted", "fine-tuned")
    return Explanation(words, items=(_item(len(moved), len(each)),))


def _factors_of_units(delta: Delta) -> list[list[NDArray[np.float64]]]:
    """Return for every FFN the factors of its units in each matrix that differs."""
    found: dict[tuple[int | None, int], list[NDArray[np.float64]]] = defaultdict(list)
    seen: Counter[tuple[int | None, str]] = Counter()
    for change in delta.changes:
        if change.role in _OF_UNITS:
            number = seen[change.layer, change.role]  # of the expert
            seen[change.layer, change.role] += 1
            if change.scales:
                found[change.layer, number].append(change.scales.rows)
    return list(found.values())


def _deviation(*logs: NDArray[np.float64]) -> float:
    return max(float(np.std(log)) for log in logs)


def _item(n_moved: int, n_matrices: int) -> Item:
    text = (
        f"Each of the {n_matrices} matrices that differ is the other model's but for "
        f"one factor per row and one per column, up to rounding: such factors can be "
        f"moved between matrices without changing what a model computes."
    )
    numbers = {"n_matrices": n_matrices, "n_moved": n_moved}
    return Item("only-factors-left", n_matrices, text, numbers)
