"""Recursive SQL against networkx on random graphs with layers and states."""

from __future__ import annotations

import random

import networkx as nx
import pytest

from lineage import queries
from lineage.queries import Scope
from registry.models import RegisteredModel
from registry.vocabulary import RELATION_LAYER, Layer, Relation, StatementKind
from tests.factories import make_catalog_model, make_derivation

N_MODELS = 24
RELATIONS = (Relation.SFT, Relation.MERGE, Relation.CONTAINS, Relation.INFLUENCED_BY)
STATES = (StatementKind.DECLARED, StatementKind.VERIFIED, StatementKind.WITHDRAWN)


@pytest.fixture(params=range(4))
def random_lineage(request: pytest.FixtureRequest) -> nx.MultiDiGraph:
    """Return a stored DAG with merges and diamonds, edges from child to parent."""
    chance = random.Random(request.param)
    models = [make_catalog_model(slug=f"m{i}", name=f"m{i}") for i in range(N_MODELS)]
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(model.pk for model in models)
    for i in range(1, N_MODELS):
        for parent in chance.sample(models[:i], k=min(i, chance.choice([0, 1, 1, 3]))):
            relation, state = chance.choice(RELATIONS), chance.choice(STATES)
            make_derivation(
                child=models[i], parent=parent, relation=relation, state=state
            )
            layer = RELATION_LAYER[relation]
            graph.add_edge(models[i].pk, parent.pk, layer=layer, state=state)
    return graph


def within(graph: nx.MultiDiGraph, scope: Scope) -> nx.DiGraph:
    """Return the part of the graph that the scope lets a walk use."""
    part = nx.DiGraph()
    part.add_nodes_from(graph)
    part.add_edges_from(
        (child, parent)
        for child, parent, edge in graph.edges(data=True)
        if edge["layer"] in scope.layers and edge["state"] in scope.states
    )
    return part


@pytest.mark.parametrize(
    "scope",
    [
        Scope(),
        Scope(layers=frozenset({Layer.WEIGHTS})),
        Scope(layers=frozenset({Layer.WEIGHTS, Layer.COMPONENT})),
        Scope(states=frozenset({StatementKind.VERIFIED})),
        Scope(layers=frozenset()),
    ],
)
def test_cones_are_those_of_networkx(
    random_lineage: nx.MultiDiGraph, scope: Scope
) -> None:
    part = within(random_lineage, scope)

    for model in part:
        assert queries.ancestors(model, scope) == nx.descendants(part, model)
        assert queries.descendants(model, scope) == nx.ancestors(part, model)


def test_edges_of_a_cone_are_exactly_those_inside_it(
    random_lineage: nx.MultiDiGraph,
) -> None:
    part = within(random_lineage, Scope())

    for model in part:
        above = {(e.child, e.parent) for e in queries.edges_above(model, Scope())}
        cone = {model} | nx.descendants(part, model)
        assert above == {(c, p) for c, p in part.edges if c in cone}


def test_hops_are_the_lengths_of_shortest_paths(
    random_lineage: nx.MultiDiGraph,
) -> None:
    part = within(random_lineage, Scope())

    for model in part:
        for reached, along in (
            (queries.above(model, Scope()), part),
            (queries.below(model, Scope()), part.reverse()),
        ):
            expected = nx.single_source_shortest_path_length(along, model)
            pairs = zip(reached.ids.tolist(), reached.hops.tolist(), strict=True)
            assert {model: 0} | dict(pairs) == dict(expected)


def test_edges_among_models_have_both_ends_there(
    random_lineage: nx.MultiDiGraph,
) -> None:
    scope = Scope(layers=frozenset({Layer.WEIGHTS}))
    some = list(random_lineage)[::2]

    among = {(e.child, e.parent) for e in queries.edges_among(some, scope)}

    assert among == set(within(random_lineage, scope).subgraph(some).edges)


def test_any_number_of_models_can_be_asked_for() -> None:
    models = [make_catalog_model(slug=f"n{i}") for i in range(3)]
    wanted = [*range(-300_000, 0), models[0].pk, models[2].pk]

    found = RegisteredModel.objects.among(wanted)

    assert set(found) == {models[0], models[2]}


def test_a_walk_may_follow_one_relation_only() -> None:
    a, b, c = (make_catalog_model(slug=f"n{i}") for i in range(3))
    make_derivation(child=b, parent=a, relation=Relation.SFT)
    make_derivation(child=c, parent=b, relation=Relation.MERGE)

    only = Scope(relations=frozenset({Relation.MERGE}))

    assert queries.ancestors(c.pk, only) == {b.pk}
    assert RegisteredModel.objects.count() == 3
