"""The catalog: search in both languages, filters with counts, cards and files."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from registry.models import HubRepo
from tests import factories

LIST = "/models/"


@pytest.fixture
def shelf(db: None) -> dict[str, Any]:
    """Return three entries that differ in every filter."""
    qwen = factories.make_catalog_model(
        slug="qwen2.5",
        name="Qwen2.5",
        name_zh="通义千问2.5",
        category="base",
        architecture="decoder",
        released="2024-09",
        params=72_700_000_000,
        open=True,
        family="Qwen",
    )
    awq = factories.make_catalog_model(
        slug="qwen2.5-awq",
        name="Qwen2.5-7B-Instruct-AWQ",
        category="quantized",
        released="2024-10",
        params=7_600_000_000,
        open=True,
    )
    gpt = factories.make_catalog_model(
        slug="chatgpt",
        name="ChatGPT",
        kind="product",
        category="",
        released="2022-11",
        open=False,
    )
    HubRepo.objects.create(model=qwen, repo_id="Qwen/Qwen2.5-72B")
    qwen.save()
    return {"qwen": qwen, "awq": awq, "gpt": gpt}


def found(client: Client, **query: Any) -> list[str]:
    answer = client.get(LIST, query | {"as": "json"}).json()
    assert answer["total"] == len(answer["results"])
    return [row["slug"] for row in answer["results"]]


@pytest.mark.parametrize(
    ("words", "slugs"),
    [
        ("千问", ["qwen2.5"]),
        ("通义千问", ["qwen2.5"]),
        ("qwen2.5 awq", ["qwen2.5-awq"]),
        ("qwen 2.5", ["qwen2.5", "qwen2.5-awq"]),
        ("qwen/qwen2.5-72b", ["qwen2.5"]),
        ("gpt", ["chatgpt"]),
        ("量化", ["qwen2.5-awq"]),
        ("？！", []),
    ],
)
def test_a_search_finds_names_in_both_languages(
    client: Client, shelf: Any, words: str, slugs: list[str]
) -> None:
    assert sorted(found(client, q=words)) == sorted(slugs)


def test_the_name_itself_stands_first_after_a_search(
    client: Client, shelf: Any
) -> None:
    assert found(client, q="qwen2.5") == ["qwen2.5", "qwen2.5-awq"]
    assert found(client) == ["qwen2.5-awq", "qwen2.5", "chatgpt"]


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ({"size": "10b-100b"}, ["qwen2.5"]),
        ({"size": ["1b-10b", "10b-100b"]}, ["qwen2.5-awq", "qwen2.5"]),
        ({"open": "no"}, ["chatgpt"]),
        ({"year": "2024"}, ["qwen2.5-awq", "qwen2.5"]),
        ({"architecture": "decoder"}, ["qwen2.5"]),
        ({"family": "Qwen", "open": "no"}, []),
        ({"size": "enormous"}, ["qwen2.5-awq", "qwen2.5", "chatgpt"]),
    ],
)
def test_filters_let_through_what_they_say(
    client: Client, shelf: Any, query: Any, slugs: list[str]
) -> None:
    assert found(client, **query) == slugs


def test_counts_stand_beside_the_values(client: Client, shelf: Any) -> None:
    page = " ".join(client.get(LIST).content.decode().split())

    assert '<span>10 B to 100 B</span><span class="count">1</span>' in page
    assert '<span>published</span><span class="count">2</span>' in page
    assert '<span>2024</span><span class="count">2</span>' in page


def test_chinese_readers_count_in_yi(client: Client, shelf: Any) -> None:
    page = client.get("/zh-hans/models/").content.decode()

    assert "100 亿 至 1,000 亿" in page


def test_cards_show_the_same_entries_and_keep_the_filters(
    client: Client, shelf: Any
) -> None:
    page = client.get(LIST, {"view": "cards", "open": "yes"}).content.decode()

    assert page.count('class="model-card"') == 2
    assert 'href="/models/?open=yes"' in page
    assert 'name="view" value="cards"' in page


def test_a_list_is_taken_along_as_csv(client: Client, shelf: Any) -> None:
    shelf["gpt"].name = "=1+1"
    shelf["gpt"].save()

    answer = client.get(LIST, {"as": "csv"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert text.startswith("\ufeffslug,kind,name,name_zh,")
    rows = list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))
    assert [row["slug"] for row in rows] == ["qwen2.5-awq", "qwen2.5", "chatgpt"]
    assert rows[1]["name_zh"] == "通义千问2.5"
    assert rows[1]["url"] == "http://testserver/models/qwen2.5/"
    assert rows[2]["name"] == "'=1+1"  # no formula for a spreadsheet


def test_an_empty_list_still_has_its_heads(client: Client, db: None) -> None:
    answer = client.get(LIST, {"as": "csv"})

    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.removeprefix("\ufeff").strip().startswith("slug,kind,name")
    assert len(text.splitlines()) == 1
