"""Bit patterns between the three float types, against slow or independent ones."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from registry.fingerprint.reading import rounding

EVERY = np.arange(1 << 16, dtype=np.uint16)


def bf16_value(bits: int) -> float:
    """Decode bfloat16 from its definition: 1 sign, 8 exponent, 7 fraction bits."""
    sign = -1.0 if bits >> 15 else 1.0
    exponent, fraction = (bits >> 7) & 0xFF, bits & 0x7F
    if exponent == 0xFF:
        return math.nan if fraction else sign * math.inf
    if exponent == 0:
        return sign * fraction * 2.0**-133
    return sign * (1 + fraction / 128) * 2.0 ** (exponent - 127)


def test_every_bf16_widens_exactly() -> None:
    found = rounding.to_f32(EVERY, "BF16")

    expected = np.array([bf16_value(bits) for bits in range(1 << 16)])
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_every_f16_widens_exactly() -> None:
    found = rounding.to_f32(EVERY, "F16")

    expected = [struct.unpack("<e", struct.pack("<H", bits))[0] for bits in EVERY]
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_f32_rounds_to_the_nearest_bf16_ties_to_even() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 0x7F700000, 20_000).astype(np.uint32)
    bits[:2_000] = (bits[:2_000] & 0xFFFF0000) | 0x8000  # exact ties
    values = bits.view(np.float32).astype(np.float64)
    grid = rounding.to_f32(EVERY[:0x7F80], "BF16").astype(np.float64)

    found = rounding.to_bf16(bits, "F32")

    above = np.searchsorted(grid, values).clip(1)
    low, high = values - grid[above - 1], grid[above] - values
    even = np.where(above % 2 == 0, above, above - 1)
    expected = np.where(low == high, even, np.where(low < high, above - 1, above))
    np.testing.assert_array_equal(found, expected)


def test_f16_of_bf16_is_what_numpy_makes_of_the_exact_value() -> None:
    finite = EVERY[(EVERY & 0x7F80) != 0x7F80]

    found = rounding.to_f16(finite, "BF16")

    with np.errstate(over="ignore"):
        expected = rounding.to_f32(finite, "BF16").astype(np.float64).astype(np.float16)
    np.testing.assert_array_equal(found, expected.view(np.uint16))


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_every_nan_becomes_one_and_is_counted(dtype: str) -> None:
    wide = np.array([1, np.nan, -np.nan, np.inf, -np.inf, -0.0], np.float32)
    bits = {
        "F32": wide.view(np.uint32),
        "F16": wide.astype(np.float16).view(np.uint16),
        "BF16": (wide.view(np.uint32) >> 16).astype(np.uint16),
    }[dtype].copy()
    bits[2] |= 1  # another payload

    clean, n_nan, n_inf = rounding.with_one_nan(bits, dtype)

    assert (n_nan, n_inf) == (2, 2)
    assert clean[1] == clean[2]
    for other in (rounding.to_bf16(clean, dtype), rounding.to_f16(clean, dtype)):
        assert other[1] == other[2]


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_rounding_to_its_own_type_changes_nothing(dtype: str) -> None:
    clean, _, _ = rounding.with_one_nan(EVERY, dtype)

    own = rounding.to_bf16 if dtype == "BF16" else rounding.to_f16

    np.testing.assert_array_equal(own(clean, dtype), clean)
    assert rounding.is_same(clean, dtype, clean, dtype)


def test_a_value_beyond_half_precision_is_seen_to_change() -> None:
    bits = (np.array([1.0, 1e-20], np.float32).view(np.uint32) >> 16).astype(np.uint16)

    halves = rounding.to_f16(bits, "BF16")

    assert not rounding.is_same(bits, "BF16", halves, "F16")
    assert rounding.is_same(bits[:1], "BF16", halves[:1], "F16")
