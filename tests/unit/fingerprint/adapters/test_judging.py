"""The committed adapter on its base, on relatives of it, and on other bases."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.adapters import (
    AdapterModule,
    AdapterTest,
    halves,
    judge,
    oriented,
    place,
    read_config,
    why_not_comparable,
)
from tests.zoo.derive.tensors import ZOO, read

Array = NDArray[np.float64]
ADAPTER = ZOO / "small-1-adapter"


@cache
def adapter_tensors() -> dict[str, Array]:
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "model.safetensors"
        shutil.copy(ADAPTER / "adapter_model.safetensors", kept)
        return wide(Path(folder))


def wide(folder: Path) -> dict[str, Array]:
    return {name: kept.values().astype(float) for name, kept in read(folder).items()}


@cache
def modules_on(base: str) -> tuple[AdapterModule, ...]:
    """Return the adapter's modules beside the matrices of a committed model."""
    adapter, weights = adapter_tensors(), wide(ZOO / base)
    pairs = halves({name: kept.shape for name, kept in adapter.items()})
    shapes = {
        module: (len(adapter[b]), adapter[a].shape[1])
        for module, (a, b) in pairs.items()
    }
    placed = place(shapes, {name: kept.shape for name, kept in weights.items()})
    return tuple(
        AdapterModule(
            module,
            adapter[pairs[module][0]],
            adapter[pairs[module][1]],
            oriented(weights[name], shapes[module], transposed=False),
        )
        for module, name in placed.items()
    )


def judged(base: str, *words: str) -> AdapterTest:
    modules = modules_on(base)
    return judge(m for m in modules if not words or m.name.endswith(words))


@pytest.mark.parametrize(
    "base", ["small-1", "small-1-tuned", "small-1-more", "small-1-more-3x"]
)
def test_true_base_and_what_was_trained_from_it_are_recognised(base: str) -> None:
    found = judged(base)

    assert found.related is True
    assert found.log10_p is not None and found.log10_p < -15
    assert found.effect is not None and found.effect > 0.03
    assert found.kind == "units"
    assert found.why_open is None


@pytest.mark.parametrize("base", ["small-2", "small-3"])
def test_other_bases_of_the_shape_are_refused_with_power(base: str) -> None:
    found = judged(base)

    assert found.related is False
    assert found.log10_p is not None and found.log10_p > -2
    assert found.effect == pytest.approx(0, abs=0.02)
    assert found.power >= 0.99


def test_energy_on_the_adapters_directions_is_above_chance_on_the_true_base_only() -> (
    None
):
    own = np.array([module.energy for module in judged("small-1").modules])
    other = np.array([module.energy for module in judged("small-2").modules])

    assert np.median(own) > 1.2
    assert np.median(other) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("word", ["v_proj", "up_proj", "gate_proj"])
def test_one_kind_of_target_is_enough_to_tell_bases_apart(word: str) -> None:
    own, other = judged("small-1", word), judged("small-2", word)

    assert own.related is not False
    assert own.log10_p is not None and own.log10_p < -4
    assert other.related is not True
    assert other.log10_p is not None and other.log10_p > -4


def test_common_start_and_shared_embeddings_are_not_called_related() -> None:
    assert judged("small-1-start").related is None
    assert judged("small-1-words").related is None
    assert judged("small-1-student").related is False


def test_what_shared_embeddings_explain_is_left_open() -> None:
    found = judged("small-1", "o_proj", "down_proj")

    assert (found.related, found.why_open) == (None, "shared-width")
    assert found.log10_p is not None and found.log10_p < -6


def test_queries_and_keys_alone_cannot_be_compared() -> None:
    found = judged("small-1", "q_proj", "k_proj")

    assert (found.related, found.why_open) == (None, "not-comparable")
    assert found.log10_p is None and found.modules == ()


def test_relabelled_base_is_not_recognised_and_p_stays_honest() -> None:
    rng = np.random.default_rng(3)
    shuffled = [
        replace(m, w=rng.permutation(m.w) * rng.choice([-1.0, 1.0], (len(m.w), 1)))
        for m in modules_on("small-1")
    ]

    assert judge(shuffled).related is not True


def test_odd_arrays_are_left_out() -> None:
    good = modules_on("small-1")
    one = good[0]
    odd = [
        replace(one, w=np.zeros((0, 0))),
        replace(one, w=one.w[:1]),
        replace(one, w=one.w * np.nan),
        replace(one, w=np.full_like(one.w, np.inf)),
        replace(one, w=np.zeros_like(one.w)),
        replace(one, b=np.zeros_like(one.b)),
        replace(one, a=one.a[:-1]),
        AdapterModule("x.v_proj", np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1))),
        AdapterModule("mlp.up", np.ones((1, 4)), np.ones((20, 1)), np.ones((20, 4))),
        AdapterModule("", np.ones((1, 4)), np.ones((20, 1)), np.ones((20, 4))),
    ]

    assert judge(odd).why_open == "not-comparable"
    assert judge([*good, *odd]).log10_p == judge(good).log10_p
    assert judge([]).why_open == "not-comparable"
    huge = [replace(m, w=m.w * 1e200, b=m.b * 1e-200) for m in good]
    assert judge(huge).related is True


def test_base_of_another_shape_has_no_place_for_the_adapter() -> None:
    adapter, weights = adapter_tensors(), wide(ZOO / "wide-1")
    pairs = halves({name: kept.shape for name, kept in adapter.items()})
    shapes = {
        module: (len(adapter[b]), adapter[a].shape[1])
        for module, (a, b) in pairs.items()
    }
    base = {name: kept.shape for name, kept in weights.items()}
    placed = place(shapes, base)

    reason = why_not_comparable(shapes, base, placed)

    assert placed == {}
    assert reason is not None and "48" in reason and "64" in reason


def test_config_is_read_and_odd_values_count_as_absent() -> None:
    config = read_config(json.loads((ADAPTER / "adapter_config.json").read_text()))

    assert config.kind == "LORA" and config.rank == 8
    assert config.named_base == "small-1" and not config.transposed
    assert "up_proj" in config.targets
    odd = read_config({"r": True, "target_modules": 3, "peft_type": []})
    assert odd == read_config({})
    assert read_config({"target_modules": "all-linear"}).targets == ("all-linear",)
