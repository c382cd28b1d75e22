"""The badge for README files: its words, its languages, how long it is kept."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from django.test import Client

from registry.models import RegisteredModel
from registry.vocabulary import Verdict
from tests.factories import (
    make_catalog_model,
    make_derivation,
    make_model,
    make_revision,
    make_verification,
)
from tests.integration.pages.conftest import World, read

SVG = "{http://www.w3.org/2000/svg}"


def badge(client: Client, model: RegisteredModel, language: str = "") -> str:
    """Return what a badge says, after a look at its form."""
    address = f"{language}/models/{model.slug}/badge.svg"
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/svg+xml; charset=utf-8"
    drawing = ET.fromstring(answer.content)
    title = drawing.findtext(f"{SVG}title") or ""
    texts = [text.text for text in drawing.iter(f"{SVG}text")]
    assert ": ".join(str(text) for text in texts) == title
    assert drawing.attrib["aria-label"] == title
    used = [use.attrib["href"] for use in drawing.iter(f"{SVG}use")]
    marks = {f"#{symbol.attrib['id']}" for symbol in drawing.iter(f"{SVG}symbol")}
    assert len(used) == 1
    assert used[0] in marks
    return f"{title} {used[0].removeprefix('#mark-')}"


VERDICTS = {
    Verdict.CONSISTENT: ("declared base verified", "声明的基座已证实", "verified"),
    Verdict.INDEPENDENT: (
        "independent, as declared",
        "独立训练，与声明相符",
        "verified",
    ),
    Verdict.UNDECLARED_BASE: ("undeclared base found", "发现未声明的基座", "found"),
    Verdict.RENAMED_COPY: ("undeclared base found", "发现未声明的基座", "found"),
    Verdict.NOT_DERIVED_FROM_DECLARED: (
        "declared base contradicted",
        "声明的基座与权重不符",
        "contradicted",
    ),
    Verdict.INCONCLUSIVE: ("not enough evidence", "证据不足", "open"),
    Verdict.NOT_VERIFIABLE: ("not verifiable", "无法核验", "open"),
}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_badge_in_both_languages(
    client: Client, verdict: Verdict
) -> None:
    model = make_verification(verdict=verdict).revision.model
    english, chinese, mark = VERDICTS[verdict]

    assert badge(client, model) == f"Baimo: {english} {mark}"
    assert badge(client, model, "/zh-hans") == f"百模谱: {chinese} {mark}"


def test_before_a_verdict_it_says_what_is_declared(client: Client) -> None:
    revision = make_revision()
    assert badge(client, revision.model) == "Baimo: nothing declared withdrawn"

    revision.declarations.create(position=0, declared_id="a/b", relation="sft")

    assert badge(client, revision.model) == "Baimo: declared, not verified declared"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("declared", "declared, not verified declared"),
        ("cited", "known from sources, not verified cited"),
        ("alleged", "nothing declared withdrawn"),
    ],
)
def test_of_an_entry_of_the_catalog_it_says_what_is_on_record(
    client: Client, state: str, said: str
) -> None:
    model = make_catalog_model()
    make_derivation(child=model, state=state)

    assert badge(client, model) == f"Baimo: {said}"


def test_a_base_of_the_catalog_is_known_from_sources(client: Client) -> None:
    model = make_catalog_model(category="base")

    assert badge(client, model) == "Baimo: known from sources, not verified cited"


def test_who_pushed_from_scratch_has_declared_it(client: Client) -> None:
    revision = make_revision(model=make_model(category="base"))

    assert badge(client, revision.model) == "Baimo: declared, not verified declared"


def test_nothing_declared_is_no_lack_of_evidence(client: Client) -> None:
    found = make_verification(verdict="inconclusive", reason="nothing-declared")

    model = found.revision.model
    assert badge(client, model) == "Baimo: nothing declared withdrawn"


def test_it_follows_a_new_verdict_and_a_new_revision(client: Client) -> None:
    old = make_verification(verdict="inconclusive").revision
    make_verification(revision=old)
    assert badge(client, old.model) == "Baimo: declared base verified verified"

    new = make_revision(model=old.model)
    new.declarations.create(position=0, declared_id="a/b", relation="sft")

    assert badge(client, old.model) == "Baimo: declared, not verified declared"


def test_it_is_kept_for_a_minute_and_then_asked_for_again(client: Client) -> None:
    model = make_verification().revision.model
    address = f"/models/{model.slug}/badge.svg"

    answer = client.get(address)

    assert answer["Cache-Control"] == "public, max-age=60"
    headers: Any = {"If-None-Match": answer["ETag"]}
    assert client.get(address, headers=headers).status_code == 304
    make_verification(revision=model.head, verdict="inconclusive")
    assert client.get(address, headers=headers).status_code == 200


def test_the_language_is_that_of_the_address_and_not_of_the_reader(
    client: Client,
) -> None:
    model = make_verification().revision.model

    answer = client.get(
        f"/models/{model.slug}/badge.svg", headers={"Accept-Language": "zh-hans"}
    )

    assert "declared base verified" in answer.content.decode()
    assert "Cookie" not in answer.get("Vary", "")


@pytest.mark.parametrize("language", ["", "/zh-hans"])
def test_nobody_has_no_badge(client: Client, language: str) -> None:
    assert client.get(f"{language}/models/nobody/badge.svg").status_code == 404


@pytest.mark.parametrize("language", ["", "/zh-hans"])
def test_the_page_shows_the_badge_and_the_line_to_copy(
    client: Client, world: World, language: str
) -> None:
    place = f"{language}/models/{world.model.slug}/"

    page = read(client, place)

    said = "百模谱: 声明的基座已证实" if language else "Baimo: declared base verified"
    assert f'<img src="{place}badge.svg" alt="{said}"' in page
    line = re.search(r'<pre id="badge">(.*?)</pre>', page)
    assert line is not None
    host = "http://testserver"
    assert line[1] == f"[![{said}]({host}{place}badge.svg)]({host}{place})"


def test_no_badge_is_an_alarm(client: Client) -> None:
    """Ink on paper: every colour in it is nearly grey."""
    model = make_verification(verdict="renamed-copy").revision.model
    text = client.get(f"/models/{model.slug}/badge.svg").content.decode()

    colours = set(re.findall("#([0-9a-f]{6})", text))

    assert colours
    for colour in colours:
        parts = [int(colour[i : i + 2], 16) for i in (0, 2, 4)]
        assert max(parts) - min(parts) <= 16
