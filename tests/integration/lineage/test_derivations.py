"""Adding derivations, and what statements make of them."""

from __future__ import annotations

import pytest

from lineage.models import Derivation
from lineage.services.derivations import (
    CycleRefused,
    SelfDerivation,
    Speech,
    add_derivation,
    say,
)
from registry.models import RegisteredModel
from registry.vocabulary import Relation, StatementKind
from tests.factories import make_model, make_revision, make_user, make_verification

DECLARED = Speech(kind=StatementKind.DECLARED)


def derive(
    child: RegisteredModel,
    parent: RegisteredModel,
    relation: Relation = Relation.SFT,
    speech: Speech = DECLARED,
) -> Derivation:
    return add_derivation(child=child, parent=parent, relation=relation, speech=speech)


def test_a_derivation_knows_its_layer_and_state() -> None:
    derivation = derive(make_model(), make_model())

    assert derivation.layer == "weights"
    assert derivation.state == StatementKind.DECLARED
    assert derivation.statements.count() == 1


def test_saying_the_same_twice_changes_nothing() -> None:
    child, parent = make_model(), make_model()

    first, second = derive(child, parent), derive(child, parent)

    assert first == second
    assert first.statements.count() == 1


def test_every_speaker_is_heard() -> None:
    child, parent = make_model(), make_model()
    derive(child, parent)

    derivation = derive(
        child, parent, speech=Speech(kind=StatementKind.DECLARED, author=make_user())
    )

    assert derivation.statements.count() == 2


def test_one_verification_speaks_once_of_a_derivation() -> None:
    child, parent = make_model(), make_model()
    speech = Speech(kind=StatementKind.VERIFIED, verification=make_verification())
    derive(child, parent)

    derive(child, parent, speech=speech)
    derivation = derive(child, parent, speech=speech)

    assert derivation.statements.count() == 2
    assert derivation.state == StatementKind.VERIFIED


def test_a_withdrawn_derivation_can_be_declared_again() -> None:
    child, parent = make_model(), make_model()
    derivation = derive(child, parent)
    say(derivation, Speech(kind=StatementKind.WITHDRAWN))
    assert not Derivation.objects.shown().exists()

    derive(child, parent)

    assert Derivation.objects.shown().get().state == StatementKind.DECLARED


def test_a_model_cannot_come_from_itself() -> None:
    model = make_model()

    with pytest.raises(SelfDerivation, match=model.slug):
        derive(model, model)


def test_a_cycle_of_weights_is_refused() -> None:
    a, b, c = make_model(), make_model(), make_model()
    derive(b, a)
    derive(c, b, Relation.CONTAINS)

    with pytest.raises(CycleRefused, match=a.slug):
        derive(a, c)

    assert Derivation.objects.count() == 2


def test_a_withdrawn_edge_closes_no_cycle_until_it_is_declared_again() -> None:
    a, b = make_model(), make_model()
    say(derive(b, a), Speech(kind=StatementKind.WITHDRAWN))

    derive(a, b)

    with pytest.raises(CycleRefused):
        derive(b, a)


def test_the_makers_are_one_speaker_whoever_pushes() -> None:
    child, parent, revision = make_model(), make_model(), make_revision()
    ann, bob = make_user(), make_user()
    said = [
        (StatementKind.DECLARED, ann),
        (StatementKind.WITHDRAWN, bob),
        (StatementKind.DECLARED, ann),
    ]

    for kind, author in said:
        speech = Speech(kind=kind, author=author, revision=revision)
        derivation = derive(child, parent, speech=speech)

    assert derivation.state == StatementKind.DECLARED
    assert derivation.statements.count() == 3


def test_ideas_may_travel_both_ways() -> None:
    a, b = make_model(), make_model()

    derive(a, b, Relation.INFLUENCED_BY)
    derive(b, a, Relation.INFLUENCED_BY)

    assert Derivation.objects.count() == 2
