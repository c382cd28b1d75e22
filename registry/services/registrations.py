"""Entries that have no weights: a card written from a form, committed like any push."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from registry import storage
from registry.card import Card, parse_card, write_card
from registry.description import Description
from registry.models import Organization, RegisteredModel, Revision
from registry.services.revisions import (
    CARD_PATH,
    Changes,
    commit_revision,
    register_model,
    stored_file,
)
from registry.vocabulary import Category, Relation

# What a registration says anew every time; all else in a card stays as it is.
KEYS: Final = (
    "baimo_kind",
    "baimo_category",
    "baimo_name",
    "baimo_name_zh",
    "baimo_released",
    "baimo_homepage",
    "baimo_contribution",
    "base_model",
    "base_model_relation",
    "baimo_evidence",
)


class HasWeights(Exception):
    """The model has weights: its card is changed by pushing."""


@dataclass(frozen=True)
class Registration:
    """An entry as its makers describe it, with (id, relation) of what it stands on."""

    description: Description
    category: Category | None
    bases: tuple[tuple[str, Relation], ...]

    def metadata(self) -> dict[str, Any]:
        """Return the registration as the front matter of a card."""
        said = self.description
        evidence = [
            {"base_model": item.base, "url": item.url, "title": item.title}
            for item in said.evidence
        ]
        values = (
            said.kind.value,
            self.category.value if self.category else "",
            said.name,
            said.name_zh,
            said.released,
            said.homepage,
            said.contribution,
            [base for base, _ in self.bases],
            [relation.value for _, relation in self.bases],
            evidence,
        )
        return {key: value for key, value in zip(KEYS, values, strict=True) if value}


def register(
    organization: Organization, *, address: str, entry: Registration, by: User
) -> Revision:
    """Return the first revision of a new entry without weights.

    Raises what register_model and commit_revision do.
    """
    with transaction.atomic():
        model = register_model(organization=organization, name=address)
        return _commit(model, Card(), entry, by=by, summary="Registered by a form")


def describe_again(
    model: RegisteredModel, *, entry: Registration, by: User, parent_commit: str
) -> Revision:
    """Return the revision in which an entry without weights is described anew.

    Raises HasWeights, and what commit_revision does: CommitConflict when the entry
    does not stand at `parent_commit` any more.
    """
    if model.head is None or model.head.weight_files().exists():
        raise HasWeights(model.slug)
    return _commit(
        model,
        card_of(model),
        entry,
        by=by,
        summary="Described anew by a form",
        parent_commit=parent_commit,
    )


def card_of(model: RegisteredModel) -> Card:
    """Return the card that an entry now has, empty where it has none."""
    file = model.head.files.filter(path=CARD_PATH).first() if model.head else None
    if file is None or not storage.has(file.blob_id):
        return Card()
    return parse_card(storage.path_of(file.blob_id).read_bytes())


def _commit(
    model: RegisteredModel, before: Card, entry: Registration, *, by: User, **how: Any
) -> Revision:
    kept: Mapping[str, Any] = {
        key: value for key, value in before.metadata.items() if key not in KEYS
    }
    content = write_card(Card({**kept, **entry.metadata()}, before.body))
    return commit_revision(
        model=model,
        author=by,
        changes=Changes(added=[stored_file(CARD_PATH, content)]),
        **how,
    )
