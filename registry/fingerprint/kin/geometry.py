"""Models as points: which can be compared, and their inner products."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Squared distance of two roundings of one model to bfloat16, as a share of its
# squared norm: nothing below this is a difference (8 bits, uniform errors).
ROUNDING: Final = 1e-6

# Growth of the squared norm beyond the step's own, as a share of twice the step's
# square: 0 when a step is orthogonal to where it began, -1 seen from the child.
OUTWARD: Final = (-0.4, 1.0)
# The largest error of that share that a sketch may have.
MAX_NOISE: Final = 0.15

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Points:
    """Models around one target: `ids` (n,), `apart` (n, m) = model - target.

    `gram` (n, n) holds the inner products of `apart`, `target` (m,) the target.
    """

    ids: tuple[str, ...]
    target: Array
    apart: Array
    gram: Array

    @property
    def distances(self) -> Array:
        """Return squared distances to the target (n,)."""
        return np.diagonal(self.gram)

    @property
    def floor(self) -> float:
        """Return the squared distance that rounding alone explains."""
        return ROUNDING * float(self.target @ self.target)

    def among(self) -> Array:
        """Return squared distances among the models (n, n)."""
        return squared_distances(self.gram)


def around(target: Array, others: Mapping[str, Array], limit: int) -> Points | None:
    """Return the `limit` models nearest to the target, ids in order of distance.

    Vectors of another length, zero or not finite are left out; None when the
    target is such a one or nothing is left.
    """
    if not _is_usable(target, len(target)):
        return None
    kept = [i for i in sorted(others) if _is_usable(others[i], len(target))]
    if not kept:
        return None
    apart = np.stack([others[i] - target for i in kept]).astype(np.float64)
    nearest = np.argsort(np.einsum("ij,ij->i", apart, apart), kind="stable")[:limit]
    return _points(tuple(kept[i] for i in nearest), target, apart[nearest])


def usable(vectors: Mapping[str, Array]) -> tuple[str, ...]:
    """Return the ids, sorted, of vectors of the commonest length that are usable."""
    lengths = Counter(len(vector) for vector in vectors.values() if vector.ndim == 1)
    if not lengths:
        return ()
    length = max(lengths, key=lambda size: (lengths[size], size))
    return tuple(i for i in sorted(vectors) if _is_usable(vectors[i], length))


def squared_distances(gram: Array) -> Array:
    """Return squared distances (n, n) of points with these inner products."""
    squares = np.diagonal(gram)
    return np.maximum(squares[:, None] + squares[None, :] - 2 * gram, 0.0)


def outward(
    ids: tuple[str, ...],
    rows: Array,
    squared: Array,
    squares: Mapping[str, float] | None,
) -> tuple[Flags, Flags]:
    """Return which steps [from, to] are orthogonal to where they begin; and unclear.

    `rows` (n, m) are the models, `squared` their squared distances, `squares` exact
    squared norms, if known. A step that is small beside the error is unclear.
    """
    norms = np.einsum("ij,ij->i", rows, rows)
    steps = np.where(squared > 0, squared, np.inf)
    # The error of <step, start> in a sketch, beside the square of the step.
    noise = np.sqrt(norms[:, None] / steps / rows.shape[1])
    if squares is not None and all(
        math.isfinite(squares.get(i, math.nan)) for i in ids
    ):
        norms = np.array([squares[i] for i in ids])
        noise = np.zeros_like(noise)
    growth = (norms - norms[:, None] - squared) / (2 * steps)
    unclear = noise > MAX_NOISE
    inside = (growth >= OUTWARD[0]) & (growth <= OUTWARD[1]) & (squared > 0)
    return inside & ~unclear, unclear


def cosines(left: Array, right: Array, opposite: Array) -> Array:
    """Return the cosine of the angle between two sides, from squared lengths."""
    lengths = np.sqrt(np.maximum(left * right, 0.0))
    twice = left + right - opposite
    found = np.ones_like(twice)
    np.divide(twice, 2 * lengths, where=lengths > 0, out=found)
    return found


def _points(ids: tuple[str, ...], target: Array, apart: Array) -> Points:
    return Points(ids, target.astype(np.float64), apart, apart @ apart.T)


def _is_usable(vector: Array, length: int) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        square = float(np.dot(vector, vector)) if vector.shape == (length,) else 0.0
    return bool(0.0 < square < np.inf)
