"""The catalog's files in the database: loaded, loaded again, never over a team."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from io import StringIO

from django.core.management import call_command

from lineage.models import Derivation, Statement
from lineage.services import catalog as service
from registry.catalog import DATA, Catalog, load_catalog, validate
from registry.models import Organization, RegisteredModel, Source
from registry.services.revisions import register_model
from registry.vocabulary import StatementKind
from tests.factories import (
    make_membership,
    make_model,
    make_organization,
    make_user,
)


def catalog() -> Catalog:
    return load_catalog(DATA)


def test_loading_twice_changes_nothing() -> None:
    first = service.load(catalog())
    counts = _counts()

    second = service.load(catalog())

    assert first == second
    assert _counts() == counts
    assert first.n_entries == len(catalog().entries)


def _counts() -> list[int]:
    kinds = (RegisteredModel, Source, Derivation, Statement)
    return [kind.objects.count() for kind in kinds]


def test_every_derivation_is_loaded_with_its_sources() -> None:
    service.load(catalog())

    expected = sum(len(entry.derivations) for entry in catalog().entries)
    assert Derivation.objects.count() == expected
    assert not Statement.objects.filter(sources=None).exists()


def test_what_a_team_registered_is_left_alone() -> None:
    team = make_organization(slug="acme")
    make_model(slug="LLaMA", name="ours", organization=team)

    loaded = service.load(catalog())

    assert loaded.left_alone == ["llama"]
    assert RegisteredModel.objects.with_slug("llama").get().name == "ours"


def test_a_claimed_organisation_keeps_its_people_and_its_pushes() -> None:
    bare = replace(catalog(), entries=())
    service.load(bare)
    lab = Organization.objects.get(slug="01-ai")
    owner = make_membership(organization=lab, user=make_user())
    pushed = register_model(organization=lab, name="Yi-34B")
    Organization.objects.filter(pk=lab.pk).update(name="Another name")

    service.load(bare)

    lab.refresh_from_db()
    assert lab.memberships.get() == owner
    assert lab.models.get() == pushed
    assert pushed.slug == "01-ai--Yi-34B"
    assert lab.name != "Another name"  # which stays sourced


def test_an_edge_that_left_the_catalog_is_withdrawn() -> None:
    service.load(catalog())
    whole = catalog()
    entries = tuple(
        replace(entry, derivations=()) if entry.slug == "alpaca" else entry
        for entry in whole.entries
    )

    service.load(replace(whole, entries=entries))

    states = Derivation.objects.filter(child__slug="alpaca").values_list("state")
    assert {state for (state,) in states} == {StatementKind.WITHDRAWN}


def test_the_commands_check_and_export() -> None:
    checked, exported = StringIO(), StringIO()

    call_command("catalog", "check", stdout=checked)
    call_command("catalog", "export", stdout=exported)

    assert not validate(catalog(), date.today())
    assert "every rule holds" in checked.getvalue()
    slugs = {model["slug"] for model in json.loads(exported.getvalue())["models"]}
    assert {"gpt-3", "gopher", "chinchilla", "llama"} <= slugs
