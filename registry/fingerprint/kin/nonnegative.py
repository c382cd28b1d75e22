"""Least squares with weights that are not negative, from inner products."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MAX_ROUNDS: Final = 100
_RELATIVE_ZERO: Final = 1e-10
_TINY: Final = float(np.finfo(float).tiny)

Array = NDArray[np.float64]


def solve(gram: Array, products: Array) -> Array:
    """Return w (k,) >= 0 that minimises w' gram w - 2 products' w.

    `gram` (k, k) holds inner products of the columns, `products` (k,) theirs
    with the target. Active sets; Lawson and Hanson, 1974.
    """
    weights = np.zeros(len(products))
    free = np.zeros(len(products), bool)
    zero = _RELATIVE_ZERO * float(np.abs(products).max(initial=0.0))
    for _ in range(_MAX_ROUNDS):
        slope = np.where(free, -np.inf, products - gram @ weights)
        if free.all() or slope.max() <= zero:
            break
        free[int(slope.argmax())] = True
        weights = _shrink(gram, products, weights, free)
    return weights


def _shrink(
    gram: Array, products: Array, start: Array, free: NDArray[np.bool_]
) -> Array:
    """Solve for the free weights; those that turn negative leave `free` (in place)."""
    while free.any():
        goal = np.zeros(len(products))
        goal[free] = _solve_any(gram[np.ix_(free, free)], products[free])
        falling = free & ~(goal > 0)
        if not falling.any():
            return goal
        # The first to reach zero on the way from start to goal is fixed there.
        steps = np.full(len(products), np.inf)
        drop = np.maximum(start - goal, _TINY)
        steps[falling] = start[falling] / drop[falling]
        first = int(steps.argmin())
        start = np.maximum(start + steps[first] * (goal - start), 0.0)
        free[first], start[first] = False, 0.0
    return np.zeros(len(products))


def _solve_any(gram: Array, products: Array) -> Array:
    """Return w of any sign with gram w = products, the shortest where not unique."""
    solved = np.linalg.lstsq(gram, products, rcond=1e-12)[0].astype(np.float64)
    return solved
