"""The gain before the FFN is found by what training left in the weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from registry.fingerprint.anatomy.gains import ffn_gain
from registry.fingerprint.anatomy.parts import read_vector
from registry.fingerprint.anatomy.structure import Layer
from tests.unit.fingerprint.conftest import Build, Model
from tests.zoo import derive
from tests.zoo.derive import ZOO

BEFORE_THE_FFN = {
    "small-1": "post_attention_layernorm.weight",
    "small-2": "post_attention_layernorm.weight",
    "small-1-more-3x": "post_attention_layernorm.weight",
    "wide-1": "post_attention_layernorm.weight",
    "qwen-1": "post_attention_layernorm.weight",
    "phi3-1": "post_attention_layernorm.weight",
    "classic-1": "ln_2.weight",
}


def gain_of(layer: Layer, ending: str) -> np.ndarray:
    (tensor,) = [t for t in layer.vectors if t.name.endswith(ending)]
    return read_vector(tensor)


@pytest.mark.parametrize("name", BEFORE_THE_FFN)
def test_the_right_one_of_two_gains_is_chosen(
    name: str, models: dict[str, Model]
) -> None:
    for layer in models[name].structure.layers:
        expected = gain_of(layer, BEFORE_THE_FFN[name])
        np.testing.assert_array_equal(ffn_gain(layer, len(expected)), expected)


@pytest.mark.parametrize("name", ["small-1", "qwen-1", "wide-1"])
def test_gains_moved_into_their_matrices_do_not_mislead(
    name: str, build: Build
) -> None:
    head = {"small-1": 16, "qwen-1": 16, "wide-1": 12}[name]
    tensors = derive.cast(derive.read(ZOO / name), "F32")
    structure = build(derive.rescale(tensors, head, 5)).structure

    for layer in structure.layers:
        expected = gain_of(layer, "post_attention_layernorm.weight")
        found = ffn_gain(layer, structure.d)
        np.testing.assert_array_equal(found, expected)


def test_names_and_their_order_play_no_part(
    models: dict[str, Model], build: Build
) -> None:
    norms = ("input_layernorm", "post_attention_layernorm")
    swapped = dict(zip(norms, ("zz", "aa"), strict=True))
    other = build(derive.rename(derive.read(ZOO / "small-1"), swapped))

    for one, two in zip(
        models["small-1"].structure.layers, other.structure.layers, strict=True
    ):
        np.testing.assert_array_equal(ffn_gain(one, 64), ffn_gain(two, 64))


def test_a_layer_without_gains_has_ones(models: dict[str, Model]) -> None:
    layer = replace(models["small-1"].structure.layers[0], vectors=())

    assert ffn_gain(layer, 64).tolist() == [1.0] * 64


def test_one_gain_alone_is_taken(models: dict[str, Model]) -> None:
    layer = models["small-1"].structure.layers[0]
    only = replace(layer, vectors=layer.vectors[:1])

    np.testing.assert_array_equal(ffn_gain(only, 64), read_vector(layer.vectors[0]))


def test_biases_are_no_gains(models: dict[str, Model]) -> None:
    """GPT-2 and BERT have biases as long as gains, which start at zero."""
    layer = models["classic-1"].structure.layers[0]
    biases = tuple(t for t in layer.vectors if t.name.endswith("bias"))
    assert biases

    found = ffn_gain(replace(layer, vectors=biases), 64)

    assert found.tolist() == [1.0] * 64
