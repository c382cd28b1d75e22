"""LoRA merged: every difference has a low rank, and below it only rounding."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Final

from registry.fingerprint.delta.explanation import Explanation, Item
from registry.fingerprint.delta.measure import Change, Delta
from registry.fingerprint.delta.spectrum import Spectrum

# Energy left below the rank, over that of rounding alone.
ALLOWED: Final = 1.3
# The singular value at the rank over the next one. Full training falls smoothly.
MIN_GAP: Final = 1.8
# Or nearly all matrices stop at one rank, though their shapes differ.
SAME_RANK: Final = 0.9
MIN_SAME_SHARE: Final = 0.8
MIN_ENERGY: Final = 100.0
MAX_FILL: Final = 0.55
OUTSIDE: Final = ("embedding", "head")


@dataclass(frozen=True)
class _Ranks:
    """What the differences of matrices that can show a rank say about it."""

    rank: int
    n_matrices: int
    same_share: float
    gap: float
    energy: float


def judge(delta: Delta) -> Explanation | None:
    """Return "lora-merged" when ranks say so, with "fine-tuned" where words moved."""
    inside = [c for c in delta.touched if c.role not in OUTSIDE]
    ranks = _ranks(inside)
    if ranks is None or not _is_adapter(ranks):
        return None
    outside = any(c.role in OUTSIDE for c in delta.touched)
    words = ("lora-merged", "fine-tuned") if outside else ("lora-merged",)
    return Explanation(words, items=(_item(ranks, delta),))


def _ranks(changes: list[Change]) -> _Ranks | None:
    shapes = [change.spectrum for change in changes if change.spectrum]
    each = [(shape, shape.rank(ALLOWED)) for shape in shapes]
    # A matrix that is filled shows no rank; where all are, there is none.
    open_ones = [(s, k) for s, k in each if 0 < k <= MAX_FILL * len(s.values)]
    if not open_ones:
        return None
    rank = max(k for _, k in open_ones)
    if any(k > rank for _, k in each):
        return None
    free = [(s, k) for s, k in open_ones if MAX_FILL * len(s.values) >= rank]
    return _Ranks(
        rank=rank,
        n_matrices=len(each),
        same_share=sum(k >= SAME_RANK * rank for _, k in free) / len(free),
        gap=median(_gap(s, k) for s, k in open_ones),
        energy=median(s.energy / s.rounding if s.rounding else 1e9 for s, _ in free),
    )


def _is_adapter(ranks: _Ranks) -> bool:
    if ranks.gap >= MIN_GAP:
        return True
    return ranks.same_share >= MIN_SAME_SHARE and ranks.energy >= MIN_ENERGY


def _gap(shape: Spectrum, rank: int) -> float:
    after = float(shape.values[rank])
    return float(shape.values[rank - 1]) / after if after > 0 else 1e9


def _item(ranks: _Ranks, delta: Delta) -> Item:
    n_equal = sum(change.totals.n_changed == 0 for change in delta.changes)
    gap = min(round(ranks.gap, 2), 1e3)
    text = (
        f"All {ranks.n_matrices} matrices inside layers that differ do so by a matrix "
        f"of rank {ranks.rank} or less and rounding, as after merging a LoRA adapter; "
        f"the last direction is {gap:g} times as large as the next, and "
        f"{n_equal} other tensors are equal."
    )
    numbers = {
        "rank": ranks.rank,
        "n_matrices": ranks.n_matrices,
        "gap": gap,
        "same_rank_share": round(ranks.same_share, 3),
        "n_equal": n_equal,
    }
    return Item("low-rank", ranks.rank, text, numbers)
