"""What a model card says of its entry: kind, names, home page, evidence. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from registry.card import CardInvalid
from registry.vocabulary import Kind

MAX_NAME: Final = 200
MAX_TEXT: Final = 2000
MAX_ADDRESS: Final = 500
MAX_TITLE: Final = 300
MAX_LINKS: Final = 100
_MONTH: Final = re.compile(r"(?:19|20)\d{2}-(?:0[1-9]|1[0-2])", re.ASCII)


class LinkInvalid(ValueError):
    """An address that cannot stand as a link; the text says why."""


@dataclass(frozen=True)
class Evidence:
    """A page that speaks for one declared base, and its title."""

    base: str
    url: str
    title: str


@dataclass(frozen=True)
class Description:
    """What the makers say of their entry; an empty text is nothing said."""

    kind: Kind = Kind.MODEL
    name: str = ""
    name_zh: str = ""
    released: str = ""
    homepage: str = ""
    contribution: str = ""
    evidence: tuple[Evidence, ...] = ()


def read_description(metadata: Mapping[str, Any]) -> Description:
    """Return what the front matter of a card says of the entry.

    Raises CardInvalid, with what is allowed, for anything that cannot be shown.
    """
    return Description(
        kind=read_kind(metadata),
        name=_text(metadata, "baimo_name", MAX_NAME),
        name_zh=_text(metadata, "baimo_name_zh", MAX_NAME),
        released=_month(metadata),
        homepage=_address(metadata, "baimo_homepage"),
        contribution=_text(metadata, "baimo_contribution", MAX_TEXT),
        evidence=_evidence(metadata),
    )


def read_kind(metadata: Mapping[str, Any]) -> Kind:
    """Return what the entry is, a model unless said otherwise; raises CardInvalid."""
    word = _text(metadata, "baimo_kind", MAX_NAME) or Kind.MODEL
    if word not in set(Kind):
        raise CardInvalid(f"baimo_kind: use one of {', '.join(Kind)}")
    return Kind(word)


def check_link(address: str) -> str:
    """Return an https address without blanks around it; raises LinkInvalid."""
    link = address.strip()
    if len(link) > MAX_ADDRESS:
        raise LinkInvalid(f"an address has at most {MAX_ADDRESS} letters")
    if any(letter.isspace() or not letter.isprintable() for letter in link):
        raise LinkInvalid("an address holds no blanks")
    try:
        parts = urlsplit(link)
        is_web = parts.scheme == "https" and "." in (parts.hostname or "")
    except ValueError:
        is_web = False
    if not is_web or parts.username or parts.password:
        raise LinkInvalid("an address begins with https:// and names a site")
    return link


def is_month(text: str) -> bool:
    """Return whether a text is a month as the register writes it: 2026-11."""
    return _MONTH.fullmatch(text) is not None


def _text(metadata: Mapping[str, Any], key: str, limit: int) -> str:
    value = metadata.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CardInvalid(f"{key} must be a text")
    if len(text := value.strip()) > limit:
        raise CardInvalid(f"{key} has more than {limit} letters")
    return text


def _month(metadata: Mapping[str, Any]) -> str:
    month = _text(metadata, "baimo_released", MAX_NAME)
    if month and not is_month(month):
        raise CardInvalid("baimo_released must be a month such as 2026-11")
    return month


def _address(metadata: Mapping[str, Any], key: str) -> str:
    address = _text(metadata, key, MAX_ADDRESS)
    try:
        return check_link(address) if address else ""
    except LinkInvalid as error:
        raise CardInvalid(f"{key}: {error}") from error


def _evidence(metadata: Mapping[str, Any]) -> tuple[Evidence, ...]:
    items = metadata.get("baimo_evidence") or []
    if not isinstance(items, list) or not all(isinstance(i, dict) for i in items):
        raise CardInvalid(
            "baimo_evidence must be a list of items with base_model, url and title"
        )
    if len(items) > MAX_LINKS:
        raise CardInvalid(f"baimo_evidence has more than {MAX_LINKS} links")
    return tuple(
        Evidence(
            base=_text(item, "base_model", MAX_NAME),
            url=_needed(_address(item, "url"), "url"),
            title=_needed(_text(item, "title", MAX_TITLE), "title"),
        )
        for item in items
    )


def _needed(text: str, key: str) -> str:
    if not text:
        raise CardInvalid(f"baimo_evidence: an item has no {key}")
    return text
