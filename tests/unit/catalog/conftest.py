"""A sound catalog of two organizations that the tests break in one place each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from registry.catalog import Catalog, load_catalog

Document = dict[str, Any]


def _source(source_id: str, covers: list[str]) -> Document:
    return {
        "id": source_id,
        "title": "A paper",
        "url": "https://example.org/paper",
        "checked": date(2026, 11, 1),
        "confidence": "high",
        "covers": covers,
    }


def _base_file() -> Document:
    return {
        "organization": {"slug": "acme", "name": "Acme", "country": "US"},
        "entries": [
            {
                "slug": "roadrunner",
                "kind": "model",
                "name": "Roadrunner",
                "released": "2024-01",
                "params": 7_000_000_000,
                "hf_repo": ["acme/roadrunner"],
                "arxiv": "2401.00001",
                "category": "base",
                "description": "A base model.",
                "sources": [
                    _source(
                        "paper",
                        [
                            "organization",
                            "released",
                            "params",
                            "hf_repo",
                            "arxiv",
                            "category",
                        ],
                    )
                ],
            }
        ],
    }


def _derived_file() -> Document:
    return {
        "organization": {"slug": "coyote", "name": "Coyote", "name_zh": "郊狼"},
        "entries": [
            {
                "slug": "roadrunner-chat",
                "kind": "model",
                "name": "Roadrunner Chat",
                "released": "2024-02",
                "category": "sft",
                "description": "A fine-tuned model.",
                "derivations": [
                    {
                        "parent": "roadrunner",
                        "layer": "weights",
                        "relation": "sft",
                        "state": "declared",
                        "sources": ["card"],
                    }
                ],
                "claims": [
                    {
                        "claim": "It has 70 parameters.",
                        "article": "A blog",
                        "right": "7 billion.",
                        "why": "The unit was lost.",
                        "sources": ["card"],
                    }
                ],
                "sources": [_source("card", ["organization", "released", "category"])],
            }
        ],
    }


@pytest.fixture
def document() -> Document:
    """Return the two files of a sound catalog, by file name."""
    return {"acme": _base_file(), "coyote": _derived_file()}


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Document], Catalog]:
    """Return a function that writes files as YAML and loads them."""

    def write_and_load(files: Document) -> Catalog:
        for name, content in files.items():
            text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return load_catalog(tmp_path)

    return write_and_load
