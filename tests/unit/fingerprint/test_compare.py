"""Every relation on trained models, and what must never be called related."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from registry.fingerprint import Comparison, Sketch, compare, sketch_model
from tests.unit.fingerprint.conftest import SAMPLES
from tests.zoo import derive
from tests.zoo.derive import TO_YI, ZOO, Tensors

YI = {
    "model.layers.*.input_layernorm.weight": "model.layers.*.ln1.weight",
    "model.layers.*.post_attention_layernorm.weight": "model.layers.*.ln2.weight",
}
Judge = Callable[..., Comparison]


@pytest.fixture(scope="module")
def base() -> Tensors:
    return derive.read(ZOO / "small-1")


@pytest.fixture
def against_base(zoo: dict[str, Sketch], tmp_path: Path) -> Judge:
    """Return a judge of small-1 (a) against a model made for the test (b)."""

    def judge(tensors: Tensors) -> Comparison:
        made = sketch_model(derive.make(tensors, tmp_path / "made"))
        return compare(zoo["small-1"], made, names=("small-1", "made"))

    return judge


def kinds(found: Comparison) -> dict[str, Any]:
    return {item.kind: item.value for item in found.evidence}


def test_the_same_weights_are_identical(base: Tensors, against_base: Judge) -> None:
    found = against_base(base)

    assert (found.related, found.relation, found.renamed) == (True, "identical", {})
    assert found.p_value is not None and found.p_value < 1e-30


def test_a_tied_head_written_out_is_still_identical(
    base: Tensors, against_base: Judge
) -> None:
    written = base | {"lm_head.weight": base["model.embed_tokens.weight"]}

    assert against_base(written).relation == "identical"


def test_a_copy_under_yi_names_is_renamed_and_the_names_are_listed(
    base: Tensors, against_base: Judge
) -> None:
    found = against_base(derive.rename(base, TO_YI))

    assert (found.related, found.relation) == (True, "renamed")
    assert found.renamed == YI
    assert found.direction is None


def test_a_copy_under_wholly_other_names_is_renamed(
    base: Tensors, against_base: Judge
) -> None:
    words = {"model": "net", "layers": "blocks", "self_attn": "att", "mlp": "ff"}
    words |= {"q_proj": "wq", "k_proj": "wk", "v_proj": "wv", "o_proj": "wo"}

    found = against_base(derive.rename(base, words))

    assert found.relation == "renamed"
    assert found.renamed["model.layers.*.self_attn.k_proj.weight"] == (
        "net.blocks.*.att.wk.weight"
    )
    assert len(found.renamed) == len(set(found.renamed.values())) == 11


def test_names_swapped_between_tensors_are_renamed_not_identical(
    base: Tensors, against_base: Judge
) -> None:
    swap = {"gate_proj": "up_proj", "up_proj": "gate_proj"}

    assert against_base(derive.rename(base, swap)).relation == "renamed"


@pytest.mark.parametrize("dtype", ["F16", "F32"])
def test_other_types_of_the_same_values_are_a_cast(
    dtype: str, base: Tensors, against_base: Judge
) -> None:
    found = against_base(derive.cast(base, dtype))

    assert (found.related, found.relation) == (True, "cast")
    # Half precision loses bfloat16's small values; float32 loses nothing.
    assert found.direction == {"F16": "a->b", "F32": None}[dtype]


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_the_rounded_side_of_a_cast_is_the_child(dtype: str, tmp_path: Path) -> None:
    exact = derive.change(
        derive.cast(derive.read(ZOO / "small-1"), "F32"),
        lambda name, values: values * np.float32(1.0001),
    )
    wide = sketch_model(derive.make(exact, tmp_path / "wide"))
    narrow = sketch_model(derive.make(derive.cast(exact, dtype), tmp_path / "narrow"))

    there = compare(wide, narrow, names=("wide", "narrow"))
    back = compare(narrow, wide, names=("narrow", "wide"))

    assert (there.relation, there.direction) == ("cast", "a->b")
    assert (back.relation, back.direction) == ("cast", "b->a")


def test_a_renamed_cast_is_a_cast_with_its_names_listed(
    base: Tensors, against_base: Judge
) -> None:
    found = against_base(derive.rename(derive.cast(base, "F16"), TO_YI))

    assert (found.relation, found.renamed) == ("cast", YI)


def test_every_child_in_the_zoo_is_related_to_its_parent(
    zoo: dict[str, Sketch], zoo_index: dict[str, dict[str, Any]]
) -> None:
    children = {n: note["parent"] for n, note in zoo_index.items() if note["parent"]}
    for child, parent in children.items():
        if child in zoo:
            found = compare(zoo[parent], zoo[child], names=(parent, child))
            assert found.related is True, child
            assert found.relation_set == ("fine-tuned", "continued-pretraining")
            assert found.log10_p is not None and found.log10_p < -200
            assert found.direction is None


def test_no_two_independent_families_in_the_zoo_are_related(
    zoo: dict[str, Sketch], zoo_index: dict[str, dict[str, Any]]
) -> None:
    def root(name: str) -> str:
        parent = zoo_index[name]["parent"]
        return root(parent) if parent else name

    for a in sorted(zoo):
        for b in sorted(zoo):
            if a < b and root(a) != root(b):
                found = compare(zoo[a], zoo[b], names=(a, b))
                same_form = a.split("-")[0] == b.split("-")[0]
                assert found.related is (False if same_form else None), (a, b)


def test_independent_models_of_one_shape_are_the_same_architecture_with_power(
    zoo: dict[str, Sketch],
) -> None:
    found = compare(zoo["small-1"], zoo["small-2"], names=("a", "b"))

    assert (found.related, found.relation) == (False, "same-architecture")
    assert kinds(found)["power"] >= 0.99
    assert found.p_value is not None and found.p_value > 0.01


def test_independent_weights_under_yi_names_are_only_the_same_architecture(
    zoo: dict[str, Sketch], tmp_path: Path
) -> None:
    other = derive.rename(derive.read(ZOO / "small-2"), TO_YI)
    made = sketch_model(derive.make(other, tmp_path / "yi", like=ZOO / "small-1"))

    found = compare(zoo["small-1"], made, names=("llama", "yi"))

    assert (found.related, found.relation) == (False, "same-architecture")
    assert found.renamed == YI


def test_other_hidden_sizes_are_inconclusive_and_say_why(
    zoo: dict[str, Sketch],
) -> None:
    found = compare(zoo["small-1"], zoo["wide-1"], names=("a", "b"))

    assert (found.related, found.relation) == (None, "inconclusive")
    assert (found.p_value, found.log10_p, found.effect) == (None, None, None)
    assert "hidden sizes differ (64 and 48)" in found.evidence[0].text


def test_the_same_weights_in_another_layout_are_still_related(
    base: Tensors, against_base: Judge
) -> None:
    found = against_base(derive.fuse_gate_up(base))

    assert found.related is True
    assert kinds(found)["matched-units"] == 256


def test_frozen_layers_are_proof_by_equal_values(
    base: Tensors, against_base: Judge
) -> None:
    other = derive.read(ZOO / "small-2")
    mixed = {n: base[n] if "layers.1." in n else other[n] for n in base}

    found = against_base(mixed)

    assert found.related is True
    assert kinds(found)["shared-values"] == pytest.approx(0.25)


def test_transplanted_embeddings_alone_do_not_make_a_relative(
    base: Tensors, against_base: Judge
) -> None:
    other = derive.read(ZOO / "small-2")
    name = "model.embed_tokens.weight"

    found = against_base(other | {name: base[name]})

    assert (found.related, found.relation) == (False, "embeddings-only")
    assert kinds(found)["shared-embeddings"] == 1


def test_constant_and_repeated_tensors_are_no_evidence(
    base: Tensors, against_base: Judge
) -> None:
    """Gains of one, zero biases and one mask in every layer are alike everywhere."""
    other = derive.read(ZOO / "small-2")
    table = derive.stored(np.random.default_rng(0).random((64, 64)), "F32")
    common = {f"model.layers.{i}.table": table for i in range(4)}
    ones = derive.stored(np.ones((64, 64), np.float32), "BF16")
    common |= {f"model.layers.{i}.ones": ones for i in range(4)}

    made = against_base(other | common)

    assert made.related is False


def test_a_model_with_permuted_units_is_known_by_its_other_tensors(
    base: Tensors, against_base: Judge
) -> None:
    found = against_base(derive.permute_units(base, 0))

    assert found.related is True
    assert "shared-values" in kinds(found)


@pytest.mark.parametrize("child", ["small-1-tuned", "small-1-more-3x"])
def test_a_child_with_permuted_units_is_never_called_unrelated(
    child: str, against_base: Judge
) -> None:
    found = against_base(derive.permute_units(derive.read(ZOO / child), 0))

    assert found.related is None
    assert "permuted" in found.evidence[0].text


def test_a_wholly_permuted_copy_is_never_called_unrelated(
    base: Tensors, against_base: Judge
) -> None:
    disguised = derive.permute_width(derive.permute_units(base, 0), 64, 1)

    found = against_base(disguised)

    assert (found.related, found.relation) == (None, "inconclusive")
    assert any("permuted" in limit for limit in found.limits)


def test_a_model_with_a_layer_less_is_depth_changed(
    base: Tensors, against_base: Judge
) -> None:
    def tuned(name: str, values: np.ndarray) -> np.ndarray:
        drawn = np.random.default_rng(len(name)).standard_normal(values.shape)
        return values + 0.1 * values.std() * drawn.astype(np.float32)

    found = against_base(derive.change(derive.drop_layer(base, 1), tuned))

    assert (found.related, found.relation) == (True, "depth-changed")


def test_nan_in_weights_is_survived_and_told(
    base: Tensors, against_base: Judge
) -> None:
    def spoil(name: str, values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values.flat[0] = np.nan
        return values

    found = against_base(derive.change(base, spoil))

    assert found.related is True
    assert kinds(found)["non-finite"] == len(base)
    assert any("NaN" in limit for limit in found.limits)
    json.dumps(found.to_json(), allow_nan=False)


def test_a_model_of_nothing_but_nan_is_inconclusive(
    base: Tensors, against_base: Judge
) -> None:
    spoiled = derive.change(base, lambda name, values: np.full_like(values, np.nan))

    assert against_base(spoiled).related is None


def test_a_comparison_turned_round_says_the_same(zoo: dict[str, Sketch]) -> None:
    for a, b in (("small-1", "small-1-tuned"), ("small-1", "small-3")):
        there = compare(zoo[a], zoo[b], names=(a, b)).to_json()
        back = compare(zoo[b], zoo[a], names=(b, a)).to_json()
        for key in ("related", "relation", "p_value", "effect", "limits"):
            assert there[key] == back[key]


def test_stored_sketches_give_the_comparison_of_fresh_ones(
    zoo: dict[str, Sketch],
) -> None:
    a, b = zoo["small-1"], zoo["small-1-tuned"]
    stored = (Sketch.from_bytes(a.to_bytes()), Sketch.from_bytes(b.to_bytes()))

    fresh = compare(a, b, names=("a", "b")).to_json()

    assert compare(*stored, names=("a", "b")).to_json() | {"seconds": 0} == (
        fresh | {"seconds": 0}
    )


def test_every_item_of_evidence_is_a_sentence_and_json(zoo: dict[str, Sketch]) -> None:
    for other in ("small-1", "small-1-tuned", "small-2", "wide-1"):
        found = compare(zoo["small-1"], zoo[other], names=("a", "b")).to_json()
        json.dumps(found, allow_nan=False)
        for item in found["evidence"]:
            assert not item["text"][0].islower() and item["text"].endswith(".")
            assert item["kind"] == item["kind"].lower()


def test_the_sample_register_shows_what_its_index_promises(
    samples: dict[str, Sketch],
) -> None:
    """The index's verdicts follow from these comparisons of each declared base."""
    index = yaml.safe_load((SAMPLES / "index.yaml").read_text())
    expected = {"consistent": True, "not-derived-from-declared": False}
    for entry in index:
        if entry["base_model"]:
            base = entry["base_model"].removeprefix("samples/")
            names = (base, entry["folder"])
            found = compare(samples[base], samples[entry["folder"]], names=names)
            assert found.related is expected[entry["verdict"]], names


def test_samples_declared_as_bases_are_independent_but_for_the_renamed_copy(
    samples: dict[str, Sketch],
) -> None:
    index = yaml.safe_load((SAMPLES / "index.yaml").read_text())
    earlier: list[str] = []
    for entry in index:
        name = entry["folder"]
        if entry["category"] == "base":
            found = [
                compare(samples[e], samples[name], names=(e, name)) for e in earlier
            ]
            words = {comparison.relation for comparison in found}
            assert ("renamed" in words) == (entry["verdict"] == "renamed-copy")
            assert words <= {"renamed", "same-architecture", "inconclusive"}
        earlier.append(name)
