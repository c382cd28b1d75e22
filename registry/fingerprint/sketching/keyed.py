"""Fixed random signs and samples from a versioned key; the same on every machine."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A change here makes stored sketches incomparable: raise the engine's version.
KEY: Final = "baimo/2"


@cache
def signs(purpose: str, n: int) -> NDArray[np.float32]:
    """Return n values of +1 or -1 that depend on the key and the purpose only."""
    drawn = np.frombuffer(_stream(purpose, -(-n // 8)), np.uint8)
    return (np.unpackbits(drawn)[:n].astype(np.float32) * 2 - 1).astype(np.float32)


@cache
def sample(purpose: str, n: int, size: int) -> NDArray[np.int64]:
    """Return `size` different indices below n, ascending; all n when n <= size."""
    if n <= size:
        return np.arange(n)
    drawn = np.frombuffer(_stream(f"{purpose}/{n}", 8 * n), "<u8")
    return np.sort(np.argsort(drawn, kind="stable")[:size])


def _stream(purpose: str, n_bytes: int) -> bytes:
    return hashlib.shake_256(f"{KEY}/{purpose}".encode()).digest(n_bytes)
