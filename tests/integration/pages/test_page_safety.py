"""Hostile content is shown as text, and nothing is fetched from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from registry import markdown, storage
from registry.models import RevisionFile
from tests import factories

HOSTILE = "<script>alert(1)</script>"
CARD = """---
license: mit
---
# Hello <img src=x onerror=alert(1)>
<script>alert(1)</script>
[click](javascript:alert(1)) [fine](https://example.org)
![tracker](https://example.org/pixel.png)
"""


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Path) -> None:
    settings.STORAGE_DIR = tmp_path


def test_names_are_escaped_on_every_page(client: Client, db: None) -> None:
    team = factories.make_organization(slug="evil", name=HOSTILE)
    model = factories.make_model(
        organization=team, name=HOSTILE, slug="evil--m", category="sft"
    )
    base = factories.make_catalog_model(name=HOSTILE, name_zh=HOSTILE, family=HOSTILE)
    factories.make_derivation(child=model, parent=base, note=HOSTILE)
    revision = factories.make_revision(model=model, summary=HOSTILE)
    revision.declarations.create(position=0, declared_id=HOSTILE, relation="finetune")
    factories.make_verification(revision=revision, compared_with=base)
    addresses = ["/", "/models/", "/lineage/", "/organizations/evil/"]
    addresses += [model.get_absolute_url(), f"{model.get_absolute_url()}history/"]

    for address in addresses:
        page = client.get(address).content.decode()
        assert HOSTILE not in page, address
        assert "&lt;script&gt;" in page, address


def test_a_search_for_markup_is_shown_as_text(client: Client, db: None) -> None:
    factories.make_catalog_model()

    page = client.get("/models/", {"q": HOSTILE}).content.decode()

    assert HOSTILE not in page and "&lt;script&gt;" in page


def test_a_model_card_can_run_nothing(client: Client, db: None) -> None:
    revision = factories.make_revision()
    sha256 = storage.store_bytes(CARD.encode())
    factories.make_file(revision=revision, path="README.md", content=CARD.encode())
    assert RevisionFile.objects.get(path="README.md").blob_id == sha256

    page = client.get(revision.model.get_absolute_url()).content.decode()

    assert "<h3>Hello" in page
    card = page.split('class="card-text"')[1].split("</section>")[0]
    assert "<script>alert" not in page and "<img" not in card
    assert 'href="javascript' not in page


def test_links_of_a_card_are_not_followed_by_search_engines() -> None:
    html = markdown.render("[fine](https://example.org)")

    assert 'rel="nofollow noopener noreferrer ugc"' in html


def test_pictures_of_a_card_become_their_description() -> None:
    assert markdown.render("![a *cat*](x.png)") == "<p><em>[a cat]</em></p>\n"


def test_pages_hold_no_inline_script_or_style(client: Client, world: Any) -> None:
    for address in ["/", "/models/", "/lineage/", world.model.get_absolute_url()]:
        page = client.get(address).content.decode()
        assert "<style" not in page and " style=" not in page
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"\son[a-z]+=", page)


def test_pages_load_nothing_from_elsewhere(client: Client, world: Any) -> None:
    for address in ["/", "/models/", "/lineage/", world.model.get_absolute_url()]:
        page = client.get(address).content.decode()
        loaded = re.findall(
            r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"([^\"]+)", page
        )
        assert loaded and all(source.startswith("/") for source in loaded)


def test_the_policy_forbids_inline_code(client: Client, db: None) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy and "unsafe" not in policy
