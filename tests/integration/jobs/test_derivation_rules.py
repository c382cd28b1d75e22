"""The database's own rules about derivations."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction

from lineage.services.derivations import (
    CycleRefused,
    SelfDerivation,
    Speech,
    add_derivation,
)
from registry.vocabulary import Relation, StatementKind
from tests.factories import make_derivation, make_model

DECLARED = Speech(kind=StatementKind.DECLARED)


def test_the_database_refuses_a_model_as_its_own_parent() -> None:
    model = make_model()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_derivation(child=model, parent=model)


def test_the_database_refuses_the_same_derivation_twice() -> None:
    derivation = make_derivation()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_derivation(child=derivation.child, parent=derivation.parent)


def test_one_pair_may_have_several_relations() -> None:
    derivation = make_derivation(relation=Relation.SFT)

    make_derivation(
        child=derivation.child, parent=derivation.parent, relation=Relation.DISTILLED
    )

    assert derivation.child.derivations.count() == 2


def test_a_model_does_not_derive_from_itself() -> None:
    model = make_model()

    with pytest.raises(SelfDerivation):
        add_derivation(
            child=model, parent=model, relation=Relation.SFT, speech=DECLARED
        )


def test_a_long_way_round_is_a_cycle_too() -> None:
    models = [make_model() for _ in range(5)]
    for child, parent in pairwise(models):
        add_derivation(
            child=child, parent=parent, relation=Relation.SFT, speech=DECLARED
        )

    with pytest.raises(CycleRefused):
        add_derivation(
            child=models[-1],
            parent=models[0],
            relation=Relation.MERGE,
            speech=DECLARED,
        )


def test_ideas_may_go_round() -> None:
    one, other = make_model(), make_model()
    for child, parent in ((one, other), (other, one)):
        add_derivation(
            child=child,
            parent=parent,
            relation=Relation.INFLUENCED_BY,
            speech=DECLARED,
        )

    assert one.derivations.get().parent == other
    assert other.derivations.get().parent == one
