"""Model cards: README.md with YAML front matter, read without trusting it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_CARD_BYTES = 1024 * 1024
# What every reader of JSON takes exactly (RFC 8259 §6).
LARGEST_NUMBER = 2**53 - 1
_NOT_UTF8 = "README.md is not UTF-8 text; save it in that encoding"
_FRONT_MATTER = re.compile(r"\A﻿?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.S | re.M)


class CardInvalid(Exception):
    """A model card whose front matter cannot be read; the text says why."""


@dataclass(frozen=True)
class Card:
    """A model card: its metadata and its text in Markdown."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    body: str = ""


# Besides its own errors the YAML library lets through whatever Python raises on
# explicitly tagged values, such as "!!int ''".
_UNREADABLE = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class _PlainLoader(yaml.SafeLoader):
    """Safe YAML without aliases: a few of them can expand to gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise CardInvalid("the front matter uses YAML aliases; write values out")
        return super().compose_node(parent, index)


def parse_card(content: bytes) -> Card:
    """Return the card in a README.md.

    Raises CardInvalid when it is too large, no UTF-8, or its front matter is no
    YAML mapping.
    """
    if len(content) > MAX_CARD_BYTES:
        raise CardInvalid("README.md is larger than 1 MiB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CardInvalid(_NOT_UTF8) from error
    # UTF-16 without a mark is valid UTF-8 that declares nothing.
    if "\0" in text:
        raise CardInvalid(_NOT_UTF8)
    match = _FRONT_MATTER.match(text)
    if match is None:
        return Card(body=text)
    return Card(metadata=_parse_yaml(match.group(1)), body=text[match.end() :])


def write_card(card: Card) -> bytes:
    """Return a README.md that parse_card reads as this card."""
    front = yaml.safe_dump(dict(card.metadata), allow_unicode=True, sort_keys=False)
    return f"---\n{front}---\n{card.body}".encode()


def amended(content: bytes, fields: Mapping[str, Any]) -> bytes:
    """Return the card with these fields in its front matter; None takes one out.

    The rest of the front matter, its comments too, and the text stay as they are.
    Raises CardInvalid for a card that cannot be read.
    """
    card = parse_card(content)
    match = _FRONT_MATTER.match(content.decode("utf-8"))
    wanted = {k: v for k, v in {**card.metadata, **fields}.items() if v is not None}
    lines = _without(match.group(1) if match else "", fields)
    lines += _yaml({key: value for key, value in fields.items() if value is not None})
    try:
        is_right = _parse_yaml(lines) == wanted
    except CardInvalid:
        is_right = False
    # Front matter in braces, or the like, has no lines of its own for a field.
    front_matter = lines if is_right else _yaml(wanted)
    return f"---\n{front_matter}---\n{card.body}".encode()


def _without(front_matter: str, fields: Iterable[str]) -> str:
    """Return the lines of front matter that belong to none of these fields."""
    kept, is_kept = [], True
    for line in front_matter.replace("\r\n", "\n").splitlines(keepends=True):
        if line[0] not in " \t-#\n":
            is_kept = line.partition(":")[0].strip().strip("\"'") not in fields
        if is_kept or line[0] == "#":
            kept.append(line)
    return "".join(kept)


def _yaml(fields: Mapping[str, Any]) -> str:
    if not fields:
        return ""
    text: str = yaml.safe_dump(
        dict(fields), allow_unicode=True, sort_keys=False, width=10_000
    )
    return text


def _parse_yaml(text: str) -> Mapping[str, Any]:
    try:
        # The loader is a SafeLoader.
        metadata = yaml.load(text, Loader=_PlainLoader)
    except _UNREADABLE as error:
        line = str(error).replace("\n", " ")
        raise CardInvalid(f"the front matter is no valid YAML: {line[:200]}") from error
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise CardInvalid("the front matter must be a mapping of names to values")
    return {_plain(str(key)): _jsonable(value) for key, value in metadata.items()}


def _jsonable(value: Any) -> Any:
    """Return the value with dates and the like as text, ready for a JSON column."""
    if isinstance(value, dict):
        return {_plain(str(key)): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_jsonable(item) for item in value]
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise CardInvalid("the front matter holds a number that is too large")
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    return str(value)


def _plain(text: str) -> str:
    """Return the text without NUL and unpaired surrogates: PostgreSQL has none."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def strings(value: Any) -> list[str]:
    """Return a card field that may be one text or a list of texts as a list."""
    items = value if isinstance(value, list) else [value]
    return [text for item in items if isinstance(item, str) and (text := item.strip())]
