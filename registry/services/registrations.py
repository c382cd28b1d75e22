"""Entries that have no weights: a card written from a form, committed like any push."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from registry import storage
from registry.card import Card, parse_card, write_card
from registry.description import Description
from registry.models import Organization, RegisteredModel, Revision
from registry.models.files import WEIGHT_SUFFIX
from registry.services.revisions import (
    CARD_PATH,
    Changes,
    commit_revision,
    register_model,
    stored_file,
)
from registry.vocabulary import Category, Kind, Relation

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


WRAPPERS: Final = (Category.PROMPT_WRAPPER, Category.API_RESKIN)
# The relations of each kind, the usual one first where the category gives none.
RELATIONS: Final[Mapping[Kind, tuple[Relation, ...]]] = {
    Kind.MODEL: (Relation.PROMPT_WRAPPER, Relation.API_RESKIN),
    Kind.PRODUCT: (Relation.POWERS,),
    Kind.TOOL: (Relation.POWERS,),
}
MAX_ADDRESS: Final = 96


class RegistrationRefused(Exception):
    """What cannot be registered so: the field, its row if it has several, and why."""

    def __init__(self, field: str, why: str | Promise, row: int | None = None) -> None:
        super().__init__(str(why))
        self.field, self.why, self.row = field, why, row


class HasWeights(Exception):
    """The model has weights or may get some: its card is changed by pushing."""


@dataclass(frozen=True)
class Registration:
    """An entry as its makers describe it, with (id, relation) of what it stands on."""

    description: Description
    category: Category | None
    bases: tuple[tuple[str, Relation], ...]

    def check(self) -> None:
        """Raise RegistrationRefused for what contradicts itself."""
        kind = self.description.kind
        if (kind == Kind.MODEL) != (self.category in WRAPPERS):
            raise RegistrationRefused("category", _CATEGORY_NEEDED)
        if kind == Kind.MODEL and not self.bases:
            raise RegistrationRefused("parents", _PARENT_NEEDED, row=0)
        seen = set[str]()
        for row, (base, relation) in enumerate(self.bases):
            if base.lower() in seen:
                raise RegistrationRefused("parents", _("Named twice."), row=row)
            if relation not in RELATIONS[kind]:
                raise RegistrationRefused("relation", _RELATION_WRONG, row=row)
            seen.add(base.lower())

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


_CATEGORY_NEEDED: Final = _(
    "A model without weights is a prompt wrapper or an API reskin; products and tools "
    "have no category. A model with weights is registered by pushing them."
)
_PARENT_NEEDED: Final = _("Name the model that it stands on.")
_RELATION_WRONG: Final = _(
    "A model is a prompt in front of another, or its API renamed; products and tools "
    "are powered by models."
)


def usual_relation(kind: Kind, category: Category | None) -> Relation:
    """Return how an entry of that sort comes from what it stands on."""
    return Relation(category) if category in WRAPPERS else RELATIONS[kind][0]


def address_from(name: str) -> str:
    """Return a name as it can stand in an address; empty where no letter can."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return re.sub(r"[._-]*([._-])[._-]*", r"\1", plain)[:MAX_ADDRESS].strip("._-")


def without_weights(organization: Organization) -> QuerySet[RegisteredModel]:
    """Return what an organisation has registered without weights, by name."""
    own = RegisteredModel.objects.from_teams().filter(
        ~Q(kind=Kind.MODEL) | Q(category__in=WRAPPERS),
        organization=organization,
        head__isnull=False,
        removal=None,
    )
    with_weights = own.filter(head__files__path__endswith=WEIGHT_SUFFIX)
    return own.exclude(pk__in=with_weights.values("pk")).order_by("name", "id")


def is_described_by_form(model: RegisteredModel) -> bool:
    """Return whether an entry is of those that have no weights, and has none."""
    is_one = model.kind != Kind.MODEL or model.category in WRAPPERS
    if not is_one or model.head is None or model.removal_id is not None:
        return False
    return not model.head.weight_files().exists()


def register(
    organization: Organization,
    *,
    address: str,
    entry: Registration,
    by: User,
    private: bool = False,
) -> Revision:
    """Return the first revision of a new entry without weights.

    Raises RegistrationRefused, and what register_model and commit_revision do.
    """
    entry.check()
    with transaction.atomic():
        model = register_model(organization=organization, name=address, private=private)
        return _commit(model, Card(), entry, by=by, summary="Registered by a form")


def describe_again(
    model: RegisteredModel, *, entry: Registration, by: User, parent_commit: str | None
) -> Revision:
    """Return the revision in which an entry without weights is described anew.

    Raises RegistrationRefused, HasWeights, and what commit_revision does:
    CommitConflict when the entry does not stand at `parent_commit` any more.
    """
    entry.check()
    if not is_described_by_form(model):
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
