"""Families of trained models, and children whose steps are known to be their own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.kin import Arrangement, arrange

Array = NDArray[np.float64]
Vectors = Mapping[str, Array]

BASE, MORE, LONG = "small-1", "small-1-more", "small-1-more-3x"
TUNED, ADAPTED = "small-1-tuned", "small-1 with its adapter merged"
# Later stages of one training and of one text: they go the same way.
SAME_TEXT = (MORE, LONG, TUNED, ADAPTED)


def family(vectors: Vectors, *names: str) -> dict[str, Array]:
    return {name: vectors[name] for name in names}


def by_pair(found: tuple[Arrangement, ...]) -> dict[tuple[str, str], Arrangement]:
    return {(pair.a, pair.b): pair for pair in found}


@pytest.fixture(scope="session")
def noised(vectors: Vectors) -> dict[str, Array]:
    """Return the base with three steps of chance, and a further step of one."""
    rng = np.random.default_rng(7)
    base = vectors[BASE]
    size = 0.3 * np.sqrt(np.mean(base**2))

    def step() -> Array:
        return size * rng.standard_normal(len(base))

    one = base + step()
    return {
        "base": base,
        "one": one,
        "two": base + step(),
        "three": base + step(),
        "one-more": one + step(),
    }


def test_children_of_a_base_are_siblings_and_the_base_is_none(
    noised: dict[str, Array],
) -> None:
    found = by_pair(arrange(noised))

    assert found["one", "two"].word == "siblings"
    assert found["three", "two"].word == "siblings"
    assert found["one-more", "three"].word == "siblings"
    for (a, b), pair in found.items():
        if "base" in (a, b) or {a, b} == {"one", "one-more"}:
            assert pair.word is None


def test_without_the_base_nothing_is_said_of_its_children(
    noised: dict[str, Array],
) -> None:
    children = {name: noised[name] for name in ("one", "two", "three")}

    assert all(pair.word is None for pair in arrange(children))


def test_trained_models_are_never_called_siblings_of_their_forebears(
    vectors: Vectors,
) -> None:
    found = by_pair(arrange(family(vectors, BASE, *SAME_TEXT)))

    assert all(pair.word is None for ids, pair in found.items() if BASE in ids)


def test_facts_tell_direct_from_chain_and_give_directions(vectors: Vectors) -> None:
    facts = [(BASE, TUNED), (TUNED, LONG)]
    found = by_pair(arrange(family(vectors, BASE, TUNED, LONG), facts=facts))

    assert found[BASE, LONG] == Arrangement(BASE, LONG, "chain", "a->b", TUNED)
    assert found[BASE, TUNED].direction == "a->b"
    assert found[LONG, TUNED] == Arrangement(LONG, TUNED, "direct", "b->a")


def test_known_common_parent_is_named(noised: dict[str, Array]) -> None:
    facts = [("base", "one"), ("base", "two")]
    found = by_pair(arrange(noised, facts=facts))

    assert found["one", "two"] == Arrangement("one", "two", "siblings", None, "base")
    assert found["base", "two"] == Arrangement("base", "two", "direct", "a->b")


def test_contradicting_facts_are_left_out(noised: dict[str, Array]) -> None:
    facts = [("one", "two"), ("two", "one"), ("one", "one"), ("one", "nobody")]

    assert arrange(noised, facts=facts) == arrange(noised)


def test_small_steps_have_no_direction_unless_norms_are_exact(
    vectors: Vectors,
) -> None:
    rng = np.random.default_rng(8)
    base = vectors[BASE]
    steps = rng.standard_normal((2, len(base))) * 0.01 * np.sqrt(np.mean(base**2))
    made = {"base": base, "one": base + steps[0], "two": base + steps[1]}
    scale = float(np.square(steps[0]).sum())
    squares = {"base": 1e4 * scale, "one": 10_001 * scale, "two": 10_001 * scale}

    assert by_pair(arrange(made))["one", "two"].word is None
    assert by_pair(arrange(made, squares=squares))["one", "two"].word == "siblings"


def test_unusable_vectors_are_left_out(noised: dict[str, Array]) -> None:
    base = noised["base"]
    odd = {
        "empty": np.zeros(0),
        "short": base[:5],
        "zero": 0 * base,
        "nan": base * np.nan,
        "infinite": np.full_like(base, np.inf),
    }

    assert arrange({**noised, **odd}) == arrange(noised)
    assert arrange({}) == () and arrange({"nan": odd["nan"]}) == ()
    assert arrange({"only": base}) == ()
    twins = arrange({"a": base, "b": base.copy()})
    assert twins == (Arrangement("a", "b", None),)
    assert len(arrange({"a": np.ones(1), "b": np.full(1, 2.0), "c": -np.ones(1)})) == 3
