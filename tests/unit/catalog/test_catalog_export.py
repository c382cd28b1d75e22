"""The JSON shape that programs read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from registry.catalog import Catalog, export

Load = Callable[[dict[str, Any]], Catalog]


def test_export_gives_the_documented_keys(document: dict[str, Any], load: Load) -> None:
    base, chat = export(load(document))["models"]

    assert base["organization"] == "Acme"
    assert base["country"] == "US"
    assert base["hf_repo"] == "acme/roadrunner"
    assert base["aliases"] == []
    assert base["name_zh"] is None
    assert chat["params"] is None
    assert chat["derivations"][0] == {
        "parent": "roadrunner",
        "layer": "weights",
        "relation": "sft",
        "state": "declared",
        "sources": ["card"],
        "takes": None,
        "takes_zh": None,
        "note": None,
        "note_zh": None,
    }
    assert chat["claims"][0]["right"] == "7 billion."
    assert chat["sources"][0]["checked"] == "2026-11-01"
    assert "where" not in base


def test_export_is_json_as_it_stands(document: dict[str, Any], load: Load) -> None:
    exported = export(load(document))

    assert json.loads(json.dumps(exported, allow_nan=False)) == exported


def test_export_lists_several_repositories(
    document: dict[str, Any], load: Load
) -> None:
    repositories = ["acme/roadrunner", "acme/roadrunner-small"]
    document["acme"]["entries"][0]["hf_repo"] = repositories

    assert export(load(document))["models"][0]["hf_repo"] == repositories


def test_export_gives_no_repository_as_null(
    document: dict[str, Any], load: Load
) -> None:
    assert export(load(document))["models"][1]["hf_repo"] is None


def test_export_takes_the_contribution_from_the_category(
    document: dict[str, Any], load: Load
) -> None:
    assert export(load(document))["models"][1]["contribution"] == {
        "data": "small",
        "architecture": "borrowed",
        "compute": "small",
    }


def test_export_prefers_the_contribution_that_is_stated(
    document: dict[str, Any], load: Load
) -> None:
    stated = {"data": "own", "architecture": "none", "compute": "own"}
    document["acme"]["entries"][0]["contribution"] = stated

    assert export(load(document))["models"][0]["contribution"] == stated
