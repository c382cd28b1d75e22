"""Exports hold every entry, every derivation and every word of an extract.

The folder cyclonedx has the JSON schemas of CycloneDX 1.6 (Apache-2.0, OWASP
Foundation) as published.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from lineage.exports import Entry, Extract, as_cyclonedx, as_dot, as_graphml
from lineage.graph import Edge

SCHEMAS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "cyclonedx").glob("*.json"))
]
BOM = next(schema for schema in SCHEMAS if "bom-1.6" in schema["$id"])
REGISTRY = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS
)


def entry(slug: str, *, hops: int, **words: str) -> Entry:
    known = {
        "name": slug.title(),
        "kind": "model",
        "category": "sft",
        "released": "2024-03",
        "family": "LLaMA",
        "license": "",
    }
    return Entry(slug=slug, hops=hops, **known | words)


EXTRACT = Extract(
    entries=[
        entry(
            "merged", hops=0, category="merge", name='a "b" <c> & d\\', license="MIT"
        ),
        entry("alpaca", hops=1),
        entry("vicuna", hops=1, released=""),
        entry("chat", hops=1, kind="product", category=""),
        entry("llama", hops=2, category="base", name="骆驼"),
    ],
    derivations=[
        Edge("alpaca", "llama", "weights", "sft", "declared"),
        Edge("vicuna", "llama", "weights", "sft", "verified"),
        Edge("vicuna", "llama", "tokenizer", "same-tokenizer", "cited"),
        Edge("merged", "alpaca", "weights", "merge", "declared"),
        Edge("merged", "vicuna", "weights", "merge", "found"),
        Edge("chat", "merged", "service", "powers", "alleged"),
    ],
    above=frozenset({"alpaca", "vicuna", "llama"}),
    total=5,
)
CUT = replace(EXTRACT, total=9, truncated_reason="only the nearest 5 of 9 models")
ALONE = replace(EXTRACT, entries=EXTRACT.entries[:1], derivations=[], above=frozenset())
EDGES = sorted((e.parent, e.child, e.relation) for e in EXTRACT.derivations)


def test_graphml_is_read_back_with_every_word() -> None:
    graph = nx.read_graphml(io.BytesIO(as_graphml(EXTRACT).encode()))

    assert graph.is_directed()
    assert sorted(graph.edges(keys=True)) == EDGES
    assert graph.edges["llama", "vicuna", "sft"] == {
        "layer": "weights",
        "relation": "sft",
        "state": "verified",
    }
    assert graph.nodes["merged"] == {
        "label": 'a "b" <c> & d\\',
        "hops": 0,
        "kind": "model",
        "category": "merge",
        "released": "2024-03",
        "family": "LLaMA",
        "license": "MIT",
    }
    assert "released" not in graph.nodes["vicuna"]
    assert graph.graph["focus"] == "merged"
    assert "truncated_reason" not in graph.graph


def test_dot_has_a_line_for_every_entry_and_derivation() -> None:
    text = as_dot(EXTRACT)

    edges = re.findall(
        r'^  "(\w+)" -> "(\w+)" \[.*relation="([\w-]+)".*\]$', text, re.M
    )
    assert sorted(edges) == EDGES
    assert len(re.findall(r'^  "\w+" \[', text, re.M)) == len(EXTRACT.entries)
    assert '"merged" [label="a \\"b\\" <c> & d\\\\", kind="model"' in text
    edge = '"llama" -> "vicuna" [layer="tokenizer", relation="same-tokenizer", state="'
    assert edge in text


def components(document: Any) -> dict[str, Any]:
    focus = document["metadata"]["component"]
    pedigree = focus.get("pedigree", {})
    others = pedigree.get("ancestors", []) + pedigree.get("descendants", [])
    return {component["bom-ref"]: component for component in [focus, *others]}


@pytest.mark.parametrize("extract", [EXTRACT, CUT, ALONE])
def test_cyclonedx_is_valid(extract: Extract) -> None:
    document = json.loads(as_cyclonedx(extract))

    Draft7Validator(BOM, registry=REGISTRY).validate(document)

    assert list(components(document)) == [e.slug for e in order(extract)]


def order(extract: Extract) -> list[Entry]:
    """Return the focus, then the ancestors, then the descendants."""
    focus, *others = extract.entries
    return [focus, *sorted(others, key=lambda e: e.slug not in extract.above)]


def test_the_schema_would_find_a_fault() -> None:
    document = json.loads(as_cyclonedx(EXTRACT))
    document["metadata"]["component"]["pedigree"]["ancestors"][0]["type"] = "llama"

    assert not Draft7Validator(BOM, registry=REGISTRY).is_valid(document)


def test_cyclonedx_tells_the_pedigree_with_every_derivation() -> None:
    document = json.loads(as_cyclonedx(EXTRACT))

    pedigree = document["metadata"]["component"]["pedigree"]
    found = {side: [c["bom-ref"] for c in pedigree[side]] for side in pedigree}
    assert found == {
        "ancestors": ["alpaca", "vicuna", "llama"],
        "descendants": ["chat"],
    }
    told = [
        (child, *prop["name"].split(":")[2:], prop["value"])
        for child, component in components(document).items()
        for prop in component["properties"]
        if prop["name"].startswith("baimo:derivation:")
    ]
    assert sorted(told) == sorted(
        (e.child, e.layer, e.relation, e.state, e.parent) for e in EXTRACT.derivations
    )
    assert components(document)["chat"]["type"] == "application"


@pytest.mark.parametrize("write", [as_graphml, as_dot, as_cyclonedx])
def test_what_is_missing_is_said(write: Any) -> None:
    assert "only the nearest 5 of 9 models" in write(CUT)
    assert "nearest" not in write(EXTRACT)
