"""What tensors are is found from shapes, in every common way of storing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.fingerprint.anatomy.shapes import Ffn, Structure, read_shapes, spread
from registry.fingerprint.reading.weights import TensorInfo
from tests.unit.fingerprint.conftest import Model

D, H, Q, KV = 64, 256, 128, 32
Shapes = dict[str, tuple[int, ...]]

SQUARE = {"q": (D, D), "k": (D, D), "v": (D, D), "o": (D, D), "norm": (D,)}
GROUPED = {"q": (D, D), "k": (KV, D), "v": (KV, D), "o": (D, D)}
WIDE_HEADS = {"q": (Q, D), "k": (Q, D), "v": (Q, D), "o": (D, Q)}
WIDE_GROUPED = {"q": (Q, D), "k": (KV, D), "v": (KV, D), "o": (D, Q)}
FUSED_QKV = {"qkv": (3 * D, D), "o": (D, D)}
FUSED_GROUPED = {"qkv": (D + 2 * KV, D), "o": (D, D)}
ATTENTIONS = [SQUARE, GROUPED, WIDE_HEADS, WIDE_GROUPED, FUSED_QKV, FUSED_GROUPED]
GATED = {"x": (H, D), "y": (H, D), "z": (D, H)}


def model(n_layers: int = 4, **shapes: tuple[int, ...]) -> list[TensorInfo]:
    """Return layers of tensors with these names and shapes."""
    return [
        tensor(f"m.{layer}.{name}", shape)
        for layer in range(n_layers)
        for name, shape in shapes.items()
    ]


def tensor(name: str, shape: tuple[int, ...], dtype: str = "BF16") -> TensorInfo:
    return TensorInfo(name, dtype, shape, Path("x"), 0, 0)


def read(tensors: list[TensorInfo]) -> Structure:
    found = read_shapes(tensors)
    assert found is not None
    return found


def told(ffn: Ffn) -> list[tuple[str, int, int, int]]:
    """Return name, axis, first index and expert of every part, the writer last."""
    parts = (*ffn.readers, ffn.writer)
    return [(p.tensor.name, p.axis, p.first, p.lead) for p in parts]


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_gated_ffn_is_told_from_attention(attention: Shapes) -> None:
    found = read(model(**attention, **GATED))

    assert (found.d, found.h, found.is_gated, len(found.layers)) == (D, H, True, 4)
    (ffn,) = found.layers[0].ffns
    assert told(ffn) == [("m.0.x", 0, 0, 0), ("m.0.y", 0, 0, 0), ("m.0.z", 1, 0, 0)]
    others = {t.name.split(".")[-1] for t in found.layers[0].others}
    assert others == {name for name, shape in attention.items() if len(shape) == 2}


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_plain_ffn_is_told_from_attention(attention: Shapes) -> None:
    found = read(model(**attention, fc=(H, D), proj=(D, H)))

    assert (found.h, found.is_gated) == (H, False)
    assert told(found.layers[3].ffns[0]) == [("m.3.fc", 0, 0, 0), ("m.3.proj", 1, 0, 0)]


def test_a_fused_gate_and_up_is_split_into_halves() -> None:
    found = read(model(**FUSED_QKV, both=(2 * H, D), down=(D, H)))

    assert (found.h, found.is_gated) == (H, True)
    assert told(found.layers[0].ffns[0]) == [
        ("m.0.both", 0, 0, 0),
        ("m.0.both", 0, H, 0),
        ("m.0.down", 1, 0, 0),
    ]


@pytest.mark.parametrize("attention", [SQUARE, GROUPED, FUSED_QKV])
def test_transposed_storage_is_read_along_the_other_axis(attention: Shapes) -> None:
    turned = {n: shape[::-1] for n, shape in (attention | GATED).items()}

    found = read(model(**turned))

    assert (found.h, found.is_gated) == (H, True)
    assert [axis for _, axis, _, _ in told(found.layers[0].ffns[0])] == [1, 1, 0]


def test_numbered_experts_are_one_ffn_each() -> None:
    experts = {
        f"experts.{e}.{name}": shape for e in range(8) for name, shape in GATED.items()
    }

    found = read(model(**GROUPED, **experts, gate=(8, D)))

    assert (found.h, found.is_gated, found.n_experts) == (H, True, 8)
    assert told(found.layers[1].ffns[5])[2] == ("m.1.experts.5.z", 1, 0, 0)


def test_stacked_experts_are_one_ffn_each() -> None:
    found = read(model(**GROUPED, up=(8, D, 2 * H), down=(8, H, D)))

    assert (found.h, found.is_gated, found.n_experts) == (H, True, 8)
    assert told(found.layers[0].ffns[3]) == [
        ("m.0.up", 1, 0, 3),
        ("m.0.up", 1, H, 3),
        ("m.0.down", 0, 0, 3),
    ]


def test_stacked_separate_gate_and_up_are_experts_too() -> None:
    stacks = {name: (4, *shape) for name, shape in GATED.items()}

    found = read(model(**GROUPED, **stacks))

    assert (found.h, found.n_experts) == (H, 4)


def test_tables_are_the_matrices_with_a_row_per_token() -> None:
    outside = [
        tensor("head", (D, 5000)),
        tensor("words", (5000, D)),
        tensor("positions", (512, D)),
    ]

    found = read(model(**SQUARE, **GATED) + outside)

    listed = [(p.tensor.name, p.axis, p.count) for p in found.tables]
    assert listed == [("head", 1, 5000), ("words", 0, 5000)]
    assert found.not_understood == ("positions",)


def test_vectors_of_a_layer_are_those_as_long_as_the_stream() -> None:
    found = read(model(**SQUARE, **GATED, bias=(H,), short=(3,)))

    assert [t.name for t in found.layers[2].vectors] == ["m.2.norm"]


def test_names_play_no_part_beyond_numbers() -> None:
    renamed = {f"t{i}": shape for i, shape in enumerate(GATED.values())}

    assert read(model(**renamed, **SQUARE)).h == H


def test_attention_alone_shows_no_ffn() -> None:
    assert read_shapes(model(**SQUARE)) is None
    assert read_shapes(model(**GROUPED)) is None
    assert read_shapes([]) is None


def test_an_ffn_as_wide_as_fused_attention_is_not_guessed() -> None:
    wide = {"fc": (3 * D, D), "proj": (D, 3 * D)}

    assert read_shapes(model(**FUSED_QKV, **wide)) is None
    assert read(model(**SQUARE, **wide)).h == 3 * D


def test_fused_attention_with_shared_keys_leaves_no_doubt() -> None:
    gated = {"x": (3 * D, D), "y": (3 * D, D), "z": (D, 3 * D)}
    fused = {"both": (6 * D, D), "z": (D, 3 * D)}

    for ffn in (gated, fused):
        found = read(model(**FUSED_GROUPED, **ffn))
        assert (found.h, found.is_gated) == (3 * D, True)


def test_the_factors_of_an_adapter_are_no_ffn() -> None:
    down, up = {"a": (8, D * 8), "b": (D * 32, 8)}, {"c": (D * 32, 8), "d": (8, D * 32)}

    assert read_shapes(model(**down, **up)) is None


def test_integers_and_empty_tensors_are_no_weights() -> None:
    whole = [tensor(t.name, t.shape, "I64") for t in model(**SQUARE, **GATED)]

    assert read_shapes(whole) is None
    assert read_shapes(model(x=(0, D), y=(0, D), z=(D, 0))) is None


def test_layers_without_an_ffn_are_left_out_and_named() -> None:
    odd = [tensor(f"m.9.e{i}", (H, D), "F32") for i in range(3)]

    found = read(model(**SQUARE, **GATED) + odd)

    assert [layer.number for layer in found.layers] == [0, 1, 2, 3]
    assert found.not_understood == ("m.9.e0", "m.9.e1", "m.9.e2")


def test_layers_of_a_rare_form_are_left_out() -> None:
    """The first layer of a mixture is often dense and wider."""
    dense = [tensor("m.0.fc", (4 * H, D)), tensor("m.0.proj", (D, 4 * H))]
    rest = [t for t in model(**SQUARE, **GATED) if not t.name.startswith("m.0.")]

    found = read(dense + rest)

    assert [layer.number for layer in found.layers] == [1, 2, 3]
    assert (found.h, found.is_gated) == (H, True)


def test_an_encoder_beside_a_decoder_gives_layers_of_both() -> None:
    both = [
        tensor(f"{tower}.{t.name}", t.shape)
        for tower in ("decoder", "encoder")
        for t in model(**SQUARE, **GATED)
    ]

    assert len(read(both).layers) == 8


FAMILIES = {
    # d, h, gated, experts, reader and writer names of the first layer, axes
    "small-1": (64, 192, True, 1, ["gate_proj", "up_proj", "down_proj"], [0, 0, 1]),
    "wide-1": (48, 256, True, 1, ["gate_proj", "up_proj", "down_proj"], [0, 0, 1]),
    "qwen-1": (64, 192, True, 1, ["gate_proj", "up_proj", "down_proj"], [0, 0, 1]),
    "classic-1": (64, 256, False, 1, ["c_fc", "c_proj"], [1, 0]),
    "phi3-1": (64, 160, True, 1, ["gate_up_proj"] * 2 + ["down_proj"], [0, 0, 1]),
    "neox-1": (64, 192, False, 1, ["h_to_4h", "4h_to_h"], [0, 1]),
    "bert-1": (64, 192, False, 1, ["intermediate.dense", "output.dense"], [0, 1]),
    "small-1-experts": (64, 192, True, 4, ["0.w1", "0.w3", "0.w2"], [0, 0, 1]),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_of_the_zoo_is_understood(
    name: str, models: dict[str, Model]
) -> None:
    d, h, is_gated, n_experts, words, axes = FAMILIES[name]

    found = models[name].structure

    assert (found.d, found.h, found.is_gated) == (d, h, is_gated)
    assert (len(found.layers), found.n_experts) == (4, n_experts)
    parts = told(found.layers[0].ffns[0])
    assert [axis for _, axis, _, _ in parts] == axes
    assert all(
        name.removesuffix(".weight").endswith(word)
        for (name, _, _, _), word in zip(parts, words, strict=True)
    )


def test_deep_models_are_sampled_at_fixed_relative_depths() -> None:
    assert spread(8) == tuple(range(8))
    assert spread(32) == (0, 4, 8, 13, 17, 22, 26, 31)
    assert len(set(spread(9))) == 8
