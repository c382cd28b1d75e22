"""The facts of an entry in the order a reader expects, each with its sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from registry.estimates import training_compute
from registry.models import RegisteredModel, Source

# Facts in the side column; name and category stand elsewhere on the page.
SHOWN: Final = (
    "organization",
    "family",
    "architecture",
    "released",
    "params",
    "params_active",
    "sizes",
    "tokens",
    "context",
    "modality",
    "license",
    "license_now",
    "open",
    "homepage",
    "hf_repo",
    "arxiv",
)
# What a reader may correct or contest, beside them.
CORRECTABLE: Final = (
    "name",
    "name_zh",
    "category",
    "contribution",
    *SHOWN,
    "origin",
    "claims",
    "other",
)
_COLUMNS: Final = frozenset(
    {"family", "architecture", "released", "params", "license", "open", "arxiv"}
)


@dataclass(frozen=True)
class Note:
    """A numbered source."""

    number: int
    source: Source


@dataclass(frozen=True)
class Fact:
    """A known fact and the sources that carry it."""

    name: str
    value: Any
    notes: tuple[Note, ...]


def number_sources(model: RegisteredModel) -> list[Note]:
    """Return the entry's sources, numbered from 1."""
    sources = model.sources.order_by("id")
    return [Note(number, source) for number, source in enumerate(sources, start=1)]


def facts_of(model: RegisteredModel, notes: list[Note]) -> list[Fact]:
    """Return what is known of an entry; what is not known is left out."""
    values = {name: _value(model, name) for name in SHOWN}
    return [
        Fact(name, value, notes_on(name, notes))
        for name, value in values.items()
        if value not in (None, "", [])
    ]


def compute_of(model: RegisteredModel) -> float | None:
    """Return the operations its training took, estimated, or None where unknown."""
    facts = model.facts
    return training_compute(
        model.params, facts.get("params_active"), facts.get("tokens")
    )


def notes_on(name: str, notes: list[Note]) -> tuple[Note, ...]:
    """Return the sources that cover a fact."""
    return tuple(note for note in notes if name in note.source.covers)


def _value(model: RegisteredModel, name: str) -> Any:
    if name == "organization":
        return model.organization
    if name == "hf_repo":
        return [repo.repo_id for repo in model.hub_repos.order_by("id")]
    if name in _COLUMNS:
        return getattr(model, name)
    return model.facts.get(name)
