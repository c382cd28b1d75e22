"""Siblings and parents of the committed zoo, told by the side of the change."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.delta import AlignedPair, Explanation, explain, measure
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

Values = NDArray[np.float32]
Judge = Callable[[Tensors, Tensors], Explanation]

# An adapter's rank and the scale that its product is merged with.
RANK, SCALE = 8, 2


def merged_adapter(base: Tensors) -> Tensors:
    """Return small-1 with the adapter that was trained on it."""
    path = ZOO / "small-1-adapter" / "adapter_model.safetensors"
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    parts = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = (start + offset for offset in entry["data_offsets"])
            kind = np.uint32 if entry["dtype"] == "F32" else np.uint16
            bits = np.frombuffer(data[first:last], kind).reshape(entry["shape"])
            parts[name] = derive.Tensor(entry["dtype"], bits).values()

    def merge(name: str, values: Values) -> Values:
        half = f"base_model.model.{name.removesuffix('.weight')}.lora_"
        if f"{half}A.weight" not in parts:
            return values
        return values + SCALE * parts[f"{half}B.weight"] @ parts[f"{half}A.weight"]

    return derive.change(base, merge)


def other_child(base: Tensors, child: Tensors) -> Tensors:
    """Return a child whose change is as large as another's and independent of it."""

    def add(name: str, values: Values) -> Values:
        change = child[name].values() - values
        order = np.random.default_rng([*name.encode()]).permutation(len(change))
        return values + change[order]

    return derive.change(base, add)


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("small-1", "small-1-tuned"),
        ("small-1", "small-1-more"),
        ("small-1", "small-1-more-3x"),
        ("qwen-1", "qwen-1-tuned"),
        ("bert-1", "bert-1-tuned"),
    ],
)
def test_a_parent_and_its_child_are_not_called_siblings(
    parent: str, child: str, judge: Judge
) -> None:
    a, b = derive.read(ZOO / parent), derive.read(ZOO / child)

    for found in (judge(a, b), judge(b, a)):
        assert found.word in ("fine-tuned", "continued-pretraining")
        assert found.direction is None


def test_large_changes_are_continued_pretraining_first(
    base: Tensors, judge: Judge
) -> None:
    found = judge(base, derive.read(ZOO / "small-1-more-3x"))

    assert found.word_set == ("continued-pretraining", "fine-tuned")


def test_two_children_that_moved_equally_far_are_siblings(
    base: Tensors, judge: Judge
) -> None:
    child = derive.read(ZOO / "small-1-tuned")

    found = judge(other_child(base, child), child)

    assert found.word == "siblings"
    assert found.direction is None


def test_the_side_of_the_change_turns_with_the_order(
    base: Tensors, judge: Judge
) -> None:
    child = derive.read(ZOO / "small-1-tuned")
    there, back = judge(base, child).items[0], judge(child, base).items[0]

    assert there.kind == "side-of-change"
    assert there.numbers["share_a"] == pytest.approx(1 - back.value, abs=0.01)


def test_a_small_change_leaves_siblings_open(base: Tensors, judge: Judge) -> None:
    child = derive.read(ZOO / "small-1-tuned")

    def weaken(name: str, values: Values) -> Values:
        return values + np.float32(0.1) * (child[name].values() - values)

    found = judge(base, derive.change(base, weaken))

    assert found.word_set == ("fine-tuned", "siblings")


def test_a_trained_adapter_is_named_with_rank_and_direction(
    base: Tensors, judge: Judge
) -> None:
    child = merged_adapter(base)

    there, back = judge(base, child), judge(child, base)

    assert there.word_set == back.word_set == ("lora-merged",)
    assert there.items[0].value == RANK
    assert (there.direction, back.direction) == ("a->b", "b->a")


def test_two_adapters_on_one_base_are_siblings(base: Tensors, judge: Judge) -> None:
    child = merged_adapter(base)

    found = judge(child, other_child(base, child))

    assert found.word == "siblings"
    assert found.direction is None


def test_behind_a_disguise_the_sides_say_nothing(base: Tensors) -> None:
    """Lengths are lost there; equally long vectors have half the change each."""
    child = derive.read(ZOO / "small-1-tuned")
    name = "model.layers.0.mlp.up_proj.weight"

    def unit(tensors: Tensors) -> Values:
        values = tensors[name].values()
        return values / np.linalg.norm(values, axis=1, keepdims=True)

    pair = AlignedPair("up", 0, unit(base), unit(child), "F32", "F32")

    found = explain(measure([pair]), disguised=True)

    assert found.word_set == ("fine-tuned", "continued-pretraining")
