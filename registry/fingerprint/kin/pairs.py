"""The best two models for a target, among all pairs at once.

Mean: on the line between two models. Arc: SLERP between two that are far apart,
whose weights sum to more than one. Sum: task arithmetic from a base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.kin.geometry import Points, squared_distances

# Between pairs that fit equally well up to this factor the widest one counts:
# what lies between two models also lies between these and a mixture of them.
_AS_GOOD: Final = 1.5
# Models with a larger cosine have no arc that is told from the line.
_MAX_ARC_COSINE: Final = 0.9999
# How far the weights may be from a^2 + b^2 + 2ab cos = 1, which SLERP keeps.
_ARC_TOLERANCE: Final = 0.06
_SINGULAR: Final = 1e-9

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two points, their weights (2,) and the squared distance left."""

    members: tuple[int, int]
    weights: Array
    left: float


def mean(points: Points) -> Pair:
    """Return the two models whose mean, best weighted, is nearest to the target."""
    gram = points.gram
    squares, wide = np.diagonal(gram), points.among()
    second = np.divide(
        squares[:, None] - gram, wide, where=wide > 0, out=np.zeros_like(gram)
    )
    second = np.clip(second, 0.0, 1.0)
    first = 1 - second
    left = first**2 * squares[:, None] + second**2 * squares + 2 * first * second * gram
    i, j = _widest_of_best(left, wide, points.floor)
    weights = np.array([first[i, j], second[i, j]])
    return Pair((i, j), weights, max(float(left[i, j]), 0.0))


def arc(points: Points) -> Pair | None:
    """Return the two far models whose SLERP is nearest, weights as SLERP's t."""
    models = points.apart + points.target
    norms = np.sqrt(np.einsum("ij,ij->i", models, models))
    safe = np.maximum(norms, np.finfo(float).tiny)
    cosines = np.clip(models @ models.T / np.outer(safe, safe), -1.0, 1.0)
    a, b, left = _two_sums(
        models @ models.T, models @ points.target, float(points.target @ points.target)
    )
    on_arc = np.abs(a**2 + b**2 + 2 * a * b * cosines - 1) <= _ARC_TOLERANCE
    left = np.where(on_arc & (cosines <= _MAX_ARC_COSINE), left, np.inf)
    if not np.isfinite(left).any():
        return None
    i, j = _widest_of_best(left, squared_distances(models @ models.T), points.floor)
    share = _arc_share(float(a[i, j]), float(b[i, j]), float(cosines[i, j]))
    return Pair((i, j), np.array([1 - share, share]), max(float(left[i, j]), 0.0))


def sum_of_two(gram: Array, products: Array, square: float) -> Pair | None:
    """Return the two vectors whose positive sum is nearest to a target.

    `gram` (n, n) holds their inner products, `products` (n,) those with the
    target, `square` the target's square. None when no pair has such a sum.
    """
    a, b, left = _two_sums(gram, products, square)
    if not np.isfinite(left).any():
        return None
    at = int(np.argmin(left))
    i, j = divmod(at, len(gram))
    weights = np.array([a[i, j], b[i, j]])
    return Pair((i, j), weights, max(float(left[i, j]), 0.0))


def _two_sums(
    gram: Array, products: Array, square: float
) -> tuple[Array, Array, Array]:
    """Return weights a, b and what is left (n, n each); infinite if not positive."""
    squares = np.diagonal(gram)
    both = np.outer(squares, squares)
    determinant = both - gram**2
    sound = determinant > _SINGULAR * both
    determinant = np.where(sound, determinant, 1.0)
    a = (products[:, None] * squares - products * gram) / determinant
    b = a.T
    left = np.maximum(square - a * products[:, None] - b * products, 0.0)
    return a, b, np.where(sound & (a > 0) & (b > 0), left, np.inf)


def _widest_of_best(left: Array, wide: Array, floor: float) -> tuple[int, int]:
    left = left + np.diag(np.full(len(left), np.inf))
    good = left <= _AS_GOOD * max(float(left.min()), 0.0) + floor
    at = int(np.argmax(np.where(good, wide, -1.0)))
    return divmod(at, len(left))


def _arc_share(a: float, b: float, cosine: float) -> float:
    """Return SLERP's t from its weights sin((1 - t)w)/sin w and sin(tw)/sin w."""
    angle = np.arccos(cosine)
    return float(np.arctan2(b * np.sin(angle), a + b * cosine) / angle)
