"""The words of the register agree with each other."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import pytest

from registry import vocabulary as words
from registry.vocabulary import Category, Layer, Relation


@pytest.mark.parametrize(
    ("kind", "mapping"),
    [
        (words.Kind, words.KIND_LABELS),
        (words.Architecture, words.ARCHITECTURE_LABELS),
        (words.Category, words.CATEGORY_LABELS),
        (words.Category, words.CATEGORY_HEADLINE),
        (words.Category, words.CATEGORY_SHARES),
        (words.Share, words.SHARE_LABELS),
        (words.Layer, words.LAYER_LABELS),
        (words.Layer, words.RELATIONS_BY_LAYER),
        (words.Relation, words.RELATION_LABELS),
        (words.Relation, words.RELATION_LAYER),
        (words.StatementKind, words.STATEMENT_LABELS),
        (words.Verdict, words.VERDICT_LABELS),
        (words.Confidence, words.CONFIDENCE_LABELS),
    ],
)
def test_a_mapping_speaks_of_every_word(
    kind: type[StrEnum], mapping: Mapping[StrEnum, object]
) -> None:
    assert list(mapping) == list(kind)


def test_a_relation_belongs_to_one_layer() -> None:
    listed = [item for items in words.RELATIONS_BY_LAYER.values() for item in items]

    assert len(listed) == len(set(listed)) == len(Relation)


def test_refinements_stand_under_their_headline() -> None:
    assert words.CATEGORY_HEADLINE[Category.RETRAINED] is Category.BASE
    assert words.CATEGORY_HEADLINE[Category.PREFERENCE_TUNED] is Category.SFT
    assert words.CATEGORY_HEADLINE[Category.ADAPTER] is Category.SFT
    assert {Category.BASE, Category.RETRAINED} == words.FROM_SCRATCH


def test_only_weights_and_components_carry_weights() -> None:
    assert {Layer.WEIGHTS, Layer.COMPONENT} == words.WEIGHT_LAYERS


def test_the_engine_names_only_relations_of_weights() -> None:
    named = {item for items in words.ENGINE_RELATIONS.values() for item in items}

    assert named <= set(words.RELATIONS_BY_LAYER[Layer.WEIGHTS])


def test_finetune_agrees_with_three_relations() -> None:
    assert words.agreeing_relations("finetune") == (
        Relation.SFT,
        Relation.PREFERENCE_TUNED,
        Relation.CONTINUED_PRETRAINING,
    )


def test_a_relation_of_ours_agrees_with_itself() -> None:
    assert words.agreeing_relations("upscaled") == (Relation.UPSCALED,)


def test_an_unknown_relation_is_refused() -> None:
    with pytest.raises(ValueError, match="cousin"):
        words.agreeing_relations("cousin")


def test_reserved_names_ignore_case() -> None:
    assert words.is_reserved("API")
    assert words.is_reserved("zh-Hans")
    assert not words.is_reserved("openai")
