"""Who belongs to whom: ancestors and descendants in an edge list."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from lineage.graph.elements import Edge


def kin_of(slug: str, edges: Iterable[Edge]) -> frozenset[str]:
    """Return the entry, all its ancestors and all its descendants."""
    graph = nx.DiGraph((edge.parent, edge.child) for edge in edges if edge.makes_kin)
    if slug not in graph:
        return frozenset({slug})
    return frozenset({slug} | nx.ancestors(graph, slug) | nx.descendants(graph, slug))
