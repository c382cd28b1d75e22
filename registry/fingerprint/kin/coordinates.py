"""Is a model a sparse merge (TIES, DARE) of what others learnt since their base?

Such merges take each weight from one parent, from several, or leave it as the base
had it (Yadav et al. 2023; Yu et al. 2024). Then nearly every change is a fixed
multiple of one parent's own change, or of a mixture, which no training brings about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.kin.merging import MergePart

# Share of the weights that a sparse merge leaves as they were, at the least.
MIN_UNTOUCHED: Final = 0.02
# Of two changes of independent trainings fewer have one and the same ratio.
MIN_SAME_RATIO: Final = 0.08
# Share of the weights that a set of parents must account for: merges do for .99
# and more, the best that others reached was .78 (docs/method.md).
MIN_EXPLAINED: Final = 0.93
# A third parent, and each further, must account for this much more.
MIN_STEP: Final = 0.03
MIN_SHARE: Final = 0.05
MAX_BASES: Final = 8
MAX_CANDIDATES: Final = 8
MAX_PARENTS: Final = 4
MAX_VALUES: Final = 1 << 15

# Changes of fewer steps of bfloat16 have few possible ratios.
_MIN_STEPS: Final = 8
_STEP: Final = 2.0**-8
_RATIO_WIDTH: Final = 0.03
_MOST_RATIO: Final = 20.0
_FEWEST: Final = 200

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Changes:
    """What the target and candidates changed since a base, where it can be told.

    `own` (n,), `learnt` (k, n), `error` (n,) what rounding may have moved.
    """

    own: Array
    learnt: Array
    error: Array


def sparse_merge_of(
    target: NDArray[np.float32], others: Mapping[str, NDArray[np.float32]]
) -> tuple[MergePart, ...]:
    """Return the parents of a sparse merge and their weights; () if none.

    `target` and the others are the same sample of weights (n,). The base has to be
    among the others; parents are never the base.
    """
    step = max(1, len(target) // MAX_VALUES)
    mine = target[::step].astype(np.float64)
    rows = {
        id_: others[id_][::step].astype(np.float64)
        for id_ in sorted(others)
        if others[id_].shape == target.shape and np.isfinite(others[id_]).all()
    }
    if not np.isfinite(mine).all():
        return ()
    found = [_explained(mine, base, rows) for base in _bases(mine, rows)]
    best = max(found, key=lambda pair: pair[0], default=(0.0, ()))
    return best[1]


def _bases(target: Array, rows: Mapping[str, Array]) -> list[str]:
    """Return the models of which the target has most weights, and not nearly all."""
    untouched = {id_: float(np.mean(target == row)) for id_, row in rows.items()}
    fitting = [i for i in rows if MIN_UNTOUCHED <= untouched[i] < 1 - MIN_UNTOUCHED]
    return sorted(fitting, key=lambda id_: -untouched[id_])[:MAX_BASES]


def _explained(
    target: Array, base: str, rows: Mapping[str, Array]
) -> tuple[float, tuple[MergePart, ...]]:
    """Return how much the best parents account for, and them; (0, ()) without any."""
    origin = rows[base]
    scales = _scales(target - origin, origin, rows)
    if len(scales) < 2:
        return 0.0, ()
    changes = _changes(target, origin, [rows[id_] for id_ in scales])
    if len(changes.own) < _FEWEST:
        return 0.0, ()
    factors = np.array(list(scales.values()))
    share, chosen = _best_set(changes, factors)
    if share < MIN_EXPLAINED:
        return 0.0, ()
    weights = _weights(changes, factors, chosen)
    if weights.min() < MIN_SHARE:
        return 0.0, ()
    ids = list(scales)
    parts = (MergePart(ids[i], float(w)) for i, w in zip(chosen, weights, strict=True))
    return share, tuple(sorted(parts, key=lambda part: (-part.weight, part.id)))


def _scales(
    change: Array, origin: Array, rows: Mapping[str, Array]
) -> dict[str, float]:
    """Return the ratio that many changes share with a model's own, by its id."""
    found = {}
    for id_, row in rows.items():
        share, scale = _common_ratio(change, row - origin, origin)
        if share >= MIN_SAME_RATIO:
            found[id_] = (share, scale)
    best = sorted(found, key=lambda id_: -found[id_][0])[:MAX_CANDIDATES]
    return {id_: found[id_][1] for id_ in best}


