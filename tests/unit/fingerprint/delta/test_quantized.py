"""Quantised copies by many schemes, and rounding that is no quantisation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.delta import Explanation
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

Values = NDArray[np.float32]
Edit = Callable[[Values], Values]
Judge = Callable[[Tensors, Tensors], Explanation]
Edited = Callable[[Tensors, Edit], Tensors]

# Quantiles of the normal distribution, as NF4 has them (Dettmers and others 2023).
NEGATIVE = (-1.0, -0.696, -0.525, -0.395, -0.284, -0.185, -0.091, 0.0)
POSITIVE = (0.080, 0.161, 0.246, 0.338, 0.441, 0.563, 0.723, 1.0)
NF4 = np.array((*NEGATIVE, *POSITIVE))


def symmetric(groups: Values, bits: int) -> Values:
    top = 2 ** (bits - 1) - 1
    step = np.abs(groups).max(axis=-1, keepdims=True) / top
    return np.rint(groups / np.where(step, step, 1)) * step


def asymmetric(groups: Values, bits: int) -> Values:
    low, high = (f(groups, axis=-1, keepdims=True) for f in (np.min, np.max))
    step = (high - low) / (2**bits - 1)
    return np.rint((groups - low) / np.where(step, step, 1)) * step + low


def nf4(groups: Values, bits: int) -> Values:
    top = np.abs(groups).max(axis=-1, keepdims=True)
    near = np.abs((groups / np.where(top, top, 1))[..., None] - NF4).argmin(axis=-1)
    return NF4[near] * top


def in_groups(size: int, scheme: Callable[[Values, int], Values], bits: int) -> Edit:
    """Return an edit that quantises groups along stored rows; 0 is one group."""

    def edit(values: Values) -> Values:
        groups = values.reshape(-1, size) if size else values.reshape(1, -1)
        return scheme(groups, bits).reshape(values.shape).astype(np.float32)

    return edit


def by_row(values: Values) -> Values:
    return symmetric(values, 8)


def by_column(values: Values) -> Values:
    return symmetric(values.T, 8).T


SCHEMES = {
    "int8 by row": (by_row, "row"),
    "int8 by column": (by_column, "column"),
    "int8 by tensor": (in_groups(0, symmetric, 8), "tensor"),
    "int8 by 32": (in_groups(32, symmetric, 8), "32"),
    "int4 by 32": (in_groups(32, symmetric, 4), "32"),
    "int4 by 16": (in_groups(16, symmetric, 4), "16"),
    "int4 by 64": (in_groups(64, symmetric, 4), "row"),
    "int4 by 32 asymmetric": (in_groups(32, asymmetric, 4), "32"),
    "nf4 by 64": (in_groups(64, nf4, 4), "row"),
    "int3 by 64": (in_groups(64, symmetric, 3), "row"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_quantised_copies_are_named_with_direction_and_group(
    scheme: str, base: Tensors, judge: Judge, edited: Edited
) -> None:
    edit, group = SCHEMES[scheme]

    found = judge(base, edited(base, edit))

    assert (found.word_set, found.direction) == (("quantized",), "a->b")
    assert found.items[0].numbers["group"] == group


def test_the_direction_turns_with_the_order_of_the_models(
    base: Tensors, judge: Judge, edited: Edited
) -> None:
    found = judge(edited(base, by_row), base)

    assert (found.word, found.direction) == ("quantized", "b->a")


def test_few_levels_suffice_where_order_is_lost(
    base: Tensors, judge: Judge, edited: Edited
) -> None:
    """GPTQ moves what rounding lost to later columns, so the order is not kept."""

    def pushed(values: Values) -> Values:
        drawn = np.random.default_rng(0).standard_normal(values.shape)
        return in_groups(32, symmetric, 4)(values + 0.1 * values.std() * drawn)

    found = judge(base, edited(base, pushed))

    assert found.word_set == ("quantized",)


@pytest.mark.parametrize("dtype", ["F16", "F32"])
def test_a_cast_is_not_quantised(dtype: str, base: Tensors, judge: Judge) -> None:
    fine = {
        name: derive.stored(tensor.values() * np.float32(1.0001), "F32")
        for name, tensor in base.items()
    }

    found = judge(derive.cast(fine, dtype), derive.cast(fine, "BF16"))

    assert found.word_set == ("cast",)


@pytest.mark.parametrize("factor", [0.9, 0.99])
def test_a_scaled_copy_is_not_quantised(
    factor: float, base: Tensors, judge: Judge, edited: Edited
) -> None:
    found = judge(base, edited(base, lambda w: w * np.float32(factor)))

    assert "quantized" not in found.word_set


def test_trained_children_are_not_quantised(base: Tensors, judge: Judge) -> None:
    for child in ("small-1-tuned", "small-1-more-3x"):
        found = judge(base, derive.read(ZOO / child))

        assert "quantized" not in found.word_set
