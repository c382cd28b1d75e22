"""FFN units are found from shapes, in every common way of storing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.fingerprint.folder import open_model
from registry.fingerprint.structure import find_ffn, layer_of, name_pattern, spread
from registry.fingerprint.weights import TensorInfo
from tests.zoo.derive import ZOO

D, H, Q, KV = 64, 256, 128, 32


def model(**shapes: tuple[int, ...]) -> list[TensorInfo]:
    """Return four layers of tensors with these names and shapes."""
    return [
        TensorInfo(f"m.{layer}.{name}", "BF16", shape, Path("x"), 0, 0)
        for layer in range(4)
        for name, shape in shapes.items()
    ]


SQUARE = {"q": (D, D), "k": (D, D), "v": (D, D), "o": (D, D), "norm": (D,)}
GROUPED = {"q": (D, D), "k": (KV, D), "v": (KV, D), "o": (D, D)}
WIDE_HEADS = {"q": (Q, D), "k": (Q, D), "v": (Q, D), "o": (D, Q)}
WIDE_GROUPED = {"q": (Q, D), "k": (KV, D), "v": (KV, D), "o": (D, Q)}
FUSED_QKV = {"qkv": (3 * D, D), "o": (D, D)}
GATED = {"x": (H, D), "y": (H, D), "z": (D, H)}


@pytest.mark.parametrize(
    "attention", [SQUARE, GROUPED, WIDE_HEADS, WIDE_GROUPED, FUSED_QKV]
)
def test_a_gated_ffn_is_told_from_attention(
    attention: dict[str, tuple[int, ...]],
) -> None:
    found = find_ffn(model(**attention, **GATED))

    assert found is not None
    assert (found.d, found.h, found.gated, found.n_layers) == (D, H, True, 4)
    assert [part.tensor.name for part in found.layers[0]] == ["m.0.x", "m.0.y", "m.0.z"]
    assert [part.axis for part in found.layers[0]] == [0, 0, 1]


@pytest.mark.parametrize("attention", [SQUARE, GROUPED, WIDE_GROUPED, FUSED_QKV])
def test_a_plain_ffn_is_told_from_attention(
    attention: dict[str, tuple[int, ...]],
) -> None:
    found = find_ffn(model(**attention, fc=(H, D), proj=(D, H)))

    assert found is not None
    assert (found.h, found.gated) == (H, False)
    assert [part.tensor.name for part in found.layers[3]] == ["m.3.fc", "m.3.proj"]


def test_a_fused_gate_and_up_is_split_into_halves() -> None:
    found = find_ffn(model(**FUSED_QKV, both=(2 * H, D), down=(D, H)))

    assert found is not None
    assert (found.h, found.gated) == (H, True)
    assert [(p.axis, p.first) for p in found.layers[0]] == [(0, 0), (0, H), (1, 0)]


def test_transposed_storage_is_read_along_the_other_axis() -> None:
    found = find_ffn(open_model(ZOO / "classic-1").tensors)

    assert found is not None
    assert (found.d, found.h, found.gated) == (64, 256, False)
    names = [part.tensor.name for part in found.layers[0]]
    assert names == [
        "transformer.h.0.mlp.c_proj.weight",
        "transformer.h.0.mlp.c_fc.weight",
    ]
    assert [part.axis for part in found.layers[0]] == [0, 1]


def test_names_play_no_part_beyond_the_layer_number() -> None:
    renamed = model(
        **{f"t{i}": shape for i, shape in enumerate(GATED.values())}, **SQUARE
    )

    found = find_ffn(renamed)

    assert found is not None
    assert found.h == H


def test_attention_alone_shows_no_ffn() -> None:
    assert find_ffn(model(**SQUARE)) is None
    assert find_ffn(model(**GROUPED)) is None
    assert find_ffn([]) is None


def test_an_ffn_as_wide_as_fused_attention_is_not_guessed() -> None:
    wide = {"fc": (3 * D, D), "proj": (D, 3 * D)}

    assert find_ffn(model(**FUSED_QKV, **wide)) is None
    assert find_ffn(model(**SQUARE, **wide)) is not None


def test_the_factors_of_an_adapter_are_no_ffn() -> None:
    down, up = {"a": (8, D * 8), "b": (D * 32, 8)}, {"c": (D * 32, 8), "d": (8, D * 32)}

    assert find_ffn(model(**down, **up)) is None


def test_layers_without_an_ffn_are_counted_not_guessed() -> None:
    tensors = model(**SQUARE, **GATED)
    experts = [("m.9.e0", (H, D)), ("m.9.e1", (H, D)), ("m.9.e2", (H, D))]
    tensors += [TensorInfo(n, "F32", shape, Path("x"), 0, 0) for n, shape in experts]

    found = find_ffn(tensors)

    assert found is not None
    assert (found.n_layers, found.n_not_understood) == (4, 1)


def test_encoder_and_decoder_layers_of_one_number_are_two_layers() -> None:
    assert layer_of("encoder.block.0.x") != layer_of("decoder.block.0.x")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("model.layers.12.mlp.up.weight", "model.layers.*.mlp.up.weight"),
        ("h.3.experts.7.w1", "h.*.experts.7.w1"),
        ("0.weight", "*.weight"),
        ("blocks.5", "blocks.*"),
        ("wi_0.weight", "wi_0.weight"),
        ("lm_head.weight", "lm_head.weight"),
    ],
)
def test_the_first_number_of_a_name_is_its_layer(name: str, pattern: str) -> None:
    assert name_pattern(name) == pattern


def test_deep_models_are_sampled_at_fixed_relative_depths() -> None:
    assert spread(8) == tuple(range(8))
    assert spread(32) == (0, 4, 8, 13, 17, 22, 26, 31)
    assert len(set(spread(9))) == 8
