"""The atlas over HTTP: what is shown, filtered, opened, and how it says so."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pytest
from django.test import Client

from lineage import atlases
from registry.models import RegisteredModel
from tests import factories

ATLAS = "/lineage/atlas/"
DATA = "/lineage/atlas/data.json"


@pytest.fixture(autouse=True)
def _nothing_drawn() -> Iterator[None]:
    """Rolled-back tests count the same rows again, with other names."""
    atlases.forget()
    yield
    atlases.forget()


@pytest.fixture
def family() -> dict[str, RegisteredModel]:
    """Return a base with six children, one of them with a child, and a loner."""
    make = factories.make_catalog_model
    models = {"base": make(name="Oak", name_zh="橡", category="base", family="Oak")}
    for number in range(6):
        child = make(name=f"Oak {number}", category="sft")
        factories.make_derivation(child=child, parent=models["base"])
        models[f"child{number}"] = child
    models["leaf"] = make(name="Acorn", category="quantized", origin="hub")
    factories.make_derivation(
        child=models["leaf"], parent=models["child0"], relation="quantized"
    )
    models["alone"] = make(name="Elm", category="base")
    return models


def data(client: Client, query: str = "", path: str = DATA) -> dict[str, Any]:
    found: dict[str, Any] = client.get(path + query).json()
    found["ids"] = list(accumulate(found["ids"]))
    found["children"] = list(accumulate(found["children"]))
    return found


def names(found: dict[str, Any]) -> set[str]:
    return set(found["names"])


def test_the_data_hold_every_entry_and_its_derivations(
    client: Client, family: dict[str, RegisteredModel]
) -> None:
    found = data(client)

    assert (found["n"], found["n_all"]) == (9, 9)
    assert found["ids"] == sorted(model.pk for model in family.values())
    pairs = {
        (found["names"][child], found["names"][parent])
        for child, parent in zip(found["children"], found["parents"], strict=True)
    }
    assert pairs == {("Acorn", "Oak 0")} | {(f"Oak {n}", "Oak") for n in range(6)}
    (disc,) = found["discs"]
    assert (disc["n"], disc["family"]) == (8, "Oak")
    assert found["names"][disc["head"]] == "Oak"
    columns = ("x", "y", "r", "category", "origin", "names")
    assert {len(found[column]) for column in columns} == {9}


def test_names_are_in_the_readers_language(
    client: Client, family: dict[str, RegisteredModel]
) -> None:
    assert "Oak" in names(data(client))
    assert "橡" in names(data(client, path="/zh-hans" + DATA))


def test_what_was_never_pushed_or_is_denied_is_not_drawn(
    client: Client, family: dict[str, RegisteredModel]
) -> None:
    factories.make_model(name="named only")
    elm, acorn = family["alone"], family["leaf"]
    factories.make_derivation(child=elm, parent=acorn, state="contradicted")

    found = data(client)

    assert not any("named only" in name for name in found["names"])
    assert found["n_all"] == 9
    assert len(found["children"]) == 7


def test_the_data_are_compressed_and_asked_for_once(
    client: Client, family: dict[str, RegisteredModel]
) -> None:
    first = client.get(DATA, headers={"accept-encoding": "gzip"})

    assert first["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(first.content)) == client.get(DATA).json()
    tag = {"if-none-match": first["ETag"]}
    assert client.get(DATA, headers=tag).status_code == 304
    factories.make_catalog_model(name="Yew")
    assert client.get(DATA, headers=tag).status_code == 200


def test_the_register_is_read_once_for_many_readers(
    client: Client,
    family: dict[str, RegisteredModel],
    django_assert_max_num_queries: Any,
) -> None:
    client.get(DATA)

    with django_assert_max_num_queries(5):
        client.get(f"{DATA}?open={family['base'].slug}")


def test_a_register_that_is_too_large_shows_hubs_and_families_first(
    client: Client, family: dict[str, RegisteredModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlases, "MOST", 5)

    found, page = data(client), client.get(ATLAS).content.decode()

    assert names(found) == {"Oak", "Oak 0"}
    assert (found["n"], found["n_all"]) == (2, 9)
    assert "2 of 9 entries are shown" in page
    assert 'data-lonely="Kin not shown"' in page


def test_what_a_reader_opens_comes_with_its_kin_within_the_limit(
    client: Client, family: dict[str, RegisteredModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlases, "MOST", 6)

    found = data(client, f"?open={family['base'].slug}")

    assert names(found) == {"Oak", "Oak 0", "Oak 1", "Oak 2", "Oak 3", "Oak 4"}
    assert (found["n"], found["n_all"]) == (6, 9)
    card = client.get(f"{ATLAS}{family['base'].pk}/").content.decode()
    assert "Show 5 more children" in card
    assert f"open={family['base'].slug}" in card


def test_a_search_brings_in_what_is_not_shown(
    client: Client, family: dict[str, RegisteredModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlases, "MOST", 5)

    page = client.get(f"{ATLAS}?q=elm").content.decode()

    assert f'data-at="{family["alone"].pk}"' in page
    assert "Elm" in names(data(client, "?q=elm"))


def test_the_card_says_what_the_entry_is(
    client: Client, family: dict[str, RegisteredModel]
) -> None:
    team = factories.make_organization(slug="grove")
    family["child0"].organization = team
    family["child0"].save()

    card = client.get(f"{ATLAS}{family['child0'].pk}/").content.decode()

    for said in ("Oak 0", "Fine-tuned", "grove", "2026-11", "1 parent", "1 child"):
        assert said in card
    assert f"/lineage/?focus={family['child0'].slug}" in card
    assert family["child0"].get_absolute_url() in card
    assert "Show " not in card
    for unknown in (999_999, 10**30):
        assert client.get(f"{ATLAS}{unknown}/").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?category=quantized", {"Acorn"}),
        ("?origin=hub", {"Acorn"}),
        ("?family=Oak&category=base", {"Oak"}),
        ("?family=-", set()),
        ("?q=Oak", {"Oak"}),
        ("?q=oak+1", {"Oak 1"}),
        ("?q=aco", {"Acorn"}),
        ("?q=nothing", set()),
        ("?category=banana", set()),
    ],
)
def test_the_table_shows_what_the_filters_let_through(
    client: Client,
    family: dict[str, RegisteredModel],
    query: str,
    expected: set[str],
) -> None:
    response = client.get(ATLAS + query)

    assert {row["model"].name for row in response.context["rows"]} == expected


def test_the_table_begins_with_what_most_derive_from_and_has_pages(
    client: Client, family: dict[str, RegisteredModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineage.views.atlas.PAGE_SIZE", 4)

    first = client.get(ATLAS + "?origin=catalog")
    rows = [
        (r["model"].name, r["n_parents"], r["n_children"])
        for r in first.context["rows"]
    ]

    assert rows[:2] == [("Oak", 0, 6), ("Oak 0", 1, 1)]
    assert 'href="?origin=catalog&amp;page=2#table"' in first.content.decode()
    assert len(client.get(ATLAS + "?origin=catalog&page=2").context["rows"]) == 4


def test_the_filters_count_what_is_shown(
    client: Client, family: dict[str, RegisteredModel]
) -> None:
    filters = client.get(ATLAS).context["filters"]

    counted = {
        name: {choice.value: choice.count for choice in choices}
        for name, choices in filters.items()
    }
    assert counted == {
        "category": {"base": 2, "sft": 6, "quantized": 1},
        "origin": {"catalog": 8, "hub": 1},
        "layer": {"weights": 7},
    }


def test_an_empty_register_says_so(client: Client, db: None) -> None:
    assert data(client)["n"] == 0
    assert "The register is empty." in client.get(ATLAS).content.decode()


def test_a_single_model_is_an_atlas(client: Client, db: None) -> None:
    factories.make_catalog_model(name="Yew")

    assert (data(client)["x"], data(client)["discs"]) == ([0], [])
    assert "All 1 entries" not in client.get(ATLAS).content.decode()


def test_the_family_tree_leads_to_the_atlas(client: Client, db: None) -> None:
    assert ATLAS in client.get("/lineage/").content.decode()
