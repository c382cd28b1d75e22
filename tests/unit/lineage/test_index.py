"""The index of derivations against networkx, and its overlay against a full rebuild."""

from __future__ import annotations

import random
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from lineage import index
from lineage.index import EDGE, Index, Snapshot, allowed_codes, build, code_of
from lineage.walks import Reached
from registry.vocabulary import RELATION_LAYER, Layer, Relation, StatementKind

STATES = (
    StatementKind.DECLARED,
    StatementKind.VERIFIED,
    StatementKind.CONTRADICTED,
    StatementKind.WITHDRAWN,
)
RELATIONS = (Relation.SFT, Relation.MERGE, Relation.CONTAINS, Relation.INFLUENCED_BY)
SHAPES = ("merges", "chain", "hub", "diamonds", "circles")
WORDS = [
    (set(Layer), set(Relation), set(StatementKind)),
    ({Layer.WEIGHTS}, set(Relation), set(StatementKind)),
    (set(Layer), {Relation.MERGE}, set(StatementKind)),
    (set(Layer), set(Relation), {StatementKind.DECLARED, StatementKind.VERIFIED}),
    (set(), set(Relation), set(StatementKind)),
]
# child, parent, relation -> state
Lineage = dict[tuple[int, int, Relation], StatementKind]


def random_lineage(seed: int, shape: str, *, n: int = 60) -> Lineage:
    """Return derivations among ids from 1 to n, some of which have none."""
    chance = random.Random(f"{seed} {shape}")
    pairs: list[tuple[int, int]] = []
    for child in range(2, n):
        if shape == "chain":
            pairs.append((child, child - 1))
        elif shape == "hub":
            pairs.append((child, chance.choice([1, 1, 1, chance.randrange(1, child)])))
        elif shape == "diamonds":
            pairs += [(child, parent) for parent in range(max(1, child - 2), child)]
        else:
            k = min(child - 1, chance.choice([0, 1, 1, 3]))
            pairs += [(child, p) for p in chance.sample(range(1, child), k)]
    if shape == "circles":
        pairs += [(p, c) for c, p in chance.sample(pairs, len(pairs) // 4)]
    return {
        (child, parent, relation): chance.choice(STATES)
        for child, parent in pairs
        for relation in chance.sample(RELATIONS, chance.choice([1, 1, 2]))
    }


def snapshot_of(lineage: Lineage) -> Snapshot:
    edges = [(c, p, code_of(relation, s)) for (c, p, relation), s in lineage.items()]
    return build(np.array(edges, dtype=EDGE))


def index_of(lineage: Lineage) -> Index:
    return Index.of(snapshot_of(lineage))


def within(lineage: Lineage, words: tuple[set, set, set]) -> nx.MultiDiGraph:
    """Return the part of a lineage that words allow, edges from parent to child."""
    layers, relations, states = words
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(1, 90))
    graph.add_edges_from(
        (parent, child, code_of(relation, state))
        for (child, parent, relation), state in lineage.items()
        if relation in relations
        and RELATION_LAYER[relation] in layers
        and state in states
    )
    return graph


def hops_in(graph: nx.MultiDiGraph, start: int) -> dict[int, int]:
    hops = dict(nx.single_source_shortest_path_length(graph, start))
    del hops[start]
    return hops


def hops_of(reached: Reached) -> dict[int, int]:
    pairs = list(zip(reached.hops.tolist(), reached.ids.tolist(), strict=True))
    assert pairs == sorted(pairs)
    return {node: hops for hops, node in pairs}


def found(of: Index, start: int, words: tuple[set, set, set]) -> dict[int, int]:
    return hops_of(of.down.walk([start], allowed_codes(*words)))


def agrees(of: Index, lineage: Lineage, words: tuple[set, set, set]) -> None:
    """Assert that the index walks and lists as networkx does, down and up."""
    allowed, graph = allowed_codes(*words), within(lineage, words)
    upwards = graph.reverse(copy=False)
    for start in range(1, 82):
        assert hops_of(of.down.walk([start], allowed)) == hops_in(graph, start)
        above = of.up.walk([start], allowed)
        assert hops_of(above) == hops_in(upwards, start)
        cone = np.array([start, *above.ids.tolist()], dtype=np.int32)
        assert sorted(of.up.edges(cone, allowed)) == sorted(
            (child, parent, code)
            for child, parent, code in upwards.edges(cone.tolist(), keys=True)
        )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_walks_are_those_of_networkx(seed: int, shape: str) -> None:
    lineage = random_lineage(seed, shape)
    built = index_of(lineage)

    for words in WORDS:
        agrees(built, lineage, words)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_changes_on_top_are_as_good_as_a_full_rebuild(seed: int, shape: str) -> None:
    chance = random.Random(seed)
    lineage = random_lineage(seed, shape)
    early = dict(chance.sample(sorted(lineage.items()), len(lineage) * 2 // 3))
    changed = index_of(early)
    late = [*lineage.items(), *random_lineage(seed + 100, shape, n=80).items()]
    chance.shuffle(late)
    now = dict(early)
    for i in range(0, len(late), 25):
        for key, _ in late[i : i + 25]:
            now[key] = chance.choice(STATES)
        changed = changed.with_changes(
            [
                (child, parent, code_of(relation, now[child, parent, relation]))
                for (child, parent, relation), _ in late[i : i + 25]
            ]
        )

    rebuilt = index_of(now)
    for words in WORDS:
        agrees(changed, now, words)
        agrees(rebuilt, now, words)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_walk_from_several_models_has_the_hops_from_the_nearest(shape: str) -> None:
    lineage = random_lineage(3, shape)
    built = index_of(lineage)

    for words in WORDS:
        graph = within(lineage, words).reverse()
        starts = [58, 31, 40, 85]
        expected = nx.multi_source_dijkstra_path_length(graph, set(starts), weight=None)
        reached = hops_of(built.up.walk(starts, allowed_codes(*words)))
        assert dict.fromkeys(starts, 0) | reached == expected


def test_the_last_change_of_a_derivation_counts() -> None:
    words = (set(Layer), set(Relation), {StatementKind.DECLARED})
    codes = [code_of("sft", state) for state in ("declared", "withdrawn", "declared")]

    built = Index.of(build(np.array([], dtype=EDGE))).with_changes(
        [(2, 1, code) for code in codes]
    )

    assert found(built, 1, words) == {2: 1}
    assert found(built.with_changes([(2, 1, codes[1])]), 1, words) == {}


def test_an_index_before_a_change_stays_as_it_is() -> None:
    lineage = {(2, 1, Relation.SFT): StatementKind.DECLARED}
    words = (set(Layer), set(Relation), {StatementKind.DECLARED})
    before = index_of(lineage)

    before.with_changes([(2, 1, code_of("sft", "withdrawn"))])

    assert found(before, 1, words) == {2: 1}


def test_depth_and_deadline_stop_a_walk() -> None:
    lineage = random_lineage(1, "chain")
    everything = allowed_codes(set(Layer), set(Relation), set(StatementKind))
    built = index_of(lineage)

    assert built.down.walk([1], everything, depth=3).ids.tolist() == [2, 3, 4]
    assert built.down.walk([1], everything).is_whole
    late = built.down.walk([1], everything, deadline=time.monotonic() - 1)
    assert (len(late), late.is_whole) == (0, False)


def test_a_saved_snapshot_is_the_same_and_the_oldest_make_room(tmp_path: Path) -> None:
    lineage = random_lineage(2, "merges")
    words = (set(Layer), set(Relation), set(StatementKind))
    for number in (9, 10, 11):
        index.save(snapshot_of(lineage), tmp_path, f"{number}-mark")

    assert index.names(tmp_path) == ["11-mark", "10-mark"]
    agrees(Index.of(index.open_snapshot(tmp_path, "11-mark")), lineage, words)


def test_a_hundred_thousand_children_are_found_in_order() -> None:
    n = 100_000
    edges = np.zeros(n, dtype=EDGE)
    edges["child"] = np.random.default_rng(1).permutation(np.arange(2, n + 2))
    edges["parent"] = 1
    everything = allowed_codes(set(Layer), set(Relation), set(StatementKind))

    reached = Index.of(build(edges)).down.walk([1], everything)

    assert reached.ids.tolist() == list(range(2, n + 2))
    assert set(reached.hops.tolist()) == {1}
