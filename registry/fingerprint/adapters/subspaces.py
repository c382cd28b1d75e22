"""An adapter's output directions, and where a base's outputs have their energy."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A base's rows are projected to this many numbers, which keeps their products.
_SKETCHED: Final = 128
_SEED: Final = 20_240_229
# An adapter of nearly all directions has none in particular: its leading ones.
_LARGEST_SHARE: Final = 4
_RANK_TOLERANCE: Final = 1e-3


def directions(b: Array) -> Array:
    """Return an orthonormal basis (n, k) of the leading columns' span of b (n, r)."""
    left, values, _ = np.linalg.svd(b, full_matrices=False)
    if not values.size or not values[0] > 0:
        return np.zeros((len(b), 0))
    rank = int((values > _RANK_TOLERANCE * values[0]).sum())
    kept: Array = left[:, : min(rank, max(1, len(b) // _LARGEST_SHARE))]
    return kept


def energies(w: Array) -> Array:
    """Return y (n, s) with y y' like the square root of w w', of trace one.

    The root makes a base's few strongest directions count less, which gives the
    null a lighter tail.
    """
    if w.shape[1] > _SKETCHED:
        signs = np.random.default_rng(_SEED).choice(
            [-1.0, 1.0], (w.shape[1], _SKETCHED)
        )
        w = w @ signs
    values, vectors = np.linalg.eigh(w.T @ w)
    if not values.size or not values[-1] > 0:
        return np.zeros((len(w), 0))
    scales = np.where(values > 1e-12 * values[-1], values, np.inf) ** -0.25
    rooted = (w @ vectors) * scales
    return np.asarray(rooted / np.sqrt(np.square(rooted).sum()), np.float64)


def energy_ratio(b: Array, w: Array) -> float:
    """Return the energy of centred w on the span of b, relative to chance."""
    w = w - w.mean(axis=0)
    spanned = directions(b - b.mean(axis=0))
    chance = spanned.shape[1] * float(np.square(w).sum()) / max(len(w) - 1, 1)
    return float(np.square(spanned.T @ w).sum()) / chance if chance > 0 else 0.0
