"""How alike two sets of labelled vectors are, and how alike under other labels.

The statistic is T = sum_ij K_ij L_ij with K = x x' and L = y y' (RV coefficient;
its moments over all permutations are those of Kazi-Aoual and others, 1995).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Below this many labels the moments say little about the distribution.
MIN_LABELS: Final = 16
_NOTHING: Final = 1e-9


@dataclass(frozen=True)
class Moments:
    """A statistic beside its mean, variance and third moment under the null.

    `most` is the largest value that any orthogonal relabelling could reach.
    """

    observed: float
    mean: float
    variance: float
    third: float
    most: float

    @property
    def z(self) -> float:
        """Return the distance from the mean in standard deviations."""
        return (self.observed - self.mean) / math.sqrt(self.variance)

    @property
    def skewness(self) -> float:
        """Return the third moment in units of the standard deviation."""
        return self.third / (self.variance * math.sqrt(self.variance))

    @property
    def reach(self) -> float:
        """Return the largest distance from the mean in standard deviations."""
        return max(self.most - self.mean, 0.0) / math.sqrt(self.variance)


def permutation_moments(x: Array, y: Array) -> Moments | None:
    """Return T of centred x (n, r), y (n, s) and its moments over row orders.

    The third moment is that of random rotations, to leading order. None when too
    few rows or no variation are left.
    """
    n = len(x)
    if n < MIN_LABELS:
        return None
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    left, right = _Sums.of(x), _Sums.of(y)
    mean = left.trace * right.trace / (n - 1)
    spread = 2 * left.spread(n) * right.spread(n) / (n - 1) ** 2 / (n + 1) / (n - 2)
    uneven = left.unevenness(n) * right.unevenness(n)
    variance = spread + uneven / n / (n + 1) / (n - 1) / (n - 2) / (n - 3)
    if not variance > _NOTHING * mean**2 or not math.isfinite(variance):
        return None
    third = 8 * left.third(n) * right.third(n) / n**3
    observed = float(np.square(x.T @ y).sum())
    return Moments(observed, mean, variance, third, _most(left, right))


def sign_moments(x: Array, y: Array) -> Moments | None:
    """Return T without its diagonal and its exact moments over signs of the rows."""
    if len(x) < MIN_LABELS:
        return None
    both = (x @ x.T) * (y @ y.T)
    on_diagonal = float(np.trace(both))
    np.fill_diagonal(both, 0.0)
    variance = 2 * float(np.square(both).sum())
    if not variance > (_NOTHING * on_diagonal) ** 2 or not math.isfinite(variance):
        return None
    third = 8 * float(np.sum((both @ both) * both))
    most = _most(_Sums.of(x), _Sums.of(y)) - on_diagonal
    return Moments(float(both.sum()), 0.0, variance, third, most)


def together(independent: Sequence[Moments]) -> Moments | None:
    """Return the sum of independent statistics, each in its own deviations."""
    if not independent:
        return None
    return Moments(
        observed=sum(moments.z for moments in independent),
        mean=0.0,
        variance=float(len(independent)),
        third=sum(moments.skewness for moments in independent),
        most=sum(moments.reach for moments in independent),
    )


def log10_tail(moments: Moments, floor: float) -> float:
    """Return log10 of P(at least what was observed), at least `floor`.

    A gamma with these moments by Wilson and Hilferty's cube root (1931), whose
    far tail is heavier than the gamma's, and so on the safe side.
    """
    skew = max(moments.skewness, 1e-3)
    z, root = moments.z, skew / 2
    base = 1 + root * z
    if base <= 0:
        return 0.0
    ninth = root**2 / 9
    normal = (base ** (1 / 3) - 1 + ninth) / math.sqrt(ninth)
    return max(_log10_normal_tail(normal), floor)


def _log10_normal_tail(z: float) -> float:
    if z < 30:
        return math.log10(max(math.erfc(z / math.sqrt(2)) / 2, 1e-300))
    return -(z * z / 2 + math.log(z * math.sqrt(2 * math.pi))) / math.log(10)


def _most(left: _Sums, right: _Sums) -> float:
    """Return the largest trace of K Q L Q' (von Neumann): both spectra in order."""
    n = min(len(left.spectrum), len(right.spectrum))
    return float(left.spectrum[:n] @ right.spectrum[:n])


@dataclass(frozen=True)
class _Sums:
    """What the moments need of a Gram matrix K: eigenvalues and squared diagonal."""

    spectrum: Array
    diagonal: float

    @classmethod
    def of(cls, x: Array) -> _Sums:
        gram = x.T @ x if x.shape[1] <= len(x) else x @ x.T
        spectrum = np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0)
        return cls(spectrum, float(np.square(np.square(x).sum(axis=1)).sum()))

    @property
    def trace(self) -> float:
        return float(self.spectrum.sum())

    @property
    def square(self) -> float:
        return float(np.square(self.spectrum).sum())

    def spread(self, n: int) -> float:
        return (n - 1) * self.square - self.trace**2

    def unevenness(self, n: int) -> float:
        evenly = self.trace**2 + 2 * self.square
        return n * (n + 1) * self.diagonal - (n - 1) * evenly

    def third(self, n: int) -> float:
        """Return the trace of the cube of K less its mean eigenvalue."""
        mean = self.trace / (n - 1)
        cube = float((self.spectrum**3).sum())
        return cube - 3 * mean * self.square + 2 * mean**2 * self.trace
