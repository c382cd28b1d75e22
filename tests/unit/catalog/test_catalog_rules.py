"""Each rule of the catalog, broken once in an otherwise sound catalog."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from registry.catalog import Catalog, validate

Load = Callable[[dict[str, Any]], Catalog]

TODAY = date(2026, 11, 21)
BASE = "acme.entries.0"
CHAT = "coyote.entries.0"


def _put(document: Any, path: str, value: object) -> None:
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in way:
        document = document[key]
    document[last] = value


def _messages(catalog: Catalog) -> list[str]:
    return [str(problem) for problem in validate(catalog, TODAY)]


def test_a_sound_catalog_has_no_problem(document: dict[str, Any], load: Load) -> None:
    assert validate(load(document), TODAY) == []


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("acme.organization.country", "USA", "'USA' is not a two-letter country code"),
        ("acme.organization.slug", "api", "'api' is a reserved name"),
        ("coyote.organization.slug", "ACME", "'ACME' is already at acme.yaml:2"),
        (f"{BASE}.slug", "road runner", "must hold only letters, digits"),
        (f"{BASE}.slug", "-roadrunner", "must hold only letters, digits"),
        (f"{BASE}.slug", "road--runner", "holds '--', which belongs to pushed models"),
        (f"{BASE}.slug", "Models", "'Models' is a reserved name"),
        (f"{CHAT}.slug", "RoadRunner", "'RoadRunner' is already at acme.yaml"),
        (f"{BASE}.arxiv", "cs/0101001", "'cs/0101001' is no arXiv number"),
        (f"{BASE}.hf_repo", ["roadrunner"], "'roadrunner' is not owner/name"),
        (f"{BASE}.sources.0.url", "ftp://x", "'ftp://x' is no web address"),
        (f"{BASE}.params", 0, "0 is not a positive number"),
        (f"{BASE}.params_active", 8_000_000_000, "more parameters are active"),
        (f"{BASE}.sizes", [1, 2], "params must be the largest of the sizes"),
        (f"{BASE}.released", "2024-1", "'2024-1' is not a month YYYY-MM"),
        (f"{BASE}.released", "2024-13", "'2024-13' is not a month YYYY-MM"),
        (f"{BASE}.released", "2026-12", "2026-12 is in the future"),
        (
            f"{BASE}.sources.0.checked",
            date(2026, 11, 22),
            "2026-11-22 is in the future",
        ),
        (f"{BASE}.category", None, "a model needs a category"),
        (f"{BASE}.kind", "tool", "a tool has no category"),
        (f"{CHAT}.category", "base", "a base model inherits no weights"),
        (f"{BASE}.category", "merge", "merge needs a parent that it derives from"),
        (f"{CHAT}.derivations.0.layer", "outputs", "sft is of weights, not outputs"),
        (
            f"{CHAT}.derivations.0.state",
            "verified",
            "a catalog cannot state verified",
        ),
        (f"{CHAT}.derivations.0.sources", [], "the derivation has no source"),
        (f"{CHAT}.derivations.0.sources", ["memo"], "there is no source 'memo'"),
        (f"{CHAT}.derivations.0.parent", "nobody", "there is no entry 'nobody'"),
        (f"{CHAT}.claims.0.sources", [], "the claim has no source"),
        (f"{BASE}.tokens", 1_000_000, "no source covers tokens"),
        (f"{BASE}.open", False, "no source covers open"),
        (f"{BASE}.sources.0.covers", ["released"], "no source covers params"),
        (f"{BASE}.params", None, "it covers params, which the entry does not state"),
        (f"{BASE}.released", "2024-03", "roadrunner (2024-03) is younger than"),
        (f"{CHAT}.name", "ROADRUNNER", "'roadrunner' also names roadrunner"),
    ],
)
def test_a_broken_rule_is_reported(
    document: dict[str, Any], load: Load, path: str, value: object, message: str
) -> None:
    _put(document, path, value)

    messages = _messages(load(document))

    assert any(message in text for text in messages), messages


def test_a_problem_names_file_line_entry_and_key(
    document: dict[str, Any], load: Load
) -> None:
    document["acme"]["entries"][0]["tokens"] = 5

    (problem,) = validate(load(document), TODAY)

    assert problem.path == "acme.yaml:6 roadrunner.tokens"


def test_a_source_that_nothing_refers_to_is_reported(
    document: dict[str, Any], load: Load
) -> None:
    sources = document["coyote"]["entries"][0]["sources"]
    sources.append(sources[0] | {"id": "idle", "covers": []})

    assert "nothing refers to this source" in _messages(load(document))[0]


def test_a_source_id_used_twice_is_reported(
    document: dict[str, Any], load: Load
) -> None:
    sources = document["coyote"]["entries"][0]["sources"]
    sources.append(deepcopy(sources[0]))

    assert "the id is used twice" in _messages(load(document))[0]


def test_a_derivation_stated_twice_is_reported(
    document: dict[str, Any], load: Load
) -> None:
    derivations = document["coyote"]["entries"][0]["derivations"]
    derivations.append(deepcopy(derivations[0]))

    assert "sft of roadrunner is stated twice" in _messages(load(document))[0]


def test_one_repository_belongs_to_one_entry(
    document: dict[str, Any], load: Load
) -> None:
    chat = document["coyote"]["entries"][0]
    chat["hf_repo"] = ["ACME/Roadrunner"]
    chat["sources"][0]["covers"].append("hf_repo")

    (message,) = _messages(load(document))

    assert message.endswith("ACME/Roadrunner already belongs to roadrunner")


def test_entries_may_share_a_name_that_both_explain(
    document: dict[str, Any], load: Load
) -> None:
    for file in document.values():
        file["entries"][0] |= {"aliases": ["Beep"], "name_note": "Which one it is."}

    assert validate(load(document), TODAY) == []


def test_an_entry_cannot_come_from_itself(document: dict[str, Any], load: Load) -> None:
    document["coyote"]["entries"][0]["derivations"][0]["parent"] = "roadrunner-chat"

    (message,) = _messages(load(document))

    assert message.endswith("an entry cannot come from itself")


@pytest.mark.parametrize(
    ("layer", "relation"), [("weights", "sft"), ("component", "contains")]
)
def test_a_cycle_of_weights_is_reported_with_its_way(
    document: dict[str, Any], load: Load, layer: str, relation: str
) -> None:
    base, chat = (document[name]["entries"][0] for name in ("acme", "coyote"))
    link = {"parent": "roadrunner-chat", "layer": layer, "relation": relation}
    base["derivations"] = [link | {"state": "declared", "sources": ["paper"]}]
    base |= {"category": "sft", "released": chat["released"]}

    (message,) = _messages(load(document))

    assert "weights come from themselves: " in message
    assert "roadrunner -> roadrunner-chat" in message


@pytest.mark.parametrize("state", ["alleged", "disputed"])
def test_an_allegation_does_not_make_a_base_a_derived_model(
    document: dict[str, Any], load: Load, state: str
) -> None:
    chat = document["coyote"]["entries"][0]
    chat["category"] = "base"
    chat["derivations"][0]["state"] = state

    assert validate(load(document), TODAY) == []


def test_two_models_may_influence_each_other(
    document: dict[str, Any], load: Load
) -> None:
    base, chat = (document[name]["entries"][0] for name in ("acme", "coyote"))
    link = {"layer": "architecture", "relation": "influenced-by", "state": "cited"}
    base["derivations"] = [link | {"parent": chat["slug"], "sources": ["paper"]}]
    chat["released"] = base["released"]

    assert validate(load(document), TODAY) == []


def test_a_product_may_be_powered_by_a_younger_model(
    document: dict[str, Any], load: Load
) -> None:
    product = document["coyote"]["entries"][0]
    del product["category"]
    product |= {"kind": "product", "released": "2023-01"}
    product["derivations"][0] |= {"layer": "service", "relation": "powers"}
    product["sources"][0]["covers"].remove("category")

    assert validate(load(document), TODAY) == []


def test_unknown_dates_are_not_compared(document: dict[str, Any], load: Load) -> None:
    base = document["acme"]["entries"][0]
    del base["released"]
    base["sources"][0]["covers"].remove("released")

    assert validate(load(document), TODAY) == []
