"""What the family tree shows of what a reader asked for."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse

from lineage.models import Derivation
from tests import factories
from tests.integration.pages.conftest import read


def slugs(page: str) -> set[str]:
    """Return the entries drawn on a page."""
    return set(re.findall(r'data-slug="([^":]+)"', page))


def tree(client: Client, query: str = "") -> str:
    return read(client, reverse("lineage:tree") + query)


@pytest.fixture
def chain(db: None) -> list[Any]:
    """Return a base, two models made from it, and one made from the first of them."""
    base = factories.make_catalog_model(slug="base", category="base")
    first = factories.make_catalog_model(slug="first", category="sft")
    second = factories.make_catalog_model(slug="second", category="sft")
    third = factories.make_catalog_model(slug="third", category="quantized")
    for child, parent, relation in [
        (first, base, "sft"),
        (second, base, "sft"),
        (third, first, "quantized"),
    ]:
        factories.make_derivation(child=child, parent=parent, relation=relation)
    return [base, first, second, third]


def test_the_way_between_two_models_leads_over_what_both_come_from(
    client: Client, chain: list[Any]
) -> None:
    page = tree(client, "?from=third&to=second")
    up = tree(client, "?from=base&to=third")

    assert slugs(page) == {"third", "first", "base", "second"}
    assert slugs(up) == {"third", "first", "base"}
    assert "The shortest ways between" in page


def test_models_that_have_nothing_in_common_stand_alone(
    client: Client, chain: list[Any]
) -> None:
    factories.make_catalog_model(slug="stranger")

    page = tree(client, "?from=third&to=stranger")

    assert slugs(page) == {"third", "stranger"}
    assert "come from nothing in common" in page


def test_a_way_keeps_to_the_lines_that_are_shown(
    client: Client, chain: list[Any]
) -> None:
    Derivation.objects.filter(child=chain[1]).update(state="contradicted")

    page = tree(client, "?from=third&to=second")

    assert "come from nothing in common" in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?from=third", "Name both models."),
        ("?from=third&to=nobody", "Nothing is registered under “nobody”."),
    ],
)
def test_a_way_without_two_ends_says_what_is_missing(
    client: Client, chain: list[Any], query: str, said: str
) -> None:
    assert said in tree(client, query)


def test_an_unclear_end_offers_what_it_may_mean(
    client: Client, chain: list[Any]
) -> None:
    factories.make_catalog_model(slug="oak-1", name="Oak one")
    factories.make_catalog_model(slug="oak-2", name="Oak two")

    page = tree(client, "?from=oak&to=third")

    assert 'href="?from=oak-2&amp;to=third"' in page


def test_the_legend_hides_states_and_categories(
    client: Client, chain: list[Any]
) -> None:
    Derivation.objects.filter(child=chain[2]).update(state="disputed")

    undisputed = tree(client, "?state=declared,cited")
    made = tree(client, "?category=base,sft")

    assert slugs(undisputed) == {"base", "first", "third"}
    assert slugs(made) == {"base", "first", "second"}
    # Pressing what is hidden shows it again; nothing else is forgotten.
    assert 'href="?category=base%2Csft%2Cquantized"' in made


def test_hiding_the_last_word_shows_all_again(client: Client, chain: list[Any]) -> None:
    page = tree(client, "?layer=weights&focus=base")

    pressed = re.search(r'<a href="([^"]*)" role="button" aria-pressed="true">', page)
    assert pressed is not None and pressed[1] == "?focus=base"


def test_a_branch_is_drawn_alone(client: Client, chain: list[Any]) -> None:
    encoder = factories.make_catalog_model(slug="encoder", architecture="encoder")
    other = factories.make_catalog_model(slug="other", architecture="decoder")
    for child in (encoder, other):
        factories.make_derivation(
            child=child, parent=chain[0], relation="influenced-by"
        )

    page = tree(client, "?branch=encoder")

    assert slugs(page) == {"encoder", "base"}
    assert 'href="?branch=encoder" aria-current="true"' in page


def test_nonsense_in_the_address_is_left_out(client: Client, chain: list[Any]) -> None:
    page = tree(client, "?layer=x&state=y&category=z&branch=w&down=-1&as=v&open=u")

    assert slugs(page) == {"base", "first", "second", "third"}


def test_one_generation_more_is_a_link(client: Client, chain: list[Any]) -> None:
    near = tree(client, "?focus=base&down=1")
    further = tree(client, "?focus=base&down=2")

    assert slugs(near) == {"base", "first", "second"}
    assert slugs(further) == {"base", "first", "second", "third"}
    assert 'href="?focus=base"' in near  # two generations are what is usual


def test_the_picture_is_a_file_that_stands_alone(
    client: Client, chain: list[Any]
) -> None:
    response = client.get(reverse("lineage:tree") + "?focus=third&as=svg")

    drawing = ElementTree.fromstring(response.content)
    space = "{http://www.w3.org/2000/svg}"
    links = [link.get("href", "") for link in drawing.iter(f"{space}a")]
    assert response["Content-Type"].startswith("image/svg+xml")
    assert response["Content-Disposition"] == 'attachment; filename="third.svg"'
    assert len(links) == 3
    assert all(link.startswith("http://testserver/") for link in links)


def test_a_models_own_page_opens_folded_kin_in_place(
    client: Client, chain: list[Any]
) -> None:
    for _ in range(6):
        factories.make_derivation(parent=chain[0], relation="quantized")
    address = chain[0].get_absolute_url()

    page = read(client, address)
    opened = read(client, address + "?open=base%3Aquantized")

    assert f'href="{address}?open=base%3Aquantized" data-slug="base:quantized"' in page
    assert len(slugs(opened)) == len(slugs(page)) + 6
