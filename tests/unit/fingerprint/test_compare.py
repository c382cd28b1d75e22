"""Comparisons in detail: names, casts, oddities, stored sketches, the samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from registry.fingerprint import Sketch, compare, sketch_model
from tests.unit.fingerprint.conftest import SAMPLES, Both, Build, Model, judged, kinds
from tests.zoo import derive
from tests.zoo.derive import TO_YI, ZOO, Tensors

YI = {
    "model.layers.*.input_layernorm.weight": "model.layers.*.ln1.weight",
    "model.layers.*.post_attention_layernorm.weight": "model.layers.*.ln2.weight",
}
Judge = Callable[[Tensors], Both]


@pytest.fixture(scope="module")
def base() -> Tensors:
    return derive.read(ZOO / "small-1")


@pytest.fixture(scope="module")
def other() -> Tensors:
    return derive.read(ZOO / "small-2")


@pytest.fixture
def against_base(models: dict[str, Model], build: Build) -> Judge:
    """Return a judge of small-1 (a) against a model made for the test (b)."""
    return lambda tensors: judged(models["small-1"], build(tensors))


def test_the_same_weights_are_identical(base: Tensors, against_base: Judge) -> None:
    for found in against_base(base):
        assert (found.related, found.relation, found.renamed) == (True, "identical", {})
        assert found.p_value is not None and found.p_value < 1e-30


def test_a_tied_head_written_out_is_still_identical(
    base: Tensors, against_base: Judge
) -> None:
    written = base | {"lm_head.weight": base["model.embed_tokens.weight"]}

    for found in against_base(written):
        assert found.relation == "identical"


def test_a_copy_under_yi_names_is_renamed_and_the_names_are_listed(
    base: Tensors, against_base: Judge
) -> None:
    for found in against_base(derive.rename(base, TO_YI)):
        assert (found.related, found.relation) == (True, "renamed")
        assert found.renamed == YI
        assert found.direction is None


def test_a_copy_under_wholly_other_names_is_renamed(
    base: Tensors, against_base: Judge
) -> None:
    words = {"model": "net", "layers": "blocks", "self_attn": "att", "mlp": "ff"}
    words |= {"q_proj": "wq", "k_proj": "wk", "v_proj": "wv", "o_proj": "wo"}

    for found in against_base(derive.rename(base, words)):
        assert found.relation == "renamed"
        assert found.renamed["model.layers.*.self_attn.k_proj.weight"] == (
            "net.blocks.*.att.wk.weight"
        )
        assert len(found.renamed) == len(set(found.renamed.values())) == 11


def test_names_swapped_between_tensors_are_renamed_not_identical(
    base: Tensors, against_base: Judge
) -> None:
    swap = {"gate_proj": "up_proj", "up_proj": "gate_proj"}

    for found in against_base(derive.rename(base, swap)):
        assert found.relation == "renamed"


@pytest.mark.parametrize("name", ["small-1-tuned", "small-1-more-3x"])
def test_a_child_with_gate_and_up_swapped_is_found(
    name: str, against_base: Judge
) -> None:
    swap = {"gate_proj": "up_proj", "up_proj": "gate_proj"}

    for found in against_base(derive.rename(derive.read(ZOO / name), swap)):
        assert found.related is True
        assert kinds(found)["matched-units"] > 300


@pytest.mark.parametrize("scheme", ["dotless", "numbered", "unnumbered"])
def test_a_child_under_names_of_any_form_is_found(
    scheme: str, against_base: Judge
) -> None:
    tensors = derive.read(ZOO / "small-1-tuned")
    if scheme == "dotless":
        named = {n.replace(".", "_"): t for n, t in tensors.items()}
    elif scheme == "numbered":
        named = {f"param.{i}": t for i, t in enumerate(tensors.values())}
    else:
        letters = str.maketrans("0123456789", "abcdefghij")
        named = {n.translate(letters): t for n, t in tensors.items()}

    for found in against_base(named):
        assert found.related is True
        assert kinds(found)["matched-units"] > 400


@pytest.mark.parametrize("dtype", ["F16", "F32"])
def test_other_types_of_the_same_values_are_a_cast(
    dtype: str, base: Tensors, against_base: Judge
) -> None:
    for found in against_base(derive.cast(base, dtype)):
        assert (found.related, found.relation) == (True, "cast")
        # Half precision loses bfloat16's small values; float32 loses nothing.
        assert found.direction == {"F16": "a->b", "F32": None}[dtype]


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_the_rounded_side_of_a_cast_is_the_child(dtype: str, build: Build) -> None:
    exact = derive.change(
        derive.cast(derive.read(ZOO / "small-1"), "F32"),
        lambda name, values: values * np.float32(1.0001),
    )
    wide, narrow = build(exact), build(derive.cast(exact, dtype))

    for there, back in zip(judged(wide, narrow), judged(narrow, wide), strict=True):
        assert (there.relation, there.direction) == ("cast", "a->b")
        assert (back.relation, back.direction) == ("cast", "b->a")


def test_a_renamed_cast_is_a_cast_with_its_names_listed(
    base: Tensors, against_base: Judge
) -> None:
    for found in against_base(derive.rename(derive.cast(base, "F16"), TO_YI)):
        assert (found.relation, found.renamed) == ("cast", YI)


def test_independent_weights_under_yi_names_list_the_names_all_the_same(
    other: Tensors, against_base: Judge
) -> None:
    for found in against_base(derive.rename(other, TO_YI)):
        assert (found.related, found.relation) == (False, "same-architecture")
        assert found.renamed == YI


def test_independent_models_of_one_shape_are_the_same_architecture_with_power(
    models: dict[str, Model],
) -> None:
    for found in judged(models["small-1"], models["small-2"]):
        assert (found.related, found.relation) == (False, "same-architecture")
        assert kinds(found)["power"] >= 0.99
        assert found.p_value is not None and found.p_value > 0.01


def test_other_widths_with_too_little_power_say_why(models: dict[str, Model]) -> None:
    for found in judged(models["small-1"], models["wide-1"]):
        assert (found.related, found.relation) == (None, "inconclusive")
        assert (found.p_value, found.log10_p, found.effect) == (None, None, None)
        assert found.evidence[0].kind == "open-question"
        assert "Too few units" in found.evidence[0].text


def test_the_same_weights_in_another_layout_are_still_related(
    base: Tensors, against_base: Judge
) -> None:
    for found in against_base(derive.fuse_gate_up(base)):
        assert (found.related, found.relation) == (True, "renamed")


@pytest.mark.parametrize("change", [derive.fuse_gate_up, derive.fuse_qkv])
def test_a_child_in_another_layout_is_still_related(
    change: Callable[[Tensors], Tensors], against_base: Judge
) -> None:
    for found in against_base(change(derive.read(ZOO / "small-1-tuned"))):
        assert found.related is True
        assert kinds(found)["matched-units"] > 400


def test_frozen_layers_are_proof_by_equal_values(
    base: Tensors, other: Tensors, against_base: Judge
) -> None:
    mixed = {n: base[n] if "layers.1." in n else other[n] for n in base}

    for found in against_base(mixed):
        assert found.related is True
        assert kinds(found)["shared-values"] == pytest.approx(0.25)


def test_transplanted_embeddings_alone_do_not_make_a_relative(
    base: Tensors, other: Tensors, against_base: Judge
) -> None:
    name = "model.embed_tokens.weight"

    for found in against_base(other | {name: base[name]}):
        assert (found.related, found.relation) == (False, "embeddings-only")
        assert kinds(found)["shared-embeddings"] == 1


def test_constant_and_repeated_tensors_are_no_evidence(
    other: Tensors, against_base: Judge
) -> None:
    """Gains of one, zero biases and one mask in every layer are alike everywhere."""
    table = derive.stored(np.random.default_rng(0).random((64, 64)), "F32")
    common = {f"model.layers.{i}.table": table for i in range(4)}
    ones = derive.stored(np.ones((64, 64), np.float32), "BF16")
    common |= {f"model.layers.{i}.ones": ones for i in range(4)}

    for found in against_base(other | common):
        assert found.related is False


def test_constant_and_repeated_tensors_in_both_are_no_evidence(
    base: Tensors, other: Tensors, build: Build
) -> None:
    mask = derive.stored(np.random.default_rng(0).random((64, 64)), "F32")
    common = {f"model.layers.{i}.mask": mask for i in range(4)}

    for found in judged(build(base | common), build(other | common)):
        assert found.related is not True


def test_a_model_with_permuted_units_is_known_by_its_other_tensors(
    base: Tensors, against_base: Judge
) -> None:
    for found in against_base(derive.permute_units(base, 0)):
        assert found.related is True
        assert "shared-values" in kinds(found)


def test_a_wholly_permuted_copy_is_found(base: Tensors, against_base: Judge) -> None:
    hidden = derive.permute_width(derive.permute_units(base, 0), 64, 1)

    for found in against_base(hidden):
        assert (found.related, found.direction) == (True, None)
        assert kinds(found)["agreeing-units"] > 400


def test_from_sketches_what_a_disguise_may_hide_is_said(
    models: dict[str, Model],
) -> None:
    found = judged(models["small-1"], models["small-2"])

    assert any("permuted" in limit for limit in found.sketches.limits)
    assert not any("From sketches" in limit for limit in found.folders.limits)


def test_a_model_with_a_layer_less_is_depth_changed(
    base: Tensors, against_base: Judge
) -> None:
    def tuned(name: str, values: np.ndarray) -> np.ndarray:
        drawn = np.random.default_rng(len(name)).standard_normal(values.shape)
        return values + 0.1 * values.std() * drawn.astype(np.float32)

    for found in against_base(derive.change(derive.drop_layer(base, 1), tuned)):
        assert (found.related, found.relation) == (True, "depth-changed")


def test_nan_in_weights_is_survived_and_told(
    base: Tensors, against_base: Judge
) -> None:
    def spoil(name: str, values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values.flat[0] = np.nan
        return values

    for found in against_base(derive.change(base, spoil)):
        assert found.related is True
        assert kinds(found)["non-finite"] == len(base)
        assert any("NaN" in limit for limit in found.limits)
        json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1.0])
def test_a_model_of_one_value_is_never_related(
    value: float, base: Tensors, against_base: Judge
) -> None:
    spoiled = derive.change(base, lambda _, values: np.full_like(values, value))

    for found in against_base(spoiled):
        assert found.related is not True
        json.dumps(found.to_json(), allow_nan=False)


def test_a_model_of_nothing_but_nan_is_inconclusive(
    base: Tensors, against_base: Judge
) -> None:
    spoiled = derive.change(base, lambda _, values: np.full_like(values, np.nan))

    for found in against_base(spoiled):
        assert found.related is None


def test_a_comparison_turned_round_says_the_same(models: dict[str, Model]) -> None:
    for name in ("small-1-tuned", "small-3"):
        there = judged(models["small-1"], models[name])
        back = judged(models[name], models["small-1"])
        for one, two in zip(there, back, strict=True):
            for key in ("related", "relation", "limits"):
                assert getattr(one, key) == getattr(two, key)
        for key in ("p_value", "effect"):
            assert getattr(there.sketches, key) == getattr(back.sketches, key)


def test_stored_sketches_give_the_comparison_of_fresh_ones(
    zoo: dict[str, Sketch],
) -> None:
    for other in ("small-1-tuned", "small-2", "small-1-vocabulary", "small-1-words"):
        a, b = zoo["small-1"], zoo[other]
        stored = (Sketch.from_bytes(a.to_bytes()), Sketch.from_bytes(b.to_bytes()))

        fresh = compare(a, b, names=("a", "b")).to_json()
        again = compare(*stored, names=("a", "b")).to_json()

        change = {"relative-change", "token-likeness"}  # from narrower linear sketches
        for told in (fresh, again):
            told["evidence"] = [e for e in told["evidence"] if e["kind"] not in change]
        assert again | {"seconds": 0} == fresh | {"seconds": 0}


def test_a_stored_sketch_may_be_compared_with_a_fresh_one(
    zoo: dict[str, Sketch],
) -> None:
    stored = Sketch.from_bytes(zoo["small-1-tuned"].to_bytes())

    found = compare(zoo["small-1"], stored, names=("a", "b"))

    fresh = compare(zoo["small-1"], zoo["small-1-tuned"], names=("a", "b"))
    assert kinds(found)["relative-change"] == pytest.approx(
        kinds(fresh)["relative-change"], rel=0.1
    )


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
            assert words <= {"renamed", "same-architecture", "unrelated"} | {
                "inconclusive"
            }
        earlier.append(name)


def test_a_file_alone_and_its_folder_are_one_model(tmp_path: Path) -> None:
    tensors = derive.read(ZOO / "small-1")
    folder = derive.make(tensors, tmp_path / "one")

    file = sketch_model(folder / "model.safetensors")

    assert file.to_bytes() == sketch_model(folder).to_bytes()
