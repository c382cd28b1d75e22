"""Is one side a monotone step function of the other, group by group?

That is what rounding to few levels makes, whatever the levels are: within one
group the order of values never turns round, and many values fall together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.delta.pair import AlignedPair, Matrix
from registry.fingerprint.sketching.keyed import sample

GROUPS: Final = (256, 128, 64, 32, 16)
# Groups too small to merge values of a scaled copy, along rows and along columns.
_GATES: Final = ("32", "column")
LEAST_MERGED: Final = 0.015
_ELEMENTS: Final = 1 << 16
_MAX_LINE: Final = 1 << 12


@dataclass(frozen=True)
class Steps:
    """How one side follows from the other in groups of one kind.

    `side` ("a" or "b") is the one that follows. `group` is "tensor", "row",
    "column" (of the file) or a number of elements of a row. Of neighbours in the
    order of the other side, `n_turned` are in the opposite order or differ where
    the other has equal values; `n_expected` are so when the differences change
    places inside their groups. `merged` is the share of different values that
    fall together, and `n_levels` the median number of different values in a group.
    """

    side: str
    group: str
    n_turned: int
    n_expected: int
    merged: float
    n_levels: float


def steps(pair: AlignedPair) -> tuple[Steps, ...]:
    """Return how the side with fewer values follows, one item for each group.

    Nothing when neither side has clearly fewer values, as after training.
    """
    a, b = (pair.a.T, pair.b.T) if pair.stored_axis == 1 else (pair.a, pair.b)
    for side, source, target in (("b", a, b), ("a", b, a)):
        kinds = zip(_grouped(source), _grouped(target), strict=True)
        each = [(name, x, y) for (name, x), (_, y) in kinds]
        if any(_merged(x, y) >= LEAST_MERGED for n, x, y in each if n in _GATES):
            return tuple(_follow(side, *one) for one in each)
    return ()


def _grouped(stored: Matrix) -> Iterator[tuple[str, Matrix]]:
    """Yield the sampled elements as (groups, elements of a group), large first."""
    rows, columns = _lines(stored), _lines(stored.T)
    yield "tensor", rows.reshape(1, -1)
    yield "row", rows
    yield "column", columns
    for size in GROUPS:
        whole = rows.shape[1] // size * size
        if whole:
            yield str(size), rows[:, :whole].reshape(-1, size)


def _lines(stored: Matrix) -> Matrix:
    length = min(stored.shape[1], _MAX_LINE)
    chosen = sample("steps", len(stored), max(1, _ELEMENTS // length))
    return np.ascontiguousarray(np.nan_to_num(stored[chosen, :length]))


def _follow(side: str, name: str, source: Matrix, target: Matrix) -> Steps:
    drawn = np.random.default_rng(0).permuted(target - source, axis=1)
    return Steps(
        side=side,
        group=name,
        n_turned=_count_turned(source, target),
        n_expected=_count_turned(source, source + drawn),
        merged=_merged(source, target),
        n_levels=float(np.median(_count_levels(target))),
    )


def _merged(source: Matrix, target: Matrix) -> float:
    return 1 - float(_count_levels(target).sum() / _count_levels(source).sum())


def _count_turned(source: Matrix, target: Matrix) -> int:
    order = np.lexsort((target, source), axis=1)
    x = np.take_along_axis(source, order, axis=1)
    y = np.take_along_axis(target, order, axis=1)
    falls = y[:, 1:] < y[:, :-1]
    splits = (x[:, 1:] == x[:, :-1]) & (y[:, 1:] > y[:, :-1])
    return int(np.count_nonzero(falls | splits))


def _count_levels(groups: Matrix) -> NDArray[np.int64]:
    ordered = np.sort(groups, axis=1)
    new = ordered[:, 1:] != ordered[:, :-1]
    return np.asarray(1 + np.count_nonzero(new, axis=1), np.int64)
