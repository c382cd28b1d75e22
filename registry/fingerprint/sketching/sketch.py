"""The sketch of a model: what is stored instead of its weights.

How it becomes bytes is in `codec.py`; how it is made, in `sketching.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.reading.rounding import FLOATS
from registry.fingerprint.reading.tokenizer import TokenizerSummary
from registry.fingerprint.sketching.units import Units
from registry.fingerprint.sketching.values import TensorValues

ENGINE: Final = "baimo/2"
MAX_LISTED: Final = 900


@dataclass(frozen=True)
class TensorRecord:
    """One tensor: what it is called, its form, and what is kept of its values."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    values: TensorValues

    @property
    def is_float(self) -> bool:
        """Return whether the tensor holds weights rather than an integer buffer."""
        return self.dtype in FLOATS


@dataclass(frozen=True, eq=False)
class Sketch:
    """A model in at most 256 KiB; `to_bytes` and `from_bytes` are inverse.

    `tensors` are sorted by name. When a model has more than MAX_LISTED, or more
    than fit, the largest are listed and `n_tensors` says how many there are;
    `whole` holds digests of all float tensors' values (own, as bf16, as f16), listed
    or not. `rows` are the smallest 64-bit hashes of the rows of all matrices inside
    layers, ascending: a sample by which shared rows are counted (bottom-k; Broder
    1997). `files` are the names and SHA-256 of the weight files, where whoever made the
    sketch asked for them; no comparison looks at them.
    """

    params: int
    dtype: str
    n_tensors: int
    n_nan: int
    n_inf: int
    tensors: tuple[TensorRecord, ...]
    whole: tuple[bytes, bytes, bytes]
    units: Units | None
    rows: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    config: dict[str, Any] = field(default_factory=dict)
    tokenizer: TokenizerSummary | None = None
    files: tuple[tuple[str, str], ...] = ()
    engine: str = ENGINE

    @property
    def hashes(self) -> frozenset[str]:
        """Return the SHA-256 of the weight files, empty where they were not noted."""
        return frozenset(sha256 for _, sha256 in self.files)

    @property
    def is_complete(self) -> bool:
        """Return whether every tensor is listed."""
        return len(self.tensors) == self.n_tensors

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return name -> shape of the listed float tensors."""
        return {tensor.name: tensor.shape for tensor in self.tensors if tensor.is_float}

    def to_bytes(self) -> bytes:
        """Return the sketch as bytes, the same for the same sketch everywhere."""
        from registry.fingerprint.sketching.codec import encode

        return encode(self)

    @staticmethod
    def from_bytes(data: bytes) -> Sketch:
        """Return the sketch in untrusted `data`; raises SketchError."""
        from registry.fingerprint.sketching.codec import decode

        return decode(data)


def rank(name: str, shape: tuple[int, ...]) -> tuple[int, str]:
    """Return a key that orders tensors, those first that are listed first."""
    return -math.prod(shape), name
