"""Verdicts on really trained models, from the commit to the statement."""

from __future__ import annotations

from typing import Any

import pytest

from lineage.models import Derivation, Verification
from lineage.services.verifications import verify
from registry.fingerprint import Sketch
from registry.models import Fingerprint, Job, Membership, Organization, Revision
from registry.services import fingerprints
from registry.services.members import remove_member
from registry.vocabulary import StatementKind, Verdict
from tests.factories import make_membership, make_token, make_user
from tests.pushing import ZOO, push, run, work

BASE, OTHER, TUNED = ZOO / "small-1", ZOO / "small-2", ZOO / "small-1-tuned"


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory, settings: object) -> None:
    settings.STORAGE_DIR = tmp_path_factory.mktemp("files")  # type: ignore[attr-defined]


def verdict(revision: Revision) -> tuple[str, str]:
    """Return the current verdict on a revision and its reason."""
    newest = revision.verifications.latest("id")
    return newest.verdict, newest.reason


def state(child: str, parent: str) -> str:
    edge = Derivation.objects.get(child__name=child, parent__name=parent)
    return edge.state


def test_a_fine_tune_of_its_declared_base_is_consistent() -> None:
    push("acme/base", BASE, baimo_category="base")
    push("rival/other", OTHER, baimo_category="base")
    child = push("acme/child", TUNED, base_model="acme/base")

    work()

    assert verdict(child) == (Verdict.CONSISTENT, "declared-base-confirmed")
    assert state("child", "base") == StatementKind.VERIFIED
    newest = child.verifications.get()
    assert newest.compared_with is not None
    assert newest.compared_with.name == "base"
    assert newest.comparison["related"] is True
    assert newest.limits


def test_a_push_counts_although_its_author_leaves_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    push("acme/base", BASE, baimo_category="base")
    work()
    team = Organization.objects.get(slug="acme")
    owner = team.memberships.get().user
    membership = make_membership(
        organization=team, user=make_user(), role=Membership.Role.MAINTAINER
    )
    token, _ = make_token(user=membership.user, organization=team)
    child = push("acme/child", TUNED, author=membership.user, base_model="acme/base")
    read_weights = fingerprints.sketch_model

    def leave_and_read(*arguments: Any, **options: Any) -> Sketch:
        assert child.jobs.get().state == Job.State.RUNNING
        remove_member(membership, by=owner)
        return read_weights(*arguments, **options)

    monkeypatch.setattr(fingerprints, "sketch_model", leave_and_read)
    work()

    assert not team.memberships.filter(user=membership.user).exists()
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert child.jobs.get().state == Job.State.SUCCEEDED
    assert verdict(child) == (Verdict.CONSISTENT, "declared-base-confirmed")
    assert state("child", "base") == StatementKind.VERIFIED
    child.model.refresh_from_db()
    assert (child.model.head, child.author) == (child, membership.user)


def test_the_first_base_is_independent_once_there_is_a_second() -> None:
    first = push("acme/base", BASE, baimo_category="base")
    work()
    assert verdict(first) == (Verdict.INCONCLUSIVE, "nothing-comparable")

    second = push("rival/other", OTHER, baimo_category="base")
    work()

    assert verdict(first) == (Verdict.INDEPENDENT, "nothing-found")
    assert verdict(second) == (Verdict.INDEPENDENT, "nothing-found")


def test_who_came_first_is_not_accused_when_its_worker_was_slower() -> None:
    """The copy is fingerprinted before the base, which was pushed before it."""
    push("rival/other", OTHER, baimo_category="base")
    first = push("acme/base", BASE, baimo_category="base")
    copy = push("rival/own", BASE, baimo_category="base")
    run(copy.jobs.get())

    work()

    assert verdict(first)[0] == Verdict.INDEPENDENT
    assert verdict(copy) == (Verdict.RENAMED_COPY, "copy-of-undeclared")
    assert "registered here earlier" in " ".join(copy.verifications.latest("id").limits)


def test_a_fine_tune_that_claims_to_be_a_base_is_found() -> None:
    push("acme/base", BASE, baimo_category="base")
    child = push("rival/own", TUNED, baimo_category="base")

    work()

    assert verdict(child) == (Verdict.UNDECLARED_BASE, "related-to-undeclared")
    assert state("own", "base") == StatementKind.FOUND


def test_a_copy_under_another_name_is_found() -> None:
    push("acme/base", BASE, baimo_category="base")
    copy = push("rival/own", BASE, baimo_category="base")

    work()

    assert verdict(copy) == (Verdict.RENAMED_COPY, "copy-of-undeclared")


def test_a_false_base_is_contradicted_and_the_true_one_found() -> None:
    push("acme/base", BASE, baimo_category="base")
    push("rival/other", OTHER, baimo_category="base")
    child = push("acme/child", TUNED, base_model="rival/other")

    work()

    assert verdict(child) == (
        Verdict.NOT_DERIVED_FROM_DECLARED,
        "declared-base-not-found",
    )
    assert state("child", "other") == StatementKind.CONTRADICTED
    assert state("child", "base") == StatementKind.FOUND


def test_the_family_is_that_of_the_weights_and_not_of_a_false_declaration() -> None:
    base = push("acme/base", BASE, baimo_category="base").model
    other = push("rival/other", OTHER, baimo_category="base").model
    for model, family in ((base, "Maple"), (other, "Oak")):
        model.refresh_from_db()
        model.family = family
        model.save()
    child = push("acme/child", TUNED, base_model="rival/other").model
    child.refresh_from_db()
    assert child.family == "Oak"

    work()

    child.refresh_from_db()
    assert child.family == "Maple"


