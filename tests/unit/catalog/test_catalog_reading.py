"""What the reader of data files accepts, and how it names what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.catalog import Catalog, CatalogError, load_catalog
from registry.vocabulary import Category, Confidence, Layer

Load = Callable[[dict[str, Any]], Catalog]

HEAD = "organization: {slug: acme, name: Acme}\n"
ENTRY = "entries:\n- {slug: a, kind: tool, name: A, description: d"


def test_load_returns_records_with_words_of_the_vocabulary(
    document: dict[str, Any], load: Load
) -> None:
    catalog = load(document)

    base, chat = catalog.entries
    assert base.category is Category.BASE
    assert base.organization == "acme"
    assert base.tokens is None
    assert chat.derivations[0].layer is Layer.WEIGHTS
    assert chat.sources[0].confidence is Confidence.HIGH
    assert catalog.organizations[1].name_zh == "郊狼"


def test_load_takes_a_single_text_for_a_list_of_one(
    document: dict[str, Any], load: Load
) -> None:
    document["acme"]["entries"][0]["hf_repo"] = "acme/roadrunner"

    catalog = load(document)

    assert catalog.entries[0].hf_repo == ("acme/roadrunner",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "acme.yaml:1: the file must hold a mapping"),
        ("entries: []\n", "acme.yaml:1: organization is missing"),
        ("organization: [\n", "acme.yaml:2: "),
        (HEAD + "entries:\n- {slug: a, slug: b}\n", "the key 'slug' occurs twice"),
        (HEAD + "1: 2\n", "the key 1 is no text"),
        (HEAD + "entries: 5\n", "entries must be a list of mappings"),
        (HEAD + "entries: [x]\n", "entries must be a list of mappings"),
        (HEAD + "extra: 1\n", "acme.yaml:1: unknown keys: extra"),
        (HEAD + ENTRY + ", prams: 7}\n", "acme.yaml:3: unknown keys: prams"),
        (HEAD + "entries:\n- {slug: a, kind: tool}\n", "name is missing"),
        (HEAD + ENTRY + ", arxiv: 2401.1}\n", "arxiv must be text (quote it)"),
        (HEAD + ENTRY + ", params: 7.5}\n", "params must be a whole number"),
        (HEAD + ENTRY + ", params: true}\n", "params must be a whole number"),
        (HEAD + ENTRY + ", sizes: [1, x]}\n", "sizes must be a list of whole numbers"),
        (HEAD + ENTRY + ", open: maybe}\n", "open must be true, false or null"),
        (HEAD + ENTRY + ", aliases: {a: b}}\n", "aliases must be a list of texts"),
        (HEAD + ENTRY + ", contribution: 1}\n", "contribution must be a mapping"),
        (HEAD + ENTRY + ", category: best}\n", "category: 'best' is none of base, "),
        (
            HEAD + ENTRY + ", sources: [{id: s, title: t, url: u, checked: now}]}\n",
            "checked must be a date YYYY-MM-DD",
        ),
    ],
)
def test_load_refuses_what_it_cannot_read(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "acme.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(CatalogError) as refusal:
        load_catalog(tmp_path)

    assert message in str(refusal.value)
    assert str(refusal.value).startswith("acme.yaml:")


def test_load_refuses_a_file_that_is_no_utf_8(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_bytes(b"organization: \xff\n")

    with pytest.raises(CatalogError, match=r"acme\.yaml:1"):
        load_catalog(tmp_path)


def test_load_refuses_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"holds no \*\.yaml file"):
        load_catalog(tmp_path)
