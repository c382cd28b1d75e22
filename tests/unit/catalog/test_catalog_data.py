"""The data files of the product themselves: sound, and exact where it matters."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from registry.catalog import DATA, Catalog, Derivation, load_catalog, validate
from registry.vocabulary import (
    CATEGORY_HEADLINE,
    HEADLINE_CATEGORIES,
    Category,
    Kind,
    Layer,
    Relation,
    StatementKind,
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(DATA)


def _parents(catalog: Catalog, slug: str) -> dict[tuple[str, Relation], Derivation]:
    (entry,) = (entry for entry in catalog.entries if entry.slug == slug)
    return {(link.parent, link.relation): link for link in entry.derivations}


def test_the_data_keep_every_rule(catalog: Catalog) -> None:
    assert validate(catalog, datetime.now(UTC).date()) == []


def test_every_headline_category_has_an_entry(catalog: Catalog) -> None:
    present = {
        CATEGORY_HEADLINE[entry.category] for entry in catalog.entries if entry.category
    }

    assert present >= set(HEADLINE_CATEGORIES)
    assert {entry.kind for entry in catalog.entries} == set(Kind)


def test_every_entry_is_described_in_both_languages(catalog: Catalog) -> None:
    assert [entry.slug for entry in catalog.entries if not entry.description_zh] == []


def test_chinchilla_takes_the_architecture_of_gopher_and_no_weights(
    catalog: Catalog,
) -> None:
    assert set(_parents(catalog, "chinchilla")) == {
        ("gopher", Relation.SAME_ARCHITECTURE)
    }


@pytest.mark.parametrize("slug", ["llama", "llama-2", "yi-34b", "openllama", "gopher"])
def test_what_was_trained_from_scratch_inherits_no_weights(
    catalog: Catalog, slug: str
) -> None:
    layers = {link.layer for link in _parents(catalog, slug).values()}

    assert layers <= {Layer.ARCHITECTURE, Layer.TOKENIZER}


def test_a_distilled_model_has_one_parent_by_weights_and_one_by_outputs(
    catalog: Catalog,
) -> None:
    assert set(_parents(catalog, "deepseek-r1-distill-qwen-32b")) == {
        ("qwen2.5", Relation.SFT),
        ("deepseek-r1", Relation.DISTILLED),
    }


def test_an_unproven_accusation_is_stated_as_alleged(catalog: Catalog) -> None:
    link = _parents(catalog, "llama3-v")["minicpm-llama3-v-2.5", Relation.RESKIN]

    assert link.state is StatementKind.ALLEGED


def test_everything_that_the_articles_speak_of_has_an_entry(catalog: Catalog) -> None:
    """mentioned.tsv: article, name as it is written there, slug."""
    lines = Path(__file__).with_name("mentioned.tsv").read_text().splitlines()
    named = {line.split("\t")[2] for line in lines}

    assert len(named) >= 80
    assert named <= {entry.slug for entry in catalog.entries}


def test_the_catalog_is_as_large_and_as_wide_as_it_says(catalog: Catalog) -> None:
    counts = Counter(entry.category for entry in catalog.entries if entry.category)

    assert len(catalog.entries) >= 240
    assert set(counts) == set(Category) and min(counts.values()) >= 3
    assert sum(len(entry.claims) for entry in catalog.entries) >= 75
