"""What the difference of two matrices looks like: rank, edge, spread, tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.delta.pair import AlignedPair, Matrix, sampled, spacing


@dataclass(frozen=True)
class Spectrum:
    """Shape of b - a on the sampled rows and columns.

    `values` are its singular values, falling; `rounding` is the energy that
    rounding leaves in it; `kurtosis` is the excess over a Gaussian. `row_spread`
    and `column_spread` say how unequal the energies of rows and of columns are:
    their relative standard deviation over that of independent Gaussian elements.
    """

    n_rows: int
    n_columns: int
    values: NDArray[np.float32]
    rounding: float
    kurtosis: float
    row_spread: float
    column_spread: float

    @property
    def energy(self) -> float:
        """Return the sum of squares of the sampled difference."""
        return float(np.square(self.values, dtype=np.float64).sum())

    @property
    def edge(self) -> float:
        """Return the largest singular value over that of as much white noise.

        An n x m matrix of independent elements of variance v has its largest
        singular value near sqrt(v) (sqrt(n) + sqrt(m)) (Marchenko and Pastur 1967).
        """
        sides = self.n_rows**0.5 + self.n_columns**0.5
        size = (self.energy / (self.n_rows * self.n_columns)) ** 0.5
        return float(self.values[0]) / (size * sides) if size > 0 else 0.0

    def rank(self, allowed: float) -> int:
        """Return the least k so that what is left is rounding, times `allowed`.

        Without its k largest directions n x m noise keeps about the share
        (n - k)(m - k) / (n m) of its energy.
        """
        squares = np.square(self.values, dtype=np.float64)
        tails = np.append(np.cumsum(squares[::-1])[::-1], 0.0)
        k = np.arange(len(tails))
        shares = (self.n_rows - k) * (self.n_columns - k)
        floor = self.rounding * shares / (self.n_rows * self.n_columns)
        return int(np.argmax(tails <= allowed * floor + 1e-12 * tails[0]))


def spectrum(pair: AlignedPair) -> Spectrum:
    """Return the shape of the difference of a pair of matrices."""
    a, b = sampled(pair)
    gap = b - a
    squares = np.square(gap, dtype=np.float64)
    spaces = [spacing(a, pair.dtype_a), spacing(b, pair.dtype_b)]
    return Spectrum(
        n_rows=len(a),
        n_columns=a.shape[1],
        values=np.linalg.svd(gap, compute_uv=False).astype(np.float32),
        rounding=max(float(np.square(s, dtype=np.float64).sum()) for s in spaces) / 12,
        kurtosis=_kurtosis(gap),
        row_spread=_spread(squares),
        column_spread=_spread(squares.T),
    )


def _kurtosis(gap: Matrix) -> float:
    centred = gap.ravel() - gap.mean(dtype=np.float64)
    variance = np.square(centred).mean()
    fourth = np.square(np.square(centred)).mean()
    return float(fourth / variance**2 - 3) if variance > 0 else 0.0


def _spread(squares: NDArray[np.float64]) -> float:
    energies = squares.sum(axis=1)
    mean = energies.mean()
    # A sum of m squared Gaussians has relative standard deviation sqrt(2 / m).
    expected = (2 / squares.shape[1]) ** 0.5
    return float(energies.std() / (mean * expected)) if mean > 0 else 0.0
