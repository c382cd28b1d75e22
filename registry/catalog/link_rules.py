"""The rules between entries: who exists, who is the same, who came before whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from registry.catalog.problems import Problem
from registry.catalog.schema import Catalog, Entry
from registry.vocabulary import WEIGHT_LAYERS, Relation


def check_links(catalog: Catalog) -> Iterator[Problem]:
    """Yield what is wrong between the entries of a catalog."""
    yield from _check_slugs(catalog)
    yield from _check_repositories(catalog)
    yield from _check_names(catalog)
    yield from _check_parents(catalog)
    yield from _check_cycles(catalog)
    yield from _check_ages(catalog)


def _check_slugs(catalog: Catalog) -> Iterator[Problem]:
    for records in (catalog.organizations, catalog.entries):
        seen: dict[str, str] = {}
        for record in records:
            first = seen.setdefault(record.slug.lower(), record.where)
            if first != record.where:
                yield Problem(
                    f"{record.where} slug", f"{record.slug!r} is already at {first}"
                )


def _check_repositories(catalog: Catalog) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for entry in catalog.entries:
        for repo in entry.hf_repo:
            first = owner.setdefault(repo.lower(), entry.slug)
            if first != entry.slug:
                yield Problem(
                    f"{entry.where} {entry.slug}.hf_repo",
                    f"{repo} already belongs to {first}",
                )


def _names(entry: Entry) -> Iterable[str]:
    names = (entry.slug, entry.name, entry.name_zh, *entry.aliases)
    return {name.casefold() for name in names if name}


def _check_names(catalog: Catalog) -> Iterator[Problem]:
    bearers: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in catalog.entries:
        for name in _names(entry):
            bearers[name].append(entry)
    for name, entries in bearers.items():
        for entry in entries:
            if len(entries) > 1 and entry.name_note is None:
                others = ", ".join(e.slug for e in entries if e is not entry)
                yield Problem(
                    f"{entry.where} {entry.slug}.name",
                    f"{name!r} also names {others}; tell them apart in name_note",
                )


def _check_parents(catalog: Catalog) -> Iterator[Problem]:
    slugs = {entry.slug for entry in catalog.entries}
    for entry in catalog.entries:
        for number, derivation in enumerate(entry.derivations):
            path = f"{entry.where} {entry.slug}.derivations[{number}]"
            if derivation.parent not in slugs:
                yield Problem(path, f"there is no entry {derivation.parent!r}")
            elif derivation.parent == entry.slug:
                yield Problem(path, "an entry cannot come from itself")


def _check_cycles(catalog: Catalog) -> Iterator[Problem]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for entry in catalog.entries:
        parents = {
            derivation.parent
            for derivation in entry.derivations
            if derivation.layer in WEIGHT_LAYERS and derivation.parent != entry.slug
        }
        sorter.add(entry.slug, *parents)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        yield Problem("derivations", f"weights come from themselves: {cycle}")


def _check_ages(catalog: Catalog) -> Iterator[Problem]:
    released = {entry.slug: entry.released for entry in catalog.entries}
    for entry in catalog.entries:
        for number, derivation in enumerate(entry.derivations):
            parent_released = released.get(derivation.parent)
            # A product goes on living and is later powered by younger models.
            if derivation.relation == Relation.POWERS:
                continue
            if parent_released and entry.released and parent_released > entry.released:
                yield Problem(
                    f"{entry.where} {entry.slug}.derivations[{number}]",
                    f"{derivation.parent} ({parent_released}) is younger than "
                    f"{entry.slug} ({entry.released})",
                )
