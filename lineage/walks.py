"""Hops and shortest paths on extracts of the graph. Pure: ids in, ids out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice

import networkx as nx
import numpy as np
from numpy.typing import NDArray

Steps = Mapping[int, Sequence[int]]


@dataclass(frozen=True)
class Reached:
    """What a walk reached, nearest first and then by id, with the hops to each.

    The start is not among it. Not whole is a walk that was stopped.
    """

    ids: NDArray[np.int64]
    hops: NDArray[np.int64]
    is_whole: bool = True

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of_levels(
        cls, levels: Sequence[Collection[int] | NDArray[np.int32]], *, is_whole: bool
    ) -> Reached:
        """Return what stands one hop away, two hops away …; each level is sorted."""
        sizes = [len(level) for level in levels]
        ids = [np.asarray(level, dtype=np.int64) for level in levels]
        return cls(
            ids=np.concatenate([np.empty(0, dtype=np.int64), *ids]),
            hops=np.repeat(np.arange(1, len(levels) + 1), sizes),
            is_whole=is_whole,
        )

    @classmethod
    def of_hops(cls, distance: Mapping[int, int]) -> Reached:
        """Return the nodes of a mapping from node to hops."""
        nodes = sorted((hops, node) for node, hops in distance.items())
        table = np.array(nodes, dtype=np.int64).reshape(-1, 2)
        return cls(ids=table[:, 1], hops=table[:, 0])

    def pairs(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return a slice as pairs (hops, id)."""
        hops, ids = self.hops[first:end], self.ids[first:end]
        return list(zip(hops.tolist(), ids.tolist(), strict=True))

    def within(self, depth: int | None) -> Reached:
        """Return what is at most so many hops away; everything without a depth."""
        n = len(self) if depth is None else np.searchsorted(self.hops, depth, "right")
        return Reached(self.ids[:n], self.hops[:n], self.is_whole)

    def among(self, ids: Collection[int]) -> Reached:
        """Return what is one of the given nodes."""
        is_kept = np.isin(self.ids, np.fromiter(ids, dtype=np.int64))
        return Reached(self.ids[is_kept], self.hops[is_kept], self.is_whole)


def steps(pairs: Iterable[tuple[int, int]]) -> Steps:
    """Return, for each first member of a pair, the second ones it leads to."""
    found: dict[int, list[int]] = defaultdict(list)
    for start, end in pairs:
        found[start].append(end)
    return found


def hops(start: int, along: Steps) -> dict[int, int]:
    """Return the length of the shortest path from start to each node it reaches.

    The start is among them, with 0; nodes come nearest first.
    """
    distance = {start: 0}
    frontier = [start]
    while frontier:
        following = []
        for node in frontier:
            for neighbour in along.get(node, ()):
                if neighbour not in distance:
                    distance[neighbour] = distance[node] + 1
                    following.append(neighbour)
        frontier = following
    return distance


def reached(start: int, along: Steps) -> Reached:
    """Return everything that is reached from start, without itself."""
    distance = hops(start, along)
    del distance[start]
    return Reached.of_hops(distance)


def shortest_paths(
    start: int, end: int, along: Steps, *, at_most: int
) -> list[list[int]]:
    """Return up to `at_most` shortest paths, the first by their ids; none if apart."""
    to_end = hops(
        end, steps((after, node) for node, others in along.items() for after in others)
    )
    return list(islice(_paths(start, along, to_end), at_most))


def _paths(start: int, along: Steps, to_end: Mapping[int, int]) -> Iterator[list[int]]:
    unfinished = [[start]] if start in to_end else []
    while unfinished:
        path = unfinished.pop()
        left = to_end[path[-1]]
        if left == 0:
            yield path
            continue
        nearer = {node for node in along[path[-1]] if to_end.get(node) == left - 1}
        unfinished += [[*path, node] for node in sorted(nearer, reverse=True)]


def connections(
    start: int, end: int, upwards: Steps, *, at_most: int
) -> list[list[int]]:
    """Return up to `at_most` shortest ways from start up and then down to end.

    Either half may be empty: of a model and its base the way leads up alone.
    """
    to_start, to_end = hops(start, upwards), hops(end, upwards)
    total = {node: n + to_end[node] for node, n in to_start.items() if node in to_end}
    nearest = min(total.values(), default=0)
    found: list[list[int]] = []
    for meeting in sorted(node for node, n in total.items() if n == nearest):
        up = shortest_paths(start, meeting, upwards, at_most=at_most)
        down = shortest_paths(end, meeting, upwards, at_most=at_most)
        found += [first + second[-2::-1] for first in up for second in down]
    return found[:at_most]


def lowest(common: set[int], pairs: Iterable[tuple[int, int]]) -> set[int]:
    """Return those of the common ancestors that no other one descends from.

    `pairs` are (child, parent). Ideas may travel in a circle; then all of it counts.
    """
    upwards = steps(pair for pair in pairs if common.issuperset(pair))
    parents = {parent for others in upwards.values() for parent in others}
    childless = set(common) - parents
    above: set[int] = set()
    waiting = list(childless)
    while waiting:
        for parent in upwards.get(waiting.pop(), ()):
            if parent not in above:
                above.add(parent)
                waiting.append(parent)
    return childless | _lowest_circles(parents - above, upwards)


def _lowest_circles(nodes: Set[int], upwards: Steps) -> set[int]:
    graph = nx.DiGraph(
        (node, parent) for node in nodes for parent in upwards.get(node, ())
    )
    return {
        node
        for circle in nx.strongly_connected_components(graph)
        if all(child in circle for child, _ in graph.in_edges(circle))
        for node in circle
    }


def roots(start: int, upwards: Steps) -> list[int]:
    """Return the nodes reached from start that lead no further, nearest first.

    A model without parents is its own root.
    """
    return [node for node in hops(start, upwards) if not upwards.get(node)]
