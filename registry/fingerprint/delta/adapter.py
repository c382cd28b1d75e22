"""LoRA merged: every difference has a low rank, and below it only rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.delta.explanation import A_TO_B, B_TO_A, Explanation, Item
from registry.fingerprint.delta.kinship import share_of_a, side_of_change
from registry.fingerprint.delta.measure import Delta
from registry.fingerprint.delta.spectrum import Spectrum

# Energy left below the rank, over that of rounding alone.
ALLOWED: Final = 1.3
# Undoing a disguise leaves about 0.002 of the weights, evenly in all directions.
LEFT_BY_DISGUISE: Final = 0.003
# The singular value at the rank over the next one. Full training falls smoothly,
# but for the last direction or two that rounding has not hidden.
MIN_GAP: Final = 1.8
GAP_ENERGY: Final = 10.0
# It is read where the rank is reached; training need not use all of it everywhere.
REACHED: Final = 0.9
MIN_REACHING: Final = 0.25
# Or nearly all matrices stop at one rank, though their shapes differ.
MIN_SAME_SHARE: Final = 0.8
SAME_ENERGY: Final = 100.0
MAX_FILL: Final = 0.55
# The share of the change on a's side strays from 0 by at most 0.1 for a parent.
SIDES: Final = (0.15, 0.85)


@dataclass(frozen=True)
class _Ranked:
    """One matrix's difference: singular values, rank, energy over what is noise."""

    values: NDArray[np.float32]
    rank: int
    energy: float

    @property
    def is_open(self) -> bool:
        """Tell whether the rank leaves room to see that it ends there."""
        return 0 < self.rank <= MAX_FILL * len(self.values)

    @property
    def gap(self) -> float:
        """Return the largest ratio of neighbours at the rank and just above it."""
        last = min(self.rank + max(2, self.rank // 4), len(self.values) - 1)
        before, after = (self.values[self.rank - 1 + i : last + i] for i in (0, 1))
        return float(np.max(before / np.maximum(after, 1e-30)))


def judge(delta: Delta, disguised: bool) -> Explanation | None:
    """Return "lora-merged" when ranks say so, None when not.

    With "fine-tuned" where the tables of tokens changed too; "siblings" first where
    both sides hold a part of the change. The side that holds none is the parent: an
    adapter's weights know nothing of the frozen ones, and these do not decay. Behind
    a disguise lengths are lost, and with them the sides.
    """
    each = [_ranked(c.spectrum, disguised) for c in delta.inside if c.spectrum]
    if not _is_adapter(each):
        return None
    low_rank = _low_rank(each, delta)
    outside = len(delta.touched) > len(delta.inside)
    words = ("lora-merged", "fine-tuned") if outside else ("lora-merged",)
    share = share_of_a(delta)
    if disguised or share is None:
        return Explanation(words, items=(low_rank,))
    items = (low_rank, side_of_change(share))
    if SIDES[0] < share < SIDES[1]:
        return Explanation(("siblings", "lora-merged"), items=items)
    return Explanation(words, A_TO_B if share <= SIDES[0] else B_TO_A, items)


def _ranked(shape: Spectrum, disguised: bool) -> _Ranked:
    floor = ALLOWED * shape.rounding
    if disguised:
        floor = max(floor, LEFT_BY_DISGUISE**2 * shape.weight)
    energy = shape.energy / floor if floor > 0 else math.inf
    return _Ranked(shape.values, shape.rank(floor), energy)


def _is_adapter(each: list[_Ranked]) -> bool:
    opened = [ranked for ranked in each if ranked.is_open]
    reaching = _reaching(opened)
    if not reaching:
        return False
    rank = max(ranked.rank for ranked in reaching)
    # A matrix that is filled to its narrow side may not hold more than the others.
    if any(ranked.rank > 1.1 * rank for ranked in each):
        return False
    energy = median(ranked.energy for ranked in opened)
    enough = len(reaching) >= MIN_REACHING * len(opened) and energy >= GAP_ENERGY
    if enough and median(ranked.gap for ranked in reaching) >= MIN_GAP:
        return True
    free = [ranked for ranked in opened if MAX_FILL * len(ranked.values) >= rank]
    alike = len(reaching) >= MIN_SAME_SHARE * len(free)
    return alike and energy >= SAME_ENERGY


def _reaching(opened: list[_Ranked]) -> list[_Ranked]:
    """Return the matrices whose rank is the largest, or nearly so."""
    rank = max((ranked.rank for ranked in opened), default=0)
    return [ranked for ranked in opened if ranked.rank >= REACHED * rank]


def _low_rank(each: list[_Ranked], delta: Delta) -> Item:
    reaching = _reaching([ranked for ranked in each if ranked.is_open])
    rank = max(ranked.rank for ranked in reaching)
    gap = round(min(median(ranked.gap for ranked in reaching), 1e3), 2)
    n_equal = sum(change.totals.n_changed == 0 for change in delta.changes)
    text = (
        f"All {len(each)} matrices inside layers that differ do so by a matrix of "
        f"rank {rank} or less and rounding, as after merging a LoRA adapter: "
        f"{len(reaching)} reach that rank, and there the last direction is {gap:g} "
        f"times as large as the next one. {n_equal} other tensors are equal."
    )
    numbers = {
        "rank": rank,
        "n_matrices": len(each),
        "n_reaching": len(reaching),
        "gap": gap,
        "n_equal": n_equal,
    }
    return Item("low-rank", rank, text, numbers)