def _common_ratio(change: Array, learnt: Array, origin: Array) -> tuple[float, float]:
    """Return the share of changes that have the commonest ratio, and this ratio."""
    clear = np.abs(learnt) >= _MIN_STEPS * _STEP * np.abs(origin)
    clear &= (learnt != 0) & (change != 0)
    if clear.sum() < _FEWEST:
        return 0.0, 0.0
    ratios = change[clear] / learnt[clear]
    inside = np.sort(ratios[(ratios > 0) & (ratios < _MOST_RATIO)])
    if not inside.size:
        return 0.0, 0.0
    ends = np.searchsorted(inside, inside * (1 + _RATIO_WIDTH))
    counts = ends - np.arange(len(inside))
    best = int(counts.argmax())
    scale = float(np.median(inside[best : ends[best]]))
    return float(counts[best] / clear.sum()), scale


def _changes(target: Array, origin: Array, learners: list[Array]) -> _Changes:
    """Return the changes where some candidate changed the weight clearly."""
    learnt = np.stack(learners) - origin
    largest = np.abs(learnt).max(axis=0)
    clear = (largest >= _MIN_STEPS * _STEP * np.abs(origin)) & (largest > 0)
    error = 2 * _STEP * np.maximum(np.abs(origin), np.abs(target))
    return _Changes((target - origin)[clear], learnt[:, clear], error[clear])


def _best_set(changes: _Changes, factors: Array) -> tuple[float, tuple[int, ...]]:
    """Return the smallest set of candidates that accounts for most, and its share."""
    best: tuple[float, tuple[int, ...]] = (0.0, ())
    for size in range(1, min(MAX_PARENTS, len(factors)) + 1):
        sets = combinations(range(len(factors)), size)
        share, chosen = max((_share(changes, factors, s), s) for s in sets)
        if share > best[0] + MIN_STEP:
            best = (share, chosen)
    # What one model accounts for is its own child, thinned out; no merge.
    return best if len(best[1]) > 1 else (0.0, ())


def _share(changes: _Changes, factors: Array, chosen: tuple[int, ...]) -> float:
    """Return the share of changes that are nothing, or some parents' sum or mean."""
    scaled = factors[list(chosen), None] * changes.learnt[list(chosen)]
    reached = np.abs(changes.own) <= changes.error
    for guess in _guesses(scaled, changes.own, reached):
        near = changes.error + _RATIO_WIDTH / 2 * np.abs(guess)
        reached |= np.abs(changes.own - guess) <= near
    return float(reached.mean())


def _guesses(scaled: Array, own: Array, reached: NDArray[np.bool_]) -> Iterator[Array]:
    """Yield every change that the parents' scaled changes (k, n) may have made.

    `reached` is watched as it grows: what is left at last is their weighted mean.
    """
    for size in range(1, len(scaled) + 1):
        for subset in combinations(scaled, size):
            total = np.sum(subset, axis=0)
            yield total
            if size > 1:
                yield total / size
    left = ~reached
    if len(scaled) > 1 and left.sum() >= _FEWEST:
        shares = _shares(scaled[:, left], own[left])
        # Otherwise the base may be one of the parents, seen from another.
        if shares.min() >= MIN_SHARE * shares.sum() > 0:
            yield shares @ scaled


def _weights(changes: _Changes, factors: Array, chosen: tuple[int, ...]) -> Array:
    """Return the parents' weights, of sum one, from where all of them take part."""
    scaled = factors[list(chosen), None] * changes.learnt[list(chosen)]
    alone = np.abs(changes.own) <= changes.error
    for row in scaled:
        near = changes.error + _RATIO_WIDTH / 2 * np.abs(row)
        alone |= np.abs(changes.own - row) <= near
    if (~alone).sum() < _FEWEST:
        shares = np.ones(len(scaled))
    else:
        shares = np.maximum(_shares(scaled[:, ~alone], changes.own[~alone]), 0.0)
    weights: Array = shares * factors[list(chosen)]
    return weights / weights.sum() if weights.sum() > 0 else np.full(len(scaled), 1.0)


def _shares(scaled: Array, own: Array) -> Array:
    """Return least squares weights (k,) of the rows for `own`."""
    found: Array = np.linalg.lstsq(scaled.T, own, rcond=None)[0].astype(np.float64)
    return found
