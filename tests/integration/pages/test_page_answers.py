"""The sentence that opens a model's page says no more than the verdict below it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from lineage.models import Statement
from registry.models import RegisteredModel
from tests import factories
from tests.integration.pages.conftest import comparison


def answer(client: Client, model: RegisteredModel) -> str:
    """Return the opening sentence of a model's page, links and all."""
    page = client.get(model.get_absolute_url()).content.decode()
    return " ".join(page.split('class="answer">')[1].split("</p>")[0].split())


def link(model: RegisteredModel, name: str) -> str:
    return f'<a href="{model.get_absolute_url()}">{name}</a>'


@pytest.fixture
def base(db: None) -> RegisteredModel:
    team = factories.make_organization(slug="acme")
    return factories.make_model(
        slug="acme--base", organization=team, repo_name="base", name="base"
    )


@pytest.fixture
def model(base: RegisteredModel) -> RegisteredModel:
    found = factories.make_model(name="banana", organization=base.organization)
    factories.make_revision(model=found)
    return found


def judge(model: RegisteredModel, base: RegisteredModel, **changes: Any) -> None:
    compared = comparison(**changes.pop("comparison", {}))
    factories.make_verification(
        revision=model.head, compared_with=base, comparison=compared, **changes
    )


def test_an_honest_copy_is_called_a_copy_and_no_fine_tune(
    client: Client, base: RegisteredModel, model: RegisteredModel
) -> None:
    factories.make_derivation(child=model, parent=base, state="verified")
    judge(model, base, comparison={"relation": "identical"})

    assert answer(client, model) == (
        f"<strong>banana</strong> has the same weights as {link(base, 'acme/base')}, "
        "which it declares as its base. Nothing was trained that the weights show."
    )


@pytest.mark.parametrize(
    ("verdict", "relation", "words"),
    [
        ("renamed-copy", "renamed", "has the same weights as {}, registered here"),
        ("undeclared-base", "fine-tuned", "shares training history with {}; which"),
    ],
)
def test_what_was_found_leads_and_the_declaration_is_hedged(
    client: Client,
    base: RegisteredModel,
    model: RegisteredModel,
    verdict: str,
    relation: str,
    words: str,
) -> None:
    yi = factories.make_catalog_model(name="Yi-34B")
    model.head.declarations.create(
        position=0, declared_id="yi", relation="sft", parent=yi
    )
    factories.make_derivation(child=model, parent=yi)
    judge(model, base, verdict=verdict, comparison={"relation": relation})

    said = answer(client, model)

    assert words.format(link(base, "acme/base")) in said
    assert said.endswith(
        f"It declares {link(yi, 'Yi-34B')} as its base; that is not settled."
    )


def test_a_direction_that_the_weights_show_is_said(
    client: Client, base: RegisteredModel, model: RegisteredModel
) -> None:
    judge(model, base, verdict="undeclared-base", comparison={"direction": "a->b"})

    assert answer(client, model) == (
        f"<strong>banana</strong> is a fine-tune of {link(base, 'acme/base')}. "
        "It declares no base."
    )


def test_a_finding_without_direction_claims_none_in_the_list_of_origins(
    client: Client, base: RegisteredModel, model: RegisteredModel
) -> None:
    found = factories.make_derivation(child=model, parent=base, state="found")
    relative = {"slug": base.slug, "comparison": comparison(), "explained": False}
    verification = factories.make_verification(
        revision=model.head, verdict="inconclusive", relatives=[relative]
    )
    Statement.objects.create(derivation=found, kind="found", verification=verification)

    page = client.get(model.get_absolute_url()).content.decode()

    assert "shares training history with" in page
    assert "fine-tune of" not in page


@pytest.mark.parametrize("verdict", ["", "inconclusive", "consistent"])
def test_training_from_scratch_is_a_declaration_until_it_is_confirmed(
    client: Client, model: RegisteredModel, verdict: str
) -> None:
    model.category = "base"
    model.save()
    if verdict:
        factories.make_verification(revision=model.head, verdict=verdict)

    said = answer(client, model)

    assert "declares that <strong>banana</strong> was trained from scratch." in said


@pytest.mark.parametrize("is_judged", [True, False])
def test_a_card_that_names_its_own_model_is_said_to(
    client: Client, model: RegisteredModel, is_judged: bool
) -> None:
    model.head.declarations.create(
        position=0, declared_id=model.repo_id.upper(), relation="sft"
    )
    if is_judged:
        factories.make_verification(
            revision=model.head, verdict="inconclusive", reason="declares-itself"
        )

    said = answer(client, model)

    assert said.endswith("names the model itself as its base.")
    page = client.get(model.get_absolute_url()).content.decode()
    assert "names itself" in page and "unresolved" not in page


@pytest.mark.parametrize("verdict", ["", "inconclusive"])
def test_an_older_confirmation_is_not_repeated_beside_an_open_verdict(
    client: Client, base: RegisteredModel, model: RegisteredModel, verdict: str
) -> None:
    factories.make_derivation(child=model, parent=base, state="verified")
    if verdict:
        factories.make_verification(revision=model.head, verdict=verdict)

    assert "confirm" not in answer(client, model)


def test_a_relation_other_than_the_declared_one_is_not_confirmed(
    client: Client, base: RegisteredModel, model: RegisteredModel
) -> None:
    factories.make_derivation(
        child=model, parent=base, relation="quantized", state="verified"
    )
    judge(model, base, reason="base-confirmed-relation-differs")

    assert "confirm the base and show another relation" in answer(client, model)


@pytest.mark.parametrize(
    "verdict", ["renamed-copy", "undeclared-base", "not-derived-from-declared"]
)
def test_own_work_is_not_listed_while_the_declaration_is_unsettled(
    client: Client, base: RegisteredModel, model: RegisteredModel, verdict: str
) -> None:
    model.category = "base"
    model.save()
    judge(model, base, verdict=verdict)

    page = client.get(model.get_absolute_url()).content.decode()

    assert "What they did themselves" not in page
