"""From records to the JSON shape that `catalog export` prints; no files, no Django."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from registry.catalog.schema import Catalog, Contribution, Entry, Organization
from registry.vocabulary import CATEGORY_SHARES


def export(catalog: Catalog) -> dict[str, Any]:
    """Return {"models": [...]} in JSON types, entries in the catalog's order.

    Unknown facts are null, absent lists empty; `hf_repo` is a text when there is
    one repository and a list when there are several.
    """
    organizations = {record.slug: record for record in catalog.organizations}
    return {
        "models": [
            _export_entry(entry, organizations[entry.organization])
            for entry in catalog.entries
        ]
    }


def contribution_of(entry: Entry) -> Contribution | None:
    """Return what the makers did themselves, as stated or as the category means.

    None for products and tools, which have no category.
    """
    if entry.contribution is not None or entry.category is None:
        return entry.contribution
    data, architecture, compute = CATEGORY_SHARES[entry.category]
    return Contribution(data=data, architecture=architecture, compute=compute)


def _export_entry(entry: Entry, organization: Organization) -> dict[str, Any]:
    record = asdict(entry)
    del record["where"]
    contribution = contribution_of(entry)
    return record | {
        "organization": organization.name,
        "organization_slug": organization.slug,
        "country": organization.country,
        "aliases": list(entry.aliases),
        "sizes": list(entry.sizes),
        "modality": list(entry.modality),
        "hf_repo": _one_or_many(entry.hf_repo),
        "contribution": asdict(contribution) if contribution else None,
        "derivations": [_listed(item) for item in record["derivations"]],
        "claims": [_listed(item) for item in record["claims"]],
        "sources": [
            _listed(item) | {"checked": item["checked"].isoformat()}
            for item in record["sources"]
        ],
    }


def _one_or_many(values: tuple[str, ...]) -> str | list[str] | None:
    if not values:
        return None
    return values[0] if len(values) == 1 else list(values)


def _listed(record: dict[str, Any]) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in record.items()
    }
