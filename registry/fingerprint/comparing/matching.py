"""Matching the FFN units of two models, from their descriptors alone.

Three questions, one assignment each (docs/method.md states the nulls and proves
what can be proved): are units with one label alike in the basis they are stored in
(raw)? Are they alike in what no basis changes (free)? And do what a unit reads and
what it writes, each matched alone and without labels, name the same partner?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.sketching.units import Units

# Of the six maps of a gated FFN, the same six with the two readers exchanged.
_EXCHANGED: Final = (3, 1, 4, 0, 2, 5)
# Cosines are compared after rounding, so that machines agree on the assignment.
_STEPS: Final = 1e6
# How far below the best a cosine still competes for a partner, and for how long.
_RIVALRY: Final = 0.02
_ROUNDS: Final = 10

Cosines = NDArray[np.floating[Any]]
Cells = NDArray[np.int64]


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
    """Return how often assignments by raw descriptors keep the label.

    Of the `cells` in the column of a layer of b only one is counted: where units of
    one label are most alike.
    """
    return _labelled(a, b, a.raw, b.raw, cells)


def match_free(a: Units, b: Units, cells: NDArray[np.bool_]) -> Matching:
    """Return how often assignments by free descriptors keep the label.

    Cells are taken as `match_raw` takes them.
    """
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
    cells = np.argwhere(wanted | (not same_depth))
    by_reading, by_writing = (
        assign_all(cosine_tables(left[:, :, roles], right[:, :, roles], cells))
        for roles in (slice(None, -1), slice(-1, None))
    )
    agree = (by_reading == by_writing) & (by_reading >= 0)
    counts[tuple(cells.T)] = agree.sum(axis=1)
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
    at = np.argwhere(cells)
    tables = cosine_tables(left, right, at)
    same = (a.labels % a.h)[at[:, 0], :, None] == (b.labels % b.h)[at[:, 1], None]
    for cell, table, one_label in zip(at, tables, same, strict=True):
        if one_label.any():
            median = np.median(table[one_label])
            cosines[tuple(cell)] = np.rint(median * _STEPS) / _STEPS
    likeliest = np.where(cells, np.nan_to_num(cosines, nan=-2.0), -np.inf).argmax(
        axis=0
    )
    asked = likeliest[at[:, 1]] == at[:, 0]
    matched = assign_all(tables[asked])
    kept = np.take_along_axis(same[asked], matched[..., None], axis=2)[..., 0]
    counts[tuple(at[asked].T)] = (kept & (matched >= 0)).sum(axis=1)
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


def likeness(a: Units, b: Units) -> float:
    """Return how like units are to those most like them, whatever their labels.

    The mean of these cosines, looked for both ways, by free descriptors and, where
    vectors have one length, by raw ones.
    """
    same_depth = a.n_layers == b.n_layers
    sides = [same_maps(a, b)] + ([(a.raw, b.raw)] if a.d == b.d else [])
    total = 0.0
    for left, right in sides:
        shape = (len(left), len(right))
        cells = np.argwhere(np.eye(*shape) if same_depth else np.ones(shape))
        tables = cosine_tables(left, right, cells)
        total += float(tables.max(axis=1).mean() + tables.max(axis=2).mean())
    return total / (2 * len(sides))


def cosine_table(left: NDArray[np.int8], right: NDArray[np.int8]) -> Cosines:
    """Return the mean over roles of cosines, (units of a, units of b).

    left, right: int8 (units, roles, numbers). A dead unit is like nobody: -1.
    """
    tables = cosine_tables(left[None], right[None], np.zeros((1, 2), np.int64))
    return np.asarray(tables[0])


def cosine_tables(
    left: NDArray[np.int8], right: NDArray[np.int8], cells: Cells
) -> Cosines:
    """Return `cosine_table` of each cell, (cells, units of a, units of b).

    left, right: int8 (layers, units, roles, numbers). cells: int64 (cells, 2), a
    layer of a and one of b.
    """
    i, j = cells.T
    x, y = (_unit(side.astype(np.float32)) for side in (left, right))
    tables = x[i] @ y[j].transpose(0, 2, 1)
    dead_x, dead_y = (np.abs(side).max(axis=-1) == 0 for side in (x, y))
    tables[dead_x[i]] = -1.0
    tables.transpose(0, 2, 1)[dead_y[j]] = -1.0
    return np.asarray(tables, np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 (layers, units, roles * numbers) of length 1, alike in all roles.

    vectors: (layers, units, roles, numbers). What is zero in a role stays so.
    """
    lengths = np.sqrt(vectors.shape[2] * np.square(vectors).sum(axis=-1, keepdims=True))
    made = vectors / np.maximum(lengths, 1e-12)
    return np.asarray(made.reshape(*made.shape[:2], -1), np.float32)


def assign(table: Cosines) -> NDArray[np.int64]:
    """Return the partner of each unit of a in the best assignment, -1 for none."""
    return np.asarray(assign_all(table[None])[0])


def assign_all(tables: Cosines) -> NDArray[np.int64]:
    """Return `assign` of each table of cosines, int64 (tables, units of a)."""
    # scipy takes longer to start than the rest of this package together.
    from scipy.optimize import linear_sum_assignment

    n_tables, n_rows, n_columns = tables.shape
    costs = np.rint(tables * -_STEPS).astype(np.float64)
    if n_rows == n_columns:
        # Every column finds a row: all assignments pay the same prices.
        costs += _prices(tables)
    matched = np.full((n_tables, n_rows), -1, np.int64)
    for partners, cost in zip(matched, costs, strict=True):
        rows, columns = linear_sum_assignment(cost)
        partners[rows] = columns
    return matched


def _prices(tables: Cosines) -> NDArray[np.float64]:
    """Return prices, (tables, 1, columns), at which few rows want the same column.

    They halve the search for the best assignment. In whole steps, so that totals stay
    exact. Rows share themselves out over columns by how much they prefer them, and
    columns over rows in turn (Sinkhorn 1964), in float32: any prices are allowed.
    """
    scale = np.float32(_RIVALRY)
    wishes = np.exp(np.clip(tables, -1, 1).astype(np.float32) / scale)
    columns = np.ones((len(tables), tables.shape[2], 1), np.float32)
    for _ in range(_ROUNDS):
        rows = 1 / (wishes @ columns)
        columns = 1 / (wishes.transpose(0, 2, 1) @ rows)
    logs = np.log(columns.astype(np.float64)).transpose(0, 2, 1)
    return np.asarray(np.rint(-_STEPS * _RIVALRY * logs))
