"""The hundred models as data files, and the pure schema that reads and judges them.

    catalog = load_catalog(DATA)           raises CatalogError ("meta.yaml:12: ...")
    problems = validate(catalog, today)    an empty list when every rule holds
    document = export(catalog)             {"models": [...]}, ready for json.dumps

`data/` holds one YAML file per organization: `organization:` (slug, name, name_zh,
country) and `entries:`, whose keys are the fields of `schema.Entry`. A fact that is
not known is left out. Every fact that is stated is named in the `covers` of a source
of the same entry; derivations and claims name their sources by id.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from registry.catalog.entry_rules import check_entry, check_organization
from registry.catalog.export import contribution_of, export
from registry.catalog.fields import CatalogError
from registry.catalog.link_rules import check_links
from registry.catalog.parse import load_catalog
from registry.catalog.problems import Problem
from registry.catalog.schema import (
    Catalog,
    Claim,
    Contribution,
    Derivation,
    Entry,
    Organization,
    Source,
)

__all__ = [
    "DATA",
    "Catalog",
    "CatalogError",
    "Claim",
    "Contribution",
    "Derivation",
    "Entry",
    "Organization",
    "Problem",
    "Source",
    "contribution_of",
    "export",
    "load_catalog",
    "validate",
]

DATA: Final = Path(__file__).parent / "data"


def validate(catalog: Catalog, today: date) -> list[Problem]:
    """Return every broken rule, sorted by place; empty for a sound catalog."""
    problems = [
        problem
        for organization in catalog.organizations
        for problem in check_organization(organization)
    ]
    for entry in catalog.entries:
        problems.extend(check_entry(entry, today=today))
    problems.extend(check_links(catalog))
    return sorted(problems)
