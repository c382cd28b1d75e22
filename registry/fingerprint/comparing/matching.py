"""Matching the FFN units of two models, from their descriptors alone.

Three questions, one assignment each (docs/method.md states the nulls and proves
what can be proved): are units with one label alike in the basis they are stored in
(raw)? Are they alike in what no basis changes (free)? And do what a unit reads and
what it writes, each matched alone and without labels, name the same partner?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.sketching.units import Units

# Of the six maps of a gated FFN, the same six with the two readers exchanged.
_EXCHANGED: Final = (3, 1, 4, 0, 2, 5)
# Cosines are compared after rounding, so that machines agree on the assignment.
_STEPS: Final = 1e6

Cosines = NDArray[np.float64]


@dataclass(frozen=True)
class Matching:
    """What one way of matching gives, cell by cell of layers.

    counts: int (layers of a, layers of b), how many units keep their label or, for
    `match_twice`, are matched alike by reading and by writing; -1 where not tried.
    `n_units` could match in each cell. `cosines` are the medians of units with one
    label, NaN without. `control` are the counts of cells that cannot correspond.
    """

    counts: NDArray[np.int64]
    n_units: int
    cosines: NDArray[np.float64]
    control: NDArray[np.int64]


def why_not_comparable(a: Units | None, b: Units | None) -> str | None:
    """Return why units cannot be matched without labels, or None when they can."""
    if a is None or b is None:
        return "no feed-forward units were found from tensor shapes"
    if a.is_gated != b.is_gated:
        return "one has gated feed-forward units and the other has not"
    return None


def share_labels(a: Units, b: Units) -> bool:
    """Return whether a label can mean one unit in both, and vectors one basis."""
    return a.d == b.d and a.h == b.h and a.is_gated == b.is_gated


def exchanged(units: Units) -> Units:
    """Return the units with their two readers taken for each other."""
    if not units.is_gated:
        return units
    free = units.free[:, :, [1, 0, 2]]
    blocks = free[..., :-1].reshape(*free.shape[:-1], -1, 6)[..., list(_EXCHANGED)]
    maps = np.concatenate([blocks.reshape(*free.shape[:-1], -1), free[..., -1:]], -1)
    changes = {"raw": units.raw[:, :, [1, 0, 2]], "free": maps}
    return Units(**{**vars(units), **changes})


def match_raw(a: Units, b: Units, cells: NDArray[np.bool_]) -> Matching:
    """Return how often assignments by raw descriptors keep the label."""
    return _labelled(a, b, a.raw, b.raw, cells)


def match_free(a: Units, b: Units, cells: NDArray[np.bool_]) -> Matching:
    """Return how often assignments by free descriptors keep the label."""
    return _labelled(a, b, *same_maps(a, b), cells)


def match_twice(
    left: NDArray[np.int8], right: NDArray[np.int8], same_depth: bool
) -> Matching:
    """Return in a cell how many units both assignments give the same partner.

    left, right: descriptors (layers, K, roles, numbers), writers last.

    Of equal depth only layers in one place are asked, and each layer against the
    next one of the other model for control; else all cells are asked, and the lower
    half of them is the control (few of many cells can correspond).
    """
    counts = np.full((len(left), len(right)), -1, np.int64)
    n_layers = len(left)
    wanted = np.eye(*counts.shape, dtype=bool)
    wanted |= np.roll(wanted, 1, axis=1)
    for i, j in np.argwhere(wanted | (not same_depth)):
        by_reading = assign(cosine_table(left[i, :, :-1], right[j, :, :-1]))
        by_writing = assign(cosine_table(left[i, :, -1:], right[j, :, -1:]))
        counts[i, j] = ((by_reading == by_writing) & (by_reading >= 0)).sum()
    n_units = min(left.shape[1], right.shape[1])
    if same_depth:
        control = counts[(counts >= 0) & ~np.eye(n_layers, dtype=bool)]
    else:
        control = np.sort(counts, axis=None)[: counts.size // 2 + 1]
    return Matching(counts, n_units, np.full(counts.shape, np.nan), control)


def _labelled(
    a: Units,
    b: Units,
    left: NDArray[np.int8],
    right: NDArray[np.int8],
    cells: NDArray[np.bool_],
) -> Matching:
    counts = np.full(cells.shape, -1, np.int64)
    cosines = np.full(cells.shape, np.nan)
    for i, j in np.argwhere(cells):
        table = cosine_table(left[i], right[j])
        same = (a.labels[i] % a.h)[:, None] == (b.labels[j] % b.h)[None]
        matched = assign(table)
        counts[i, j] = same[np.arange(len(matched)), matched].sum()
        if same.any():
            cosines[i, j] = np.median(table[same])
    n_units = min(left.shape[1], right.shape[1])
    return Matching(counts, n_units, cosines, np.empty(0, np.int64))


def same_maps(a: Units, b: Units) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return free descriptors by the maps that both have.

    Models of one depth have a map of every sampled layer; others share the sums
    over layers and the map of the tokens.
    """
    if a.n_layers == b.n_layers:
        return a.free, b.free
    n_common = (6 if a.is_gated else 3) + 1
    return a.free[..., -n_common:], b.free[..., -n_common:]


def cosine_table(left: NDArray[np.int8], right: NDArray[np.int8]) -> Cosines:
    """Return the mean over roles of cosines, (units of a, units of b).

    left, right: int8 (units, roles, numbers). A dead unit is like nobody: -1.
    """
    x, y = (_unit(side.astype(np.float32)) for side in (left, right))
    table = np.einsum("irk,jrk->ij", x, y, optimize=True) / left.shape[1]
    dead_x, dead_y = (np.abs(side).max(axis=(1, 2)) == 0 for side in (x, y))
    table[dead_x[:, None] | dead_y[None]] = -1.0
    return np.asarray(np.rint(table * _STEPS) / _STEPS, np.float64)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def assign(table: Cosines) -> NDArray[np.int64]:
    """Return the partner of each unit of a in the best assignment, -1 for none."""
    # scipy takes longer to start than the rest of this package together.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table, maximize=True)
    matched = np.full(table.shape[0], -1, np.int64)
    matched[rows] = columns
    return matched
