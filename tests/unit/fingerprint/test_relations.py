"""The engine's promises in one table: every relation, and every trap.

Each pair is judged with the weights of both, and from sketches alone. Weights name
what was done; sketches name what changes form or keeps values, and otherwise say
that there is descent. Nothing may call strangers related, whichever is at hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint import Comparison, Sketch, compare
from registry.fingerprint.thresholds import MIN_POWER, RELATED_LOG10_P
from tests.unit.fingerprint.conftest import Both, Build, Model, judged, kinds
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors
from tests.zoo.derived import Source
from tests.zoo.operations import BY_SUFFIX, OPERATIONS

TUNED = {"fine-tuned", "continued-pretraining"}
STRANGERS = {
    *("same-architecture", "unrelated", "embeddings-only", "common-initialisation"),
    "inconclusive",
}
# What sketches settle: equal values, and changes of form.
SETTLED = {
    *("identical", "renamed", "cast", "depth-changed", "vocabulary-extended"),
    *("upcycled", "pruned-units"),
}
# Which of the two is the child shows in the weights themselves.
DIRECTED = {"quantized", "pruned", "pruned-units", "vocabulary-extended", "upcycled"}


@dataclass(frozen=True)
class Committed(Source):
    """A trained model of the committed zoo."""

    @property
    def folder(self) -> Path:
        return ZOO / self.name


FAMILIES = {
    "small-1": "llama",
    "qwen-1": "qwen",
    "classic-1": "gpt2",
    "phi3-1": "phi3",
    "bert-1": "bert",
}
ROWS = [
    *[("small-1", o.suffix) for o in OPERATIONS if o.suits("llama")],
    *[("qwen-1", suffix) for suffix in ("qwen1", "fused", "int4-32", "hidden")],
    *[("phi3-1", suffix) for suffix in ("split", "int8", "zeros-50", "upscale")],
    *[("bert-1", suffix) for suffix in ("names", "f16", "noise-0.01", "drop")],
    *[
        ("classic-1", suffix)
        for suffix in ("names", "int8", "vocabulary", "pad", "units-0.5", "hidden")
    ],
]


def model_of(build: Build, name: str, suffix: str, family: str = "llama") -> Model:
    made = BY_SUFFIX[suffix].make(Committed(name, family))
    return build(made.tensors)


def turned(direction: str | None) -> str | None:
    return direction and "->".join(reversed(direction.split("->")))


@pytest.fixture(scope="module")
def answers(models: dict[str, Model], build: Build) -> Callable[[str, str], Both]:
    """Return the answers on a base and what an operation makes from it, once made."""
    kept: dict[tuple[str, str], Both] = {}

    def answer(name: str, suffix: str) -> Both:
        if (name, suffix) not in kept:
            made = model_of(build, name, suffix, FAMILIES[name])
            kept[name, suffix] = judged(models[name], made)
        return kept[name, suffix]

    return answer


@pytest.mark.parametrize(("name", "suffix"), ROWS)
def test_what_was_made_from_a_model_is_related_to_it(
    name: str, suffix: str, answers: Callable[[str, str], Both]
) -> None:
    for found in answers(name, suffix):
        assert found.related is True
        assert found.log10_p is not None and found.log10_p <= RELATED_LOG10_P
        assert found.direction in (BY_SUFFIX[suffix].direction, None)
        assert found.relation in found.relation_set


@pytest.mark.parametrize(("name", "suffix"), ROWS)
def test_weights_name_what_was_done(
    name: str, suffix: str, answers: Callable[[str, str], Both]
) -> None:
    operation = BY_SUFFIX[suffix]

    found = answers(name, suffix).folders

    assert (operation.relation or operation.kind) in found.relation_set
    assert len(found.relation_set) <= 2
    if operation.kind in DIRECTED:
        assert found.direction == "a->b"


@pytest.mark.parametrize(("name", "suffix"), ROWS)
def test_sketches_name_what_keeps_values_or_changes_form(
    name: str, suffix: str, answers: Callable[[str, str], Both]
) -> None:
    operation = BY_SUFFIX[suffix]
    word = operation.relation or operation.kind

    found = answers(name, suffix).sketches

    if operation.kind in SETTLED:
        assert found.relation == word
    else:
        assert found.relation in {word, *TUNED}


@pytest.mark.parametrize("suffix", ["names", "f16", "vocabulary", "units-0.5", "units"])
def test_an_answer_turned_round_is_the_same(
    suffix: str, models: dict[str, Model], build: Build
) -> None:
    base, made = models["small-1"], model_of(build, "small-1", suffix)

    for there, back in zip(judged(base, made), judged(made, base), strict=True):
        assert (there.related, there.relation) == (back.related, back.relation)
        assert there.direction == turned(back.direction)


CHILDREN = {
    "small-1-tuned": TUNED,
    "small-1-more": TUNED,
    "small-1-more-3x": TUNED,
    "small-1-disguised": TUNED,
    "small-1-vocabulary": {"vocabulary-extended"},
    "small-1-experts": {"upcycled"},
    "qwen-1-tuned": TUNED,
    "phi3-1-tuned": TUNED,
    "bert-1-tuned": TUNED,
    "neox-1-tuned": TUNED,
}


@pytest.mark.parametrize("child", CHILDREN)
def test_every_trained_child_of_the_zoo_is_found(
    child: str, models: dict[str, Model], zoo_index: dict[str, dict[str, Any]]
) -> None:
    parent = models[zoo_index[child]["parent"]]

    for found in judged(parent, models[child]):
        assert found.related is True
        assert found.relation in CHILDREN[child]
        # A lone pair may leave open whether both come from a third.
        assert set(found.relation_set) <= CHILDREN[child] | {"siblings"}
        assert found.log10_p is not None and found.log10_p < -100
        assert found.direction in ("a->b", None)


def test_the_table_of_children_is_complete(
    models: dict[str, Model], zoo_index: dict[str, dict[str, Any]]
) -> None:
    children = {name for name, note in zoo_index.items() if note["parent"]}

    assert children & models.keys() == CHILDREN.keys()


def test_siblings_are_related_and_neither_is_the_parent(
    models: dict[str, Model],
) -> None:
    for found in judged(models["small-1-tuned"], models["small-1-more"]):
        assert found.related is True
        assert found.direction is None


HIDDEN_CHILDREN = ["small-1-tuned", "small-1-more", "small-1-more-3x"]


@pytest.fixture(scope="module")
def hidden(models: dict[str, Model], build: Build) -> Callable[[str, str], Both]:
    """Return the answers on small-1 and a child of it that an operation disguised."""
    kept: dict[tuple[str, str], Both] = {}

    def answer(child: str, suffix: str) -> Both:
        if (child, suffix) not in kept:
            made = model_of(build, child, suffix)
            kept[child, suffix] = judged(models["small-1"], made)
        return kept[child, suffix]

    return answer


@pytest.mark.parametrize("suffix", ["units", "hidden"])
@pytest.mark.parametrize("child", HIDDEN_CHILDREN)
def test_weights_find_a_child_that_was_disguised_after_training(
    child: str, suffix: str, hidden: Callable[[str, str], Both]
) -> None:
    found = hidden(child, suffix).folders

    assert found.related is True
    assert found.relation in TUNED


Make = Callable[[Tensors, Tensors], Tensors]


def _untrained(base: Tensors, _: Tensors) -> Tensors:
    """Return random weights of the spread that the base has."""
    rng = np.random.default_rng(0)

    def draw(_: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if values.ndim == 1:
            return np.ones_like(values)
        return values.std() * rng.standard_normal(values.shape, np.float32)

    return derive.change(base, draw)


def _transplanted(base: Tensors, other: Tensors) -> Tensors:
    name = "model.embed_tokens.weight"
    return other | {name: base[name]}


def _with_common_gains(base: Tensors, other: Tensors) -> Tensors:
    return other | {n: t for n, t in base.items() if t.bits.ndim == 1}


# (a, b, the words that may be said); all of them are false or inconclusive.
ZOO_TRAPS = {
    "same shape, other seed": ("small-1", "small-2", {"same-architecture"}),
    "same shape, a third seed": ("small-2", "small-3", {"same-architecture"}),
    "another base's child": ("small-2", "small-1-more", {"same-architecture"}),
    "distilled": ("small-1", "small-1-student", {"same-architecture"}),
    "embeddings only": ("small-1", "small-1-words", {"embeddings-only"}),
    "a wider family": ("wide-1", "wide-2", {"same-architecture"}),
    "an older family": ("classic-1", "classic-2", {"same-architecture"}),
    "other biases": ("small-1", "qwen-1", {"unrelated", "same-architecture"}),
    "other width": ("small-1", "wide-1", {"unrelated", "inconclusive"}),
    "other form": ("small-1", "classic-1", {"unrelated", "inconclusive"}),
    "fused": ("small-1", "phi3-1", {"unrelated", "inconclusive"}),
    "experts": ("small-1", "mixtral-1", {"unrelated", "inconclusive"}),
    "another's experts": ("small-2", "small-1-experts", STRANGERS),
    "another in disguise": ("small-2", "small-1-disguised", STRANGERS),
    "an encoder": ("classic-1", "bert-1", STRANGERS),
    "two heirs of one start": ("small-1-start", "small-1-tuned", STRANGERS),
}
MADE_TRAPS: dict[str, tuple[Make, set[str]]] = {
    "untrained": (_untrained, {"same-architecture"}),
    "equal names, own weights": (lambda _, other: other, {"same-architecture"}),
    "names of a copy, own weights": (
        lambda _, other: derive.rename(other, derive.TO_YI),
        {"same-architecture"},
    ),
    "transplanted embeddings": (_transplanted, {"embeddings-only"}),
    "equal gains": (_with_common_gains, {"same-architecture"}),
    "another's quantisation": (
        lambda _, other: derive.quantize_int8(other),
        {"same-architecture"},
    ),
    "another's permutation": (
        lambda _, other: derive.permute_units(other, 1),
        {"same-architecture"},
    ),
}


@pytest.mark.parametrize("trap", ZOO_TRAPS)
def test_models_trained_apart_are_not_related(
    trap: str, models: dict[str, Model]
) -> None:
    a, b, words = ZOO_TRAPS[trap]

    for found in judged(models[a], models[b]):
        check_stranger(found, words)


@pytest.mark.parametrize("trap", MADE_TRAPS)
def test_what_weights_may_share_by_custom_is_no_descent(
    trap: str, models: dict[str, Model], build: Build
) -> None:
    make, words = MADE_TRAPS[trap]
    base, other = (derive.read(ZOO / name) for name in ("small-1", "small-2"))

    for found in judged(models["small-1"], build(make(base, other))):
        check_stranger(found, words)


def check_stranger(found: Comparison, words: set[str]) -> None:
    assert found.related is not True
    assert found.relation in words
    assert found.direction is None
    if found.related is None:
        assert (found.p_value, found.log10_p, found.effect) == (None, None, None)
        assert found.evidence[0].kind == "open-question"
    elif found.log10_p is not None and found.relation != "common-initialisation":
        assert found.log10_p > RELATED_LOG10_P / 2
        assert kinds(found)["power"] >= MIN_POWER


def test_weights_do_not_take_a_common_start_for_descent(
    models: dict[str, Model],
) -> None:
    found = judged(models["small-1"], models["small-1-start"]).folders

    assert found.related is not True
    assert found.relation in {"common-initialisation", "inconclusive"}


def test_sketches_do_not_take_a_common_start_for_descent(
    models: dict[str, Model],
) -> None:
    found = judged(models["small-1"], models["small-1-start"]).sketches

    assert found.related is not True


def test_no_two_bases_in_the_zoo_are_related(
    zoo: dict[str, Sketch], zoo_index: dict[str, dict[str, Any]]
) -> None:
    bases = [name for name in sorted(zoo) if zoo_index[name]["relation"] == "base"]
    for a, b in combinations(bases, 2):
        found = compare(zoo[a], zoo[b], names=(a, b))
        assert found.related is not True, (a, b)
        assert found.direction is None


def test_every_answer_is_json_of_sentences(
    answers: Callable[[str, str], Both], models: dict[str, Model]
) -> None:
    both = [answers("small-1", o) for o in ("copy", "int8", "hidden", "experts")]
    both.append(judged(models["small-1"], models["small-2"]))
    for found in (found for pair in both for found in pair):
        told = json.loads(json.dumps(found.to_json(), allow_nan=False))
        for item in told["evidence"]:
            assert not item["text"][0].islower() and item["text"].endswith(".")
            assert item["kind"] == item["kind"].lower()
