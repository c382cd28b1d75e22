"""The snapshot of all derivations, what changed since, and the walk over both."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineage.walks import Reached

Ids = NDArray[np.int32]
Codes = NDArray[np.uint8]
Change = tuple[int, int, int]

EDGE: Final = np.dtype([("child", np.int32), ("parent", np.int32), ("code", np.uint8)])
_STATES_PER_RELATION: Final = 8


@dataclass(frozen=True)
class Snapshot:
    """All derivations of a moment, row by row: the children of each parent.

    The row of a model lies between `starts` at its id and at the next one, ordered by
    child. Ids are places, as the database counts them without large gaps.
    """

    starts: Ids
    children: Ids
    codes: Codes

    @property
    def n_ids(self) -> int:
        return len(self.starts) - 1

    def place_of(self, change: Change) -> int | None:
        """Return where a derivation stands, whatever its state; None if nowhere."""
        child, parent, code = change
        if parent >= self.n_ids:
            return None
        first, end = (int(place) for place in self.starts[parent : parent + 2])
        place = first + int(np.searchsorted(self.children[first:end], child))
        while place < end and self.children[place] == child:
            if _relation(int(self.codes[place])) == _relation(code):
                return place
            place += 1
        return None


def build(edges: NDArray[Any]) -> Snapshot:
    """Return the snapshot of edges of type EDGE, each derivation once."""
    child, parent = edges["child"], edges["parent"]
    order = np.lexsort((child, parent))
    n_ids = int(max(child.max(), parent.max())) + 1 if edges.size else 0
    counts = np.bincount(parent, minlength=n_ids)
    return Snapshot(
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        children=child[order],
        codes=edges["code"][order],
    )


@dataclass(frozen=True)
class Index:
    """A snapshot with the changes since: `codes` as of now, and edges that are new."""

    snapshot: Snapshot
    codes: Codes
    added: Mapping[tuple[int, int, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Index:
        """Return the index of a snapshot to which nothing has happened yet."""
        return cls(snapshot, snapshot.codes)

    def with_changes(self, changes: Iterable[Change]) -> Index:
        """Return the index after changes (child, parent, code); the last one counts.

        Saying again what is in the snapshot changes nothing.
        """
        codes, added = self.codes.copy(), dict(self.added)
        for child, parent, code in changes:
            place = self.snapshot.place_of((child, parent, code))
            if place is None:
                added[child, parent, _relation(code)] = code
            else:
                codes[place] = code
        return replace(self, codes=codes, added=added)

    def below(
        self,
        start: int,
        allowed: NDArray[np.bool_],
        *,
        depth: int | None = None,
        deadline: float | None = None,
    ) -> Reached:
        """Return what descends from a model over edges of allowed codes.

        After the deadline (of time.monotonic) no further level is begun.
        """
        added = self._added[allowed[self._added["code"]]]
        n_ids = max(self.snapshot.n_ids, self._n_added_ids, start + 1)
        seen = np.zeros(n_ids, dtype=bool)
        frontier = np.array([start], dtype=np.int32)
        seen[start] = True
        levels: list[Ids] = []
        is_whole = True
        while frontier.size and len(levels) != depth:
            if deadline is not None and time.monotonic() > deadline:
                is_whole = False
                break
            reached = self._children(frontier, allowed)
            if added.size:
                is_below = np.isin(added["parent"], frontier, kind="table")
                reached = np.concatenate([reached, added["child"][is_below]])
            frontier = _sorted_once(reached[~seen[reached]])
            seen[frontier] = True
            levels.append(frontier)
        return Reached.of_levels(levels, is_whole=is_whole)

    def _children(self, frontier: Ids, allowed: NDArray[np.bool_]) -> Ids:
        starts = self.snapshot.starts
        rows = frontier[frontier < self.snapshot.n_ids]
        first = starts[rows]
        lengths = starts[rows + 1] - first
        # The places of all rows, one after the other.
        skipped = np.cumsum(lengths) - lengths
        places = np.repeat(first - skipped, lengths) + np.arange(lengths.sum())
        children: Ids = self.snapshot.children[places[allowed[self.codes[places]]]]
        return children

    @cached_property
    def _added(self) -> NDArray[Any]:
        edges = [(child, parent, c) for (child, parent, _), c in self.added.items()]
        return np.array(edges, dtype=EDGE)

    @cached_property
    def _n_added_ids(self) -> int:
        ends = (self._added["child"], self._added["parent"])
        return max((int(end.max()) + 1 for end in ends if end.size), default=0)


def _sorted_once(ids: Ids) -> Ids:
    """Return ids in order, each once, faster than numpy's unique as it hashes."""
    ids.sort()
    is_first = np.ones(len(ids), dtype=bool)
    is_first[1:] = ids[1:] != ids[:-1]
    return ids[is_first]


def _relation(code: int) -> int:
    return code // _STATES_PER_RELATION
