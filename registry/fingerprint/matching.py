"""The unit test: do FFN units with one label resemble each other too often?

Works on two sketches alone. docs/method.md states the null and proves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint import null
from registry.fingerprint.sketch import Units

# Cosines are compared after rounding, so that ties are ties on every machine.
_STEPS: Final = 1_000_000
_DEAD: Final = -2 * _STEPS

Described = NDArray[np.int8]


@dataclass(frozen=True)
class UnitTest:
    """The outcome: `n_fixed` of `n_units` units in `n_layers` layers keep a label.

    `log10_p` is corrected for `n_tries` (readings of the roles, and cells of
    layers when depths differ). `effect` is the median cosine of units with one
    label, in the layers compared; `alive_share` of units could match at all;
    `all_layers` says that no layer which could match was left out of the sample.
    `closest_other` is the largest cosine of two units with different labels.
    """

    n_fixed: int
    n_units: int
    n_layers: int
    n_tries: int
    log10_p: float
    effect: float
    alive_share: float
    all_layers: bool
    closest_other: float
    layers: tuple[tuple[int, int], ...]
    same_depth: bool


def why_not_comparable(a: Units | None, b: Units | None) -> str | None:
    """Return why the test cannot be made on these units, or None when it can."""
    if a is None or b is None:
        return "no feed-forward units were found from tensor shapes"
    if a.d != b.d:
        return f"hidden sizes differ ({a.d} and {b.d})"
    if a.h != b.h or a.gated != b.gated:
        return f"feed-forward layers differ in form (widths {a.h} and {b.h})"
    return None


def compare_units(a: Units, b: Units) -> UnitTest:
    """Return the unit test of two comparable models.

    Of equal depth: counts are added over layers i = i. Of different depth: the
    best single pair of layers, paid for by the number of pairs.
    """
    readings = [_same_depth, _any_layers][a.n_layers != b.n_layers]
    tried = [readings(a, b, _swapped(b.described, swap)) for swap in (False, True)]
    best = min(tried, key=lambda test: (test.log10_p, -test.effect))
    # Which of two equal-shaped matrices is which is not known: two readings.
    return _paid(best, 2)


def _same_depth(a: Units, b: Units, described: Described) -> UnitTest:
    cosines = unit_cosines(a.described, described)
    n_fixed = int(count_fixed(cosines).sum())
    n_layers, n_units = cosines.shape[:2]
    return UnitTest(
        n_fixed=n_fixed,
        n_units=n_units,
        n_layers=n_layers,
        n_tries=1,
        log10_p=null.log10_tail(n_units, n_layers, n_fixed),
        effect=_effect(cosines),
        alive_share=_alive_share(cosines),
        all_layers=True,
        closest_other=_closest_other(cosines),
        layers=tuple(zip(a.sampled, b.sampled, strict=True)),
        same_depth=True,
    )


def _any_layers(a: Units, b: Units, described: Described) -> UnitTest:
    n_a, n_b = len(a.described), len(described)
    left = np.repeat(a.described, n_b, axis=0)
    right = np.tile(described, (n_a, 1, 1, 1))
    cosines = unit_cosines(left, right)
    counts = count_fixed(cosines)
    best = int(counts.argmax())
    n_units = cosines.shape[1]
    single = UnitTest(
        n_fixed=int(counts[best]),
        n_units=n_units,
        n_layers=1,
        n_tries=1,
        log10_p=null.log10_tail(n_units, 1, int(counts[best])),
        effect=_effect(cosines[best : best + 1]),
        alive_share=_alive_share(cosines),
        closest_other=_closest_other(cosines),
        all_layers=n_a == a.n_layers and n_b == b.n_layers,
        layers=((a.sampled[best // n_b], b.sampled[best % n_b]),),
        same_depth=False,
    )
    return _paid(single, n_a * n_b)


def unit_cosines(a: Described, b: Described) -> NDArray[np.int32]:
    """Return cosines (layers, units, units) in millionths, mean over the roles.

    a, b: int8 (layers, units, roles, FOLD). A pair with a dead unit gets less
    than any cosine. The dot products are exact: below 2**24 in float32.
    """
    left = a.transpose(0, 2, 1, 3).astype(np.float32)
    right = b.transpose(0, 2, 3, 1).astype(np.float32)
    dots = (left @ right).astype(np.float64)  # (layers, roles, units, units)
    norms = _norms(left, 3)[..., :, None] * _norms(right, 2)[..., None, :]
    cosines = np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0)
    steps = np.rint(cosines.mean(axis=1) * _STEPS).astype(np.int32)
    steps[(norms == 0).all(axis=1)] = _DEAD
    return np.asarray(steps, np.int32)


def count_fixed(cosines: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return per layer how many units i have i as mutual nearest neighbour.

    A tie for nearest is no match.
    """
    same = np.diagonal(cosines, axis1=1, axis2=2)  # (layers, units)
    alone_in_row = (cosines >= same[:, :, None]).sum(axis=2) == 1
    alone_in_column = (cosines >= same[:, None, :]).sum(axis=1) == 1
    fixed = alone_in_row & alone_in_column & (same > _DEAD)
    return np.asarray(fixed.sum(axis=1), np.int64)


def _effect(cosines: NDArray[np.int32]) -> float:
    same = np.diagonal(cosines, axis1=1, axis2=2)
    alive = same[same > _DEAD]
    return float(np.median(alive)) / _STEPS if alive.size else 0.0


def _closest_other(cosines: NDArray[np.int32]) -> float:
    same = np.eye(cosines.shape[1], dtype=bool)
    return float(cosines.max(where=~same, initial=0)) / _STEPS


def _alive_share(cosines: NDArray[np.int32]) -> float:
    same = np.diagonal(cosines, axis1=1, axis2=2)
    return float((same > _DEAD).mean())


def _norms(vectors: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    squares = np.square(vectors).sum(axis=axis)
    return np.asarray(np.sqrt(squares.astype(np.float64)))


def _swapped(described: Described, swap: bool) -> Described:
    if not swap:
        return described
    gated = described.shape[2] == 3
    return described[:, :, [1, 0, 2] if gated else [1, 0]]


def _paid(test: UnitTest, n_tries: int) -> UnitTest:
    log10_p = min(0.0, test.log10_p + math.log10(n_tries))
    changes = {"n_tries": test.n_tries * n_tries, "log10_p": log10_p}
    return UnitTest(**{**vars(test), **changes})
