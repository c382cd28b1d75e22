"""How many units match by chance: the exact null of the unit test, and its power.

Units trained apart carry arbitrary labels. Then matched labels agree no more
often than a uniform random permutation of K has fixed points (rencontres
numbers), independently in every layer. docs/method.md has the proof.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOOR_LOG10: Final = -300.0


def log10_tail(n_units: int, n_layers: int, n_fixed: int) -> float:
    """Return log10 P(N >= n_fixed), N the fixed points of n_layers permutations.

    Permutations are uniform on n_units and independent. At most 0 and at least
    FLOOR_LOG10; exact to about 1e-12 relative.
    """
    if n_fixed <= 0:
        return 0.0
    logs = _log_sum_distribution(n_units, n_layers)[n_fixed:]
    if logs.size == 0:
        raise ValueError("more fixed points than units")
    return float(np.clip(np.logaddexp.reduce(logs) / math.log(10), FLOOR_LOG10, 0.0))


def log10_poisson_tail(mean: float, count: int) -> float:
    """Return log10 P(N >= count), N Poisson; at most 0, at least FLOOR_LOG10."""
    if count <= 0:
        return 0.0
    terms = np.arange(count, count + 200 + int(10 * mean), dtype=np.float64)
    factorials = np.array([math.lgamma(n + 1) for n in terms])
    logs = terms * math.log(mean) - mean - factorials
    return float(np.clip(np.logaddexp.reduce(logs) / math.log(10), FLOOR_LOG10, 0.0))


@cache
def smallest_count(n_units: int, n_layers: int, log10_p: float) -> int | None:
    """Return the least count whose tail is at most log10_p; None if none is."""
    for n_fixed in range(1, n_units * n_layers + 1):
        if log10_tail(n_units, n_layers, n_fixed) <= log10_p:
            return n_fixed
    return None


@cache
def power(
    n_units: int,
    n_layers: int,
    log10_p: float,
    rate: float,
    n_alive: int | None = None,
) -> float:
    """Return P(at least smallest_count units match), each matching with `rate`.

    Only `n_alive` of the n_units * n_layers can, where that is given.
    """
    needed = smallest_count(n_units, n_layers, log10_p)
    n = n_units * n_layers if n_alive is None else n_alive
    if needed is None or needed > n:
        return 0.0
    if not 0 < rate < 1:
        return float(rate >= 1)
    counts = np.arange(needed, n + 1, dtype=np.float64)
    choices = np.array(
        [
            math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
            for k in counts
        ]
    )
    logs = choices + counts * math.log(rate) + (n - counts) * math.log1p(-rate)
    return min(1.0, float(np.exp(np.logaddexp.reduce(logs))))


@cache
def _log_sum_distribution(n_units: int, n_layers: int) -> NDArray[np.float64]:
    one = _log_fixed_points(n_units)
    total = one
    for _ in range(n_layers - 1):
        padded = np.full((len(total), len(total) + len(one) - 1), -np.inf)
        for shift, log_p in enumerate(total):
            padded[shift, shift : shift + len(one)] = log_p + one
        total = np.logaddexp.reduce(padded, axis=0)
    return total


def _log_fixed_points(n_units: int) -> NDArray[np.float64]:
    """Return log P(j fixed points) for j = 0..n_units: D(n-j) / ((n-j)! j!)."""
    shares = [1.0]  # D(m) / m!, from the series of 1/e
    for m in range(1, n_units + 1):
        shares.append(shares[-1] + (-1) ** m / math.factorial(m))
    shares[1:2] = [0.0][: len(shares) - 1]
    return np.array(
        [
            -math.inf if share <= 0 else math.log(share) - math.lgamma(j + 1)
            for j, share in zip(range(n_units + 1), reversed(shares), strict=True)
        ]
    )
