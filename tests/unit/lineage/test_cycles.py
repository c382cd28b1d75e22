"""Which new edges close a cycle, against the rule taken one edge at a time."""

from __future__ import annotations

import random

import networkx as nx
import pytest

from lineage.cycles import Edge, closing


def one_at_a_time(new: list[Edge], known: list[Edge]) -> set[int]:
    graph: nx.DiGraph[int] = nx.DiGraph(known)
    refused = set()
    for position, (child, parent) in enumerate(new):
        graph.add_nodes_from((child, parent))
        if nx.has_path(graph, parent, child):
            refused.add(position)
        else:
            graph.add_edge(child, parent)
    return refused


@pytest.mark.parametrize("seed", range(60))
def test_it_refuses_what_edge_by_edge_would_be_refused(seed: int) -> None:
    rng = random.Random(seed)
    n_nodes = rng.randrange(2, 30)
    draws = [
        tuple(rng.sample(range(n_nodes), 2)) for _ in range(rng.randrange(3 * n_nodes))
    ]
    edges: list[Edge] = [(child, parent) for child, parent in draws]
    half = len(edges) // 2
    # What is known is free of cycles, as the register sees to.
    bad = one_at_a_time(edges[:half], [])
    known = [edge for i, edge in enumerate(edges[:half]) if i not in bad]

    assert closing(edges[half:], known) == one_at_a_time(edges[half:], known)


def test_a_long_chain_takes_no_recursion() -> None:
    chain = [(i, i + 1) for i in range(50_000)]

    assert closing([*chain, (50_000, 0)], []) == {50_000}
