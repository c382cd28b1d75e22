"""What a card says of its entry, and what it cannot say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.card import Card, CardInvalid, parse_card, write_card
from registry.declaration import read_declaration
from registry.description import (
    Description,
    Evidence,
    LinkInvalid,
    check_link,
    read_description,
)
from registry.vocabulary import Kind


def test_a_card_without_a_word_describes_a_model() -> None:
    assert read_description({"license": "mit"}) == Description()


def test_everything_that_is_said_is_read() -> None:
    said = read_description(
        {
            "baimo_kind": "product",
            "baimo_name": " Acme Chat ",
            "baimo_name_zh": "埃克米聊天",
            "baimo_released": "2026-11",
            "baimo_homepage": "https://acme.example/chat",
            "baimo_contribution": "A prompt and a shop front.",
            "baimo_evidence": [
                {"base_model": "gpt-4", "url": "https://a.example/", "title": "Blog"}
            ],
        }
    )

    assert said == Description(
        kind=Kind.PRODUCT,
        name="Acme Chat",
        name_zh="埃克米聊天",
        released="2026-11",
        homepage="https://acme.example/chat",
        contribution="A prompt and a shop front.",
        evidence=(Evidence("gpt-4", "https://a.example/", "Blog"),),
    )


@pytest.mark.parametrize(
    ("card", "complaint"),
    [
        ({"baimo_kind": "robot"}, "baimo_kind: use one of model, product, tool"),
        ({"baimo_name": ["a"]}, "baimo_name must be a text"),
        ({"baimo_name": "a" * 201}, "more than 200 letters"),
        ({"baimo_released": "November"}, "a month such as 2026-11"),
        ({"baimo_homepage": "http://acme.example/"}, "begins with https://"),
        ({"baimo_evidence": "https://a.example"}, "must be a list of items"),
        ({"baimo_evidence": [{"url": "https://a.example"}]}, "no title"),
        ({"baimo_evidence": [{"title": "a"}]}, "no url"),
        (
            {"baimo_evidence": [{"url": "javascript:alert(1)", "title": "a"}]},
            "begins with https://",
        ),
        ({"baimo_evidence": [{}] * 101}, "more than 100 links"),
    ],
)
def test_what_cannot_be_shown_is_refused(card: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CardInvalid, match=complaint):
        read_description(card)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "acme.example",
        "ftp://acme.example",
        "https://localhost",
        "https://[",
        "https://user:word@acme.example/",
        "https://acme.example/a b",
        "https://acme.example/" + "a" * 500,
    ],
)
def test_what_is_no_link_is_refused(address: str) -> None:
    with pytest.raises(LinkInvalid):
        check_link(address)


@pytest.mark.parametrize(
    ("card", "relation"),
    [
        ({"baimo_category": "prompt-wrapper"}, "prompt-wrapper"),
        ({"baimo_category": "api-reskin"}, "api-reskin"),
        ({"baimo_kind": "product"}, "powers"),
        ({"baimo_category": "sft"}, "finetune"),
        ({}, "finetune"),
    ],
)
def test_who_names_a_service_need_not_name_the_relation(
    card: dict[str, Any], relation: str
) -> None:
    declared = read_declaration({"base_model": "gpt-4"} | card)

    assert declared.bases == (("gpt-4", relation),)


def test_a_product_has_no_category() -> None:
    declared = read_declaration(
        {
            "baimo_kind": "product",
            "base_model": "gpt-4",
            "base_model_relation": "prompt-wrapper",
        }
    )
    assert declared.category is None

    with pytest.raises(CardInvalid, match="a product has no baimo_category"):
        read_declaration({"baimo_kind": "product", "baimo_category": "base"})


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(st.dictionaries(st.sampled_from(["name", "text"]), WORDS), WORDS)
def test_whatever_is_written_into_a_card_is_read_again(
    metadata: dict[str, str], body: str
) -> None:
    card = Card(metadata, body)

    assert parse_card(write_card(card)) == card


def test_a_card_that_is_written_is_read_again() -> None:
    card = Card({"baimo_name_zh": "---\n聊天: #", "base_model": ["a", "b"]}, "# Text\n")

    assert parse_card(write_card(card)) == card
