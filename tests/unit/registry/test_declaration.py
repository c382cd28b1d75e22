"""What a card declares: the words that are read, and those that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from registry.card import CardInvalid
from registry.declaration import read_declaration
from registry.vocabulary import Category


@pytest.mark.parametrize(
    ("card", "bases", "category"),
    [
        ({}, (), None),
        ({"base_model": "a/b"}, (("a/b", "finetune"),), Category.SFT),
        (
            {"base_model": ["a/b", "c/d"], "base_model_relation": "merge"},
            (("a/b", "merge"), ("c/d", "merge")),
            Category.MERGE,
        ),
        (
            {"base_model": ["a/b", "c/d"], "base_model_relation": ["sft", "contains"]},
            (("a/b", "sft"), ("c/d", "contains")),
            Category.SFT,
        ),
        (
            {"base_model": "https://huggingface.co/meta/llama/"},
            (("meta/llama", "finetune"),),
            Category.SFT,
        ),
        ({"base_model": ["a/b", "a/b"]}, (("a/b", "finetune"),), Category.SFT),
        ({"base_model": None, "baimo_category": ["base"]}, (), Category.BASE),
        ({"base_model": [], "base_model_relation": "merge"}, (), None),
        (
            {"base_model": "a/b", "baimo_category": "preference-tuned"},
            (("a/b", "finetune"),),
            Category.PREFERENCE_TUNED,
        ),
    ],
)
def test_a_card_is_read(
    card: dict[str, Any], bases: tuple[tuple[str, str], ...], category: Category | None
) -> None:
    declared = read_declaration(card)

    assert declared.bases == bases
    assert declared.category == category


@pytest.mark.parametrize(
    ("card", "is_from_scratch"),
    [
        ({"baimo_category": "base"}, True),
        ({"baimo_category": "retrained"}, True),
        ({"baimo_category": "base", "base_model": "a/b"}, False),
        ({"baimo_category": "sft"}, False),
        ({}, False),
    ],
)
def test_only_a_base_without_a_base_is_from_scratch(
    card: dict[str, Any], is_from_scratch: bool
) -> None:
    assert read_declaration(card).is_from_scratch == is_from_scratch


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"base_model": 42}, "base_model must be a text"),
        ({"base_model": ["a/b", 7]}, "base_model must be a text"),
        ({"base_model": ["a/b", ""]}, "base_model must be a text"),
        ({"base_model": {"a": "b"}}, "base_model must be a text"),
        ({"base_model": "x" * 201}, "longer than 200"),
        ({"base_model": ["a/b"] * 51}, "more than 50"),
        (
            {"base_model": "a/b", "base_model_relation": "banana"},
            "finetune, adapter|ad",
        ),
        (
            {
                "base_model": ["a/b", "c/d", "e/f"],
                "base_model_relation": ["sft", "sft"],
            },
            "2 words for 3 base models",
        ),
        ({"baimo_category": "nonsense"}, "use one of base, continued-pretraining"),
        ({"baimo_category": ["base", "sft"]}, "use one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(card: dict[str, Any], reason: str) -> None:
    with pytest.raises(CardInvalid, match=reason):
        read_declaration(card)
