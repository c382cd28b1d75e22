"""A team is heard before a verdict that contradicts it can be read by others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from lineage.models import Derivation, Hearing
from lineage.receivers import on_swept
from lineage.services import disputes, hearings
from registry.models import Job, RegisteredModel, Revision
from registry.services.webhooks import create_webhook
from registry.vocabulary import StatementKind, Verdict
from tests.factories import make_membership, make_token, make_user
from tests.pushing import ZOO, push, run, work

BASE, OTHER, TUNED = ZOO / "small-1", ZOO / "small-2", ZOO / "small-1-tuned"
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def week(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> None:
    settings.STORAGE_DIR = tmp_path_factory.mktemp("files")
    settings.SIGNING_DIR = tmp_path_factory.mktemp("signing")
    settings.VERDICT_WINDOW_HOURS = 168


def judged(**card: Any) -> Revision:
    """Return a fine-tune of acme/base, judged, that declares this."""
    if not RegisteredModel.objects.in_repo("acme", "base").exists():
        push("acme/base", BASE, baimo_category="base")
        push("third/other", OTHER, baimo_category="base")
        work()
    child = push("rival/own", TUNED, **card)
    work()
    return child


def own() -> RegisteredModel:
    return RegisteredModel.objects.in_repo("rival", "own").get()


def document(client: Client, **headers: str) -> dict[str, Any]:
    """Return what the API says of the judged model."""
    answer: dict[str, Any] = client.get("/api/v1/models/rival--own/", **headers).json()  # type: ignore[arg-type]
    return answer


def member_of(model: RegisteredModel, **person: Any) -> Client:
    assert model.organization is not None
    user = make_user(**person)
    make_membership(organization=model.organization, user=user)
    client = Client()
    client.force_login(user)
    return client


def edges() -> set[tuple[str, str]]:
    found = Derivation.objects.filter(child=own())
    return set(found.values_list("parent__name", "state"))


def test_nobody_else_reads_it_in_the_window(client: Client) -> None:
    verification = judged(baimo_category="base").verifications.get()
    page = client.get("/models/rival--own/").content.decode()
    badge = client.get("/models/rival--own/badge.svg").content.decode()

    assert verification.verdict == Verdict.UNDECLARED_BASE
    assert not verification.is_public
    assert "Being checked with the team" in page
    assert "Undeclared base" not in page
    assert "undeclared" not in badge
    assert edges() == set()
    said = document(client)
    assert said["verdict"] is None
    assert said["verdict_pending_until"] is not None
    listed = client.get("/api/v1/models/?organization=rival").json()["results"]
    assert [row["verdict"] for row in listed] == [None]
    assert client.get("/api/v1/models/?verdict=undeclared-base").json()["total"] == 0
    assert client.get(verification.get_absolute_url()).status_code == 404
    for address in ("models/rival--own", f"verifications/{verification.pk}"):
        assert client.get(f"/api/v1/{address}/statement/").status_code == 404
    for address in ("/", "/feed.atom", "/models/rival--own/history/"):
        assert "Undeclared base" not in client.get(address).content.decode()


def test_the_team_reads_it_and_its_token_too(client: Client) -> None:
    verification = judged(baimo_category="base").verifications.get()
    team = own().organization
    assert team is not None
    user = make_user()
    make_membership(organization=team, user=user)
    _, key = make_token(user=user, organization=team)
    other = RegisteredModel.objects.in_repo("acme", "base").get().organization
    assert other is not None
    make_membership(organization=other, user=user)
    _, elsewhere = make_token(user=user, organization=other)

    page = member_of(own()).get("/models/rival--own/").content.decode()
    mine = document(client, HTTP_AUTHORIZATION=f"Bearer {key}")
    theirs = document(client, HTTP_AUTHORIZATION=f"Bearer {elsewhere}")

    assert "Undeclared base" in page
    assert "Only your team and the moderators see this verdict" in page
    assert f"/verifications/{verification.pk}/answer/" in page
    assert mine["verdict"]["verdict"] == Verdict.UNDECLARED_BASE
    assert mine["verdict"]["public"] is False
    assert theirs["verdict"] is None


def test_it_is_published_when_the_window_ends(client: Client) -> None:
    verification = judged(baimo_category="base").verifications.get()
    hearings.answer(verification, "We did not know.", by=make_user())

    assert hearings.publish_due(at=timezone.now() + WEEK - timedelta(hours=1)) == 0
    assert hearings.publish_due(at=timezone.now() + WEEK) == 1
    assert hearings.publish_due(at=timezone.now() + WEEK) == 0

    assert document(client)["verdict"]["verdict"] == Verdict.UNDECLARED_BASE
    assert edges() == {("base", StatementKind.FOUND)}
    page = client.get("/models/rival--own/").content.decode()
    assert "We did not know." in page
    assert client.get("/api/v1/models/rival--own/statement/").status_code == 200
    with pytest.raises(hearings.NoHearing):
        hearings.answer(verification, "Too late.", by=make_user())


def test_the_sweeper_publishes() -> None:
    judged(baimo_category="base")
    Hearing.objects.update(until=timezone.now())

    on_swept()

    assert edges() == {("base", StatementKind.FOUND)}


def test_a_declared_base_that_is_not_there_stays_declared_meanwhile() -> None:
    judged(base_model="third/other")

    assert edges() == {("other", StatementKind.DECLARED)}

    hearings.publish_due(at=timezone.now() + WEEK)

    assert ("other", StatementKind.CONTRADICTED) in edges()


def test_a_correction_clears_it_kindly(client: Client) -> None:
    first = judged(baimo_category="base").verifications.get()
    second = judged(base_model="acme/base").verifications.get()

    first.hearing.refresh_from_db()
    assert first.hearing.end == Hearing.End.CLEARED
    assert first.hearing.ended_by == second
    assert hearings.publish_due(at=timezone.now() + 2 * WEEK) == 0
    assert document(client)["verdict"]["verdict"] == Verdict.CONSISTENT
    assert "Thank you" not in client.get("/models/rival--own/").content.decode()
    assert client.get(first.get_absolute_url()).status_code == 404
    page = member_of(own()).get("/models/rival--own/").content.decode()
    assert "Thank you: the declaration now agrees with the weights" in page
    assert edges() == {("base", StatementKind.VERIFIED)}


def test_another_push_does_not_prolong_the_window() -> None:
    first = judged(baimo_category="base").verifications.get()
    second = judged(baimo_category="base", license="mit").verifications.get()

    first.hearing.refresh_from_db()
    assert first.hearing.end == Hearing.End.REPLACED
    assert second.hearing.until == first.hearing.until


def test_what_was_published_once_is_published_at_once(client: Client) -> None:
    judged(baimo_category="base")
    hearings.publish_due(at=timezone.now() + WEEK)

    again = judged(baimo_category="base", license="mit").verifications.get()

    assert again.is_public
    assert again.heard is None


def test_it_waits_while_the_model_is_judged_again() -> None:
    judged(baimo_category="base")
    corrected = push("rival/own", TUNED, base_model="acme/base")

    assert hearings.publish_due(at=timezone.now() + WEEK) == 0

    run(Job.objects.unfinished().get(revision=corrected))
    assert edges() == {("base", StatementKind.VERIFIED)}


def test_a_slow_verdict_on_what_was_corrected_is_never_published() -> None:
    judged(base_model="acme/base")
    wrong = push("rival/own", TUNED, baimo_category="base")
    right = push("rival/own", TUNED, base_model="acme/base", license="mit")
    run(right.jobs.get())

    run(wrong.jobs.get())

    assert wrong.verifications.get().verdict == Verdict.UNDECLARED_BASE
    assert hearings.publish_due(at=timezone.now() + 2 * WEEK) == 0
    assert not wrong.verifications.get().is_public
    assert edges() == {("base", StatementKind.VERIFIED)}


def test_a_team_without_members_is_not_heard() -> None:
    push("acme/base", BASE, baimo_category="base")
    work()
    copy = push("rival/own", TUNED, baimo_category="base")
    team = copy.model.organization
    assert team is not None
    team.memberships.all().delete()

    work()

    assert copy.verifications.get().is_public


@pytest.mark.django_db(transaction=True)
def test_writers_get_a_letter_in_both_languages(settings: Any) -> None:
    settings.EMAIL_HOST = "localhost"
    push("acme/base", BASE, baimo_category="base")
    work()
    child = push("rival/own", TUNED, baimo_category="base")
    team = child.model.organization
    assert team is not None
    for role in ("owner", "reader"):
        user = make_user(email=f"{role}@rival.example")
        make_membership(organization=team, user=user, role=role)

    work()

    (letter,) = mail.outbox
    assert letter.to == ["owner@rival.example"]
    assert "waits for your answer" in letter.subject
    assert "答复" in letter.body
    assert "/models/rival--own/" in letter.body


def test_programs_hear_of_it_before_and_after() -> None:
    push("acme/base", BASE, baimo_category="base")
    work()
    child = push("rival/own", TUNED, baimo_category="base")
    team = child.model.organization
    assert team is not None
    events = ["verdict.pending", "verdict.published"]
    url = "https://hooks.example/"
    hook, _ = create_webhook(team, url=url, events=events, by=make_user())

    work()
    told = hook.deliveries.order_by("created_at").values_list("event", flat=True)
    assert list(told) == ["verdict.pending"]
    hearings.publish_due(at=timezone.now() + WEEK)
    assert list(told.all()) == events


def test_a_dispute_before_publication_stays_between_team_and_moderators(
    client: Client,
) -> None:
    verification = judged(baimo_category="base").verifications.get()
    base = RegisteredModel.objects.in_repo("acme", "base").get()
    dispute = disputes.open_dispute(
        disputes.thing_of_verdict(verification),
        reason="No.",
        evidence=[],
        by=make_user(),
    )

    assert dispute.other_side() == [own().organization]
    assert client.get(dispute.get_absolute_url()).status_code == 404
    assert member_of(base).get(dispute.get_absolute_url()).status_code == 404
    assert member_of(own()).get(dispute.get_absolute_url()).status_code == 200
    assert client.get("/api/v1/disputes/").json()["total"] == 0
    assert "Contested" not in client.get("/models/rival--own/").content.decode()
    assert "disputed" not in badge_title(client)

    hearings.publish_due(at=timezone.now() + WEEK)

    assert edges() == {("base", StatementKind.DISPUTED)}
    assert "disputed" in badge_title(client)
    assert client.get(dispute.get_absolute_url()).status_code == 200


def badge_title(client: Client) -> str:
    drawing = client.get("/models/rival--own/badge.svg").content.decode()
    return drawing.split("<title>")[1].split("</title>")[0]


def test_relatives_do_not_give_it_away(client: Client) -> None:
    """A third model's verdict lists kin, but not the one that is being heard."""
    judged(baimo_category="base")
    push("fourth/one", ZOO / "small-1-more", base_model="acme/base")
    push("fourth/two", ZOO / "small-1-more-3x", base_model="acme/base")
    work()

    page = client.get("/models/fourth--two/").content.decode()
    assert "rival" not in page

    hearings.publish_due(at=timezone.now() + WEEK)
    assert "rival" in client.get("/models/fourth--two/").content.decode()
