"""What a catalog holds, as frozen records; reading and judging them lives beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from registry.vocabulary import (
    Architecture,
    Category,
    Confidence,
    Kind,
    Layer,
    Relation,
    Share,
    StatementKind,
)

# The keys of an entry that state something about the world and need a source.
FACTS = (
    "name_zh",
    "organization",
    "family",
    "architecture",
    "released",
    "params",
    "params_active",
    "sizes",
    "tokens",
    "context",
    "modality",
    "category",
    "contribution",
    "license",
    "license_now",
    "open",
    "hf_repo",
    "arxiv",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Who makes models; `country` is an ISO 3166 code or None."""

    slug: str
    name: str
    name_zh: str | None
    country: str | None
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A document somebody can open, and the facts of one entry that it carries."""

    id: str
    title: str
    url: str
    checked: date
    confidence: Confidence
    covers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A typed claim that an entry comes from `parent`; `sources` are source ids."""

    parent: str
    layer: Layer
    relation: Relation
    state: StatementKind
    sources: tuple[str, ...]
    takes: str | None
    takes_zh: str | None
    note: str | None
    note_zh: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A wrong or imprecise statement in circulation, with the right value."""

    claim: str
    claim_zh: str | None
    article: str
    right: str
    right_zh: str | None
    why: str
    why_zh: str | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What the makers did themselves: data, architecture and method, compute."""

    data: Share
    architecture: Share
    compute: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A model, product or tool; None is unknown, `released` is "YYYY-MM".

    `params` counts the largest size, `sizes` all of them; `contribution` is stated
    only where it differs from what the category means; `name_note` tells apart
    entries that share a name; `where` is the file and line.
    """

    slug: str
    kind: Kind
    name: str
    name_zh: str | None
    name_note: str | None
    name_note_zh: str | None
    aliases: tuple[str, ...]
    organization: str
    family: str | None
    architecture: Architecture | None
    released: str | None
    params: int | None
    params_active: int | None
    sizes: tuple[int, ...]
    tokens: int | None
    context: int | None
    modality: tuple[str, ...]
    category: Category | None
    contribution: Contribution | None
    license: str | None
    license_now: str | None
    open: bool | None
    hf_repo: tuple[str, ...]
    arxiv: str | None
    description: str
    description_zh: str | None
    derivations: tuple[Derivation, ...]
    claims: tuple[Claim, ...]
    sources: tuple[Source, ...]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All organizations and entries of a directory, in the order of its files."""

    organizations: tuple[Organization, ...]
    entries: tuple[Entry, ...]
