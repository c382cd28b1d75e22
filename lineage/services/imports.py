"""Bringing a dump of a hub's models into the register: entries first, then edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Final

from django.db import transaction
from django.db.models import F, Model

from lineage.models import Declaration, Derivation, Statement
from lineage.services.bulk import declare_bases
from lineage.services.declarations import resolve_waiting
from lineage.services.derivations import Speech, say
from lineage.services.verifications import verify_again
from registry import bulk
from registry.hubdump import Dump, HubRow, RowInvalid, Unreadable, parse_row
from registry.locks import lock_register
from registry.models import HubRepo, RegisteredModel, Source, UnfinishedImport
from registry.services.imports import (
    SOURCE_KEY,
    Report,
    entries_at,
    pushed_slug_of,
    register_rows,
)
from registry.vocabulary import Relation, StatementKind, agreeing_relations

# Rows in one transaction: writers elsewhere wait for it some tenths of a second.
BATCH_ROWS: Final = 2000
# A base may stand below its child in the dump, so edges wait for every entry.
ENTRIES, EDGES = PHASES = ("entries", "edges")
WRITTEN: Final[dict[str, tuple[type[Model], ...]]] = {
    ENTRIES: (RegisteredModel, HubRepo, Source),
    EDGES: (Derivation, Statement, Statement.sources.through),
}


class ImportElsewhere(Exception):
    """Somebody else goes on with this import; the text says so."""


@dataclass(frozen=True)
class Step:
    """How far an import is: rows done in this phase, and its place in the dump."""

    phase: str
    n_rows: int
    position: int


def import_dump(dump: Dump, *, hub: str, tell: Callable[[Step], None]) -> Report:
    """Bring a dump into the register and return what was done.

    `hub` is the address under which its models have their pages, and `tell` is called
    after each batch. Doing it again changes nothing but what the dump says otherwise;
    an import that died goes on after its last batch. Of two at once one goes on, with
    the report of both. Faults in the dump are reported, not raised; raises
    DumpUnreadable when the file breaks off, and ImportElsewhere.
    """
    place = _place_of(dump)
    report = Report(**deepcopy(place.report))
    with bulk.much_to_write():
        for step in _steps(dump, place, report, hub):
            tell(step)
    with transaction.atomic():
        lock_register()
        _insist_on(place)
        _resolve_what_waited()
        place.delete()
    return report


def give_way(imported: RegisteredModel, *, to: RegisteredModel) -> None:
    """Let the catalog's entry have the address and children of an imported one.

    What the hub said of the imported entry's own bases is withdrawn: the catalog says
    it better. Entries of the catalog descend from nothing imported, so no cycle closes.
    """
    for derivation in imported.derivations.shown():
        say(derivation, Speech(kind=StatementKind.WITHDRAWN))
    of_both = Derivation.objects.filter(parent=to).values("child")
    moved = Derivation.objects.filter(parent=imported)
    moved.exclude(child__in=of_both).exclude(child=to).update(parent=to)
    for derivation in Derivation.objects.filter(parent=imported).shown():
        say(derivation, Speech(kind=StatementKind.WITHDRAWN))
    imported.hub_repos.all().delete()


def _place_of(dump: Dump) -> UnfinishedImport:
    """Return where an import of this very dump stopped, or its beginning."""
    with transaction.atomic():
        lock_register()
        places = UnfinishedImport.objects.filter(dump=dump.name)
        place = places.filter(stamp=dump.stamp).first()
        if place is None:
            places.delete()
            place = UnfinishedImport.objects.create(
                dump=dump.name,
                stamp=dump.stamp,
                phase=ENTRIES,
                position=0,
                report=asdict(Report()),
            )
    return place


def _insist_on(place: UnfinishedImport) -> None:
    """Raise ImportElsewhere unless an import stands where we have left it.

    One that goes on from the same place counts the same rows, so only the first of
    them to come to its next batch may.
    """
    names = ("stamp", "phase", "position", "report")
    now = UnfinishedImport.objects.filter(dump=place.dump).values(*names).first()
    if now != {name: getattr(place, name) for name in names}:
        raise ImportElsewhere("another import of this dump is going on")


def _steps(
    dump: Dump, place: UnfinishedImport, report: Report, hub: str
) -> Iterator[Step]:
    """Bring each batch from a place on into the register; yield how far that is."""
    work: dict[str, Callable[..., None]] = {
        ENTRIES: partial(register_rows, hub=hub),
        EDGES: _connect,
    }
    position = place.position
    for phase in PHASES[PHASES.index(place.phase) :]:
        batches = _read_ahead(_batches(dump, phase, position))
        for number, batch in enumerate(batches, start=1):
            if phase == ENTRIES:
                _count(batch, report)
            with transaction.atomic():
                lock_register()
                _insist_on(place)
                work[phase](batch.rows, report=report)
                place.phase, place.position = phase, batch.step.position
                place.report = asdict(report)
                place.save()
            # What has doubled since is another table to a planner.
            if number.bit_count() == 1:
                bulk.look_again(*WRITTEN[phase])
            yield batch.step
        position = 0


@dataclass(frozen=True)
class Batch:
    """Some rows of a dump, and how far the dump is done with them."""

    step: Step
    n_rows: int
    rows: list[HubRow]
    # Why a row is no model, by its place in the batch, from 1.
    unreadable: dict[int, str]


def _batches(dump: Dump, phase: str, start: int) -> Iterator[Batch]:
    """Yield what stands after a place in a dump; the last batch may be empty."""
    n_done, position = 0, start
    values = iter(dump.rows(start))
    while True:
        read = list(islice(values, BATCH_ROWS))
        n_done += len(read)
        position = read[-1][0] if read else position
        rows: list[HubRow] = []
        unreadable: dict[int, str] = {}
        for number, (_, value) in enumerate(read, start=1):
            row = _row(value)
            if isinstance(row, HubRow):
                rows.append(row)
            else:
                unreadable[number] = row
        yield Batch(Step(phase, n_done, position), len(read), rows, unreadable)
        # A full batch may be the last: an empty one then marks the end.
        if len(read) < BATCH_ROWS:
            return


def _read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the batches, and read the next while the database works on one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _count(batch: Batch, report: Report) -> None:
    for number, reason in batch.unreadable.items():
        report.note("unreadable rows", f"row {report.n_rows + number}: {reason}")
    report.n_rows += batch.n_rows


def _row(value: object) -> HubRow | str:
    """Return a row, or why it is none."""
    if isinstance(value, Unreadable):
        return value.reason
    try:
        return parse_row(value)
    except RowInvalid as error:
        return str(error)


def _connect(rows: Sequence[HubRow], *, report: Report) -> None:
    """Write the edges that a batch of rows declares and withdraw those it dropped."""
    batch: dict[str, HubRow] = {}
    for row in rows:
        batch.setdefault(row.key, row)
    wanted = {base.lower() for row in batch.values() for base, _ in row.bases}
    entries = entries_at(batch.keys() | wanted)
    parents = {key: entry.pk for key, entry in entries.items()}
    parents |= _pushed(wanted - parents.keys())
    bases = {}
    for key, row in batch.items():
        entry = entries.get(key)
        if entry is not None and entry.is_imported:
            bases[entry.pk] = _parents_of(row, entry.pk, parents, report)
    declared = declare_bases(bases, source_key=SOURCE_KEY)
    report.n_edges_new += declared.n_new
    report.n_edges_withdrawn += declared.n_withdrawn
    ends = {pk for child, parent, _ in declared.refused for pk in (child, parent)}
    names = dict(RegisteredModel.objects.filter(pk__in=ends).values_list("pk", "name"))
    for child, parent, _ in declared.refused:
        report.note("cycles refused", f"{names[child]} from {names[parent]}")


def _pushed(keys: Iterable[str]) -> dict[str, int]:
    """Return the models that teams have pushed here under these ids."""
    slugs = {pushed_slug_of(key): key for key in keys}
    models = RegisteredModel.objects.filter(
        bulk.lower_in(RegisteredModel, "slug", slugs)
    )
    return {
        slugs[slug.lower()]: pk
        for slug, pk, origin in models.values_list("slug", "pk", "origin")
        if origin == RegisteredModel.Origin.TEAM
    }


def _parents_of(
    row: HubRow, child: int, parents: dict[str, int], report: Report
) -> dict[int, Relation]:
    """Return a row's parents with their relations; faults are counted and left out."""
    found: dict[int, Relation] = {}
    report.note("repeated parents", row.repo_id, row.n_repeated)
    report.note("self references", row.repo_id, row.n_itself)
    report.note("unreadable bases", row.repo_id, row.n_unreadable)
    for base, word in row.bases:
        parent = parents.get(base.lower())
        if parent is None:
            report.note("missing parents", f"{base}, named by {row.repo_id}")
        elif parent == child:
            report.note("self references", row.repo_id)
        elif parent in found:
            report.note("repeated parents", row.repo_id)
        else:
            found[parent] = agreeing_relations(word)[0]
    return found


def _resolve_what_waited() -> None:
    """Resolve what pushed cards declared before the model they mean was imported."""
    waiting = Declaration.objects.filter(
        parent=None, revision__model__head=F("revision")
    )
    ids = {text.lower() for text in waiting.values_list("declared_id", flat=True)}
    repos = HubRepo.objects.filter(bulk.lower_in(HubRepo, "repo_id", ids))
    for repo in repos.select_related("model"):
        verify_again(resolve_waiting(repo.model))
