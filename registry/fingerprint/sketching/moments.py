"""Norm and linear sketch of a piece of a tensor, by numpy or by torch on CUDA.

A linear sketch keeps differences: S(child) - S(parent) = S(child - parent)
(CountSketch; Charikar, Chen, Farach-Colton 2002). Value i of a piece goes to
bucket i mod WIDTH with a keyed sign of its own, so that `folded` can narrow a sketch
and any two compare at the smaller width. Sums are
float32 over a piece and float64 over pieces: devices agree to about 1e-5 of the
norm, not bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.reading import rounding
from registry.fingerprint.sketching.keyed import signs

WIDTH: Final = 1_024
NARROWEST: Final = 16
# Small enough for the processor's caches, which doubles the speed.
PIECE_ELEMENTS: Final = 1 << 20
# Rows summed at once in single precision.
_BLOCK: Final = 16

Moments = tuple[float, NDArray[np.float64]]
Backend = Callable[[rounding.Bits, str, bool], Moments]


def numpy_moments(bits: rounding.Bits, dtype: str, is_finite: bool) -> Moments:
    """Return the sum of squares and the linear sketch (WIDTH,) of one piece.

    Values that are not finite count as zero; `is_finite` says there are none.
    """
    values = rounding.to_f32(bits, dtype)
    if not is_finite:
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    rows = _padded(values).reshape(-1, WIDTH)
    drawn = signs("linear", PIECE_ELEMENTS).reshape(-1, WIDTH)[: len(rows)]
    blocks = rows.reshape(-1, min(len(rows), _BLOCK), WIDTH)
    with np.errstate(over="ignore", invalid="ignore"):
        linear = np.einsum("ij,ij->j", rows, drawn)
        squares = np.einsum("bij,bij->b", blocks, blocks)
        return float(squares.sum(dtype=np.float64)), linear.astype(np.float64)


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
    drawn = _signs_on(device)[: len(rows)]
    linear = (drawn * rows).sum(0).double().cpu().numpy()
    return float(values.double().square().sum()), linear


@cache
def _signs_on(device: str) -> Any:
    import torch

    drawn = signs("linear", PIECE_ELEMENTS).reshape(-1, WIDTH)
    return torch.from_numpy(drawn).to(device)


def folded(linear: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the sums over WIDTH or fewer buckets folded to `width`, a power of two."""
    if len(linear) == width:
        return linear
    return np.asarray(linear.reshape(-1, width).sum(axis=0))


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
    whole = WIDTH * (_BLOCK if len(values) > WIDTH * _BLOCK else 1)
    short = -len(values) % whole
    if not short:
        return values
    padded = np.zeros(len(values) + short, np.float32)
    padded[: len(values)] = values
    return padded
