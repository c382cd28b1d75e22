"""Is a model a sparse merge (TIES, DARE) of what others learnt since their base?

Such merges take single weights from one parent or another and leave the rest as the
base had them (Yadav et al. 2023; Yu et al. 2024). Then many weights are the base's,
and the change of many others is one fixed multiple of a parent's own change, which
no training brings about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.kin.merging import MAX_PARENTS, MergePart

# Of the weights of a fine-tuned model fewer are left as they were.
MIN_UNTOUCHED: Final = 0.1
# Of two changes apart, fewer have one ratio.
MIN_SAME_RATIO: Final = 0.15
# Changes of fewer steps of bfloat16 have few possible ratios.
_MIN_STEPS: Final = 8
_STEP: Final = 2.0**-8
_RATIO_WIDTH: Final = 0.05
_MOST_RATIO: Final = 8.0
_FEWEST: Final = 200

Array = NDArray[np.float32]


def sparse_merge_of(
    target: Array, others: Mapping[str, Array]
) -> tuple[MergePart, ...]:
    """Return the parents of a sparse merge, weighted by their scale; () if none.

    `target` and the others are the same sample of weights (n,). The base has to be
    among the others; parents are never the base.
    """
    for base in sorted(others):
        origin = others[base]
        untouched = float(np.mean(target == origin))
        if MIN_UNTOUCHED <= untouched < 1 - MIN_UNTOUCHED:
            parts = _parents(target, origin, others, base)
            if len(parts) > 1:
                return parts
    return ()


def _parents(
    target: Array, origin: Array, others: Mapping[str, Array], base: str
) -> tuple[MergePart, ...]:
    scales = {
        id_: scale
        for id_, values in others.items()
        if id_ != base and (scale := _scale(target - origin, values - origin, origin))
    }
    if len(scales) > MAX_PARENTS:
        return ()
    total = sum(scales.values())
    return tuple(MergePart(id_, scale / total) for id_, scale in scales.items())


def _scale(change: Array, learnt: Array, origin: Array) -> float | None:
    """Return the ratio that many changes share, None where no ratio stands out."""
    clear = np.abs(learnt) >= _MIN_STEPS * _STEP * np.abs(origin)
    clear &= (learnt != 0) & (change != 0)
    if clear.sum() < _FEWEST:
        return None
    ratios = change[clear].astype(np.float64) / learnt[clear]
    inside = np.sort(ratios[(ratios > 0) & (ratios < _MOST_RATIO)])
    if not inside.size:
        return None
    ends = np.searchsorted(inside, inside * (1 + _RATIO_WIDTH))
    counts = ends - np.arange(len(inside))
    best = int(counts.argmax())
    if counts[best] < MIN_SAME_RATIO * clear.sum():
        return None
    return float(np.median(inside[best : ends[best]]))
