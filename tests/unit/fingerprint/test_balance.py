"""An FFN that shapes leave open is told by its weights, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from registry.fingerprint.anatomy.structure import Structure
from tests.unit.fingerprint.conftest import Build, Model, judged
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors
from tests.zoo.derive.layout import ffns

D = 64

SQUARES = ("q", "k", "v", "o")


def drawn(
    shapes: Mapping[str, tuple[int, int]],
    tied: Mapping[str, int] | None = None,
    *,
    noise: float = 0.1,
    seed: int = 0,
) -> Tensors:
    """Return four layers of random matrices.

    `tied` ones have vectors along that axis whose lengths are nearly those of the
    others': one length for every unit.
    """
    rng = np.random.default_rng(seed)
    made = {}
    for layer in range(4):
        units = rng.normal(0, 0.3, 3 * D)
        for name, shape in shapes.items():
            values = rng.standard_normal(shape).astype(np.float32)
            if name in (tied or {}):
                axis = (tied or {})[name]
                logs = units[: shape[axis]] + noise * rng.normal(size=shape[axis])
                values *= np.exp(np.expand_dims(logs, 1 - axis)).astype(np.float32)
            made[f"m.{layer}.{name}.weight"] = derive.stored(values, "BF16")
    return made


def readers_and_writer(found: Structure) -> list[tuple[str, int]]:
    (ffn,) = found.layers[2].ffns
    parts = (*ffn.readers, ffn.writer)
    return [(part.tensor.name.split(".")[2], part.axis) for part in parts]


def squares(*names: str) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(names, (D, D))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("seed", range(5))
def test_gated_units_as_many_as_the_stream_is_wide_are_told(
    seed: int, axis: int, build: Build
) -> None:
    tied = {"b": axis, "n": axis, "a": 1 - axis}
    shapes = squares(*SQUARES, "a", "b", "n")

    found = build(drawn(shapes, tied, seed=seed)).structure

    assert (found.d, found.h, found.is_gated, len(found.layers)) == (D, D, True, 4)
    assert readers_and_writer(found) == [("b", axis), ("n", axis), ("a", 1 - axis)]
    assert found.not_understood == ()
    assert {t.name.split(".")[2] for t in found.layers[0].others} == set(SQUARES)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("seed", range(5))
def test_units_as_many_as_fused_attention_has_rows_are_told(
    seed: int, axis: int, build: Build
) -> None:
    wide = (3 * D, D) if axis == 0 else (D, 3 * D)
    shapes = squares("o") | {"a": wide, "x": wide, "z": wide[::-1]}

    found = build(drawn(shapes, {"x": axis, "z": 1 - axis}, seed=seed)).structure

    assert (found.h, found.is_gated) == (3 * D, False)
    assert readers_and_writer(found) == [("x", axis), ("z", 1 - axis)]


def test_gated_units_beside_fused_attention_are_told(build: Build) -> None:
    wide = (3 * D, D)
    shapes = squares("o") | {"a": wide, "x": wide, "y": wide, "z": wide[::-1]}

    found = build(drawn(shapes, {"x": 0, "y": 0, "z": 1})).structure

    assert readers_and_writer(found) == [("x", 0), ("y", 0), ("z", 1)]


UNTOLD: dict[str, tuple[dict[str, tuple[int, int]], dict[str, int]]] = {
    "nothing is tied": (squares(*SQUARES, "a", "b", "c"), {}),
    "only values and output": (squares(*SQUARES, "a", "b", "c"), {"v": 0, "o": 1}),
    "a plain FFN looks like these": (squares(*SQUARES, "a", "b"), {"a": 0, "b": 1}),
    "two FFNs": (
        squares(*SQUARES, "a", "b", "c", "x", "y", "z"),
        {"a": 0, "b": 0, "c": 1, "x": 0, "y": 0, "z": 1},
    ),
    "attention alone": (squares(*SQUARES), {"v": 0, "o": 1}),
    "fused attention, untied": (
        squares("o") | {"a": (3 * D, D), "x": (3 * D, D), "z": (D, 3 * D)},
        {},
    ),
}


@pytest.mark.parametrize("name", UNTOLD)
@pytest.mark.parametrize("seed", range(3))
def test_what_weights_do_not_tell_stays_open(
    name: str, seed: int, build: Build
) -> None:
    shapes, tied = UNTOLD[name]

    assert build(drawn(shapes, tied, seed=seed)).opened.structure is None


def test_weights_that_are_all_zero_or_not_finite_are_survived(build: Build) -> None:
    tensors = drawn(squares(*SQUARES, "a", "b", "c"))
    for value in (0.0, np.nan, np.inf):
        odd = derive.change(tensors, lambda _, x, v=value: np.full_like(x, v))
        assert build(odd).opened.structure is None


@pytest.fixture(scope="module")
def narrow(build: Build) -> Model:
    """Return small-1 with every third unit: as many as its stream is wide."""
    tensors = derive.read(ZOO / "small-1")
    for roles in ffns(tensors):
        for name, axis in roles:
            bits = np.take(tensors[name].bits, np.arange(0, 192, 3), axis)
            tensors[name] = derive.Tensor(tensors[name].dtype, bits)
    return build(tensors)


def test_a_trained_model_with_square_matrices_is_understood(narrow: Model) -> None:
    found = narrow.structure

    assert (found.d, found.h, found.is_gated) == (64, 64, True)
    (ffn,) = found.layers[0].ffns
    assert ffn.writer.tensor.name.endswith("down_proj.weight")
    assert (ffn.writer.axis, ffn.readers[0].axis) == (1, 0)


def test_units_removed_until_all_is_square_are_seen(
    narrow: Model, models: dict[str, Model]
) -> None:
    for found in judged(models["small-1"], narrow):
        assert (found.related, found.relation) == (True, "pruned")
        assert found.direction == "a->b"
    for found in judged(models["small-2"], narrow):
        assert found.related is not True
