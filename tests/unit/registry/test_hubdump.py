"""Dumps of a hub: one row, hostile rows, and files that can be read from anywhere."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from registry.hubdump import (
    DumpUnreadable,
    HubRow,
    RowInvalid,
    Unreadable,
    open_dump,
    parse_row,
)
from registry.hubdump.files import MAX_LINE_BYTES


def row(**overrides: Any) -> dict[str, Any]:
    return {"id": "acme/llm-7b"} | overrides


def parsed(*tags: str) -> HubRow:
    return parse_row(row(tags=list(tags)))


def test_a_row_says_what_the_hub_knows() -> None:
    found = parse_row(
        row(
            createdAt="2024-03-02T23:29:04.000Z",
            downloads=12,
            likes=3,
            tags=["license:mit", "base_model:a/b", "base_model:adapter:a/b", "en"],
        )
    )

    assert found == HubRow(
        "acme/llm-7b", "2024-03", 12, 3, "mit", (("a/b", "adapter"),), 0, 0, 0
    )
    assert found.key == "acme/llm-7b"


def test_a_row_may_say_nothing_but_its_id() -> None:
    assert parse_row({"modelId": "gpt2"}) == HubRow(
        "gpt2", "", None, None, "", (), 0, 0, 0
    )


@pytest.mark.parametrize("created", ["2024-03-02", date(2024, 3, 2)])
def test_dates_come_as_text_and_from_parquet(created: object) -> None:
    assert parse_row(row(created=created)).created == "2024-03"


def test_a_base_without_a_word_is_a_finetune() -> None:
    assert parsed("base_model:a/b").bases == (("a/b", "finetune"),)


def test_bases_named_again_are_counted_and_stand_once() -> None:
    found = parsed(*["base_model:a/b"] * 7, *["base_model:merge:A/B"] * 7)

    assert found.bases == (("A/B", "merge"),)
    assert found.n_repeated == 12


def test_one_base_has_one_relation() -> None:
    found = parsed("base_model:merge:a/b", "base_model:adapter:a/b")

    assert (found.bases, found.n_repeated) == ((("a/b", "merge"),), 1)


def test_the_model_itself_is_no_base() -> None:
    found = parsed("base_model:Acme/LLM-7b", "base_model:merge:a/b")

    assert (found.bases, found.n_itself) == ((("a/b", "merge"),), 1)


@pytest.mark.parametrize(
    "tag",
    ["", ":", "banana:a/b", "adapter:", "adapter:a/b/c", "a b", "x\0y", ":a/b", "../a"],
)
def test_unknown_words_and_bad_ids_are_counted(tag: str) -> None:
    found = parsed(f"base_model:{tag}")

    assert (found.bases, found.n_unreadable) == ((), 1)


@pytest.mark.parametrize("value", [None, [], "text", 7, [{"id": "a/b"}]])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(RowInvalid, match="no JSON object"):
        parse_row(value)


HOSTILE_IDS = [
    "",
    "a/b/c",
    "/a",
    "a/",
    "a--b/c",
    "a..b",
    "-a",
    "a/b.",
    "a\0/b",
    "百/模",
]


@pytest.mark.parametrize("value", [None, 7, ["a/b"], "a/" + "b" * 97, *HOSTILE_IDS])
def test_an_id_that_can_be_no_address_is_refused(value: object) -> None:
    with pytest.raises(RowInvalid, match="id"):
        parse_row({"id": value})


@pytest.mark.parametrize(
    "field",
    [
        {"downloads": -1},
        {"downloads": "12"},
        {"downloads": True},
        {"downloads": float("nan")},
        {"likes": 2**53},
        {"likes": 1.5},
        {"createdAt": "yesterday"},
        {"createdAt": "2024-13-01"},
        {"createdAt": 1709422144},
        {"createdAt": "2024-01-01\0"},
        {"license": 7},
        {"license": "m\0it"},
        {"license": "\ud800"},
        {"license": "x" * 81},
        {"tags": "base_model:a/b"},
        {"tags": [7]},
        {"tags": {"a": 1}},
        {"tags": ["license:" + "x" * 81]},
        {"tags": [f"base_model:a/b{i}" for i in range(51)]},
    ],
    ids=str,
)
def test_a_hostile_field_is_refused_with_a_reason(field: dict[str, Any]) -> None:
    with pytest.raises(RowInvalid, match=r"^(its|it names) "):
        parse_row(row(**field))


def lines_of(path: Path, *lines: str | bytes) -> Path:
    encoded = [li if isinstance(li, bytes) else li.encode() for li in lines]
    path.write_bytes(b"\n".join(encoded))
    return path


def test_lines_can_be_read_from_every_position(tmp_path: Path) -> None:
    path = lines_of(tmp_path / "d", '{"id": "a"}', "", '{"id": "b"}\r', '{"id": "c"}')
    dump = open_dump(path, form="jsonl")

    whole = list(dump.rows(0))

    assert [value for _, value in whole] == [{"id": "a"}, {"id": "b"}, {"id": "c"}]
    assert whole[-1][0] == dump.size
    for n_read, (position, _) in enumerate(whole, start=1):
        assert list(dump.rows(position)) == whole[n_read:]


def test_damaged_lines_are_skipped_with_a_reason(tmp_path: Path) -> None:
    deep = "[" * 100_000
    digits = "1" * 5000
    huge = json.dumps({"id": "x" * 3 * MAX_LINE_BYTES})
    damaged = ["{", b"\xff\xfe", deep, digits, huge]
    path = lines_of(tmp_path / "d", '{"id": "a"}', *damaged, '{"id": "b"}')
    dump = open_dump(path, form="jsonl")

    values = [value for _, value in dump.rows(0)]

    assert values[0] == {"id": "a"}
    assert [type(value) for value in values[1:-1]] == [Unreadable] * len(damaged)
    assert values[-1] == {"id": "b"}


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path, form: str) -> None:
    for path in (tmp_path, tmp_path / "none", Path("a\0b")):
        with pytest.raises(DumpUnreadable) as refused:
            open_dump(path, form=form)
        assert "\n" not in str(refused.value)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = lines_of(tmp_path / "d", b"PK\x03\x04", '{"id": "a"}')

    with pytest.raises(DumpUnreadable, match="no JSON lines"):
        open_dump(path, form="jsonl")


def test_a_byte_order_mark_is_no_damage(tmp_path: Path) -> None:
    path = lines_of(tmp_path / "d", '\ufeff{"id": "a"}', '{"id": "b"}')

    values = [value for _, value in open_dump(path, form="jsonl").rows(0)]

    assert values == [{"id": "a"}, {"id": "b"}]


def test_an_empty_file_is_an_empty_dump(tmp_path: Path) -> None:
    assert list(open_dump(lines_of(tmp_path / "d"), form="jsonl").rows(0)) == []


def test_parquet_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(DumpUnreadable, match=r"requirements-parquet\.txt"):
        open_dump(lines_of(tmp_path / "d"), form="parquet")


def test_parquet_can_be_read_from_every_position(tmp_path: Path) -> None:
    names = [f"a/m{i}" for i in range(10)]
    table = pyarrow.table(
        {"id": names, "tags": [["en"]] * 10, "siblings": [["much"]] * 10}
    )
    parquet.write_table(table, tmp_path / "d.parquet", row_group_size=4)
    dump = open_dump(tmp_path / "d.parquet", form="parquet")

    assert dump.size == 10
    for start in range(11):
        rows: list[Any] = list(dump.rows(start))
        assert [position for position, _ in rows] == list(range(start + 1, 11))
        assert [value["id"] for _, value in rows] == names[start:]
        assert all("siblings" not in value for _, value in rows)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DumpUnreadable):
        open_dump(lines_of(tmp_path / "d", "PAR1 not really"), form="parquet")
