"""Bringing the catalog's data files into the database, as often as one likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from lineage.models import Derivation
from lineage.services.declarations import resolve_waiting
from lineage.services.derivations import Speech, add_derivation, say
from lineage.services.imports import give_way
from lineage.services.verifications import verify_again
from registry.catalog import Catalog, Entry, contribution_of
from registry.catalog import Organization as CatalogOrganization
from registry.locks import lock_register
from registry.models import HubRepo, Organization, RegisteredModel, Source
from registry.vocabulary import StatementKind


@dataclass
class Loaded:
    """What a load did: how many entries, and the slugs left to their teams."""

    n_entries: int = 0
    left_alone: list[str] = field(default_factory=list)


def load(catalog: Catalog) -> Loaded:
    """Bring a validated catalog into the database and return what was done.

    Loading twice changes nothing. What a team has registered is never overwritten;
    an edge that has left the catalog is withdrawn, not deleted.
    """
    with transaction.atomic():
        lock_register()
        organizations = {o.slug: _load_organization(o) for o in catalog.organizations}
        loaded, models = Loaded(), {}
        for entry in catalog.entries:
            model = _load_entry(entry, organizations[entry.organization])
            if model is None:
                loaded.left_alone.append(entry.slug)
            else:
                models[entry.slug] = model
        for entry in catalog.entries:
            if entry.slug in models:
                _load_derivations(entry, models)
                verify_again(resolve_waiting(models[entry.slug]))
    loaded.n_entries = len(models)
    return loaded


def _load_organization(organization: CatalogOrganization) -> Organization:
    found = Organization.objects.named(organization.slug).first()
    if found is not None and not found.is_catalog:
        return found
    found = found or Organization(slug=organization.slug, is_catalog=True)
    found.name = organization.name
    found.name_zh = organization.name_zh or ""
    found.country = organization.country or ""
    found.save()
    return found


def _load_entry(entry: Entry, organization: Organization) -> RegisteredModel | None:
    model = RegisteredModel.objects.with_slug(entry.slug).first()
    if model is None:
        model = RegisteredModel(slug=entry.slug, origin=RegisteredModel.Origin.CATALOG)
    elif model.origin != RegisteredModel.Origin.CATALOG:
        return None
    for name, value in _columns(entry).items():
        setattr(model, name, value)
    model.organization = organization
    model.save()
    _load_hub_repos(entry, model)
    model.save(update_fields=["search_text"])  # which the addresses are part of
    _load_sources(entry, model)
    return model


def _columns(entry: Entry) -> dict[str, Any]:
    contribution = contribution_of(entry)
    return {
        "kind": entry.kind.value,
        "name": entry.name,
        "name_zh": entry.name_zh or "",
        "aliases": list(entry.aliases),
        "category": entry.category.value if entry.category else "",
        "family": entry.family or "",
        "architecture": entry.architecture.value if entry.architecture else "",
        "released": entry.released or "",
        "params": entry.params,
        "license": entry.license or "",
        "open": entry.open,
        "arxiv": entry.arxiv or "",
        "claims": [_claim(claim) for claim in entry.claims],
        "facts": {
            "name_note": entry.name_note,
            "name_note_zh": entry.name_note_zh,
            "params_active": entry.params_active,
            "sizes": list(entry.sizes),
            "tokens": entry.tokens,
            "context": entry.context,
            "modality": list(entry.modality),
            "license_now": entry.license_now,
            "description": entry.description,
            "description_zh": entry.description_zh,
            "contribution": {
                "data": contribution.data.value,
                "architecture": contribution.architecture.value,
                "compute": contribution.compute.value,
            }
            if contribution
            else None,
        },
    }


def _claim(claim: Any) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in claim.__slots__}


def _load_hub_repos(entry: Entry, model: RegisteredModel) -> None:
    model.hub_repos.exclude(repo_id__in=entry.hf_repo).delete()
    for repo_id in entry.hf_repo:
        others = HubRepo.objects.filter(repo_id__lower=repo_id.lower())
        for other in others.filter(model__origin=RegisteredModel.Origin.HUB):
            give_way(other.model, to=model)
        HubRepo.objects.get_or_create(model=model, repo_id=repo_id)


def _load_sources(entry: Entry, model: RegisteredModel) -> None:
    model.sources.exclude(key__in=[source.id for source in entry.sources]).delete()
    for source in entry.sources:
        Source.objects.update_or_create(
            model=model,
            key=source.id,
            defaults={
                "title": source.title,
                "url": source.url,
                "checked": source.checked,
                "confidence": source.confidence.value,
                "covers": list(source.covers),
            },
        )


def _load_derivations(entry: Entry, models: Mapping[str, RegisteredModel]) -> None:
    child = models[entry.slug]
    sources = {source.key: source for source in child.sources.all()}
    kept = []
    for derivation in entry.derivations:
        if derivation.parent not in models:
            continue
        row = add_derivation(
            child=child,
            parent=models[derivation.parent],
            relation=derivation.relation,
            speech=Speech(
                kind=derivation.state,
                sources=[sources[key] for key in derivation.sources],
            ),
            note=(
                derivation.takes or derivation.note or "",
                derivation.takes_zh or derivation.note_zh or "",
            ),
        )
        kept.append(row.pk)
    _withdraw_dropped(child, kept)


def _withdraw_dropped(child: RegisteredModel, kept: list[int]) -> None:
    """Withdraw the edges that only the catalog spoke of and no longer does."""
    dropped = (
        Derivation.objects.filter(child=child)
        .exclude(pk__in=kept)
        .exclude(state=StatementKind.WITHDRAWN)
        .exclude(statements__revision__isnull=False)
    )
    for derivation in dropped:
        say(derivation, Speech(kind=StatementKind.WITHDRAWN))
