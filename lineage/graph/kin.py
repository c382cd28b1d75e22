"""Who belongs to whom: ancestors, descendants and near relatives in an edge list."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from lineage.graph.elements import Edge


def kin_of(slug: str, edges: Iterable[Edge]) -> frozenset[str]:
    """Return the entry, all its ancestors and all its descendants."""
    graph = _downwards(edges)
    if slug not in graph:
        return frozenset({slug})
    return frozenset({slug} | nx.ancestors(graph, slug) | nx.descendants(graph, slug))


def within_hops(slug: str, edges: Iterable[Edge], *, hops: int) -> frozenset[str]:
    """Return the entry with its ancestors and descendants up to that many hops."""
    graph = _downwards(edges)
    if slug not in graph:
        return frozenset({slug})
    down = nx.single_source_shortest_path_length(graph, slug, cutoff=hops)
    up = nx.single_source_shortest_path_length(graph.reverse(), slug, cutoff=hops)
    return frozenset(down) | frozenset(up)


def _downwards(edges: Iterable[Edge]) -> nx.DiGraph[str]:
    return nx.DiGraph((edge.parent, edge.child) for edge in edges)
