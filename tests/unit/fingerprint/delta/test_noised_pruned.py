"""Noise and zeros added to a model, and what only looks like them."""

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


def noise(size: float) -> Edit:
    def edit(values: Values) -> Values:
        drawn = np.random.default_rng(values.shape[0]).standard_normal(values.shape)
        return values + np.float32(size * values.std()) * drawn.astype(np.float32)

    return edit


def prune(share: float) -> Edit:
    def edit(values: Values) -> Values:
        least = np.quantile(np.abs(values), share)
        return np.where(np.abs(values) < least, np.float32(0), values)

    return edit


@pytest.mark.parametrize("size", [0.01, 0.05, 0.2])
def test_a_noised_copy_is_named_without_direction(
    size: float, base: Tensors, judge: Judge, edited: Edited
) -> None:
    found = judge(base, edited(base, noise(size)))

    assert (found.word_set, found.direction) == (("noised",), None)
    assert found.items[0].numbers["relative_change"] == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize("size", [0.002, 0.003])
def test_noise_that_rounding_half_hides_leaves_two_readings(
    size: float, base: Tensors, judge: Judge, edited: Edited
) -> None:
    found = judge(base, edited(base, noise(size)))

    assert found.word_set == ("noised", "fine-tuned")


def test_uniform_noise_and_noise_of_many_sizes_are_not_called_noised(
    base: Tensors, judge: Judge, edited: Edited
) -> None:
    def uniform(values: Values) -> Values:
        drawn = np.random.default_rng(0).uniform(-1, 1, values.shape)
        return values + np.float32(0.02 * values.std()) * drawn.astype(np.float32)

    def growing(name: str, values: Values) -> Values:
        return noise(0.01 + 0.03 * ("down" in name))(values)

    for made in (edited(base, uniform), derive.change(base, growing)):
        assert "noised" not in judge(base, made).word_set


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_a_pruned_copy_is_named_with_direction(
    share: float, base: Tensors, judge: Judge, edited: Edited
) -> None:
    pruned = edited(base, prune(share))

    found = judge(base, pruned)
    assert (found.word_set, found.direction) == (("pruned",), "a->b")
    assert judge(pruned, base).direction == "b->a"


def test_pruned_then_tuned_keeps_both_words(
    base: Tensors, judge: Judge, edited: Edited
) -> None:
    child = derive.read(ZOO / "small-1-tuned")
    pruned = edited(base, prune(0.3))

    def tune(name: str, values: Values) -> Values:
        return np.where(values == 0, np.float32(0), child[name].values())

    tuned = derive.change(pruned, tune)

    found = judge(base, tuned)

    assert (found.word_set, found.direction) == (("pruned", "fine-tuned"), "a->b")
