"""What moderators see of disputes, and what the pages say to everybody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lineage.models import Dispute
from lineage.services.disputes import MAX_OPEN, Contested, open_dispute
from tests import factories
from tests.integration.pages.conftest import World, read


@pytest.fixture
def moderator() -> User:
    return factories.make_user(is_staff=True)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def contested(world: World, **overrides: Any) -> Dispute:
    """Return a dispute of the stranger's on a fact of the team's model."""
    thing = Contested(model=world.model, fact="params")
    dispute = open_dispute(
        thing, reason="There are fewer.", evidence=[], by=world.stranger
    )
    Dispute.objects.filter(pk=dispute.pk).update(**overrides)
    return dispute


def test_an_empty_list_says_how_to_begin(client: Client) -> None:
    assert "Nothing has been contested yet." in read(client, "/disputes/")
    assert "No dispute is like that." in read(client, "/disputes/?state=upheld")


@pytest.mark.parametrize(
    "query",
    ["state=nonsense", "about=%00", "model=%0a", "page=99", "about=fact&page=x"],
)
def test_bad_filters_are_no_fault_of_ours(client: Client, query: str) -> None:
    assert client.get(f"/disputes/?{query}").status_code in {200, 400}


@pytest.mark.parametrize(
    "query",
    ["", "verdict=99999", f"edge={10**30}", "edge=x", "fact=params", "model=%00"],
)
def test_nothing_to_contest_is_not_found(world: World, query: str) -> None:
    answer = signed_in(world.stranger).get(f"/disputes/new/?{query}")

    assert answer.status_code in {400, 404}


def test_moderators_see_what_is_overdue_first(world: World, moderator: User) -> None:
    late = contested(world, answer_until=timezone.now() - timedelta(days=1))
    fresh = factories.make_dispute()

    page = read(signed_in(moderator), reverse("registry:moderation"))

    assert page.index(f"Dispute {late.pk}<") < page.index(f"Dispute {fresh.pk}<")
    assert "Overdue: nobody has answered in time" in page


def test_a_moderator_decides(world: World, moderator: User) -> None:
    dispute = contested(world, state="answered")
    desk = signed_in(moderator)
    address = f"/disputes/{dispute.pk}/decide/"

    without = desk.post(address, {"outcome": "upheld", "reasons": "So it is."})
    assert without.status_code == 422
    assert "Say what takes its place." in without.content.decode()
    assert "So it is." in without.content.decode()

    given = {"right": "6B", "source": "https://example.org/", "reasons": "Seen."}
    assert desk.post(address, {"outcome": "upheld", **given}).status_code == 302
    dispute.refresh_from_db()
    assert dispute.state == "upheld"
    assert desk.post(address, {"outcome": "rejected", **given}).status_code == 302
    dispute.refresh_from_db()
    assert dispute.state == "upheld"


def test_a_side_with_time_left_is_heard_first(world: World, moderator: User) -> None:
    dispute = contested(world)
    given = {"right": "6B", "source": "https://example.org/", "reasons": "Seen."}

    refused = signed_in(moderator).post(
        f"/disputes/{dispute.pk}/decide/", {"outcome": "upheld", **given}
    )

    assert refused.status_code == 422
    assert "until then, only reject" in refused.content.decode()


def test_nobody_decides_in_their_own_cause(world: World) -> None:
    User.objects.filter(pk__in=[world.owner.pk, world.stranger.pk]).update(
        is_staff=True
    )
    dispute = contested(world, state="answered")
    decision = {"outcome": "rejected", "reasons": "No."}

    for name in (world.owner.username, world.stranger.username):
        judge = signed_in(User.objects.get(username=name))
        answer = judge.post(f"/disputes/{dispute.pk}/decide/", decision)
        assert answer.status_code == 403


def test_nothing_typed_is_lost(world: World) -> None:
    opener = signed_in(world.stranger)
    address = f"/disputes/new/?model={world.model.slug}&fact=params"
    typed = {"text": "There are fewer.", "evidence": "javascript:alert(1)"}

    answer = opener.post(address, typed)

    assert answer.status_code == 422
    assert "There are fewer." in answer.content.decode()
    assert "is no address" in answer.content.decode()


def test_who_contests_too_much_is_told_so(world: World) -> None:
    for _ in range(MAX_OPEN):
        factories.make_dispute(opened_by=world.stranger)

    answer = signed_in(world.stranger).post(
        f"/disputes/new/?model={world.model.slug}&fact=params", {"text": "So."}
    )

    assert answer.status_code == 422
    assert "Wait for a decision" in answer.content.decode()


def test_a_team_sees_what_waits_for_it(world: World) -> None:
    dispute = contested(world)

    page = read(signed_in(world.reader), world.organization.get_absolute_url())
    assert "Waiting for your answer" in page
    assert f"Dispute {dispute.pk}<" in page
    outside = read(signed_in(world.stranger), world.organization.get_absolute_url())
    assert "Waiting for your answer" not in outside


def test_html_in_a_dispute_is_text(client: Client, world: World) -> None:
    dispute = open_dispute(
        Contested(model=world.model, fact="params"),
        reason="<script>alert(1)</script>",
        evidence=["https://example.org/?a=1&b=<i>"],
        by=world.stranger,
    )

    page = read(client, dispute.get_absolute_url())

    assert "<script>alert" not in page
    assert "<i>" not in page
