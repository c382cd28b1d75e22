"""Odd input never crashes nor leads to a claim, and evidence reads as sentences."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.delta import AlignedPair, Explanation, explain, measure
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

Judge = Callable[[Tensors, Tensors], Explanation]
TUNED = {"fine-tuned", "continued-pretraining"}


def pair(a: NDArray[np.float32], b: NDArray[np.float32]) -> AlignedPair:
    return AlignedPair("other", None, a, b, "F32", "F32")


def drawn(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


ODD = {
    "nothing": [],
    "no elements": [pair(drawn(0, 32), drawn(0, 32))],
    "only NaN": [pair(drawn(32, 32), np.full((32, 32), np.nan, np.float32))],
    "infinite": [pair(drawn(32, 32), np.full((32, 32), np.inf, np.float32))],
    "largest": [pair(drawn(32, 32), np.full((32, 32), 3e38, np.float32))],
    "one row": [pair(drawn(1, 64), drawn(1, 64) + 1)],
    "one number": [pair(drawn(1), drawn(1) + 1)],
    "zero to something": [pair(np.zeros((32, 32), np.float32), drawn(32, 32))],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_tensors_are_survived(name: str) -> None:
    found = explain(measure(ODD[name]))

    assert 1 <= len(found.word_set) <= 2
    json.dumps([dict(item.numbers) for item in found.items], allow_nan=False)


@pytest.mark.parametrize("name", ["nothing", "only NaN", "one row", "one number"])
def test_where_nothing_is_seen_nothing_is_claimed(name: str) -> None:
    assert set(explain(measure(ODD[name])).word_set) == TUNED


def test_equal_tensors_are_identical(base: Tensors, judge: Judge) -> None:
    assert judge(base, base).word_set == ("identical",)


def test_only_rounding_after_a_disguise_is_permuted(base: Tensors) -> None:
    """A rotation back and forth in half precision leaves rounding only."""
    q, _ = np.linalg.qr(drawn(64, 64))
    rows = base["model.embed_tokens.weight"].values()
    turned = derive.stored(rows @ q, "BF16").values() @ q.T

    delta = measure([pair(rows, turned)])

    assert explain(delta, disguised=True).word_set == ("permuted",)
    assert "permuted" not in explain(delta).word_set


@pytest.mark.parametrize("name", ["small-1-tuned", "small-1-more-3x"])
def test_training_behind_a_disguise_is_not_called_permuted(
    name: str, base: Tensors
) -> None:
    child = derive.read(ZOO / name)
    pairs = [pair(base[n].values(), child[n].values()) for n in base]

    assert "permuted" not in explain(measure(pairs), disguised=True).word_set


def test_evidence_is_sentences_with_their_numbers(base: Tensors, judge: Judge) -> None:
    for name in ("small-1-tuned", "small-1-more-3x", "small-1"):
        for item in judge(base, derive.read(ZOO / name)).items:
            assert item.text[0].isupper() and item.text.endswith(".")
            json.dumps(dict(item.numbers), allow_nan=False)
