"""Names are found however they are written, in Chinese and in Latin letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.search import MAX_WORDS, phrases, searchable

STORED = searchable(["Qwen2.5-7B-Instruct-AWQ", "通义千问", "ChatGPT", "百川 17B", "É"])


def finds(query: str) -> bool:
    wanted = phrases(query)
    return bool(wanted) and all(phrase in STORED for phrase in wanted)


@pytest.mark.parametrize(
    "query",
    [
        *("qwen2.5 awq", "Qwen 2.5", "qwen-2.5-7b", "ｑｗｅｎ２．５", "qwen25"[:4]),
        *("通义千问", "千问", "通义", "问", "通义qwen", "17b", "gpt", "chat", "é", "e"),
    ],
)
def test_a_name_is_found_as_readers_write_it(query: str) -> None:
    assert finds(query)


@pytest.mark.parametrize("query", ["7b gguf", "问通", "千义", "5b", "qwen 3", "", "*"])
def test_what_is_not_in_the_names_is_not_found(query: str) -> None:
    assert not finds(query)


def test_a_number_is_found_from_its_beginning() -> None:
    stored = searchable(["Baichuan 13B"])

    assert all(phrase in stored for phrase in phrases("13b"))
    assert not all(phrase in stored for phrase in phrases("3b"))


def test_a_phrase_does_not_run_from_one_name_into_the_next() -> None:
    stored = searchable(["Yi", "34B"])

    assert phrases("yi-34b")[0] not in stored


def test_words_after_the_twentieth_are_left_out() -> None:
    assert len(phrases(" ".join(f"w{n}x" for n in range(99)))) == MAX_WORDS


@given(st.text(max_size=30))
def test_every_text_with_letters_finds_itself(text: str) -> None:
    stored = searchable([text])

    assert all(phrase in stored for phrase in phrases(text))
