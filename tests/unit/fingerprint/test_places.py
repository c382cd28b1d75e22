"""Layers and experts come from numbers in names, or from runs of equal shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.fingerprint.reading.places import (
    Place,
    layer_of,
    name_pattern,
    place_tensors,
)
from registry.fingerprint.reading.weights import TensorInfo

SHAPES = {"q": (64, 64), "up": (256, 64), "down": (64, 256)}


def listed(names: dict[str, tuple[int, ...]]) -> list[TensorInfo]:
    return [TensorInfo(n, "BF16", s, Path("x"), 0, 0) for n, s in names.items()]


def by_layer(template: str) -> list[TensorInfo]:
    """Return twelve layers of three matrices, and a table outside them."""
    names = {
        template.format(layer=layer, role=role): shape
        for layer in range(12)
        for role, shape in SHAPES.items()
    }
    return listed(names | {"table": (1000, 64)})


@pytest.mark.parametrize(
    "template",
    [
        "model.layers.{layer}.mlp.{role}.weight",
        "{layer}.{role}",
        "blocks{layer}_{role}",
        "layer_{layer}/{role}:0",
    ],
)
def test_a_number_in_the_name_is_the_layer(template: str) -> None:
    tensors = by_layer(template)

    found = place_tensors(tensors)

    assert "table" not in found
    for layer in range(12):
        for role in SHAPES:
            name = template.format(layer=layer, role=role)
            assert found[name].layer == layer


def test_a_number_that_tells_no_layers_apart_is_not_the_layer() -> None:
    """One running number for all tensors: runs of equal shapes are the layers."""
    shapes = [(1000, 64), *list(SHAPES.values()) * 5]
    tensors = listed({f"param.{i}": shape for i, shape in enumerate(shapes)})

    found = place_tensors(tensors)

    assert "param.0" not in found
    assert [found[f"param.{i}"].layer for i in range(1, 16)] == [
        layer for layer in range(5) for _ in range(3)
    ]


def test_names_without_any_number_are_cut_by_runs_of_shapes() -> None:
    words = [f"{letter}-{role}" for letter in "abcd" for role in sorted(SHAPES)]
    shapes = [SHAPES[role] for _ in "abcd" for role in sorted(SHAPES)]
    tensors = listed(dict(zip(words, shapes, strict=True)) | {"table": (1000, 64)})

    found = place_tensors(tensors)

    assert {name: place.layer for name, place in found.items()} == {
        word: "abcd".index(word[0]) for word in words
    }


@pytest.mark.parametrize("n_before", [0, 1, 2])
@pytest.mark.parametrize("n_after", [0, 1, 2])
def test_vectors_around_the_layers_are_left_outside(
    n_before: int, n_after: int
) -> None:
    """The last norm has the shape of the norms in layers."""
    layer = [(64,), (64, 64), (256, 64), (64,), (64, 256)]
    outside: list[tuple[int, ...]] = [(1000, 64), (64,)]
    shapes = [*outside[:n_before], *layer * 6, *outside[::-1][:n_after]]
    tensors = listed({f"param.{i}": shape for i, shape in enumerate(shapes)})

    found = place_tensors(tensors)

    assert [found[f"param.{i}"].layer for i in range(n_before, n_before + 30)] == [
        number for number in range(6) for _ in layer
    ]
    assert len(found) == 30


def test_shapes_that_never_repeat_are_read_in_bounded_time() -> None:
    tensors = listed({f"t{i}": (i + 1, 3) for i in range(3_000)})

    assert place_tensors(tensors) == {}


def test_what_has_no_layers_has_no_places() -> None:
    assert place_tensors([]) == {}
    assert place_tensors(listed({"a": (3, 4), "b": (5, 6)})) == {}


def test_further_numbers_tell_experts_apart() -> None:
    names = [f"m.3.experts.{e}.{w}" for e in (0, 7) for w in ("w1", "w2")]

    found = place_tensors(listed(dict.fromkeys(names, (64, 256))))

    assert found["m.3.experts.7.w2"] == Place("m.", 3, (7,))
    assert found["m.3.experts.0.w1"].further == (0,)


def test_encoder_and_decoder_layers_of_one_number_are_two_layers() -> None:
    assert layer_of("encoder.block.0.x") != layer_of("decoder.block.0.x")


def test_digits_inside_a_word_are_no_layer_where_whole_numbers_are() -> None:
    names = {f"model.3.{name}": (64, 64) for name in ("w1", "w2", "conv2d")}

    found = place_tensors(listed(names | {"ln2.weight": (64,)}))

    assert {place.layer for place in found.values()} == {3}
    assert "ln2.weight" not in found


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
