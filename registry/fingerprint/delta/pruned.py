"""Pruned: weights that are exactly zero on one side only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from registry.fingerprint.delta.explanation import (
    A_TO_B,
    B_TO_A,
    NAMES,
    Explanation,
    Item,
)
from registry.fingerprint.delta.measure import Delta

# A few zeros come from rounding and from rows of tokens that never occur.
MIN_ZEROS: Final = 64
MIN_SHARE: Final = 0.001
# Training after pruning moves the rest; then only many zeros count.
MIN_SHARE_TUNED: Final = 0.1
MAX_MOVED: Final = 0.001


@dataclass(frozen=True)
class _Zeros:
    direction: str
    n: int
    n_weights: int
    n_moved: int  # weights that differ though neither side is a lone zero

    @property
    def share(self) -> float:
        return self.n / self.n_weights


def judge_untouched(delta: Delta) -> Explanation | None:
    """Return "pruned" when one side has zeros and all else is equal, else None."""
    zeros = _zeros(delta)
    if zeros is None or zeros.n < MIN_ZEROS or zeros.share < MIN_SHARE:
        return None
    if zeros.n_moved > MAX_MOVED * zeros.n_weights:
        return None
    rest = f"Of the other weights {zeros.n_moved} differ."
    return Explanation(("pruned",), zeros.direction, (_item(zeros, rest),))


def judge_tuned(delta: Delta) -> Explanation | None:
    """Return "pruned" with "fine-tuned" when many weights of one side are zero."""
    zeros = _zeros(delta)
    if zeros is None or zeros.share < MIN_SHARE_TUNED:
        return None
    rest = f"{zeros.n_moved} other weights differ, as after training."
    items = (_item(zeros, rest),)
    return Explanation(("pruned", "fine-tuned"), zeros.direction, items)


def _zeros(delta: Delta) -> _Zeros | None:
    """Return the zeros of the side that has more, over matrices that differ."""
    both = [change.totals for change in delta.touched]
    if not both:
        return None
    n_weights = sum(totals.n for totals in both)
    n_a, n_b = (sum(getattr(t, f"n_zero_{side}") for t in both) for side in "ab")
    n_moved = delta.totals.n_changed - n_a - n_b
    if n_b >= n_a:
        return _Zeros(A_TO_B, n_b, n_weights, n_moved + n_a)
    return _Zeros(B_TO_A, n_a, n_weights, n_moved + n_b)


def _item(zeros: _Zeros, rest: str) -> Item:
    parent, child = NAMES[zeros.direction]
    text = (
        f"In the matrices that differ, {zeros.n} of {zeros.n_weights} weights of the "
        f"{child} model ({zeros.share:.1%}) are exactly zero and not so in the "
        f"{parent}. {rest}"
    )
    numbers = {
        "n_zeros": zeros.n,
        "n_weights": zeros.n_weights,
        "share": round(zeros.share, 4),
        "n_moved": zeros.n_moved,
    }
    return Item("zeros-on-one-side", zeros.n, text, numbers)