def test_siblings_of_a_declared_base_are_explained() -> None:
    push("acme/base", BASE, baimo_category="base")
    push("acme/first", TUNED, base_model="acme/base")
    second = push("rival/second", ZOO / "small-1-more", base_model="acme/base")

    work()

    assert verdict(second)[0] == Verdict.CONSISTENT
    relatives = {
        r["slug"]: r["explained"] for r in second.verifications.get().relatives
    }
    assert relatives == {"acme--first": True}


def test_a_child_waits_for_its_base_and_is_judged_when_it_comes() -> None:
    child = push("acme/child", TUNED, base_model="acme/base")
    work()
    assert verdict(child) == (Verdict.INCONCLUSIVE, "declared-base-not-registered")

    base = push("acme/base", BASE, baimo_category="base")
    work()

    assert verdict(child) == (Verdict.CONSISTENT, "declared-base-confirmed")
    assert verdict(base)[0] != Verdict.UNDECLARED_BASE
    assert child.verifications.count() == 2


def test_a_model_that_declares_itself_is_told_so() -> None:
    child = push("acme/child", TUNED, base_model="acme/child")

    work()

    assert verdict(child) == (Verdict.INCONCLUSIVE, "declares-itself")


def test_editing_a_card_does_not_make_an_original_younger_than_its_copy() -> None:
    push("rival/other", OTHER, baimo_category="base")
    push("acme/base", BASE, baimo_category="base")
    work()
    copy = push("rival/own", BASE, baimo_category="base")

    edited = push("acme/base", BASE, baimo_category="base", license="mit")
    work()

    assert verdict(edited) == (Verdict.INDEPENDENT, "nothing-found")
    assert verdict(copy) == (Verdict.RENAMED_COPY, "copy-of-undeclared")


def test_an_honest_declaration_clears_a_base_that_came_after_its_child() -> None:
    push("fan/tuned", TUNED)
    push("rival/other", OTHER, baimo_category="base")
    base = push("acme/base", BASE, baimo_category="base")
    work()
    assert verdict(base)[0] == Verdict.UNDECLARED_BASE

    child = push("fan/tuned", TUNED, base_model="acme/base")
    work()

    assert verdict(child) == (Verdict.CONSISTENT, "declared-base-confirmed")
    assert verdict(base) == (Verdict.INDEPENDENT, "nothing-found")
    assert state("tuned", "base") == StatementKind.VERIFIED
    assert state("base", "tuned") == StatementKind.WITHDRAWN


def test_a_mistaken_declaration_taken_back_harms_nobody() -> None:
    first = push("acme/first", BASE, base_model="rival/second")
    second = push("rival/second", TUNED)
    work()
    push("acme/first", BASE, baimo_category="base")
    second = push("rival/second", TUNED, base_model="acme/first")
    work()

    assert verdict(second) == (Verdict.CONSISTENT, "declared-base-confirmed")
    assert state("first", "second") == StatementKind.WITHDRAWN
    assert first.model.derivations.shown().count() == 0


def test_declarations_in_a_circle_are_told_so() -> None:
    push("acme/first", BASE, baimo_category="base")
    second = push("rival/second", TUNED, base_model="acme/first")
    first = push("acme/first", BASE, base_model="rival/second")

    work()

    assert verdict(second) == (Verdict.CONSISTENT, "declared-base-confirmed")
    assert verdict(first) == (Verdict.INCONCLUSIVE, "declaration-circular")


def test_an_old_revision_says_nothing_of_the_model_as_it_stands() -> None:
    push("acme/base", BASE, baimo_category="base")
    push("rival/other", OTHER, baimo_category="base")
    old = push("acme/child", TUNED, base_model="rival/other")
    new = push("acme/child", TUNED, base_model="acme/base")
    run(new.jobs.get())

    work()

    assert verdict(old)[0] == Verdict.NOT_DERIVED_FROM_DECLARED
    assert state("child", "base") == StatementKind.VERIFIED
    assert state("child", "other") == StatementKind.WITHDRAWN


def test_a_base_without_weights_is_named_as_the_reason() -> None:
    child = push("acme/child", TUNED, base_model="acme/base")
    work()

    push("acme/base", None)
    work()

    assert verdict(child) == (Verdict.INCONCLUSIVE, "declared-base-without-weights")


def test_without_weights_nothing_can_be_verified() -> None:
    revision = push("acme/empty", None, base_model="acme/base")

    assert verdict(revision) == (Verdict.NOT_VERIFIABLE, "no-weights")
    assert not Job.objects.exists()


def test_a_job_done_twice_gives_one_fingerprint_and_one_verdict() -> None:
    revision = push("acme/base", BASE, baimo_category="base")
    job = Job.objects.get()
    run(job)
    fingerprint = Fingerprint.objects.get()

    run(job)
    again = verify(fingerprint, job=job, report=lambda: None)

    assert Fingerprint.objects.count() == 1
    assert Verification.objects.get() == again
    assert revision.jobs.get().state == Job.State.SUCCEEDED


def test_a_new_card_needs_no_second_reading_of_the_weights() -> None:
    push("acme/base", BASE, baimo_category="base")
    work()
    first = Fingerprint.objects.get()

    push("acme/base", BASE, baimo_category="base", license="mit")
    work()

    second = Fingerprint.objects.latest("id")
    assert second != first
    assert bytes(second.sketch) == bytes(first.sketch)
    assert second.seconds < first.seconds


def test_the_same_push_twice_makes_no_second_revision() -> None:
    first = push("acme/base", BASE, baimo_category="base")

    second = push("acme/base", BASE, baimo_category="base")

    assert first == second
    assert Job.objects.count() == 1
