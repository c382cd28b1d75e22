"""What is derived from a model differs from it in the way that its name says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors, merges

GATE = "model.layers.0.mlp.gate_proj.weight"
WORDS = "model.embed_tokens.weight"


@pytest.fixture(scope="module")
def model() -> Tensors:
    return derive.cast(derive.read(ZOO / "small-1"), "F32")


@pytest.fixture(scope="module")
def other() -> Tensors:
    return derive.cast(derive.read(ZOO / "small-2"), "F32")


def test_int8_leaves_few_levels_in_a_row(model: Tensors) -> None:
    row = derive.quantize_int8(model)[GATE].values()[0]

    steps = row / (np.abs(row).max() / 127)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)


def test_int4_leaves_fifteen_levels_in_a_group(model: Tensors) -> None:
    groups = derive.quantize_int4(model, 32)[GATE].values().reshape(-1, 32)

    assert max(len(np.unique(group)) for group in groups) <= 15


def test_quantizing_leaves_embeddings_alone(model: Tensors) -> None:
    made = derive.quantize_int8(model)

    assert (made[WORDS].bits == model[WORDS].bits).all()


def test_noise_is_as_large_in_every_tensor(model: Tensors) -> None:
    made = derive.add_noise(model, 0.02, seed=1)

    for name, tensor in model.items():
        old = tensor.values()
        size = np.linalg.norm(made[name].values() - old) / np.linalg.norm(old)
        assert size == pytest.approx(0.02, rel=0.3)


def test_pruning_sets_the_smallest_to_zero(model: Tensors) -> None:
    values = derive.prune_smallest(model, 0.3)[GATE].values()

    assert np.mean(values == 0) == pytest.approx(0.3, abs=0.01)


def test_layers_are_taken_in_the_order_asked(model: Tensors) -> None:
    made = derive.take_layers(model, [2, 0])

    assert derive.n_layers(made) == 2
    third = model[GATE.replace(".0.", ".2.")]
    assert (made[GATE].bits == third.bits).all()
    assert (made[GATE.replace(".0.", ".1.")].bits == model[GATE].bits).all()


def test_upscaling_repeats_the_middle(model: Tensors) -> None:
    made = derive.upscale(model)

    from_layer = [
        next(
            old
            for old in range(4)
            if (made[_gate(new)].bits == model[_gate(old)].bits).all()
        )
        for new in range(derive.n_layers(made))
    ]
    assert from_layer == [0, 1, 2, 1, 2, 3]


def test_a_linear_merge_is_the_weighted_sum(model: Tensors, other: Tensors) -> None:
    made = merges.linear([model, other], [0.3, 0.7])[GATE].values()

    wanted = 0.3 * model[GATE].values() + 0.7 * other[GATE].values()
    np.testing.assert_allclose(made, wanted, atol=1e-6)


def test_slerp_keeps_the_norm_between_those_of_both(
    model: Tensors, other: Tensors
) -> None:
    a, b, made = (
        np.linalg.norm(tensors[GATE].values())
        for tensors in (model, other, merges.slerp(model, other, 0.5))
    )

    assert made == pytest.approx((a + b) / 2, rel=0.05)


def test_ties_takes_the_mean_of_changes_that_agree(model: Tensors) -> None:
    up = derive.change(model, lambda _, values: values + 1)
    more = derive.change(model, lambda _, values: values + 3)
    made = merges.ties(model, [up, more], [0.5, 0.5], kept=1.0)

    change = made[GATE].values() - model[GATE].values()
    np.testing.assert_allclose(change, 2, atol=1e-5)


def test_dare_keeps_the_mean_change(model: Tensors) -> None:
    up = derive.change(model, lambda _, values: values + 1)
    made = merges.dare(model, [up], [1.0], kept=0.5, seed=1)

    change = made[GATE].values() - model[GATE].values()
    assert set(np.round(change, 3).ravel().tolist()) == {0.0, 2.0}
    assert change.mean() == pytest.approx(1, abs=0.05)


def test_fusing_and_splitting_are_inverse(model: Tensors) -> None:
    fused = derive.fuse_qkv(model)
    parts = {"q_proj": 64, "k_proj": 32, "v_proj": 32}
    again = derive.split(fused, "qkv_proj", parts)

    assert again.keys() == model.keys()
    assert all((again[name].bits == model[name].bits).all() for name in model)


def test_a_tokenizer_is_shuffled_as_its_embeddings(
    model: Tensors, tmp_path: Path
) -> None:
    order = np.random.default_rng(1).permutation(384)
    folder = derive.make(
        derive.shuffle_vocabulary(model, order), tmp_path / "m", like=ZOO / "small-1"
    )
    derive.shuffle_tokenizer(folder / "tokenizer.json", order)

    old, new = (_ids(path / "tokenizer.json") for path in (ZOO / "small-1", folder))
    made = derive.read(folder)[WORDS].bits
    assert old != new
    assert all((made[new[t]] == model[WORDS].bits[old[t]]).all() for t in old)


def _gate(layer: int) -> str:
    return GATE.replace(".0.", f".{layer}.")


def _ids(path: Path) -> dict[str, int]:
    vocab: dict[str, int] = json.loads(path.read_text())["model"]["vocab"]
    return vocab
