"""Merged adapters of many ranks, and full training that must not look like one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.delta import AlignedPair, Explanation, explain, measure
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

Values = NDArray[np.float32]
Judge = Callable[[Tensors, Tensors], Explanation]


def adapted(rank: int, size: float) -> Callable[[str, Values], Values]:
    """Return an edit that adds a product of rank `rank` to matrices in layers."""

    def edit(name: str, values: Values) -> Values:
        if values.ndim == 1 or "layers" not in name:
            return values
        draw = np.random.default_rng([rank, *name.encode()]).standard_normal
        product = draw((len(values), rank)) @ draw((rank, values.shape[1]))
        scale = size * np.linalg.norm(values) / np.linalg.norm(product)
        return values + (scale * product).astype(np.float32)

    return edit


@pytest.mark.parametrize("rank", [1, 4, 16])
def test_a_merged_adapter_is_named_with_its_rank(
    rank: int, base: Tensors, judge: Judge
) -> None:
    found = judge(base, derive.change(base, adapted(rank, 0.1)))

    assert found.word_set == ("lora-merged",)
    assert found.items[0].value == rank


def test_a_rank_of_half_the_width_is_found() -> None:
    draw = np.random.default_rng(0).standard_normal

    def pair(n: int) -> AlignedPair:
        w = derive.stored(draw((n, 128)).astype(np.float32), "BF16").values()
        product = (draw((n, 64)) @ draw((64, 128)) / 40).astype(np.float32)
        merged = derive.stored(w + product, "BF16").values()
        return AlignedPair("up", 0, w, merged, "BF16", "BF16")

    found = explain(measure(pair(n) for n in (128, 256, 512, 320)))

    assert found.word_set == ("lora-merged",)
    assert found.items[0].value == 64


@pytest.mark.parametrize("name", ["small-1-tuned", "small-1-more", "small-1-more-3x"])
def test_full_training_is_never_an_adapter(
    name: str, base: Tensors, judge: Judge
) -> None:
    found = judge(base, derive.read(ZOO / name))

    assert "lora-merged" not in found.word_set


@pytest.mark.parametrize("share", [0.3, 0.1, 0.03, 0.01])
def test_training_so_weak_that_rounding_hides_it_is_never_an_adapter(
    share: float, base: Tensors, judge: Judge
) -> None:
    child = derive.read(ZOO / "small-1-tuned")

    def weaken(name: str, values: Values) -> Values:
        return values + np.float32(share) * (child[name].values() - values)

    found = judge(base, derive.change(base, weaken))

    assert "lora-merged" not in found.word_set


def test_words_trained_beside_an_adapter_leave_two_readings(
    base: Tensors, judge: Judge
) -> None:
    child = derive.read(ZOO / "small-1-tuned")
    name = "model.embed_tokens.weight"
    made = derive.change(base, adapted(4, 0.1)) | {name: child[name]}

    assert judge(base, made).word_set == ("lora-merged", "fine-tuned")
