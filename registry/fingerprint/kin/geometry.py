"""Models as points: which can be compared, and their inner products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Squared distance of two roundings of one model to bfloat16, as a share of its
# squared norm: nothing below this is a difference (8 bits, uniform errors).
ROUNDING: Final = 1e-6

Array = NDArray[np.float64]


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


def _points(ids: tuple[str, ...], target: Array, apart: Array) -> Points:
    return Points(ids, target.astype(np.float64), apart, apart @ apart.T)


def _is_usable(vector: Array, length: int) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        square = float(np.dot(vector, vector)) if vector.shape == (length,) else 0.0
    return bool(0.0 < square < np.inf)
