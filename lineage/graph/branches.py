"""The branches of the tree: encoders, encoder-decoders and decoders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import networkx as nx

from lineage.graph.elements import Edge


def branch_edges(
    edges: Sequence[Edge], architecture: Mapping[str, str], branch: Collection[str]
) -> list[Edge]:
    """Return the edges of the entries whose architecture is one of the branch.

    An entry of unknown architecture has that of what its weights come from. A root of
    the branch keeps the lines to what it came from, outside of it.
    """
    inside = {
        slug for slug, word in _told(edges, architecture).items() if word in branch
    }
    rooted = {edge.child for edge in edges if {edge.child, edge.parent} <= inside}
    return [
        edge
        for edge in edges
        if edge.child in inside and (edge.parent in inside or edge.child not in rooted)
    ]


def _told(edges: Iterable[Edge], architecture: Mapping[str, str]) -> Mapping[str, str]:
    """Return the architecture of every entry that has or inherits one."""
    told = {slug: word for slug, word in architecture.items() if word}
    weights = nx.DiGraph(
        (edge.parent, edge.child)
        for edge in edges
        if edge.layer == "weights" and edge.makes_kin
    )
    for parent, child in _downwards(weights):
        if parent in told:
            told.setdefault(child, told[parent])
    return told


def _downwards(weights: nx.DiGraph[str]) -> Iterable[tuple[str, str]]:
    """Return the edges so that those into an entry come before those out of it."""
    # Weights that are kin make no circles.
    for entry in nx.topological_sort(weights):
        yield from weights.out_edges(entry)
