"""The statistics page: every picture has its table, and leads to the models."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories

PAGE = "/statistics/"


@pytest.fixture
def models(db: None) -> None:
    base = factories.make_catalog_model(
        slug="llama",
        name="LLaMA",
        category="base",
        released="2023-02",
        params=65_000_000_000,
        facts={"tokens": 1_400_000_000_000},
    )
    child = factories.make_catalog_model(
        slug="vicuna", name="Vicuna", category="sft", released="2023-03"
    )
    grandchild = factories.make_catalog_model(
        slug="vicuna-gptq", category="quantized", released="2024-05"
    )
    other = factories.make_catalog_model(
        slug="yi", name="Yi", category="retrained", released="2023-11"
    )
    factories.make_derivation(child=child, parent=base, relation="sft")
    factories.make_derivation(child=grandchild, parent=child, relation="quantized")
    factories.make_derivation(child=other, parent=base, relation="same-architecture")


def read(client: Client, address: str = PAGE) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_years_are_counted_by_who_trained_from_scratch(
    client: Client, models: None
) -> None:
    page = read(client)

    row = '<tr><th scope="row">{}</th><td class="num">{}</td><td class="num">{}</td>'
    assert row.format(2023, 2, 1) in page
    assert row.format(2024, 0, 1) in page


def test_bases_are_ranked_by_all_that_carry_their_weights(
    client: Client, models: None
) -> None:
    page = read(client)

    assert '<a href="/models/llama/">LLaMA</a></th><td class="num">2</td>' in page
    assert '<a href="/models/yi/">Yi</a></th><td class="num">' not in page


def test_tokens_and_compute_stand_on_a_logarithmic_axis(
    client: Client, models: None
) -> None:
    page = read(client)

    assert "<title>LLaMA: 1.4 T</title>" in page
    assert "<title>LLaMA: 5.46 × 10²³</title>" in page
    assert '<td class="num">5.46 × 10<sup>23</sup></td>' in page
    assert "1.4 万亿" in read(client, "/zh-hans" + PAGE)


def test_an_empty_register_says_so(client: Client, db: None) -> None:
    assert "The register is empty." in read(client)


def test_every_picture_has_its_table(client: Client, models: None) -> None:
    page = read(client)

    assert page.count('class="chart"') == page.count("<summary>As a table") == 4
    assert "style=" not in page
