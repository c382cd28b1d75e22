"""Bit patterns of F32, F16 and BF16 turned into one another, exactly; no files.

Rounding is to nearest, ties to even (IEEE 754), done on integers or by tables
so that every machine gets the same bits. All NaNs become one NaN, because
libraries that cast disagree about NaN payloads.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint16] | NDArray[np.uint32]

FLOATS: Final = frozenset({"F32", "F16", "BF16"})
_PROBE: Final = 1 << 16
# dtype -> (all exponent bits, all bits but the sign, the one NaN)
_LAYOUT: Final = {
    "F32": (0x7F800000, 0x7FFFFFFF, 0x7FC00000),
    "F16": (0x7C00, 0x7FFF, 0x7E00),
    "BF16": (0x7F80, 0x7FFF, 0x7FC0),
}


def as_bits(piece: NDArray[np.uint8], dtype: str) -> Bits:
    """Return the bytes of a float tensor as unsigned integers."""
    return piece.view("<u4" if dtype == "F32" else "<u2")


def with_one_nan(bits: Bits, dtype: str) -> tuple[Bits, int, int]:
    """Return bits with every NaN made the same, and how many NaN and infinities."""
    exponent, rest, nan = _LAYOUT[dtype]
    unsigned = bits & rest
    if unsigned.size == 0 or unsigned.max() < exponent:
        return bits, 0, 0
    is_nan = unsigned > exponent
    n_inf = int(np.count_nonzero(unsigned == exponent))
    clean = np.where(is_nan, bits.dtype.type(nan), bits)
    return clean, int(np.count_nonzero(is_nan)), n_inf


def to_bf16(bits: Bits, dtype: str) -> NDArray[np.uint16]:
    """Return the values rounded to bfloat16, as bits."""
    if dtype == "F16":
        return _f16_to_bf16()[bits]
    if dtype == "BF16":
        return bits.astype(np.uint16, copy=False)
    wide = bits.astype(np.uint32, copy=False)
    rounded = (wide + (0x7FFF + ((wide >> 16) & 1))) >> 16
    is_nan = (wide & 0x7FFFFFFF) > 0x7F800000
    rounded[is_nan] = 0x7FC0
    return rounded.astype(np.uint16)


def to_f16(bits: Bits, dtype: str) -> NDArray[np.uint16]:
    """Return the values rounded to half precision, as bits; too large is infinite."""
    if dtype == "BF16":
        return _bf16_to_f16()[bits]
    if dtype == "F16":
        return bits.astype(np.uint16, copy=False)
    return _narrow(bits.view("<f4"))


def to_f32(bits: Bits, dtype: str) -> NDArray[np.float32]:
    """Return the values as float32, exactly."""
    if dtype == "F32":
        return bits.view("<f4")
    if dtype == "F16":
        with np.errstate(invalid="ignore"):  # some NaNs signal
            return bits.view("<f2").astype(np.float32)
    halves = np.empty((len(bits), 2), "<u2")
    halves[:, 0] = 0
    halves[:, 1] = bits
    return halves.view("<f4")[:, 0]


def is_same(bits: Bits, dtype: str, other: Bits, other_dtype: str) -> bool:
    """Return whether two pieces hold the same values, whatever their types."""
    for part in (slice(None, _PROBE), slice(_PROBE, None)):  # mostly the first tells
        left, right = to_f32(bits[part], dtype), to_f32(other[part], other_dtype)
        if not np.array_equal(left, right, equal_nan=True):
            return False
    return True


def _narrow(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        made = values.astype("<f2")
    bits = made.view("<u2")
    bits[np.isnan(made)] = 0x7E00
    return bits


@cache
def _bf16_to_f16() -> NDArray[np.uint16]:
    return _narrow(to_f32(np.arange(1 << 16, dtype=np.uint16), "BF16"))


@cache
def _f16_to_bf16() -> NDArray[np.uint16]:
    every = np.arange(1 << 16, dtype=np.uint16)
    clean, _, _ = with_one_nan(every, "F16")
    return to_bf16(to_f32(clean, "F16").view("<u4"), "F32")
