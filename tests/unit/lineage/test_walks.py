"""Hops, roots and paths against networkx on random graphs."""

from __future__ import annotations

import random
from itertools import pairwise

import networkx as nx
import pytest

from lineage import walks


def random_dag(seed: int) -> nx.DiGraph:
    """Return a DAG with merges and diamonds whose edges lead to smaller numbers."""
    chance = random.Random(seed)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(40))
    for child in range(1, 40):
        for parent in chance.sample(
            range(child), k=min(child, chance.choice([0, 1, 3]))
        ):
            graph.add_edge(child, parent)
    return graph


@pytest.mark.parametrize("seed", range(20))
def test_hops_are_the_lengths_of_shortest_paths(seed: int) -> None:
    graph = random_dag(seed)
    along = walks.steps(graph.edges)

    for node in graph:
        expected = nx.single_source_shortest_path_length(graph, node)
        assert walks.hops(node, along) == dict(expected)


@pytest.mark.parametrize("seed", range(20))
def test_shortest_paths_are_all_of_them(seed: int) -> None:
    graph = random_dag(seed)
    along = walks.steps(graph.edges)

    for ancestor in nx.descendants(graph, 39):
        expected = sorted(nx.all_shortest_paths(graph, 39, ancestor))
        assert walks.shortest_paths(39, ancestor, along, at_most=1000) == expected


@pytest.mark.parametrize("seed", range(20))
def test_connections_are_the_shortest_ways_over_common_ancestors(seed: int) -> None:
    graph = random_dag(seed)
    up = walks.steps(graph.edges)
    hops = dict(nx.all_pairs_shortest_path_length(graph))

    for start, end in [(39, 38), (37, 20), (30, 30), (5, 39)]:
        lengths = [
            hops[start][node] + hops[end][node]
            for node in hops[start].keys() & hops[end].keys()
        ]
        ways = walks.connections(start, end, up, at_most=10_000)

        assert bool(ways) == bool(lengths)
        assert len({tuple(way) for way in ways}) == len(ways)
        for way in ways:
            assert (way[0], way[-1]) == (start, end)
            assert len(way) - 1 == min(lengths)
            turns = [graph.has_edge(a, b) for a, b in pairwise(way)]
            assert turns == sorted(turns, reverse=True)  # up first, then down
        expected = {
            tuple(first + second[-2::-1])
            for node in hops[start].keys() & hops[end].keys()
            if hops[start][node] + hops[end][node] == min(lengths)
            for first in nx.all_shortest_paths(graph, start, node)
            for second in nx.all_shortest_paths(graph, end, node)
        }
        assert {tuple(way) for way in ways} == expected


def test_connections_stop_at_the_number_asked_for() -> None:
    up = walks.steps([(1, 3), (1, 4), (2, 3), (2, 4)])

    assert len(walks.connections(1, 2, up, at_most=1)) == 1


@pytest.mark.parametrize("seed", range(20))
def test_roots_are_the_ancestors_without_parents(seed: int) -> None:
    graph = random_dag(seed)
    reached = {39, *nx.descendants(graph, 39)}

    roots = walks.roots(39, walks.steps(graph.edges))

    assert set(roots) == {node for node in reached if graph.out_degree(node) == 0}


def test_models_without_connection_have_no_path() -> None:
    assert walks.shortest_paths(1, 9, walks.steps([(1, 2)]), at_most=5) == []


def test_the_number_of_paths_is_bounded() -> None:
    diamond = [(0, middle) for middle in range(1, 9)] + [(m, 9) for m in range(1, 9)]

    paths = walks.shortest_paths(0, 9, walks.steps(diamond), at_most=3)

    assert paths == [[0, 1, 9], [0, 2, 9], [0, 3, 9]]


def test_a_path_may_be_longer_than_python_nests() -> None:
    chain = walks.steps((node, node + 1) for node in range(3000))

    assert walks.shortest_paths(0, 3000, chain, at_most=2) == [list(range(3001))]


@pytest.mark.parametrize("seed", range(20))
def test_lowest_common_ancestors_have_no_common_descendant(seed: int) -> None:
    graph = random_dag(seed)
    cones = [{node, *nx.descendants(graph, node)} for node in (39, 38, 37)]
    common = set.intersection(*cones)

    lowest = walks.lowest(common, graph.edges)

    assert lowest == {node for node in common if not common & nx.ancestors(graph, node)}


@pytest.mark.parametrize("seed", range(20))
def test_lowest_circles_are_those_of_networkx(seed: int) -> None:
    graph = random_dag(seed)
    graph.add_edges_from(random.Random(seed).sample(list(graph.reverse().edges), 12))
    nodes = sorted(random.Random(seed).sample(sorted(graph), 25))
    circles = nx.condensation(graph.subgraph(nodes))

    expected = {
        node
        for circle, members in circles.nodes(data="members")
        if circles.in_degree(circle) == 0
        for node in members
    }
    assert walks.lowest(set(nodes), graph.edges) == expected


def test_a_circle_of_ideas_counts_as_one() -> None:
    assert walks.lowest({1, 2, 3}, [(1, 2), (2, 1), (2, 3)]) == {1, 2}


def test_what_was_reached_can_be_cut() -> None:
    reached = walks.Reached.of_hops({7: 2, 5: 1, 6: 1, 9: 3})

    assert reached.ids.tolist() == [5, 6, 7, 9]
    assert reached.within(1).ids.tolist() == [5, 6]
    assert reached.within(None).ids.tolist() == [5, 6, 7, 9]
    assert reached.among({9, 5, 1}).hops.tolist() == [1, 3]
    assert len(walks.Reached.of_hops({})) == 0
