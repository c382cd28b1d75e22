"""Merges made of trained models are named with their weights; nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.kin import MergePart, merge_of

Array = NDArray[np.float64]
Vectors = Mapping[str, Array]
Weights = Callable[[str], Array]
Sketch = Callable[[Array], Array]

TUNED, MORE, FAR = "small-1-tuned", "small-1-more", "small-2"
ADAPTED = "small-1 with its adapter merged"
LINEAR = [
    {TUNED: 0.5, MORE: 0.5},
    {TUNED: 0.8, MORE: 0.2},
    {"small-1": 0.4, MORE: 0.6},
    {"small-1": 0.5, FAR: 0.5},
    {"small-1": 0.1, FAR: 0.9},
    {TUNED: 0.3, FAR: 0.7},
    {"small-1": 0.5, FAR: 0.3, "small-3": 0.2},
    dict.fromkeys(("small-1", TUNED, MORE, FAR, "small-3"), 0.2),
]


def slerp(a: Array, b: Array, t: float) -> Array:
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    angle = np.arccos(cosine)
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


def weights_by_id(parts: tuple[MergePart, ...]) -> dict[str, float]:
    return {part.id: part.weight for part in parts}


def without(vectors: Vectors, *dropped: str) -> Vectors:
    return {name: kept for name, kept in vectors.items() if name not in dropped}


@pytest.mark.parametrize("shares", LINEAR, ids=str)
def test_linear_merge_is_named_with_its_weights(
    shares: dict[str, float], vectors: Vectors, weights: Weights, sketch: Sketch
) -> None:
    merged = sum(share * weights(name) for name, share in shares.items())

    found = merge_of(sketch(np.asarray(merged)), vectors)

    assert weights_by_id(found) == pytest.approx(shares, abs=0.01)
    assert sum(part.weight for part in found) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("t", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("pair", [("small-1", FAR), (TUNED, MORE)], ids=str)
def test_slerp_is_named_with_its_t(
    pair: tuple[str, str],
    t: float,
    vectors: Vectors,
    weights: Weights,
    sketch: Sketch,
) -> None:
    merged = slerp(weights(pair[0]), weights(pair[1]), t)

    found = merge_of(sketch(merged), vectors)

    assert weights_by_id(found) == pytest.approx({pair[0]: 1 - t, pair[1]: t}, abs=0.02)


@pytest.mark.parametrize(
    ("a", "b", "one"),
    [(0.7, 0.7, TUNED), (1.0, 0.5, TUNED), (0.3, 0.4, ADAPTED), (1.0, 0.8, ADAPTED)],
)
def test_task_arithmetic_names_what_learnt_and_not_the_base(
    a: float, b: float, one: str, vectors: Vectors, weights: Weights, sketch: Sketch
) -> None:
    base = weights("small-1")
    merged = base + a * (weights(one) - base) + b * (weights(MORE) - base)
    squares = {name: float(weights(name) @ weights(name)) for name in vectors}

    found = merge_of(sketch(merged), vectors, squares)

    expected = {one: a / (a + b), MORE: b / (a + b)}
    assert weights_by_id(found) == pytest.approx(expected, abs=0.02)


def test_base_is_a_parent_where_norms_do_not_show_that_it_is_the_base(
    vectors: Vectors, weights: Weights, sketch: Sketch
) -> None:
    merged = 0.3 * weights("small-1") + 0.3 * weights(TUNED) + 0.4 * weights(MORE)

    found = merge_of(sketch(merged), vectors)

    expected = {"small-1": 0.3, TUNED: 0.3, MORE: 0.4}
    assert weights_by_id(found) == pytest.approx(expected, abs=0.02)


def test_no_trained_model_is_a_merge(vectors: Vectors) -> None:
    for name, vector in vectors.items():
        assert merge_of(vector, without(vectors, name)) == (), name


def test_no_trained_model_is_a_merge_without_its_base(vectors: Vectors) -> None:
    others = without(vectors, "small-1")
    for name, vector in others.items():
        assert merge_of(vector, without(others, name)) == (), name


def test_copy_and_near_copy_are_explained_by_one_model(
    vectors: Vectors, weights: Weights, sketch: Sketch
) -> None:
    assert merge_of(vectors[TUNED], vectors) == ()
    assert merge_of(sketch(0.97 * weights(TUNED)), vectors) == ()


def test_merge_of_an_absent_parent_is_not_pinned_on_its_relatives(
    vectors: Vectors, weights: Weights, sketch: Sketch
) -> None:
    merged = sketch(0.5 * weights(TUNED) + 0.5 * weights(FAR))

    assert merge_of(merged, without(vectors, TUNED)) == ()


def test_child_of_the_merge_among_the_others_does_not_hide_the_parents(
    vectors: Vectors, weights: Weights, sketch: Sketch
) -> None:
    merged = 0.5 * weights(TUNED) + 0.5 * weights(FAR)
    step = 0.2 * (weights("small-1-more") - weights("small-1"))

    found = merge_of(sketch(merged), {**vectors, "child": sketch(merged + step)})

    assert weights_by_id(found) == pytest.approx({TUNED: 0.5, FAR: 0.5}, abs=0.02)


def test_parents_are_named_rather_than_another_merge_of_them(
    vectors: Vectors, weights: Weights, sketch: Sketch
) -> None:
    a, b = weights("small-2"), weights("small-3")
    others = {**vectors, "first-merge": sketch(0.3 * a + 0.7 * b)}

    found = merge_of(sketch(0.5 * a + 0.5 * b), others)

    assert weights_by_id(found) == pytest.approx(
        {"small-2": 0.5, "small-3": 0.5}, abs=0.01
    )


def test_unusable_vectors_are_ignored(vectors: Vectors) -> None:
    good = vectors["small-1"]
    bad = {
        "empty": np.zeros(0),
        "short": good[:7],
        "zero": 0 * good,
        "nan": np.full_like(good, np.nan),
        "infinite": np.full_like(good, np.inf),
        "huge": np.full_like(good, 1e300),
    }
    mean = 0.5 * good + 0.5 * vectors[FAR]

    assert len(merge_of(mean, {**vectors, **bad})) == 2
    for vector in bad.values():
        assert merge_of(vector, vectors) == ()
    assert merge_of(good, {}) == ()
    assert merge_of(good, bad) == ()
    assert merge_of(good, {"only": vectors[FAR]}) == ()
    assert merge_of(np.ones(1), {"a": np.ones(1), "b": np.full(1, 2.0)}) == ()
