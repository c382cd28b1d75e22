"""The verdict's rules, one by one, and the state of a derivation."""

from __future__ import annotations

from typing import Any

import pytest

from lineage.verdict import (
    Case,
    DeclaredBase,
    Relative,
    agrees,
    decide,
    relation_found,
    state_of,
)
from registry.vocabulary import Relation, StatementKind, Verdict


def comparison(related: bool | None, **changes: Any) -> dict[str, Any]:
    """Return a comparison of the engine with what the rules look at."""
    relation = {True: "fine-tuned", False: "same-architecture", None: "inconclusive"}
    found = {
        "related": related,
        "relation": relation[related],
        "relation_set": [relation[related]],
        "direction": None,
        "log10_p": -80.0 if related else None,
        "effect": 0.9 if related else None,
        "limits": [],
    }
    return found | changes


def declared(related: bool | None, **changes: Any) -> DeclaredBase:
    """Return a declared base with weights that compare like this."""
    return DeclaredBase("acme/base", "finetune", "base", comparison(related, **changes))


def relative(
    related: bool | None,
    *,
    slug: str = "other",
    explained: bool = False,
    **changes: Any,
) -> Relative:
    """Return another model that compares like this."""
    return Relative(slug, comparison(related, **changes), explained)


def verdict_of(
    *others: Relative, bases: tuple[DeclaredBase, ...] = (), scratch: bool = False
) -> tuple[Verdict, str]:
    decision = decide(Case(declared=bases, declares_scratch=scratch, others=others))
    return decision.verdict, decision.reason


def test_a_confirmed_base_is_consistent() -> None:
    assert verdict_of(bases=(declared(True),)) == (
        Verdict.CONSISTENT,
        "declared-base-confirmed",
    )


def test_a_confirmed_base_with_another_relation_stays_consistent() -> None:
    base = declared(True, relation="cast", relation_set=["cast"])

    assert verdict_of(bases=(base,)) == (
        Verdict.CONSISTENT,
        "base-confirmed-relation-differs",
    )


def test_a_declared_base_that_the_weights_exclude_is_contradicted() -> None:
    assert verdict_of(bases=(declared(False),)) == (
        Verdict.NOT_DERIVED_FROM_DECLARED,
        "declared-base-not-found",
    )


def test_a_base_that_may_be_a_sibling_stays_consistent() -> None:
    base = declared(True, relation="siblings", relation_set=["siblings", "fine-tuned"])

    assert verdict_of(bases=(base,))[0] == Verdict.CONSISTENT


def test_one_false_base_among_true_ones_is_enough() -> None:
    bases = (declared(True), declared(False))

    assert verdict_of(bases=bases)[0] == Verdict.NOT_DERIVED_FROM_DECLARED


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        (
            DeclaredBase("acme/unknown", "finetune", None, None),
            "declared-base-not-registered",
        ),
        (
            DeclaredBase("gpt-3", "finetune", "gpt-3", None),
            "declared-base-without-weights",
        ),
        (
            DeclaredBase("me", "sft", None, None, obstacle="declares-itself"),
            "declares-itself",
        ),
        (declared(True, direction="b->a"), "direction-reversed"),
        (declared(None), "comparison-inconclusive"),
        (declared(True, relation_set=["siblings"]), "declared-base-is-sibling"),
    ],
)
def test_what_cannot_be_compared_is_inconclusive(
    base: DeclaredBase, reason: str
) -> None:
    assert verdict_of(bases=(base,)) == (Verdict.INCONCLUSIVE, reason)


def test_a_model_from_scratch_unlike_all_others_is_independent() -> None:
    assert verdict_of(relative(False), scratch=True) == (
        Verdict.INDEPENDENT,
        "nothing-found",
    )


def test_a_model_from_scratch_with_nothing_to_compare_is_inconclusive() -> None:
    assert verdict_of(relative(None), scratch=True) == (
        Verdict.INCONCLUSIVE,
        "nothing-comparable",
    )


def test_a_model_that_declares_nothing_is_never_called_independent() -> None:
    assert verdict_of(relative(False)) == (Verdict.INCONCLUSIVE, "nothing-declared")


@pytest.mark.parametrize("relation", ["identical", "renamed", "permuted", "noised"])
def test_an_undeclared_copy_is_a_renamed_copy(relation: str) -> None:
    copy = relative(True, relation=relation, log10_p=None)

    assert verdict_of(copy, scratch=True) == (
        Verdict.RENAMED_COPY,
        "copy-of-undeclared",
    )


def test_an_undeclared_relative_is_an_undeclared_base() -> None:
    assert verdict_of(relative(True), scratch=True) == (
        Verdict.UNDECLARED_BASE,
        "related-to-undeclared",
    )


def test_the_nearest_relative_is_named_first() -> None:
    far = relative(True, slug="far", log10_p=-20.0)
    near = relative(True, slug="near", log10_p=-90.0)

    decision = decide(Case(declared=(), declares_scratch=True, others=(far, near)))

    assert decision.compared_with == "near"


def test_an_explained_relative_never_makes_an_undeclared_base() -> None:
    sibling = relative(True, explained=True)

    assert verdict_of(sibling, bases=(declared(True),))[0] == Verdict.CONSISTENT


def test_a_child_of_the_model_is_not_its_base() -> None:
    child = relative(True, direction="b->a")

    assert verdict_of(child, relative(False), scratch=True)[0] == Verdict.INDEPENDENT


