"""Walks over HTTP: hops, layers, states, pages, roots and paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from lineage.api import walk_views
from lineage.models import Derivation
from registry.models import RegisteredModel
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


def test_a_list_may_show_one_category_of_a_walk_through_all(client: Client) -> None:
    RegisteredModel.objects.filter(slug="merged").update(category="merge")

    assert walk(client, "llama/descendants", category="merge") == {"merged": 2}
    assert walk(client, "llama/descendants", category="sft,base") == {}


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("hops", ["alpaca", "vicuna", "llama", "gpt-3", "chinchilla", "gopher"]),
        ("name", ["alpaca", "chinchilla", "gopher", "gpt-3", "llama", "vicuna"]),
        ("-name", ["vicuna", "llama", "gpt-3", "gopher", "chinchilla", "alpaca"]),
        ("released", ["gpt-3", "gopher", "chinchilla", "llama", "alpaca", "vicuna"]),
        ("-released", ["vicuna", "alpaca", "llama", "chinchilla", "gopher", "gpt-3"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_walks_are_listed_in_the_order_asked_for(
    client: Client, ordering: str, expected: list[str], limit: int
) -> None:
    chronology = ["gpt-3", "gopher", "chinchilla", "llama", "alpaca", "vicuna"]
    for month, slug in enumerate(chronology, start=1):
        models = RegisteredModel.objects.filter(slug=slug)
        models.update(released=f"2024-{month:02}")

    address = f"/api/v1/models/merged/ancestors/?ordering={ordering}&limit={limit}"
    listed = list(pages(client, address))

    assert [node["slug"] for node in listed] == expected
    hops = walk(client, "merged/ancestors")
    assert {node["slug"]: node["hops"] for node in listed} == hops


def pages(client: Client, address: str | None) -> Iterator[dict[str, Any]]:
    """Yield the results of a list, page by page."""
    while address:
        document = client.get(address).json()
        yield from document["results"]
        address = document["next"]


@pytest.mark.parametrize(
    "query",
    [
        "layer=banana",
        "relation=banana",
        "state=banana",
        "category=banana",
        "ordering=banana",
        "depth=0",
        "limit=0",
        "cursor=banana",
    ],
)
def test_unknown_words_are_refused(client: Client, query: str) -> None:
    response = client.get(f"/api/v1/models/llama/descendants/?{query}")

    assert response.status_code == 422
    assert query.partition("=")[0] in response.json()["detail"]


@pytest.mark.parametrize("ordering", ["name", "released", "hops"])
def test_pages_stay_put_while_models_are_added(client: Client, ordering: str) -> None:
    llama = RegisteredModel.objects.get(slug="llama")
    before = set(walk(client, "llama/descendants"))
    address = f"/api/v1/models/llama/descendants/?limit=1&ordering={ordering}"
    seen = []
    for number, node in enumerate(pages(client, address)):
        seen.append(node["slug"])
        if number < 3:
            new = make_catalog_model(slug=f"aa{number}", name=f"aa{number}")
            make_derivation(child=new, parent=llama)

    assert len(seen) == len(set(seen))
    assert before <= set(seen)


@pytest.mark.parametrize("ordering", ["name", "released"])
def test_what_stays_is_listed_once_while_derivations_go(
    client: Client, ordering: str
) -> None:
    llama, alpaca = (
        RegisteredModel.objects.get(slug=slug) for slug in ("llama", "alpaca")
    )
    for number in range(4):
        child = make_catalog_model(slug=f"x{number}", name=f"x{number}")
        make_derivation(child=child, parent=llama)
        make_derivation(child=child, parent=alpaca)
    address = f"/api/v1/models/llama/descendants/?limit=2&ordering={ordering}"
    seen = []
    for number, node in enumerate(pages(client, address)):
        seen.append(node["slug"])
        if number == 1:
            # Each x is one hop further away now, and vicuna is gone.
            gone = Derivation.objects.filter(parent=llama, child__slug__startswith="x")
            gone.update(state=StatementKind.WITHDRAWN)
            gone = Derivation.objects.filter(parent=llama, child__slug="vicuna")
            gone.update(state=StatementKind.WITHDRAWN)

    stayed = {"alpaca", "merged", "x0", "x1", "x2", "x3"}
    assert len(seen) == len(set(seen))
    assert stayed <= set(seen) <= stayed | {"vicuna"}


def test_the_subtree_is_counted_within_words_and_depth(client: Client) -> None:
    def counts(**query: Any) -> Any:
        return client.get("/api/v1/models/gpt-3/subtree/", query).json()

    RegisteredModel.objects.filter(slug="merged").update(category="merge")
    assert counts() == {"total": 6, "by_category": {"model": 5, "merge": 1}}
    assert counts(depth=1)["total"] == 2
    assert counts(layer="weights")["total"] == 0


def common(client: Client, models: str, **query: Any) -> dict[str, dict[str, int]]:
    """Return {slug: hops from each model} of the lowest common ancestors."""
    response = client.get(
        "/api/v1/lineage/common-ancestors/", {"models": models, **query}
    )
    assert response.status_code == 200, response.content
    document = response.json()
    assert document["total"] == len(document["results"])
    assert [sum(node["hops_from"].values()) for node in document["results"]] == [
        node["hops"] for node in document["results"]
    ]
    return {node["slug"]: node["hops_from"] for node in document["results"]}


def test_the_lowest_common_ancestors_are_those_nearest_to_the_models(
    client: Client,
) -> None:
    assert common(client, "alpaca,vicuna") == {"llama": {"alpaca": 1, "vicuna": 1}}
    assert common(client, "merged,llama") == {"llama": {"merged": 2, "llama": 0}}
    assert common(client, "alpaca, VICUNA,gopher") == {
        "gopher": {"alpaca": 3, "vicuna": 3, "gopher": 0}
    }


def test_common_ancestors_keep_to_their_layers(client: Client) -> None:
    assert common(client, "alpaca,gopher", layer="weights") == {}
    assert set(common(client, "alpaca,gopher")) == {"gopher"}


@pytest.mark.parametrize(
    "models", ["", "llama", "llama,LLaMA", ",".join(map(str, range(21)))]
)
def test_common_ancestors_need_two_to_twenty_models(
    client: Client, models: str
) -> None:
    response = client.get("/api/v1/lineage/common-ancestors/", {"models": models})

    assert response.status_code == 422
    assert "models" in response.json()["detail"]


def test_a_path_says_when_there_are_more(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(walk_views, "MAX_PATHS", 1)
    query = {"from": "gpt-3", "to": "merged"}

    document = client.get("/api/v1/lineage/path/", query).json()

    assert document["truncated"]
    assert document["truncated_reason"] == "only 1 paths"
    assert document["paths"] == [["gpt-3", "llama", "alpaca", "merged"]]
    assert [node["hops"] for node in document["nodes"]] == [0, 1, 2, 3]


def test_a_path_keeps_to_its_layers(client: Client) -> None:
    query = {"from": "merged", "to": "gpt-3", "layer": "weights"}

    assert client.get("/api/v1/lineage/path/", query).json()["paths"] == []


@pytest.mark.parametrize("path", ["", "roots/", "subtree/", "descendants/"])
def test_answers_have_an_etag(client: Client, path: str) -> None:
    address = f"/api/v1/models/llama/{path}"
    etag = client.get(address)["ETag"]

    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
