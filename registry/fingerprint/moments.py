"""Norm and linear sketch of a piece of a tensor, by numpy or by torch on CUDA.

A linear sketch keeps differences: S(child) - S(parent) = S(child - parent)
(CountSketch; Charikar, Chen, Farach-Colton 2002). Value i goes to bucket
i mod 16 with a keyed sign per row of 16. Sums are float32 over a piece and
float64 over pieces: devices agree to about 1e-5 of the norm, not bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint import rounding
from registry.fingerprint.keyed import signs

WIDTH: Final = 16
# Small enough for the processor's caches, which doubles the speed.
PIECE_ELEMENTS: Final = 1 << 20
_ROWS: Final = PIECE_ELEMENTS // WIDTH
# Products this small stay in one thread: BLAS threads would fight with hashing.
_BLOCK: Final = 1 << 13

Moments = tuple[float, NDArray[np.float64]]
Backend = Callable[[rounding.Bits, str, bool], Moments]


def numpy_moments(bits: rounding.Bits, dtype: str, is_finite: bool) -> Moments:
    """Return the sum of squares and the linear sketch (16,) of one piece.

    Values that are not finite count as zero; `is_finite` says there are none.
    """
    values = rounding.to_f32(bits, dtype)
    if not is_finite:
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    blocks = _padded(values).reshape(-1, _BLOCK)
    n_rows = blocks.size // WIDTH
    drawn = signs("linear", _ROWS)[:n_rows].reshape(len(blocks), 1, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        linear = drawn @ blocks.reshape(len(blocks), -1, WIDTH)  # (blocks, 1, WIDTH)
        squares = blocks[:, None, :] @ blocks[:, :, None]
        return float(squares.sum(dtype=np.float64)), linear.sum((0, 1), np.float64)


def torch_moments(
    bits: rounding.Bits, dtype: str, is_finite: bool, device: str = "cuda"
) -> Moments:
    """Return what numpy_moments returns, computed by torch on `device`."""
    import torch

    kinds = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    raw = torch.from_numpy(np.ascontiguousarray(bits).view(f"<i{bits.itemsize}"))
    values = raw.to(device).view(kinds[dtype]).float()
    if not is_finite:
        values = torch.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    short = -len(values) % WIDTH
    rows = torch.nn.functional.pad(values, (0, short)).view(-1, WIDTH)
    drawn = torch.from_numpy(signs("linear", _ROWS)[: len(rows)]).to(device)
    linear = (drawn @ rows).double().cpu().numpy()
    return float(values.double().square().sum()), linear


def piece_sign(n: int) -> float:
    """Return the sign, +1 or -1, that piece number n takes as a whole."""
    return float(signs("pieces", 1 << 16)[n % (1 << 16)])


@cache
def best_backend() -> Backend:
    """Return torch on CUDA where torch is installed and sees a device, else numpy."""
    if find_spec("torch") is None:
        return numpy_moments
    import torch

    return torch_moments if torch.cuda.is_available() else numpy_moments


def _padded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    short = -len(values) % _BLOCK
    return np.pad(values, (0, short)) if short else values
