"""Walks over HTTP: hops, layers, states, pages, roots and paths."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from registry.vocabulary import Relation, StatementKind
from tests.factories import make_catalog_model, make_derivation

# child, relation, parent
CHAIN = [
    ("gopher", Relation.INFLUENCED_BY, "gpt-3"),
    ("chinchilla", Relation.SAME_ARCHITECTURE, "gopher"),
    ("llama", Relation.INFLUENCED_BY, "chinchilla"),
    ("llama", Relation.TAKES_PART, "gpt-3"),
    ("alpaca", Relation.SFT, "llama"),
    ("vicuna", Relation.SFT, "llama"),
    ("merged", Relation.MERGE, "alpaca"),
    ("merged", Relation.MERGE, "vicuna"),
]


@pytest.fixture(autouse=True)
def chain() -> None:
    names = ["gpt-3", *dict.fromkeys(child for child, _, _ in CHAIN)]
    models = {name: make_catalog_model(slug=name, name=name) for name in names}
    for child, relation, parent in CHAIN:
        make_derivation(child=models[child], parent=models[parent], relation=relation)


def walk(client: Client, address: str, **query: Any) -> dict[str, int]:
    """Return {slug: hops} of a walk's results, in order."""
    response = client.get(f"/api/v1/models/{address}/", query)
    assert response.status_code == 200, response.content
    return {node["slug"]: node["hops"] for node in response.json()["results"]}


def test_parents_are_one_hop_away(client: Client) -> None:
    assert walk(client, "llama/parents") == {"gpt-3": 1, "chinchilla": 1}


def test_children_are_one_hop_away(client: Client) -> None:
    assert walk(client, "llama/children") == {"alpaca": 1, "vicuna": 1}


def test_hops_are_those_of_the_shortest_path(client: Client) -> None:
    assert walk(client, "merged/ancestors") == {
        "alpaca": 1,
        "vicuna": 1,
        "llama": 2,
        "gpt-3": 3,
        "chinchilla": 3,
        "gopher": 4,
    }


def test_depth_counts_hops(client: Client) -> None:
    assert set(walk(client, "merged/ancestors", depth=2)) == {
        "alpaca",
        "vicuna",
        "llama",
    }


def test_a_walk_over_weights_uses_no_idea(client: Client) -> None:
    assert set(walk(client, "merged/ancestors", layer="weights")) == {
        "alpaca",
        "vicuna",
        "llama",
    }
    assert walk(client, "gpt-3/descendants", layer="weights") == {}


def test_contradicted_edges_are_walked_only_on_request(client: Client) -> None:
    fake = make_catalog_model(slug="fake")
    real = make_catalog_model(slug="real")
    make_derivation(child=fake, parent=real, state=StatementKind.CONTRADICTED)

    assert walk(client, "fake/parents") == {}
    assert walk(client, "fake/parents", state="contradicted") == {"real": 1}


def test_the_answer_draws_a_graph(client: Client) -> None:
    document = client.get("/api/v1/models/llama/descendants/").json()

    assert document["nodes"][0]["slug"] == "llama"
    edges = {(e["child"], e["relation"], e["parent"]) for e in document["edges"]}
    assert edges == {
        (child, relation.value, parent)
        for child, relation, parent in CHAIN
        if child in {"alpaca", "vicuna", "merged"}
    }


def test_pages_hold_every_node_once(client: Client) -> None:
    seen: list[str] = []
    address: str | None = "/api/v1/models/gpt-3/descendants/?limit=2"
    while address:
        document = client.get(address).json()
        assert document["total"] == 6
        seen += [node["slug"] for node in document["results"]]
        address = document["next"]

    assert len(seen) == len(set(seen)) == 6


def test_roots_are_where_the_lineage_begins(client: Client) -> None:
    assert walk(client, "merged/roots") == {"gpt-3": 3}
    assert walk(client, "merged/roots", layer="weights") == {"llama": 2}
    assert walk(client, "gpt-3/roots") == {"gpt-3": 0}


def test_a_path_to_a_root(client: Client) -> None:
    path = client.get("/api/v1/lineage/path/", {"from": "merged", "to": "gpt-3"}).json()

    assert sorted(path["paths"]) == [
        ["merged", "alpaca", "llama", "gpt-3"],
        ["merged", "vicuna", "llama", "gpt-3"],
    ]
    assert {node["slug"] for node in path["nodes"]} == {
        "merged",
        "alpaca",
        "vicuna",
        "llama",
        "gpt-3",
    }


def test_a_path_downwards_begins_at_from(client: Client) -> None:
    path = client.get("/api/v1/lineage/path/", {"from": "gpt-3", "to": "llama"}).json()

    assert path["paths"] == [["gpt-3", "llama"]]


def test_no_path_is_an_empty_list(client: Client) -> None:
    query = {"from": "alpaca", "to": "vicuna"}

    assert client.get("/api/v1/lineage/path/", query).json()["paths"] == []


def test_a_path_needs_both_ends(client: Client) -> None:
    response = client.get("/api/v1/lineage/path/", {"to": "llama"})

    assert response.status_code == 422
    assert "from" in response.json()["detail"]


def test_the_subtree_is_counted_by_category(client: Client) -> None:
    counts = client.get("/api/v1/models/llama/subtree/").json()

    assert counts == {"total": 3, "by_category": {"model": 3}}
