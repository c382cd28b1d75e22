"""What a card declares, how its ids are resolved, and what waits."""

from __future__ import annotations

from typing import Any

from lineage.models import Declaration, Derivation
from lineage.services.declarations import record_declaration, resolve_waiting
from registry.models import HubRepo, RegisteredModel, Revision
from registry.naming import resolve
from registry.vocabulary import StatementKind
from tests.factories import (
    make_catalog_model,
    make_model,
    make_organization,
    make_revision,
)


def commit(model: RegisteredModel, **card: Any) -> Revision:
    """Return the model's new head, whose card has been read."""
    revision = make_revision(model=model, card=card)
    record_declaration(revision)
    return revision


def pushed(team: str, name: str) -> RegisteredModel:
    organization = make_organization(slug=team)
    return make_model(
        organization=organization, repo_name=name, slug=f"{team}--{name}", name=name
    )


def test_a_team_model_comes_before_a_hub_address_and_a_slug() -> None:
    catalog = make_catalog_model(slug="llama")
    HubRepo.objects.create(model=catalog, repo_id="Meta/Llama")
    assert resolve("meta/llama") == catalog
    assert resolve("LLAMA") == catalog

    ours = pushed("Meta", "LLaMA")

    assert resolve("meta/llama") == ours
    assert resolve("llama") == catalog
    assert resolve("nobody/nothing") is None


def test_a_declared_base_becomes_a_derivation() -> None:
    base, child = pushed("acme", "base"), make_model()

    commit(child, base_model="acme/base", base_model_relation="continued-pretraining")

    derivation = Derivation.objects.get()
    assert (derivation.child, derivation.parent) == (child, base)
    assert derivation.relation == "continued-pretraining"
    assert derivation.state == StatementKind.DECLARED


def test_an_unknown_base_is_kept_and_resolved_when_it_comes() -> None:
    child = make_model()
    revision = commit(child, base_model="acme/later")
    assert Declaration.objects.get().parent is None
    assert not Derivation.objects.exists()

    later = pushed("acme", "later")
    affected = resolve_waiting(later)

    assert affected == [revision]
    assert Declaration.objects.get().parent == later
    assert Derivation.objects.get().parent == later


def test_a_model_that_names_itself_stays_unresolved() -> None:
    model = pushed("acme", "me")

    commit(model, base_model="acme/me")

    assert Declaration.objects.get().parent is None
    assert not Derivation.objects.exists()


def test_a_circular_declaration_is_kept_without_an_edge() -> None:
    a, b = pushed("acme", "a"), pushed("other", "b")
    commit(a, base_model="other/b")

    commit(b, base_model="acme/a")

    assert b.head.declarations.get().parent == a
    assert Derivation.objects.get().child == a


def test_a_base_that_is_named_no_more_is_withdrawn() -> None:
    pushed("acme", "one"), pushed("acme2", "two")
    child = make_model()
    commit(child, base_model="acme/one")

    commit(child, base_model="acme2/two")

    states = dict(Derivation.objects.values_list("parent__name", "state"))
    assert states == {"one": "withdrawn", "two": "declared"}


def test_the_family_is_inherited() -> None:
    base, child = pushed("acme", "base"), make_model()
    base.family = "LLaMA"
    base.save()

    commit(child, base_model="acme/base")

    child.refresh_from_db()
    assert child.family == "LLaMA"
