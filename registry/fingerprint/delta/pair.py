"""Two aligned tensors, and samples of them that are the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.sketching.keyed import sample

# A sample of this side shows a rank of up to half of it; its SVD takes 0.2 s.
SIDE: Final = 512
# Norms, biases and routers are no matrices whose spectrum means anything.
MIN_SIDE: Final = 16

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class AlignedPair:
    """A tensor of model a and the tensor of model b that has its place.

    `a` and `b` have one shape: (n, d), where rows are residual-stream vectors
    (or as stored, for the role "other"), or (n,) for gains and biases. With
    `stored_axis` 1 the file holds the transpose; groups of a quantisation run
    along the rows of the file.
    """

    role: str
    layer: int | None
    a: Matrix
    b: Matrix
    dtype_a: str
    dtype_b: str
    stored_axis: int = 0


def is_matrix(pair: AlignedPair) -> bool:
    """Tell whether both sides of the tensor are long enough for a spectrum."""
    return pair.a.ndim == 2 and min(pair.a.shape) >= MIN_SIDE


def sampled(pair: AlignedPair) -> tuple[Matrix, Matrix]:
    """Return the same at most SIDE rows and columns of both, not finite as zero."""
    n, d = pair.a.shape
    at = np.ix_(sample("delta-rows", n, SIDE), sample("delta-columns", d, SIDE))
    a, b = pair.a[at], pair.b[at]
    bad = ~(np.isfinite(a) & np.isfinite(b))
    return np.where(bad, np.float32(0), a), np.where(bad, np.float32(0), b)


def spacing(values: Matrix, dtype: str) -> Matrix:
    """Return the distance from each value to the next one that `dtype` can hold.

    0 for F32, whose rounding no comparison here can see, and for 0 in BF16.
    Below its normal range half precision has one spacing, also around 0.
    """
    if dtype == "F32":
        return np.zeros_like(values)
    exponents = np.ascontiguousarray(values, np.float32).view(np.uint32) & 0x7F800000
    powers: Matrix = exponents.view(np.float32)
    if dtype == "F16":
        powers = np.maximum(powers, np.float32(2.0**-14))
        return powers * np.float32(2.0**-10)
    return powers * np.float32(2.0**-7)
