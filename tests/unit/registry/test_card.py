"""Model cards: whatever stands in them, the answer is a card or one clear line."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from registry.card import Card, CardInvalid, amended, parse_card, strings


def card(front_matter: str, body: str = "") -> Card:
    return parse_card(f"---\n{front_matter}\n---\n{body}".encode())


def test_front_matter_and_text_are_told_apart() -> None:
    parsed = card("license: mit\nbase_model: a/b", "# Title\n\n---\nMore.")

    assert parsed.metadata == {"license": "mit", "base_model": "a/b"}
    assert parsed.body == "# Title\n\n---\nMore."


@pytest.mark.parametrize("content", [b"", b"# Title\n", b"text\n---\na: b\n---\n"])
def test_a_card_may_have_no_front_matter(content: bytes) -> None:
    assert parse_card(content) == Card(body=content.decode())


@pytest.mark.parametrize(
    "content",
    [
        b"---\r\na: b\r\n---\r\nText",
        b"\xef\xbb\xbf---\na: b\n---\nText",
        b"--- \na: b\n---\t\nText",
    ],
    ids=["CRLF", "byte order mark", "trailing space"],
)
def test_front_matter_is_found_however_it_was_saved(content: bytes) -> None:
    parsed = parse_card(content)

    assert parsed.metadata == {"a": "b"}
    assert parsed.body == "Text"


def test_empty_front_matter_is_an_empty_mapping() -> None:
    assert card("# nothing").metadata == {}


@pytest.mark.parametrize(
    ("front_matter", "reason"),
    [
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: [1, 2", "no valid YAML"),
        ("a: 1\n\tb: 2", "no valid YAML"),
        ("- a\n- b", "must be a mapping"),
        ("just text", "must be a mapping"),
        ("a: !!python/object/apply:os.system [id]", "no valid YAML"),
        ("a: 2026-13-45", "no valid YAML"),
        ("[" * 5000, "no valid YAML"),
        ("a: !!int ''", "no valid YAML"),
        ("a: !!bool x", "no valid YAML"),
        ("a: !!timestamp x", "no valid YAML"),
        ("? [a, b]\n: c\n? {x: y}\n: d", "no valid YAML"),
    ],
    ids=[
        "alias",
        "unclosed",
        "tab",
        "list",
        "text",
        "python object",
        "no such date",
        "deep",
        "no number",
        "no truth",
        "no time",
        "mapping as a key",
    ],
)
def test_unreadable_front_matter_is_refused_in_one_line(
    front_matter: str, reason: str
) -> None:
    with pytest.raises(CardInvalid, match=reason) as refused:
        card(front_matter)

    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "encoding", ["latin-1", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("text", ["Café", "百模", "plain"])
def test_a_card_that_is_no_utf8_is_refused(encoding: str, text: str) -> None:
    content = f"---\nname: {text}\n---\n".encode(encoding, "replace")
    if content.isascii() and b"\0" not in content:
        assert parse_card(content)
        return

    with pytest.raises(CardInvalid, match="not UTF-8 text; save it in that encoding"):
        parse_card(content)


def test_a_huge_card_is_refused_unread() -> None:
    with pytest.raises(CardInvalid, match="larger than 1 MiB"):
        parse_card(b"x" * (1024 * 1024 + 1))


def test_values_are_ready_for_a_json_column() -> None:
    metadata = card(
        "date: 2026-11-21\nnan: .nan\ninf: -.inf\nfloat: 0.5\n1: one\n"
        "deep:\n  tags: !!set {a, b}\n  when: 2026-11-21T10:00:00Z\n"
        "bytes: !!binary aGk="
    ).metadata

    assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata
    assert metadata["date"] == "2026-11-21"
    assert metadata["nan"] == "nan"
    assert metadata["inf"] == "-inf"
    assert metadata["1"] == "one"
    assert sorted(metadata["deep"]["tags"]) == ["a", "b"]


def test_html_in_a_card_is_kept_as_the_text_it_is() -> None:
    parsed = card("title: <script>alert(1)</script>", "<script>alert(2)</script>")

    assert parsed.metadata["title"] == "<script>alert(1)</script>"
    assert parsed.body == "<script>alert(2)</script>"


def test_characters_that_no_database_keeps_are_left_out() -> None:
    metadata = card(r'{"ti\0tle": ["a\0b", "\ud800"]}').metadata

    assert metadata == {"title": ["ab", "?"]}


def test_a_number_that_json_readers_would_change_is_refused() -> None:
    with pytest.raises(CardInvalid, match="too large"):
        card("n: 9007199254740992")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", ["a"]),
        (" a ", ["a"]),
        (["a", "", " b", 3, None, ["c"]], ["a", "b"]),
        (None, []),
        ({"a": "b"}, []),
        (7, []),
    ],
)
def test_strings_reads_one_text_or_many(value: object, expected: list[str]) -> None:
    assert strings(value) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "---\nbase_model: a/b\n---\n"),
        ("# Title\n", "---\nbase_model: a/b\n---\n# Title\n"),
        ("---\n---\nText", "---\nbase_model: a/b\n---\nText"),
        (
            "---\n# ours\nlicense: mit  # short\nbase_model:\n- c/d\n- e/f\n# tags\n"
            "tags: [x,   y]\nold: 1\n---\n# Title\n",
            "---\n# ours\nlicense: mit  # short\n# tags\ntags: [x,   y]\n"
            "base_model: a/b\n---\n# Title\n",
        ),
        (
            '---\r\n"base_model": c/d\r\nlicense: mit\r\n---\r\nText',
            "---\nlicense: mit\nbase_model: a/b\n---\nText",
        ),
        (
            "---\n{base_model: c/d, license: mit, old: 1}\n---\n",
            "---\nbase_model: a/b\nlicense: mit\n---\n",
        ),
    ],
)
def test_only_the_named_fields_of_a_card_are_amended(before: str, after: str) -> None:
    amended_card = amended(before.encode(), {"base_model": "a/b", "old": None})

    assert amended_card.decode() == after


def test_amending_a_broken_card_is_refused() -> None:
    with pytest.raises(CardInvalid, match="no valid YAML"):
        amended(b"---\na: [\n---\n", {"base_model": "a/b"})


@given(
    st.dictionaries(
        st.sampled_from(["license", "tags", "base_model", "old"]),
        st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3),
    )
)
def test_whatever_a_card_says_else_it_still_says(metadata: dict[str, object]) -> None:
    front_matter = yaml.safe_dump(metadata, allow_unicode=True)
    fields = {"base_model": ["a/b", "c: d"], "old": None}
    before = parse_card(f"---\n{front_matter}---\nText".encode())

    after = parse_card(amended(f"---\n{front_matter}---\nText".encode(), fields))

    wanted = {key: value for key, value in before.metadata.items() if key != "old"}
    assert after == Card({**wanted, "base_model": ["a/b", "c: d"]}, "Text")
