"""Sums over all elements of two aligned tensors, in pieces of bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from registry.fingerprint.delta.pair import AlignedPair, Matrix, spacing

_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class Totals:
    """Counts and sums of squares and products; `difference` is b - a.

    Elements that are not finite on either side are left out, `n_lost` in number.
    `n_zero_a` counts zeros of a where b has none, and so for b. `rounding` is the
    energy that rounding b (or a, if that is more) leaves in the difference: a
    rounding error is uniform, so its variance is spacing² / 12. `n_beyond`
    counts differences that two roundings cannot explain.
    """

    n: int = 0
    n_lost: int = 0
    n_changed: int = 0
    n_beyond: int = 0
    n_zero_a: int = 0
    n_zero_b: int = 0
    a_a: float = 0.0
    b_b: float = 0.0
    a_b: float = 0.0
    difference: float = 0.0
    rounding: float = 0.0

    def __add__(self, other: Totals) -> Totals:
        """Return the totals of both parts together."""
        names = (field.name for field in fields(Totals))
        return Totals(*(getattr(self, n) + getattr(other, n) for n in names))

    @property
    def relative(self) -> float:
        """Return |A - B| / sqrt(|A| |B|), or 0 without any weight."""
        size = (self.a_a * self.b_b) ** 0.5
        return (self.difference / size) ** 0.5 if size > 0 else 0.0

    @property
    def cosine(self) -> float:
        """Return the cosine of A and B as vectors, or 0 without any weight."""
        size = (self.a_a * self.b_b) ** 0.5
        return self.a_b / size if size > 0 else 0.0


def total(pair: AlignedPair) -> Totals:
    """Return the totals of one pair."""
    a, b = np.atleast_2d(pair.a), np.atleast_2d(pair.b)
    step = max(1, _PIECE // max(1, a.shape[1]))
    found = Totals()
    for start in range(0, len(a), step):
        piece = slice(start, start + step)
        found += _total(a[piece], b[piece], pair.dtype_a, pair.dtype_b)
    return found


def _total(a: Matrix, b: Matrix, dtype_a: str, dtype_b: str) -> Totals:
    finite = np.isfinite(a) & np.isfinite(b)
    n_lost = a.size - int(np.count_nonzero(finite))
    if n_lost:
        a, b = a[finite], b[finite]
    gap = b - a
    space_a, space_b = spacing(a, dtype_a), spacing(b, dtype_b)
    return Totals(
        n=a.size,
        n_lost=n_lost,
        n_changed=int(np.count_nonzero(gap)),
        n_beyond=int(np.count_nonzero(2 * np.abs(gap) > 1.01 * (space_a + space_b))),
        n_zero_a=int(np.count_nonzero((a == 0) & (b != 0))),
        n_zero_b=int(np.count_nonzero((b == 0) & (a != 0))),
        a_a=_dot(a, a),
        b_b=_dot(b, b),
        a_b=_dot(a, b),
        difference=_dot(gap, gap),
        rounding=max(_dot(space_a, space_a), _dot(space_b, space_b)) / 12,
    )


def _dot(x: Matrix, y: Matrix) -> float:
    return float(np.einsum("i,i->", x.ravel(), y.ravel(), dtype=np.float64))
