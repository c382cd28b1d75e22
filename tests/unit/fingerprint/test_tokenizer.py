"""Tokens and ids are read from every common kind of tokenizer.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.fingerprint import sketch_model
from registry.fingerprint.errors import BrokenJson
from registry.fingerprint.reading.tokenizer import (
    extends,
    id_agreement,
    read_tokens,
    summarise,
)
from tests.zoo import derive
from tests.zoo.derive import ZOO


def written(folder: Path, value: Any) -> Path:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(value))
    return path


def test_a_trained_tokenizer_has_one_id_per_token() -> None:
    tokens = read_tokens(ZOO / "small-1" / "tokenizer.json")

    assert sorted(tokens.values()) == list(range(384))


def test_a_list_of_pieces_and_scores_is_numbered_in_order(tmp_path: Path) -> None:
    model = {"vocab": [["a", -1.0], ["b", -2.0]]}
    added = [{"id": 2, "content": "<s>"}]

    tokens = read_tokens(written(tmp_path, {"model": model, "added_tokens": added}))

    assert tokens == {"a": 0, "b": 1, "<s>": 2}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"model": 3},
        {"model": {"vocab": {"a": "x"}}},
        {"added_tokens": [{"id": []}]},
    ],
)
def test_a_file_without_a_vocabulary_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(BrokenJson, match=r"tokenizer\.json"):
        read_tokens(written(tmp_path, value))


def test_a_broken_tokenizer_does_not_stop_a_sketch(tmp_path: Path) -> None:
    folder = derive.make(derive.read(ZOO / "small-1"), tmp_path / "m")
    (folder / "tokenizer.json").write_text("{")

    assert sketch_model(folder).tokenizer is None


def test_agreement_is_the_share_of_shared_tokens_with_one_id() -> None:
    assert id_agreement({"a": 0, "b": 1, "c": 2}, {"a": 0, "b": 2, "d": 1}) == 0.5
    assert id_agreement({"a": 0}, {"b": 0}) is None


def test_the_larger_of_two_that_agree_extends_the_other() -> None:
    small, large = {"a": 0}, {"a": 0, "b": 1}

    assert (extends(large, small), extends(small, large)) == ("a", "b")
    assert extends(small, small) is None
    assert extends({"a": 1, "b": 0}, small) is None


def test_summaries_tell_ids_apart() -> None:
    assert summarise({"a": 0, "b": 1}) == summarise({"b": 1, "a": 0})
    assert summarise({"a": 0, "b": 1}) != summarise({"a": 1, "b": 0})
