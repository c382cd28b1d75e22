"""The snapshot of all derivations, what changed since, and the walks over both."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineage.index.codes import STATES_PER_RELATION
from lineage.walks import Reached

Ids = NDArray[np.int32]
Codes = NDArray[np.uint8]
Allowed = NDArray[np.bool_]
# Child, parent and code; within a way the end that a row belongs to comes first.
Change = tuple[int, int, int]

EDGE: Final = np.dtype([("child", np.int32), ("parent", np.int32), ("code", np.uint8)])
_ADDED: Final = np.dtype([("one", np.int32), ("other", np.int32), ("code", np.uint8)])


@dataclass(frozen=True)
class Rows:
    """Derivations in rows, one for each model at their one end.

    The row of a model lies between `starts` at its id and at the next one; `others`
    are the models at the other end, in order. Ids are places, as the database counts
    them without large gaps.
    """

    starts: Ids
    others: Ids
    codes: Codes

    @classmethod
    def of(cls, one: Ids, other: Ids, codes: Codes, *, n_ids: int) -> Rows:
        """Return derivations in rows of the models at their one end."""
        order = np.lexsort((other, one))
        counts = np.bincount(one, minlength=n_ids)
        return cls(
            starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
            others=other[order],
            codes=codes[order],
        )

    @property
    def n_ids(self) -> int:
        return len(self.starts) - 1

    def place_of(self, one: int, other: int, code: int) -> int | None:
        """Return where a derivation stands, whatever its state; None if nowhere."""
        if one >= self.n_ids:
            return None
        first, end = (int(place) for place in self.starts[one : one + 2])
        place = first + int(np.searchsorted(self.others[first:end], other))
        while place < end and self.others[place] == other:
            if _relation(int(self.codes[place])) == _relation(code):
                return place
            place += 1
        return None

    def places(self, ids: Ids) -> tuple[NDArray[np.int64], Ids]:
        """Return the places of all rows of the models, and how many each row has."""
        first = self.starts[ids]
        lengths = self.starts[ids + 1] - first
        skipped = np.cumsum(lengths) - lengths
        return np.repeat(first - skipped, lengths) + np.arange(lengths.sum()), lengths


@dataclass(frozen=True)
class Snapshot:
    """All derivations of a moment: the children of each parent, and the reverse."""

    down: Rows
    up: Rows


def build(edges: NDArray[Any]) -> Snapshot:
    """Return the snapshot of edges of type EDGE, each derivation once."""
    child, parent, codes = edges["child"], edges["parent"], edges["code"]
    n_ids = int(max(child.max(), parent.max())) + 1 if edges.size else 0
    return Snapshot(
        down=Rows.of(parent, child, codes, n_ids=n_ids),
        up=Rows.of(child, parent, codes, n_ids=n_ids),
    )


@dataclass(frozen=True)
class Way:
    """Rows with the changes since: `codes` as of now, and derivations that are new."""

    rows: Rows
    codes: Codes
    added: Mapping[tuple[int, int, int], int] = field(default_factory=dict)

    def with_changes(self, changes: Iterable[Change]) -> Way:
        """Return the way after changes (one end, other end, code); the last counts.

        Saying again what is in the snapshot changes nothing.
        """
        codes, added = self.codes.copy(), dict(self.added)
        for one, other, code in changes:
            place = self.rows.place_of(one, other, code)
            if place is None:
                added[one, other, _relation(code)] = code
            else:
                codes[place] = code
        return replace(self, codes=codes, added=added)

    def walk(
        self,
        starts: Collection[int],
        allowed: Allowed,
        *,
        depth: int | None = None,
        deadline: float | None = None,
    ) -> Reached:
        """Return what is reached from any of the models over edges of allowed codes.

        After the deadline (of time.monotonic) no further level is begun.
        """
        added = self._added[allowed[self._added["code"]]]
        n_ids = max(self.rows.n_ids, self._n_added_ids, max(starts, default=0) + 1)
        seen = np.zeros(n_ids, dtype=bool)
        is_here = np.zeros(n_ids, dtype=bool)
        frontier = np.array(sorted(starts), dtype=np.int32)
        seen[frontier] = True
        levels: list[Ids] = []
        is_whole = True
        while frontier.size and len(levels) != depth:
            if deadline is not None and time.monotonic() > deadline:
                is_whole = False
                break
            reached = self._others(frontier, allowed)
            if added.size:
                is_here[frontier] = True
                new = added["other"][is_here[added["one"]]]
                is_here[frontier] = False
                reached = np.concatenate([reached, new])
            frontier = _sorted_once(reached[~seen[reached]])
            seen[frontier] = True
            levels.append(frontier)
        return Reached.of_levels(levels, is_whole=is_whole)

    def edges(self, ids: Ids, allowed: Allowed) -> list[Change]:
        """Return the derivations of allowed codes in the rows of the models."""
        known = ids[ids < self.rows.n_ids]
        places, lengths = self.rows.places(known)
        is_allowed = allowed[self.codes[places]]
        places = places[is_allowed]
        one = np.repeat(known, lengths)[is_allowed].tolist()
        other, codes = self.rows.others[places].tolist(), self.codes[places].tolist()
        added = self._added[allowed[self._added["code"]]]
        added = added[np.isin(added["one"], ids, kind="sort")]
        return [*zip(one, other, codes, strict=True), *added.tolist()]

    def _others(self, frontier: Ids, allowed: Allowed) -> Ids:
        places, _ = self.rows.places(frontier[frontier < self.rows.n_ids])
        others: Ids = self.rows.others[places[allowed[self.codes[places]]]]
        return others

    @cached_property
    def _added(self) -> NDArray[Any]:
        rows = [(one, other, code) for (one, other, _), code in self.added.items()]
        return np.array(rows, dtype=_ADDED)

    @cached_property
    def _n_added_ids(self) -> int:
        ends = (self._added["one"], self._added["other"])
        return max((int(end.max()) + 1 for end in ends if end.size), default=0)


@dataclass(frozen=True)
class Index:
    """A snapshot with the changes since, both ways."""

    down: Way
    up: Way

    @classmethod
    def of(cls, snapshot: Snapshot) -> Index:
        """Return the index of a snapshot to which nothing has happened yet."""
        ways = (Way(rows, rows.codes) for rows in (snapshot.down, snapshot.up))
        return cls(*ways)

    def with_changes(self, changes: Collection[Change]) -> Index:
        """Return the index after changes (child, parent, code); the last one counts."""
        return Index(
            down=self.down.with_changes((p, c, code) for c, p, code in changes),
            up=self.up.with_changes(changes),
        )


def _sorted_once(ids: Ids) -> Ids:
    """Return ids in order, each once, faster than numpy's unique as it hashes."""
    ids.sort()
    is_first = np.ones(len(ids), dtype=bool)
    is_first[1:] = ids[1:] != ids[:-1]
    return ids[is_first]


def _relation(code: int) -> int:
    return code // STATES_PER_RELATION
