"""Factors moved between matrices are seen as such, and nothing else is taken for them.

With learnt factors, which do not cancel, and with training of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.delta import AlignedPair, Explanation, explain, measure
from registry.fingerprint.delta.scales import scales
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

Values = NDArray[np.float32]
Judge = Callable[[Tensors, Tensors], Explanation]

HEAD = 16


def drawn(n: int, seed: int) -> Values:
    return np.exp(np.random.default_rng(seed).uniform(-1, 1, n)).astype(np.float32)


def scaled(tensors: Tensors, factors: Mapping[str, Callable[[int], Values]]) -> Tensors:
    """Return the model with rows of the matrices named so multiplied."""

    def change(name: str, values: Values) -> Values:
        word = next((word for word in factors if word in name), None)
        if word is None:
            return values
        return values * factors[word](len(values))[:, None]

    return derive.change(tensors, change)


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_factors_that_cancel_are_a_disguise(
    seed: int, dtype: str, base: Tensors, judge: Judge
) -> None:
    made = derive.cast(derive.rescale(derive.cast(base, "F32"), HEAD, seed), dtype)

    for found in (judge(base, made), judge(made, base)):
        assert found.word_set == ("permuted",)
        assert found.direction is None
        assert found.items[0].kind == "only-factors-left"


def test_gains_folded_into_what_reads_them_leave_two_readings(
    base: Tensors, judge: Judge
) -> None:
    """Nothing of it is seen on units: factors of columns might be learnt as well."""
    readers = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")

    def fold(name: str, values: Values) -> Values:
        is_reader = any(word in name for word in readers)
        return values * drawn(values.shape[1], 0) if is_reader else values

    found = judge(base, derive.change(base, fold))

    assert found.word_set == ("permuted", "fine-tuned")


@pytest.mark.parametrize(
    "words", [("up_proj",), ("gate_proj",), ("up_proj", "gate_proj")]
)
def test_factors_of_units_that_do_not_cancel_are_no_disguise(
    words: tuple[str, ...], base: Tensors, judge: Judge
) -> None:
    learnt = {word: lambda n, i=i: drawn(n, i) for i, word in enumerate(words)}

    assert "permuted" not in judge(base, scaled(base, learnt)).word_set


def test_one_factor_for_a_matrix_is_no_disguise(base: Tensors, judge: Judge) -> None:
    halved = {"o_proj": lambda n: np.full(n, 0.7, np.float32)}

    assert "permuted" not in judge(base, scaled(base, halved)).word_set


@pytest.mark.parametrize(
    "name", ["small-1-tuned", "small-1-more", "small-1-more-3x", "small-1-start"]
)
def test_training_is_not_explained_by_factors(
    name: str, base: Tensors, judge: Judge
) -> None:
    child = derive.read(ZOO / name)

    assert "permuted" not in judge(base, child).word_set


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_a_faint_training_is_not_explained_by_factors(
    share: float, base: Tensors, judge: Judge
) -> None:
    """Steps of one unit in the last place are as small as rounding."""
    rng = np.random.default_rng(0)

    def step(_: str, values: Values) -> Values:
        moved = rng.random(values.shape) < share
        return np.where(moved, values * np.float32(1 + 2**-7), values)

    assert "permuted" not in judge(base, derive.change(base, step)).word_set


@pytest.mark.parametrize("seed", range(5))
def test_factors_are_found_with_their_signs_and_beside_zeros(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((40, 24)).astype(np.float32)
    a[rng.random(a.shape) < 0.3] = 0
    rows, columns = (
        drawn(n, seed + i) * rng.choice([-1, 1], n) for i, n in enumerate(a.shape)
    )
    b = (a * rows[:, None] * columns).astype(np.float32)

    found = scales(AlignedPair("other", 0, a, b, "F32", "F32"))

    assert found.left < 1 < found.moved
    logs = np.log(np.abs(rows))
    assert np.allclose(
        found.rows - found.rows.mean(), logs - logs.mean(), rtol=0, atol=1e-3
    )


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32"])
def test_zeros_and_nothing_have_factors_too(dtype: str) -> None:
    nothing = np.zeros((20, 20), np.float32)
    something = np.ones((20, 20), np.float32)

    for a, b in ((nothing, something), (something, nothing), (nothing, nothing)):
        found = scales(AlignedPair("other", 0, a, b, dtype, dtype))
        assert np.isfinite([found.left, found.moved]).all()


def test_a_rescaled_model_without_layers_is_measured() -> None:
    a = np.random.default_rng(0).standard_normal((64, 32)).astype(np.float32)
    pair = AlignedPair("embedding", None, a, a * drawn(32, 0), "F32", "F32")

    assert explain(measure([pair])).word_set == ("permuted", "fine-tuned")
