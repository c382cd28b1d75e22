"""The rules that judge one entry alone; links between entries live beside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date

from registry.catalog.problems import Problem
from registry.catalog.schema import FACTS, Entry, Organization
from registry.vocabulary import (
    CATALOG_STATES,
    FROM_SCRATCH,
    RELATION_LAYER,
    Kind,
    Layer,
    StatementKind,
    is_reserved,
)

_SLUG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])", re.ASCII)
_ARXIV = re.compile(r"\d{4}\.\d{4,5}", re.ASCII)
_REPO = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
UNSETTLED = frozenset({StatementKind.ALLEGED, StatementKind.DISPUTED})
_DERIVED_LAYERS = frozenset(
    {Layer.WEIGHTS, Layer.COMPONENT, Layer.OUTPUTS, Layer.SERVICE}
)


def check_organization(organization: Organization) -> Iterator[Problem]:
    """Yield what is wrong with an organization's slug or country."""
    yield from _check_slug(organization.slug, organization.where)
    country = organization.country
    if country is not None and not _COUNTRY.fullmatch(country):
        yield Problem(
            f"{organization.where} country",
            f"{country!r} is not a two-letter country code",
        )


def check_entry(entry: Entry, *, today: date) -> Iterator[Problem]:
    """Yield what is wrong with one entry, whatever the others say."""
    yield from _check_slug(entry.slug, entry.where)
    yield from _check_forms(entry)
    yield from _check_counts(entry)
    yield from _check_dates(entry, today=today)
    yield from _check_category(entry)
    yield from _check_derivations(entry)
    yield from _check_coverage(entry)
    yield from _check_sources(entry)


def _at(entry: Entry, key: str) -> str:
    return f"{entry.where} {entry.slug}.{key}"


def _check_slug(slug: str, where: str) -> Iterator[Problem]:
    path = f"{where} slug"
    if not _SLUG.fullmatch(slug):
        yield Problem(
            path,
            f"{slug!r} must hold only letters, digits, '.', '_' and '-', "
            "and begin and end with a letter or digit",
        )
    if "--" in slug:
        yield Problem(path, f"{slug!r} holds '--', which belongs to pushed models")
    if is_reserved(slug):
        yield Problem(path, f"{slug!r} is a reserved name")


def _check_forms(entry: Entry) -> Iterator[Problem]:
    if entry.arxiv is not None and not _ARXIV.fullmatch(entry.arxiv):
        yield Problem(_at(entry, "arxiv"), f"{entry.arxiv!r} is no arXiv number")
    for repo in entry.hf_repo:
        if not _REPO.fullmatch(repo):
            yield Problem(_at(entry, "hf_repo"), f"{repo!r} is not owner/name")
    for source in entry.sources:
        if not source.url.startswith(("https://", "http://")):
            yield Problem(
                _at(entry, f"sources.{source.id}"), f"{source.url!r} is no web address"
            )


def _check_counts(entry: Entry) -> Iterator[Problem]:
    for key in ("params", "params_active", "tokens", "context"):
        value = getattr(entry, key)
        if value is not None and value <= 0:
            yield Problem(_at(entry, key), f"{value} is not a positive number")
    if entry.params_active and entry.params_active > (entry.params or 0):
        yield Problem(
            _at(entry, "params_active"), "more parameters are active than there are"
        )
    if entry.sizes and entry.params != max(entry.sizes):
        yield Problem(_at(entry, "params"), "params must be the largest of the sizes")


def _check_dates(entry: Entry, *, today: date) -> Iterator[Problem]:
    if entry.released is not None:
        if not _MONTH.fullmatch(entry.released):
            yield Problem(
                _at(entry, "released"), f"{entry.released!r} is not a month YYYY-MM"
            )
        elif entry.released > f"{today:%Y-%m}":
            yield Problem(_at(entry, "released"), f"{entry.released} is in the future")
    for source in entry.sources:
        if source.checked > today:
            yield Problem(
                _at(entry, f"sources.{source.id}"), f"{source.checked} is in the future"
            )


def _check_category(entry: Entry) -> Iterator[Problem]:
    path = _at(entry, "category")
    if entry.kind != Kind.MODEL:
        if entry.category is not None:
            yield Problem(path, f"a {entry.kind} has no category")
        return
    # What is alleged or contested does not change what a model is.
    layers = {
        derivation.layer
        for derivation in entry.derivations
        if derivation.state not in UNSETTLED
    }
    if entry.category is None:
        yield Problem(path, "a model needs a category")
    elif entry.category in FROM_SCRATCH:
        if Layer.WEIGHTS in layers:
            yield Problem(path, f"a {entry.category} model inherits no weights")
    elif not layers & _DERIVED_LAYERS:
        yield Problem(path, f"{entry.category} needs a parent that it derives from")


def _check_derivations(entry: Entry) -> Iterator[Problem]:
    for number, derivation in enumerate(entry.derivations):
        path = _at(entry, f"derivations[{number}]")
        layer = RELATION_LAYER[derivation.relation]
        if derivation.layer != layer:
            yield Problem(
                path, f"{derivation.relation} is of {layer}, not {derivation.layer}"
            )
        if derivation.state not in CATALOG_STATES:
            yield Problem(path, f"a catalog cannot state {derivation.state}")
        if not derivation.sources:
            yield Problem(path, "the derivation has no source")
    pairs = Counter((link.parent.lower(), link.relation) for link in entry.derivations)
    for (parent, relation), times in pairs.items():
        if times > 1:
            yield Problem(
                _at(entry, "derivations"), f"{relation} of {parent} is stated twice"
            )


def stated_facts(entry: Entry) -> frozenset[str]:
    """Return the keys of FACTS that an entry states."""
    return frozenset(
        key
        for key in FACTS
        if getattr(entry, key) is not None and getattr(entry, key) != ()
    )


def _check_coverage(entry: Entry) -> Iterator[Problem]:
    stated = stated_facts(entry)
    covered = {key for source in entry.sources for key in source.covers}
    for key in FACTS:
        if key in stated and key not in covered:
            yield Problem(_at(entry, key), f"no source covers {key}")
    for number, claim in enumerate(entry.claims):
        if not claim.sources:
            yield Problem(_at(entry, f"claims[{number}]"), "the claim has no source")
    for source in entry.sources:
        for key in source.covers:
            if key not in stated:
                yield Problem(
                    _at(entry, f"sources.{source.id}"),
                    f"it covers {key}, which the entry does not state",
                )


def _check_sources(entry: Entry) -> Iterator[Problem]:
    ids = Counter(source.id for source in entry.sources)
    cited = [
        *(source_id for link in entry.derivations for source_id in link.sources),
        *(source_id for claim in entry.claims for source_id in claim.sources),
    ]
    for source_id, times in ids.items():
        if times > 1:
            yield Problem(_at(entry, f"sources.{source_id}"), "the id is used twice")
    for source_id in dict.fromkeys(cited):
        if source_id not in ids:
            yield Problem(_at(entry, "sources"), f"there is no source {source_id!r}")
    for source in entry.sources:
        if not source.covers and source.id not in cited:
            yield Problem(
                _at(entry, f"sources.{source.id}"), "nothing refers to this source"
            )
