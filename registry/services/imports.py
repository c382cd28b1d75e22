"""Entries for the models of a hub, a batch of its dump at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from registry import bulk
from registry.hubdump import HubRow
from registry.models import HubRepo, RegisteredModel, Source
from registry.search import searchable
from registry.vocabulary import RELATION_CATEGORY, agreeing_relations

# "hub" is a reserved name, and no slug of the catalog holds "--".
SLUG_PREFIX: Final = "hub--"
# The one source of an imported entry: its page on the hub.
SOURCE_KEY: Final = "hub"
MAX_EXAMPLES: Final = 5

_ORIGIN = RegisteredModel.Origin
_COLUMNS: Final = ("category", "released", "license", "facts")
_COVERS: Final = ("category", "released", "license", "hf_repo")


@dataclass
class Report:
    """What an import has done so far; examples are the first few of each fault."""

    n_rows: int = 0
    n_new: int = 0
    n_updated: int = 0
    n_unchanged: int = 0
    # In the catalog, or pushed here by a team.
    n_left_alone: int = 0
    n_edges_new: int = 0
    n_edges_withdrawn: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, fault: str, example: str, n: int = 1) -> None:
        """Count a fault, and keep the example if it is one of the first."""
        if n:
            self.faults[fault] = self.faults.get(fault, 0) + n
            kept = self.examples.setdefault(fault, [])
            if len(kept) < MAX_EXAMPLES:
                kept.append(example)


def slug_of(repo_id: str) -> str:
    """Return the slug of an imported model, which no team's model can take."""
    return SLUG_PREFIX + _joined(repo_id)


def pushed_slug_of(repo_id: str) -> str:
    """Return the slug of a model that a team has pushed here under an id."""
    return _joined(repo_id)


def _joined(repo_id: str) -> str:
    return repo_id.replace("/", "--")


def register_rows(rows: Sequence[HubRow], *, hub: str, report: Report) -> None:
    """Make and bring up to date the entries of a batch of rows; holds the lock.

    A model that the catalog describes or a team has pushed is left as it is. Of two
    rows of one model the first stands.
    """
    batch: dict[str, HubRow] = {}
    for row in rows:
        if row.key in batch:
            report.note("repeated rows", row.repo_id)
        batch.setdefault(row.key, row)
    entries = entries_at(batch)
    slugs = _slugs_of(batch.keys() - entries.keys())
    own = _own(entries, slugs)
    new, changed, homeless = [], [], []
    for key, row in batch.items():
        model = own.get(key)
        if model is None:
            is_taken = not slugs.keys().isdisjoint((slug_of(key), pushed_slug_of(key)))
            if key in entries or is_taken:
                report.n_left_alone += 1
            else:
                new.append(row)
        else:
            if key not in entries:
                homeless.append((model.pk, row.repo_id))
            if _values(row) == tuple(getattr(model, name) for name in _COLUMNS):
                report.n_unchanged += 1
            else:
                changed.append((model.pk, row))
    _insert(new, hub=hub)
    _update(changed)
    bulk.insert(HubRepo, ["model_id", "repo_id"], homeless)
    report.n_new += len(new)
    report.n_updated += len(changed)


@dataclass(frozen=True)
class Entry:
    """An entry at an address of a hub, and whether it was imported from there."""

    pk: int
    is_imported: bool


def entries_at(keys: Collection[str]) -> dict[str, Entry]:
    """Return the entries that have these ids, in lower case, as addresses."""
    repos = HubRepo.objects.filter(bulk.lower_in(HubRepo, "repo_id", keys))
    return {
        repo_id.lower(): Entry(pk, origin == _ORIGIN.HUB)
        for repo_id, pk, origin in repos.values_list(
            "repo_id", "model", "model__origin"
        )
    }


def _slugs_of(keys: Collection[str]) -> dict[str, int]:
    """Return the slugs, in lower case, under which ids without address are known."""
    slugs = [slug(key) for key in keys for slug in (slug_of, pushed_slug_of)]
    models = RegisteredModel.objects.filter(
        bulk.lower_in(RegisteredModel, "slug", slugs)
    )
    # Asked of the database, it would read all of an origin instead of a few slugs.
    return {
        slug.lower(): pk
        for slug, pk, origin in models.values_list("slug", "pk", "origin")
        if origin != _ORIGIN.CATALOG
    }


def _own(
    entries: Mapping[str, Entry], slugs: Mapping[str, int]
) -> dict[str, RegisteredModel]:
    """Return the imported entries, by the ids that a hub gave them."""
    ids = {entry.pk for entry in entries.values() if entry.is_imported}
    ids |= {pk for slug, pk in slugs.items() if slug.startswith(SLUG_PREFIX)}
    models = RegisteredModel.objects.among(ids)
    return {
        model.name.lower(): model
        for model in models.only("name", "origin", *_COLUMNS)
        if model.origin == _ORIGIN.HUB
    }


def _values(row: HubRow) -> tuple[str, str, str, dict[str, Any]]:
    """Return a row as the columns of an entry, in the order of _COLUMNS."""
    category = ""
    if row.bases:
        relation = agreeing_relations(row.bases[0][1])[0]
        category = RELATION_CATEGORY[relation].value
    counted = {"downloads": row.downloads, "likes": row.likes}
    facts = {name: count for name, count in counted.items() if count is not None}
    return category, row.created, row.license, facts


def _insert(rows: Sequence[HubRow], *, hub: str) -> None:
    last = bulk.insert(
        RegisteredModel,
        ["slug", "name", "search_text", *_COLUMNS],
        [
            (
                slug_of(row.repo_id),
                row.repo_id,
                searchable([row.repo_id]),
                *_values(row),
            )
            for row in rows
        ],
        origin=_ORIGIN.HUB.value,
    )
    made = RegisteredModel.objects.from_hub().filter(pk__gt=last)
    bulk.insert_selected(
        HubRepo, ["model_id", "repo_id"], made.values_list("pk", "name")
    )
    site = hub.rpartition("://")[2]
    bulk.insert_selected(
        Source,
        ["model_id", "title", "url"],
        made.values_list(
            "pk",
            Concat("name", Value(f" on {site}")),
            Concat(Value(f"{hub}/"), "name"),
        ),
        key=SOURCE_KEY,
        checked=timezone.now().date(),
        # What its makers say of it, unchecked.
        confidence=Source.Confidence.MEDIUM.value,
        covers=list(_COVERS),
    )


def _update(changed: Sequence[tuple[int, HubRow]]) -> None:
    now = timezone.now()
    bulk.update(
        RegisteredModel,
        [*_COLUMNS, "updated_at"],
        [(*_values(row), now, pk) for pk, row in changed],
    )
    of_hub = Source.objects.filter(model__in=[pk for pk, _ in changed], key=SOURCE_KEY)
    of_hub.update(checked=now.date())
