"""Hops and shortest paths on extracts of the graph. Pure: ids in, ids out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import networkx as nx

Steps = Mapping[int, Sequence[int]]


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


def shortest_paths(
    start: int, end: int, along: Steps, *, at_most: int
) -> list[list[int]]:
    """Return up to `at_most` shortest paths, in order of their ids; none if apart."""
    graph = nx.DiGraph(
        (node, neighbour) for node, others in along.items() for neighbour in others
    )
    if start not in graph or end not in graph or not nx.has_path(graph, start, end):
        return []
    found: Iterator[list[int]] = nx.all_shortest_paths(graph, start, end)
    return sorted(islice(found, at_most))


def roots(start: int, upwards: Steps) -> list[int]:
    """Return the nodes reached from start that lead no further, nearest first.

    A model without parents is its own root.
    """
    return [node for node in hops(start, upwards) if not upwards.get(node)]