def test_a_weak_finding_pays_for_every_model_compared() -> None:
    """At p = 1e-7 one comparison convinces and a hundred do not."""
    weak = relative(True, log10_p=-7.0)
    many = [relative(False, slug=f"m{i}") for i in range(99)]

    assert verdict_of(weak, scratch=True)[0] == Verdict.UNDECLARED_BASE
    assert verdict_of(weak, *many, scratch=True) == (
        Verdict.INCONCLUSIVE,
        "relative-undecided",
    )


def test_a_finding_out_of_a_scan_shows_the_p_value_that_was_paid_for_it() -> None:
    weak = relative(True, log10_p=-9.0)
    many = [relative(False, slug=f"m{i}") for i in range(99)]

    decision = decide(Case(declared=(), declares_scratch=True, others=(weak, *many)))

    assert decision.verdict == Verdict.UNDECLARED_BASE
    assert decision.comparison is not None
    assert decision.comparison["log10_p"] == -7.0
    assert decision.comparison["p_value"] == pytest.approx(1e-7)
    item = decision.comparison["evidence"][-1]
    assert (item["kind"], item["value"]) == ("corrected-p", 100)
    assert item["log10_p_alone"] == -9.0


def test_a_declared_base_is_one_hypothesis_and_pays_for_nothing() -> None:
    base = declared(True, log10_p=-6.5)
    many = [relative(False, slug=f"m{i}") for i in range(99)]

    decision = decide(Case(declared=(base,), declares_scratch=False, others=many))

    assert decision.verdict == Verdict.CONSISTENT
    assert decision.comparison == base.comparison


def test_a_corrected_p_value_is_never_above_one() -> None:
    strangers = [relative(False, slug=f"m{i}", log10_p=-0.5) for i in range(9)]

    decision = decide(Case(declared=(), declares_scratch=True, others=strangers))

    assert decision.verdict == Verdict.INDEPENDENT
    assert decision.comparison is not None
    assert decision.comparison["log10_p"] == 0.0


def test_a_common_random_start_is_no_accusation() -> None:
    start = "common-initialisation"
    alike = relative(False, slug="alike", relation=start, log10_p=-0.1)
    others = [relative(False, slug="nearer", log10_p=-0.4), alike]

    nearest = decide(Case(declared=(), declares_scratch=True, others=others))

    assert (nearest.verdict, nearest.compared_with) == (Verdict.INDEPENDENT, "alike")
    assert verdict_of(bases=(declared(False, relation=start),)) == (
        Verdict.INCONCLUSIVE,
        "declared-base-same-start",
    )


def open_question(code: str, **changes: Any) -> Relative:
    """Return another model whose comparison stays open for this reason."""
    evidence = [
        {"kind": "open-question", "value": code},
        {"kind": "matched-units", "value": 9, "log10_p": changes.pop("least", -80.0)},
    ]
    return relative(None, evidence=evidence, **changes)


@pytest.mark.parametrize(
    "code", ["start-or-descent", "half-kept", "equal-norms", "few-equal-matrices"]
)
def test_what_may_be_a_relative_is_in_the_way_of_independence(code: str) -> None:
    suspect = open_question(code)

    assert verdict_of(suspect, relative(False), scratch=True) == (
        Verdict.INCONCLUSIVE,
        "relative-undecided",
    )
    later = open_question(code, explained=True)
    assert verdict_of(later, relative(False), scratch=True)[0] == Verdict.INDEPENDENT


def test_a_borderline_stranger_is_in_the_way_only_until_the_scan_is_paid() -> None:
    suspect = open_question("borderline", least=-3.0)
    many = [relative(False, slug=f"m{i}") for i in range(99)]

    few = verdict_of(suspect, relative(False), scratch=True)

    assert few == (Verdict.INCONCLUSIVE, "relative-undecided")
    assert verdict_of(suspect, *many, scratch=True)[0] == Verdict.INDEPENDENT


def test_what_cannot_be_compared_is_not_in_the_way_of_independence() -> None:
    other = open_question("not-comparable", least=0.0)

    assert verdict_of(other, relative(False), scratch=True)[0] == Verdict.INDEPENDENT


def test_a_contradicted_base_still_names_the_relative_that_was_found() -> None:
    case = Case((declared(False),), declares_scratch=False, others=(relative(True),))

    decision = decide(case)

    assert decision.verdict == Verdict.NOT_DERIVED_FROM_DECLARED
    assert decision.found is not None
    assert decision.found.slug == "other"


def test_finetune_agrees_with_every_word_that_cannot_be_excluded() -> None:
    found = comparison(True, relation_set=["fine-tuned", "continued-pretraining"])

    assert agrees("finetune", found)
    assert agrees("continued-pretraining", found)
    assert not agrees("merge", found)


def test_unrelated_models_make_no_derivation() -> None:
    assert relation_found(comparison(False)) is None
    assert relation_found(comparison(True)) == Relation.SFT


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("declared", "declared"),
        ("alleged cited", "cited"),
        ("cited declared", "declared"),
        ("declared verified", "verified"),
        ("verified contradicted", "contradicted"),
        ("contradicted verified", "verified"),
        ("found", "found"),
        ("found disputed", "disputed"),
        ("found disputed verified", "verified"),
        ("declared verified withdrawn", "withdrawn"),
        ("declared withdrawn declared", "declared"),
        ("verified declared", "verified"),
    ],
)
def test_the_state_follows_from_what_was_said(said: str, state: str) -> None:
    kinds = [StatementKind(word) for word in said.split()]

    assert state_of(kinds) == StatementKind(state)
