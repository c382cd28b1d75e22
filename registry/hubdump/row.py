"""One model of a hub's dump: what its row says, or why it says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from registry.card import LARGEST_NUMBER
from registry.declaration import DEFAULT_RELATION, MAX_BASES
from registry.vocabulary import HUB_RELATIONS

MAX_LICENSE_LENGTH: Final = 80
# The hub's own rule for names, which makes owner/name and owner--name one to one.
_PART: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REPO_ID: Final = re.compile(rf"(?:{_PART}/)?{_PART}")
_BASE: Final = "base_model:"
_LICENSE: Final = "license:"


class RowInvalid(Exception):
    """A row that cannot be read; the text says why."""


class HubRow(NamedTuple):
    """What a hub says of one model; `bases` are (id, relation word) pairs.

    `created` is "YYYY-MM" or empty. A base named again, the model itself as its base
    and a base that cannot be read are left out and counted.
    """

    repo_id: str
    created: str
    downloads: int | None
    likes: int | None
    license: str
    bases: tuple[tuple[str, str], ...]
    n_repeated: int
    n_itself: int
    n_unreadable: int

    @property
    def key(self) -> str:
        """Return the id as it is compared: the hub ignores case."""
        return self.repo_id.lower()


def parse_row(row: object) -> HubRow:
    """Return what a row of a dump says; raises RowInvalid."""
    if not isinstance(row, dict):
        raise RowInvalid("it is no JSON object")
    repo_id = _first(row, "id", "modelId")
    if not isinstance(repo_id, str) or not _is_repo_id(repo_id):
        raise RowInvalid("its id is no owner/name")
    tags = _tags(row.get("tags"))
    bases, n_repeated, n_itself, n_unreadable = _bases(repo_id, tags)
    return HubRow(
        repo_id=repo_id,
        created=_month(_first(row, "createdAt", "created_at", "created")),
        downloads=_count(row, "downloads"),
        likes=_count(row, "likes"),
        license=_license(row.get("license"), tags),
        bases=bases,
        n_repeated=n_repeated,
        n_itself=n_itself,
        n_unreadable=n_unreadable,
    )


def _is_repo_id(text: str) -> bool:
    return "--" not in text and ".." not in text and bool(_REPO_ID.fullmatch(text))


def _first(row: Mapping[str, Any], *names: str) -> Any:
    """Return the first of several fields that is there; dumps name them in two ways."""
    for name in names:
        if (value := row.get(name)) is not None:
            return value
    return None


def _tags(value: Any) -> list[str]:
    tags = [] if value is None else value
    if not isinstance(tags, list) or set(map(type, tags)) - {str}:
        raise RowInvalid("its tags are no list of texts")
    return tags


def _count(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= LARGEST_NUMBER:
        raise RowInvalid(f"its {name} are no number")
    return value


def _month(value: Any) -> str:
    if value is None:
        return ""
    try:
        # Parquet has dates of its own, JSON writes them out.
        day = value if isinstance(value, date) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise RowInvalid("its date is no date") from None
    return f"{day.year:04}-{day.month:02}"


def _license(value: Any, tags: Iterable[str]) -> str:
    if value is None:
        tagged = (tag for tag in tags if tag.startswith(_LICENSE))
        value = next(tagged, "").removeprefix(_LICENSE)
    if not isinstance(value, str) or not value.isprintable():
        raise RowInvalid("its license is no text")
    if len(value) > MAX_LICENSE_LENGTH:
        raise RowInvalid(f"its license is longer than {MAX_LICENSE_LENGTH} letters")
    return value


def _bases(
    repo_id: str, tags: Iterable[str]
) -> tuple[tuple[tuple[str, str], ...], int, int, int]:
    """Return the bases that tags name, and how many were left out for which reason.

    The hub writes each base twice, with its relation and without.
    """
    typed: dict[str, tuple[str, str]] = {}
    plain: dict[str, tuple[str, str]] = {}
    n_repeated = n_unreadable = 0
    for tag in tags:
        if not tag.startswith(_BASE):
            continue
        word, has_word, base = tag.removeprefix(_BASE).rpartition(":")
        if (has_word and word not in HUB_RELATIONS) or not _is_repo_id(base):
            n_unreadable += 1
            continue
        named = typed if has_word else plain
        n_repeated += base.lower() in named
        named.setdefault(base.lower(), (base, word or DEFAULT_RELATION))
    bases = plain | typed
    itself = bases.pop(repo_id.lower(), None)
    if len(bases) > MAX_BASES:
        raise RowInvalid(f"it names more than {MAX_BASES} bases")
    return tuple(bases.values()), n_repeated, int(itself is not None), n_unreadable
