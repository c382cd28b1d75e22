"""Families, the feed of what is new, and what search engines are told."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from django.test import Client

from tests import factories
from tests.integration.pages.conftest import read

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def test_families_are_listed_with_their_span(client: Client, db: None) -> None:
    for slug, released in (("llama", "2023-02"), ("llama-2", "2023-07"), ("x", "")):
        factories.make_catalog_model(slug=slug, family="LLaMA", released=released)
    factories.make_catalog_model(slug="yi", family="Yi", released="2023-11")

    page = read(client, "/families/")

    assert page.index(">LLaMA</a>") < page.index(">Yi</a>")
    assert "3 models · 2023-02 – 2023-07" in page
    assert "1 model · 2023-11" in page


def test_a_family_shows_its_models_and_their_derivations(
    client: Client, db: None
) -> None:
    old = factories.make_catalog_model(
        slug="qwen", family="Qwen 通义", released="2023-08"
    )
    new = factories.make_catalog_model(
        slug="qwen2", family="Qwen 通义", released="2024-06"
    )
    factories.make_derivation(child=new, parent=old, relation="influenced-by")

    page = read(client, "/families/Qwen%20通义/")

    assert page.index("/models/qwen/") < page.index("/models/qwen2/")
    assert "How its models come from each other" in page
    assert client.get("/families/qwen%20通义/").status_code in (200, 302)
    assert client.get("/families/nobody/").status_code == 404


def test_an_organisation_names_its_country_and_describes_its_models(
    client: Client, db: None
) -> None:
    team = factories.make_organization(slug="deepseek", country="CN", is_catalog=True)
    factories.make_catalog_model(
        slug="deepseek-r1", organization=team, facts={"description": "Reasons."}
    )

    page = read(client, "/organizations/deepseek/")

    assert "China" in page and "Reasons." in page
    assert "/models/?organization=deepseek" in page


def test_the_feed_tells_of_models_and_verdicts(client: Client, world: Any) -> None:
    answer = client.get("/feed.atom")
    feed = ElementTree.fromstring(answer.content)

    assert answer["Content-Type"].startswith("application/atom+xml")
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]
    assert "LLaMA" in titles
    assert any(
        title and title.startswith(f"{world.model.repo_id}: ") for title in titles
    )
    assert b"</feed>" in client.get("/zh-hans/feed.atom").content


def test_search_engines_get_every_entry_in_both_languages(
    client: Client, world: Any
) -> None:
    index = ElementTree.fromstring(client.get("/sitemap.xml").content)
    maps = [str(place.text) for place in index.iter(f"{SITEMAP}loc")]
    pages = b"".join(client.get(place).content for place in maps).decode()

    assert "http://testserver/models/llama/</loc>" in pages
    assert "http://testserver/zh-hans/models/llama/</loc>" in pages
    assert "Sitemap: http://testserver/sitemap.xml" in read(client, "/robots.txt")
