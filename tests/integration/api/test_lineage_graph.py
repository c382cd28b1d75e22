"""What is near a model over HTTP: budgets, layers and every form of the answer."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import pytest
from django.http import HttpResponse
from django.test import Client

from lineage import ego
from registry.models import RegisteredModel
from registry.vocabulary import Relation, StatementKind
from tests.factories import make_catalog_model, make_derivation

# child, relation, parent
DERIVED = [
    ("llama", Relation.INFLUENCED_BY, "gpt-3"),
    ("alpaca", Relation.SFT, "llama"),
    ("vicuna", Relation.SFT, "llama"),
    ("vicuna", Relation.SAME_TOKENIZER, "llama"),
    ("merged", Relation.MERGE, "alpaca"),
    ("merged", Relation.MERGE, "vicuna"),
    ("small", Relation.QUANTIZED, "merged"),
    ("chat", Relation.POWERS, "merged"),
]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def lineage() -> None:
    names = ["gpt-3", *dict.fromkeys(child for child, _, _ in DERIVED)]
    models = {name: make_catalog_model(slug=name, name=name) for name in names}
    for child, relation, parent in DERIVED:
        make_derivation(child=models[child], parent=models[parent], relation=relation)


def graph(client: Client, focus: str, **query: Any) -> HttpResponse:
    response = client.get("/api/v1/lineage/graph/", {"focus": focus, **query})
    assert response.status_code == 200, response.content
    return response


def hops(client: Client, focus: str, **query: Any) -> dict[str, int]:
    document = json.loads(graph(client, focus, **query).content)
    assert document["focus"] == focus
    assert document["truncated"] is (document["truncated_reason"] is not None)
    assert document["total"] >= len(document["nodes"])
    return {node["slug"]: node["hops"] for node in document["nodes"]}


def test_an_ego_graph_goes_up_and_down_and_to_no_cousin(client: Client) -> None:
    assert hops(client, "vicuna") == {
        "vicuna": 0,
        "llama": 1,
        "merged": 1,
        "gpt-3": 2,
        "small": 2,
        "chat": 2,
    }
    assert hops(client, "vicuna", up=0, down=1) == {"vicuna": 0, "merged": 1}
    assert hops(client, "vicuna", up=1, down=0) == {"vicuna": 0, "llama": 1}


def test_an_ego_graph_keeps_to_its_words(client: Client) -> None:
    assert set(hops(client, "vicuna", layer="weights")) == {
        "vicuna",
        "llama",
        "merged",
        "small",
    }
    assert set(hops(client, "vicuna", relation="merge")) == {"vicuna", "merged"}
    assert set(hops(client, "vicuna", state="withdrawn")) == {"vicuna"}


def test_the_edges_are_those_among_the_nodes(client: Client) -> None:
    document = json.loads(graph(client, "vicuna").content)

    edges = {(e["child"], e["relation"], e["parent"]) for e in document["edges"]}
    shown = {node["slug"] for node in document["nodes"]}
    assert edges == {
        (child, relation, parent)
        for child, relation, parent in DERIVED
        if {child, parent} <= shown
    }


def test_a_budget_of_nodes_keeps_the_nearest_and_says_so(client: Client) -> None:
    document = json.loads(graph(client, "vicuna", limit=3).content)

    assert [node["slug"] for node in document["nodes"]] == ["vicuna", "llama", "merged"]
    assert document["total"] == 6
    assert document["truncated_reason"] == "only the nearest 3 of 6 models"


def test_a_budget_of_time_says_so(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(ego.queries, "below", _stopped(ego.queries.below))

    document = json.loads(graph(client, "vicuna").content)

    assert document["truncated_reason"] == "the walk was stopped after 2 seconds"


def _stopped(original: Any) -> Any:
    return lambda *args, **kwargs: replace(original(*args, **kwargs), is_whole=False)


def test_graphml_and_dot_are_files_of_the_same_graph(client: Client) -> None:
    document = json.loads(graph(client, "vicuna").content)
    response = graph(client, "vicuna", **{"as": "graphml"})

    read = nx.read_graphml(io.BytesIO(response.content))
    assert response["Content-Type"].startswith("application/graphml+xml")
    assert response["Content-Disposition"] == 'inline; filename="vicuna.graphml"'
    assert set(read) == {node["slug"] for node in document["nodes"]}
    assert read.number_of_edges() == len(document["edges"])

    dot = graph(client, "vicuna", **{"as": "dot"})
    assert dot["Content-Type"].startswith("text/vnd.graphviz")
    assert dot.content.decode().count(" -> ") == len(document["edges"])


def test_cyclonedx_parts_ancestors_from_descendants(client: Client) -> None:
    RegisteredModel.objects.filter(slug="llama").update(license="llama-license")
    response = graph(client, "vicuna", **{"as": "cyclonedx"})

    focus = json.loads(response.content)["metadata"]["component"]
    assert response["Content-Type"] == "application/vnd.cyclonedx+json; version=1.6"
    above, below = (focus["pedigree"][side] for side in ("ancestors", "descendants"))
    assert [component["bom-ref"] for component in above] == ["llama", "gpt-3"]
    assert {component["bom-ref"] for component in below} == {"merged", "small", "chat"}
    assert above[0]["licenses"] == [{"license": {"name": "llama-license"}}]


def test_the_drawing_stands_alone(client: Client) -> None:
    RegisteredModel.objects.filter(slug="merged").update(name="a <b> & c")
    response = graph(client, "vicuna", **{"as": "svg"})

    tree = ElementTree.fromstring(response.content)
    assert response["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert "script" not in response["Content-Security-Policy"]
    chips = [a for a in tree.iter(f"{SVG}a") if "chip" in a.get("class", "")]
    assert {chip.get("href") for chip in chips} == {
        f"http://testserver/models/{slug}/" for slug in hops(client, "vicuna")
    }
    lines = [g for g in tree.iter(f"{SVG}g") if "edge" in g.get("class", "")]
    assert len(lines) == len(json.loads(graph(client, "vicuna").content)["edges"])
    symbols = {symbol.get("id") for symbol in tree.iter(f"{SVG}symbol")}
    used = {use.get("href", "")[1:] for use in tree.iter(f"{SVG}use")}
    assert used <= symbols


def test_a_drawing_says_what_it_leaves_out(client: Client) -> None:
    response = graph(client, "vicuna", limit=2, **{"as": "svg"})

    assert "only the nearest 2 of 6 models" in response.content.decode()


@pytest.mark.parametrize("form", ["json", "graphml", "dot", "svg", "cyclonedx"])
def test_a_model_alone_has_a_graph_in_every_form(client: Client, form: str) -> None:
    make_catalog_model(slug="alone")

    assert b"alone" in graph(client, "alone", **{"as": form}).content


def test_a_contradicted_derivation_is_shown_on_request(client: Client) -> None:
    fake, real = make_catalog_model(slug="fake"), make_catalog_model(slug="real")
    make_derivation(child=fake, parent=real, state=StatementKind.CONTRADICTED)

    assert set(hops(client, "fake")) == {"fake"}
    assert set(hops(client, "fake", state="contradicted")) == {"fake", "real"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("focus=nobody", 404),
        ("", 422),
        ("focus=vicuna&as=banana", 422),
        ("focus=vicuna&up=-1", 422),
        ("focus=vicuna&layer=banana", 422),
        ("focus=vicuna&limit=99999", 422),
    ],
)
def test_bad_questions_have_an_answer(client: Client, query: str, status: int) -> None:
    response = client.get(f"/api/v1/lineage/graph/?{query}")

    assert response.status_code == status
    assert response.json()["detail"]
