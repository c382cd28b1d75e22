"""From data files to records: one file per organization; judging lives elsewhere."""

from __future__ import annotations

from pathlib import Path

from registry.catalog.fields import CatalogError, Fields, read_yaml
from registry.catalog.schema import (
    Catalog,
    Claim,
    Contribution,
    Derivation,
    Entry,
    Organization,
    Source,
)
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


def load_catalog(directory: Path) -> Catalog:
    """Return the catalog in the *.yaml files of a directory, files by name.

    Raises CatalogError, with file and line, for what cannot be read.
    """
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        raise CatalogError(str(directory), 1, "the directory holds no *.yaml file")
    files = [_read_file(path) for path in paths]
    return Catalog(
        organizations=tuple(organization for organization, _ in files),
        entries=tuple(entry for _, entries in files for entry in entries),
    )


def _read_file(path: Path) -> tuple[Organization, tuple[Entry, ...]]:
    fields = read_yaml(path)
    organization = fields.record("organization", _read_organization)
    if organization is None:
        raise fields.refuse("organization is missing")
    entries = fields.records(
        "entries", lambda entry: _read_entry(entry, organization=organization.slug)
    )
    fields.finish()
    return organization, entries


def _read_organization(fields: Fields) -> Organization:
    return Organization(
        slug=fields.text("slug"),
        name=fields.text("name"),
        name_zh=fields.optional_text("name_zh"),
        country=fields.optional_text("country"),
        where=fields.where,
    )


def _read_entry(fields: Fields, *, organization: str) -> Entry:
    return Entry(
        slug=fields.text("slug"),
        kind=fields.word("kind", Kind),
        name=fields.text("name"),
        name_zh=fields.optional_text("name_zh"),
        name_note=fields.optional_text("name_note"),
        name_note_zh=fields.optional_text("name_note_zh"),
        aliases=fields.texts("aliases"),
        organization=organization,
        family=fields.optional_text("family"),
        architecture=fields.optional_word("architecture", Architecture),
        released=fields.optional_text("released"),
        params=fields.whole_number("params"),
        params_active=fields.whole_number("params_active"),
        sizes=fields.whole_numbers("sizes"),
        tokens=fields.whole_number("tokens"),
        context=fields.whole_number("context"),
        modality=fields.texts("modality"),
        category=fields.optional_word("category", Category),
        contribution=fields.record("contribution", _read_contribution),
        license=fields.optional_text("license"),
        license_now=fields.optional_text("license_now"),
        open=fields.flag("open"),
        hf_repo=fields.texts("hf_repo"),
        arxiv=fields.optional_text("arxiv"),
        description=fields.text("description"),
        description_zh=fields.optional_text("description_zh"),
        derivations=fields.records("derivations", _read_derivation),
        claims=fields.records("claims", _read_claim),
        sources=fields.records("sources", _read_source),
        where=fields.where,
    )


def _read_contribution(fields: Fields) -> Contribution:
    return Contribution(
        data=fields.word("data", Share),
        architecture=fields.word("architecture", Share),
        compute=fields.word("compute", Share),
    )


def _read_derivation(fields: Fields) -> Derivation:
    return Derivation(
        parent=fields.text("parent"),
        layer=fields.word("layer", Layer),
        relation=fields.word("relation", Relation),
        state=fields.word("state", StatementKind),
        sources=fields.texts("sources"),
        takes=fields.optional_text("takes"),
        takes_zh=fields.optional_text("takes_zh"),
        note=fields.optional_text("note"),
        note_zh=fields.optional_text("note_zh"),
    )


def _read_claim(fields: Fields) -> Claim:
    return Claim(
        claim=fields.text("claim"),
        claim_zh=fields.optional_text("claim_zh"),
        article=fields.text("article"),
        right=fields.text("right"),
        right_zh=fields.optional_text("right_zh"),
        why=fields.text("why"),
        why_zh=fields.optional_text("why_zh"),
        sources=fields.texts("sources"),
    )


def _read_source(fields: Fields) -> Source:
    return Source(
        id=fields.text("id"),
        title=fields.text("title"),
        url=fields.text("url"),
        checked=fields.day("checked"),
        confidence=fields.word("confidence", Confidence),
        covers=fields.texts("covers"),
    )
