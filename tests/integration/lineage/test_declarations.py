"""What a card declares, how its ids are resolved, and what waits."""

from __future__ import annotations

from typing import Any

import pytest

from lineage.models import Declaration, Derivation
from lineage.services.declarations import (
    read_declaration,
    record_declaration,
    resolve,
    resolve_waiting,
)
from registry.models import HubRepo, RegisteredModel, Revision
from registry.vocabulary import Category, StatementKind
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


@pytest.mark.parametrize(
    ("card", "bases", "category"),
    [
        ({}, (), None),
        ({"base_model": "a/b"}, (("a/b", "finetune"),), Category.SFT),
        (
            {"base_model": ["a/b", "c/d"], "base_model_relation": "merge"},
            (("a/b", "merge"), ("c/d", "merge")),
            Category.MERGE,
        ),
        (
            {"base_model": ["a/b", "c/d"], "base_model_relation": ["sft", "contains"]},
            (("a/b", "sft"), ("c/d", "contains")),
            Category.SFT,
        ),
        (
            {"base_model": ["a/b", "c/d"], "base_model_relation": ["sft", "x", "y"]},
            (("a/b", "sft"), ("c/d", "finetune")),
            Category.SFT,
        ),
        ({"base_model": ["a/b", "a/b"]}, (("a/b", "finetune"),), Category.SFT),
        ({"base_model": 7, "baimo_category": ["base"]}, (), Category.BASE),
        ({"baimo_category": "nonsense"}, (), None),
        (
            {"base_model": "a/b", "baimo_category": "preference-tuned"},
            (("a/b", "finetune"),),
            Category.PREFERENCE_TUNED,
        ),
    ],
)
def test_a_card_is_read(
    card: dict[str, Any], bases: tuple[tuple[str, str], ...], category: Category | None
) -> None:
    declared = read_declaration(card)

    assert declared.bases == bases
    assert declared.category == category


@pytest.mark.parametrize(
    ("card", "is_from_scratch"),
    [
        ({"baimo_category": "base"}, True),
        ({"baimo_category": "retrained"}, True),
        ({"baimo_category": "base", "base_model": "a/b"}, False),
        ({"baimo_category": "sft"}, False),
        ({}, False),
    ],
)
def test_only_a_base_without_a_base_is_from_scratch(
    card: dict[str, Any], is_from_scratch: bool
) -> None:
    assert read_declaration(card).is_from_scratch == is_from_scratch


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
