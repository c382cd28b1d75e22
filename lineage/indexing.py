"""The index of this register: opened or built, and caught up with the log.

A process keeps what it has opened; the log says what to add, so that every walk sees
whatever was committed before it began.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from django.conf import settings
from django.db import connection

from lineage import index
from lineage.index import HIDDEN, Index
from lineage.models import Change, Derivation
from registry.models import RegisteredModel
from registry.permissions import PUBLIC, Sight

log = structlog.get_logger("baimo.index")

# Below so many changes a walk in SQL takes milliseconds, and nobody needs an index.
MIN_CHANGES: Final = 5_000
# A snapshot is made anew when so many of the changes came after it.
STALE_SHARE: Final = 0.01
_CHUNK: Final = 20_000


@dataclass(frozen=True)
class _Held:
    """An index with the number of the last change in its snapshot, and in itself."""

    index: Index
    snapshot_seq: int
    seq: int

    @property
    def is_stale(self) -> bool:
        return _is_stale(self.snapshot_seq, self.seq)


_held: _Held | None = None


_of_this_moment: ContextVar[dict[Sight, Index | None] | None] = ContextVar(
    "indexes of this moment", default=None
)


@contextmanager
def one_moment() -> Iterator[None]:
    """Let every walk of one answer see the register as the first one did."""
    token = _of_this_moment.set({})
    try:
        yield
    finally:
        _of_this_moment.reset(token)


def current(sight: Sight = PUBLIC) -> Index | None:
    """Return the index with all that was committed, or None where SQL is to walk.

    Of private models it has what the sight allows. SQL walks in small registers, and
    inside a transaction, whose own changes are nobody else's yet.
    """
    if connection.in_atomic_block:
        return None
    moment = _of_this_moment.get()
    if moment is None:
        moment = {}
    if PUBLIC not in moment:
        moment[PUBLIC] = _newest()
    if sight not in moment:
        moment[sight] = _opened_to(sight, moment[PUBLIC])
    return moment[sight]


def _opened_to(sight: Sight, public: Index | None) -> Index | None:
    """Return the index with the few derivations of private models that are seen."""
    if public is None:
        return None
    private = RegisteredModel.objects.filter(sight.allows(), private=True)
    ids = list(private.values_list("pk", flat=True))
    if not ids:
        return public
    rows = Derivation.objects.visible_to(sight).order_by()
    columns = ("child_id", "parent_id", "relation", "state")
    # One question for each end: an index answers either, and not both at once.
    ends = (rows.filter(child__in=ids), rows.filter(parent__in=ids))
    changes = [
        (child, parent, index.code_of(relation, state))
        for child, parent, relation, state in {
            row for found in ends for row in found.values_list(*columns)
        }
    ]
    return public.with_changes(changes)


def _newest() -> Index | None:
    global _held
    held = _held
    if held is None:
        if _newest_seq() < MIN_CHANGES:
            return None
        held = _newest_on_disk() or _build()
    held = _caught_up(held)
    if held.is_stale and (newer := _newest_on_disk()):
        held = _caught_up(newer)
    _held = held
    return held.index


def is_due() -> bool:
    """Return whether the register is large and its snapshot missing or stale."""
    seq = _newest_seq()
    if seq < MIN_CHANGES:
        return False
    found = _newest_name()
    return found is None or _is_stale(_seq_of(found), seq)


def refresh() -> None:
    """Make a new snapshot if one is due, unless another process is making it."""
    with suppress(BlockingIOError), _alone(wait=False):
        if is_due():
            _build_alone()


def forget() -> None:
    """Let go of what this process has opened, as if it had just begun."""
    global _held
    _held = None


def _is_stale(snapshot_seq: int, seq: int) -> bool:
    return seq - snapshot_seq > STALE_SHARE * seq


def _newest_seq() -> int:
    # Every walk asks this first, and the way through models costs more than the answer.
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM lineage_change")
        newest: int | None = cursor.fetchone()[0]
    return newest or 0


def _caught_up(held: _Held) -> _Held:
    if _newest_seq() <= held.seq:
        return held
    rows = (
        Change.objects.filter(pk__gt=held.seq)
        .order_by("pk")
        .values_list(
            "pk",
            "derivation__child_id",
            "derivation__parent_id",
            "derivation__relation",
            "derivation__state",
            "derivation__child__private",
            "derivation__parent__private",
        )
    )
    seq, changes = held.seq, []
    for pk, child, parent, relation, state, *private in rows:
        seq = pk
        word = HIDDEN if any(private) else state
        changes.append((child, parent, index.code_of(relation, word)))
    return replace(held, index=held.index.with_changes(changes), seq=seq)


def _build() -> _Held:
    """Return a snapshot made now, or by the process that was waited for."""
    with _alone(wait=True):
        found = _newest_on_disk()
        if found is None or _is_stale(found.seq, _newest_seq()):
            found = _build_alone()
        return found


def _build_alone() -> _Held:
    # The number first: what is committed meanwhile is read now and said again later.
    seq = _newest_seq()
    edges = np.fromiter(_edges(), dtype=index.EDGE)
    snapshot = index.build(edges)
    index.save(snapshot, _folder(), _name_of(seq))
    log.info("index built", n_derivations=len(edges), seq=seq)
    return _opened(snapshot, seq)


def _edges() -> Iterator[tuple[int, int, int]]:
    rows = Derivation.objects.order_by().values_list(
        "child_id", "parent_id", "relation", "state"
    )
    private = RegisteredModel.objects.filter(private=True)
    hidden = set(private.values_list("pk", flat=True))
    codes: dict[tuple[str, str], int] = {}
    for child, parent, relation, state in rows.iterator(chunk_size=_CHUNK):
        is_hidden = child in hidden or parent in hidden
        key = (relation, HIDDEN if is_hidden else state)
        if key not in codes:
            codes[key] = index.code_of(*key)
        yield child, parent, codes[key]


def _newest_on_disk() -> _Held | None:
    # A newer one may take its place before it is open.
    with suppress(OSError, ValueError):
        if name := _newest_name():
            return _opened(index.open_snapshot(_folder(), name), _seq_of(name))
    return None


def _opened(snapshot: index.Snapshot, seq: int) -> _Held:
    return _Held(Index.of(snapshot), snapshot_seq=seq, seq=seq)


def _newest_name() -> str | None:
    """Return the name of the newest snapshot that was made of this very register."""
    for name in index.names(_folder()):
        if name == _name_of(_seq_of(name)):
            return name
    return None


def _seq_of(name: str) -> int:
    return int(name.partition("-")[0])


def _name_of(seq: int) -> str:
    """Return the name of the snapshot that ends with a change of this register.

    The time of the change tells this register from another one and from an older copy
    of itself that was brought back.
    """
    at = Change.objects.filter(pk=seq).values_list("at", flat=True).first()
    mark = hashlib.sha256(f"{at} {index.WORDS}".encode()).hexdigest()[:16]
    return f"{seq}-{mark}"


def _folder() -> Path:
    folder: Path = settings.INDEX_DIR
    return folder


@contextmanager
def _alone(*, wait: bool) -> Iterator[None]:
    """Hold the folder's lock; unless it waits, raises BlockingIOError if it is held."""
    _folder().mkdir(parents=True, exist_ok=True)
    with (_folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
