"""Is one matrix the other but for one factor per row and one per column?

Such factors can be moved from a matrix into its neighbours (a norm's gain, the scale of
a unit) without any effect on what the model computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.delta.pair import AlignedPair, Matrix, sampled, spacing

# Where all elements are known the first round is exact; zeros make it take some.
_MOST_ROUNDS: Final = 20
_STEADY: Final = 1e-8
# What rounding in F32 leaves, which `spacing` does not count.
_LEAST_ERROR: Final = 1e-6
# Below the normal range of half precision rounding says more than the factor.
_MOST_SPACING: Final = 2.0**-6


@dataclass(frozen=True)
class Scales:
    """The factors that take a nearest to b on the sampled rows and columns.

    `rows` and `columns` are their logarithms, each known but for a common constant.
    `left` is the energy of what they do not explain, `moved` that of b - a, both over
    what rounding of the two sides may leave.
    """

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    left: float
    moved: float


def scales(pair: AlignedPair) -> Scales:
    """Return the factors between a pair of matrices, whether they fit or not."""
    a, b = sampled(pair)
    known = _is_exact(a, pair.dtype_a) & _is_exact(b, pair.dtype_b)
    ratios = np.where(known, b, 1.0) / np.where(known, a, 1.0)
    rows, columns = _two_ways(np.log(np.abs(ratios)), known)
    factors = np.exp(rows[:, None] + columns) * _signs(np.where(known, ratios, 0.0))
    fitted = factors * a
    spaces = (spacing(b, pair.dtype_b), factors * spacing(a, pair.dtype_a))
    allowed = sum(_energy(space) for space in spaces) / 12
    allowed += _LEAST_ERROR**2 * (_energy(fitted) + _energy(b))
    allowed = max(allowed, np.finfo(np.float64).tiny)
    return Scales(
        rows=rows,
        columns=columns,
        left=_energy(b - fitted) / allowed,
        moved=_energy(b - a) / allowed,
    )


def _is_exact(values: Matrix, dtype: str) -> NDArray[np.bool_]:
    size = np.abs(values)
    return np.asarray((size > 0) & (spacing(values, dtype) <= _MOST_SPACING * size))


def _two_ways(
    table: NDArray[np.float64], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x, y so that x_i + y_j is nearest to the known entries of the table."""
    n_rows, n_columns = (np.maximum(known.sum(axis=axis), 1) for axis in (1, 0))
    rows, columns = np.zeros(len(table)), np.zeros(table.shape[1])
    for _ in range(_MOST_ROUNDS):
        rows = np.where(known, table - columns, 0.0).sum(axis=1) / n_rows
        before = columns
        columns = np.where(known, table - rows[:, None], 0.0).sum(axis=0) / n_columns
        if np.abs(columns - before).max(initial=0.0) < _STEADY:
            break
    return rows, columns


def _signs(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signs of the factors: one of the row times one of the column."""
    signs = np.sign(ratios)
    columns = signs[np.abs(signs).sum(axis=1).argmax()]
    rows = np.where(signs @ columns < 0, -1.0, 1.0)
    columns = np.where(rows @ signs < 0, -1.0, 1.0)
    return np.asarray(rows[:, None] * columns)


def _energy(values: NDArray[np.floating]) -> float:
    return float(np.square(values, dtype=np.float64).sum())
