"""What the difference of two matrices looks like: rank, edge, spread, tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.delta.pair import AlignedPair, Matrix, sampled, spacing


@dataclass(frozen=True)
class Spectrum:
    """Shape of b - a on the sampled rows and columns.

    `values` are its singular values, falling. Along their pairs of singular vectors
    u and v, `along_a` is what a already has, u'Av, and `energy_a` its energy there,
    |u'A|^2 + |Av|^2. `weight` is a's energy and `rounding` what rounding leaves in
    the difference. `kurtosis` is its excess over a Gaussian; `row_spread` and
    `column_spread` say how unequal the energies of rows and of columns are: their
    relative standard deviation over that of independent Gaussian elements. These
    three are taken with every element in units of what noise and rounding give it.
    """

    n_rows: int
    n_columns: int
    values: NDArray[np.float32]
    along_a: NDArray[np.float32]
    energy_a: NDArray[np.float32]
    weight: float
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

    def rank(self, floor: float) -> int:
        """Return the least k so that what is left is noise of energy `floor`.

        Without its k largest directions n x m noise keeps about the share
        (n - k)(m - k) / (n m) of its energy.
        """
        squares = np.square(self.values, dtype=np.float64)
        tails = np.append(np.cumsum(squares[::-1])[::-1], 0.0)
        k = np.arange(len(tails))
        shares = (self.n_rows - k) * (self.n_columns - k)
        allowed = floor * shares / (self.n_rows * self.n_columns)
        return int(np.argmax(tails <= allowed + 1e-12 * tails[0]))


def spectrum(pair: AlignedPair) -> Spectrum:
    """Return the shape of the difference of a pair of matrices."""
    a, b = sampled(pair)
    gap = b - a
    u, values, vt = np.linalg.svd(gap, full_matrices=False)
    left, right = u.T @ a, a @ vt.T
    spaces = [spacing(a, pair.dtype_a), spacing(b, pair.dtype_b)]
    rounding = max((_energies(space) / 12 for space in spaces), key=np.sum)
    squares = _energies(_standardised(gap, rounding))
    return Spectrum(
        n_rows=len(a),
        n_columns=a.shape[1],
        values=values,
        along_a=np.einsum("ik,ik->k", u, right),
        energy_a=np.square(left).sum(axis=1) + np.square(right).sum(axis=0),
        weight=float(_energies(a).sum()),
        rounding=float(rounding.sum()),
        kurtosis=_kurtosis(squares),
        row_spread=_spread(squares),
        column_spread=_spread(squares.T),
    )


def _energies(values: Matrix) -> NDArray[np.float64]:
    return np.square(values, dtype=np.float64)


def _standardised(gap: Matrix, rounding: NDArray[np.float64]) -> Matrix:
    """Return the difference, every element over its standard deviation.

    As if it were noise of one variance and the rounding of each element.
    """
    noise = max(float((_energies(gap) - rounding).mean()), 0.0)
    scale = np.sqrt(noise + rounding)
    return np.asarray(gap / np.where(scale > 0, scale, 1.0), np.float32)


def _kurtosis(squares: NDArray[np.float64]) -> float:
    variance = squares.mean()
    return float(np.square(squares).mean() / variance**2 - 3) if variance > 0 else 0.0


def _spread(squares: NDArray[np.float64]) -> float:
    energies = squares.sum(axis=1)
    mean = energies.mean()
    # A sum of m squared Gaussians has relative standard deviation sqrt(2 / m).
    expected = (2 / squares.shape[1]) ** 0.5
    return float(energies.std() / (mean * expected)) if mean > 0 else 0.0
