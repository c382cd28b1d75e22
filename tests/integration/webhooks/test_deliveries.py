"""What is sent to webhooks, when again, and when no more."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from registry.management.commands.sweep import Sweeper
from registry.models import AuditEntry, Delivery, Organization, Webhook
from registry.models.webhooks import REST, Event
from registry.outbound import Refused
from registry.services import webhooks
from registry.services.claims import file_claim, grant, refuse
from registry.services.members import accept_invitation, invite
from registry.services.webhooks import (
    BACK_OFF,
    MAX_ATTEMPTS,
    TooManyWebhooks,
    announce,
    change_webhook,
    create_webhook,
    deliver,
    due,
    renew_secret,
    replay,
    secret_of,
    send_test,
)
from registry.vocabulary import Verdict
from tests import factories
from tests.integration.webhooks.receiver import Receiver

DATA = {"model": "acme--一"}


def send_due(*, after: timedelta = timedelta(0)) -> list[Delivery]:
    """Attempt what is due after a while, and return it as it stands then."""
    waiting = Delivery.objects.waiting()
    waiting.update(next_attempt_at=F("next_attempt_at") - after)
    Delivery.objects.update(attempted_at=F("attempted_at") - after)
    ids = [delivery.pk for delivery in due(at=timezone.now())]
    for pk in ids:
        deliver(pk)
    return list(Delivery.objects.filter(pk__in=ids))


def test_an_event_arrives_signed_and_once(
    team: Organization, made: tuple[Webhook, str], receiver: Receiver
) -> None:
    receiver.status, receiver.body = 200, b"thank you\0 \xff"

    announce(team, Event.PUSH_COMMITTED, DATA)
    [delivery] = send_due()
    again = send_due()

    [(headers, body)] = receiver.got
    [event] = receiver.events
    assert (event["type"], event["data"]) == ("push.committed", DATA)
    assert headers["webhook-id"] == delivery.event_id
    assert headers["content-type"] == "application/json"
    assert body.decode() == delivery.payload
    assert receiver.is_genuine(made[1])
    assert not receiver.is_genuine("whsec_c29tZSBvdGhlciBzZWNyZXQ=")
    assert (delivery.state, delivery.status_code) == (Delivery.State.DELIVERED, 200)
    assert delivery.answer.startswith("thank you\N{REPLACEMENT CHARACTER} ")
    assert again == []


def test_nothing_clear_of_a_secret_is_stored(made: tuple[Webhook, str]) -> None:
    webhook, secret = made

    stored = str(Webhook.objects.filter(pk=webhook.pk).values().get())

    assert secret.startswith("whsec_") and len(secret) > 40
    assert secret not in stored
    assert secret == secret_of(webhook.salt)


def test_only_those_who_want_an_event_are_told(
    team: Organization, webhook: Webhook
) -> None:
    owner = team.members.get()
    change_webhook(
        webhook, url=webhook.url, events=["member.joined"], is_active=True, by=owner
    )
    off, _ = create_webhook(team, url=webhook.url, events=Event.values, by=owner)
    change_webhook(off, url=off.url, events=Event.values, is_active=False, by=owner)

    announce(team, Event.PUSH_COMMITTED, DATA)
    announce(factories.make_organization(), Event.MEMBER_JOINED, DATA)
    assert not Delivery.objects.exists()
    announce(team, Event.MEMBER_JOINED, DATA)
    assert Delivery.objects.get().webhook == webhook


def test_what_is_rolled_back_is_not_told(team: Organization, webhook: Webhook) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        announce(team, Event.PUSH_COMMITTED, DATA)
        raise ZeroDivisionError

    assert not Delivery.objects.exists()


def test_an_unknown_event_is_a_mistake_of_ours(
    team: Organization, webhook: Webhook
) -> None:
    webhook.events = ["push.comitted"]
    webhook.save()

    with pytest.raises(ValueError, match=r"push\.comitted"):
        announce(team, "push.comitted", DATA)


def test_failures_are_tried_again_ever_later_and_then_parked(
    team: Organization, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status, receiver.body = 500, b"x" * 5000
    announce(team, Event.PUSH_COMMITTED, DATA)

    waits = []
    for wait in BACK_OFF:
        before = timezone.now()
        [delivery] = send_due(after=timedelta(days=1))
        assert delivery.state == Delivery.State.WAITING
        assert delivery.next_attempt_at is not None
        waits.append(delivery.next_attempt_at - before)
        assert wait <= waits[-1] <= 1.21 * wait
        assert due(at=timezone.now()) == []
    [delivery] = send_due(after=timedelta(days=1))

    assert (delivery.state, delivery.attempts) == (Delivery.State.PARKED, MAX_ATTEMPTS)
    assert (delivery.status_code, len(delivery.answer)) == (500, 1000)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert send_due(after=timedelta(days=9)) == []
    webhook.refresh_from_db()
    assert webhook.is_active and webhook.failing_since is not None


def test_a_receiver_that_recovers_is_no_longer_failing(
    team: Organization, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status = 503
    announce(team, Event.PUSH_COMMITTED, DATA)
    send_due()
    receiver.status = 200

    [delivery] = send_due(after=timedelta(hours=1))

    webhook.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (Delivery.State.DELIVERED, 2)
    assert webhook.failing_since is None


def test_a_receiver_may_ask_for_more_time(
    team: Organization, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "3600"}
    announce(team, Event.PUSH_COMMITTED, DATA)
    before = timezone.now()

    [delivery] = send_due()

    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at - before >= timedelta(hours=1)


def test_a_redirect_is_a_failure_and_is_not_followed(
    team: Organization, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status, receiver.headers = 307, {"Location": receiver.url}
    announce(team, Event.PUSH_COMMITTED, DATA)

    [delivery] = send_due()

    assert (delivery.state, delivery.status_code) == (Delivery.State.WAITING, 307)
    assert len(receiver.got) == 1


def test_a_receiver_that_hangs_is_given_up(
    team: Organization,
    webhook: Webhook,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhooks, "STEP_SECONDS", 0.2)
    receiver.seconds = 0.6
    announce(team, Event.PUSH_COMMITTED, DATA)

    [delivery] = send_due()

    assert (delivery.status_code, delivery.error) == (None, "timeout")


def test_an_address_that_has_become_private_is_not_asked(
    team: Organization, webhook: Webhook, receiver: Receiver, settings: Any
) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = []
    announce(team, Event.PUSH_COMMITTED, DATA)

    [delivery] = send_due()

    assert (delivery.state, delivery.error) == (Delivery.State.WAITING, "private")
    assert receiver.got == []
    with pytest.raises(Refused):
        create_webhook(team, url=webhook.url, events=[], by=team.members.get())


def test_after_days_of_failure_a_webhook_is_switched_off_and_the_owners_hear_of_it(
    team: Organization, webhook: Webhook, receiver: Receiver, settings: Any
) -> None:
    settings.EMAIL_HOST = "mail.example"
    receiver.status = 500
    announce(team, Event.PUSH_COMMITTED, DATA)
    send_due()
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=4))
    announce(team, Event.PUSH_COMMITTED, DATA)

    send_due(after=timedelta(hours=1))
    send_due(after=timedelta(hours=1))

    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.switched_off) == (False, "failing")
    [letter] = mail.outbox
    assert letter.to == ["a@b.example"]
    assert webhook.get_absolute_url() in letter.body
    off = AuditEntry.objects.get(action=AuditEntry.Action.WEBHOOK_OFF)
    assert off.subject == webhook.url
    assert Delivery.objects.filter(error="switched-off").exists()


def test_a_receiver_that_says_gone_is_switched_off_at_once(
    team: Organization, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status = 410
    announce(team, Event.PUSH_COMMITTED, DATA)

    [delivery] = send_due()

    webhook.refresh_from_db()
    assert delivery.state == Delivery.State.PARKED
    assert (webhook.is_active, webhook.switched_off) == (False, "gone")


def test_switching_on_forgets_earlier_failures(webhook: Webhook) -> None:
    webhook.is_active, webhook.switched_off = False, "failing"
    webhook.failing_since = timezone.now() - timedelta(days=9)
    webhook.save()

    owner = webhook.organization.members.get()
    change_webhook(
        webhook, url=webhook.url, events=Event.values, is_active=True, by=owner
    )

    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.switched_off) == (True, "")
    assert webhook.failing_since is None


def test_of_a_failing_receiver_one_delivery_is_tried_at_a_time(
    team: Organization, webhook: Webhook, receiver: Receiver
) -> None:
    for _ in range(5):
        announce(team, Event.PUSH_COMMITTED, DATA)
    assert len(due(at=timezone.now())) == 5

    receiver.status = 500
    deliver(due(at=timezone.now())[0].pk)

    assert due(at=timezone.now()) == []
    [next_one] = due(at=timezone.now() + REST)
    Delivery.objects.filter(pk=next_one.pk).update(
        lease_expires_at=timezone.now() + timedelta(minutes=1)
    )
    for delivery in Delivery.objects.waiting():
        deliver(delivery.pk)
    assert len(receiver.got) == 1


def test_an_attempt_that_was_killed_is_made_again(
    team: Organization, webhook: Webhook, receiver: Receiver
) -> None:
    announce(team, Event.PUSH_COMMITTED, DATA)
    delivery = Delivery.objects.get()
    delivery.lease_expires_at = timezone.now() + timedelta(seconds=30)
    delivery.save()
    assert send_due() == []

    delivery.lease_expires_at = timezone.now() - timedelta(seconds=1)
    delivery.save()

    assert [d.state for d in send_due()] == [Delivery.State.DELIVERED]


def test_a_test_event_goes_to_a_webhook_that_is_off_and_is_tried_once(
    webhook: Webhook, receiver: Receiver
) -> None:
    Webhook.objects.update(is_active=False)
    receiver.status = 500

    deliver(send_test(webhook).pk)

    delivery = Delivery.objects.get()
    webhook.refresh_from_db()
    assert receiver.events[0]["type"] == "test"
    assert (delivery.state, delivery.attempts) == (Delivery.State.PARKED, 1)
    assert webhook.failing_since is None


def test_a_replay_keeps_the_event_and_adds_to_the_log(
    team: Organization, made: tuple[Webhook, str], receiver: Receiver
) -> None:
    announce(team, Event.PUSH_COMMITTED, DATA)
    [first] = send_due()

    deliver(replay(first).pk)

    (headers, body), (headers_again, body_again) = receiver.got
    assert body == body_again
    assert headers["webhook-id"] == headers_again["webhook-id"]
    assert receiver.is_genuine(made[1])
    assert Delivery.objects.count() == 2


def test_a_new_secret_signs_beside_the_old_one_for_a_day(
    team: Organization, made: tuple[Webhook, str], receiver: Receiver
) -> None:
    webhook, old = made
    new = renew_secret(webhook, by=team.members.get())
    announce(team, Event.PUSH_COMMITTED, DATA)
    send_due()

    assert new != old
    assert receiver.is_genuine(new) and receiver.is_genuine(old)

    Webhook.objects.update(old_salt_until=timezone.now())
    announce(team, Event.PUSH_COMMITTED, DATA)
    send_due()
    assert receiver.is_genuine(new) and not receiver.is_genuine(old)


def test_an_organisation_has_so_many_webhooks_and_no_more(
    team: Organization, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_WEBHOOKS", 1)

    with pytest.raises(TooManyWebhooks):
        create_webhook(team, url=webhook.url, events=[], by=team.members.get())


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_delivery_once(
    team: Organization, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.seconds = 0.3
    announce(team, Event.PUSH_COMMITTED, DATA)
    pk = Delivery.objects.get().pk

    def work() -> None:
        deliver(pk)
        connection.close()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(receiver.got) == 1
    assert Delivery.objects.get().attempts == 1


def test_the_sweeper_rings_once_a_minute_and_forgets_what_is_old(
    team: Organization, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr("registry.tasks.deliver_webhook.delay", rung.append)
    # It would close the transaction of the test.
    monkeypatch.setattr(f"{Sweeper.__module__}.close_old_connections", lambda: None)
    announce(team, Event.PUSH_COMMITTED, DATA)
    old = replay(Delivery.objects.get())
    Delivery.objects.filter(pk=old.pk).update(
        state=Delivery.State.PARKED, created_at=timezone.now() - timedelta(days=31)
    )

    sweep = Sweeper()
    sweep()
    sweep()

    kept = Delivery.objects.get()
    assert rung == [str(kept.pk)]


def test_who_joins_is_announced(team: Organization, webhook: Webhook) -> None:
    _, key = invite(team, role="reader", email="", by=team.members.get())
    newcomer = factories.make_user()

    accept_invitation(key, newcomer)

    payload = Delivery.objects.get(event=Event.MEMBER_JOINED).payload
    assert newcomer.username in payload and '"reader"' in payload


@pytest.mark.parametrize("decide", [grant, refuse])
def test_a_decided_claim_is_announced(
    team: Organization, webhook: Webhook, decide: Any
) -> None:
    Organization.objects.filter(pk=team.pk).update(is_catalog=True)
    team.refresh_from_db()
    claimant, moderator = factories.make_user(), factories.make_user()
    claim = file_claim(team, by=claimant, link="", email="", text="We are the lab.")

    decide(claim, by=moderator, text="It is so.")

    payload = Delivery.objects.get(event=Event.CLAIM_DECIDED).payload
    claim.refresh_from_db()
    assert json.loads(payload)["data"] == {
        "organization": team.slug,
        "claimant": claimant.username,
        "state": claim.state,
        "url": f"{settings.PUBLIC_URL}{claim.get_absolute_url()}",
    }


def test_a_push_and_its_verdict_are_announced(
    team: Organization,
    webhook: Webhook,
    tmp_path: Any,
    settings: Any,
    receiver: Receiver,
) -> None:
    from tests.pushing import ZOO, push, work

    settings.STORAGE_DIR = tmp_path
    revision = push(f"{team.slug}/model", ZOO / "small-1")
    work()

    events = [delivery.event for delivery in Delivery.objects.order_by("created_at")]
    assert events == [Event.PUSH_COMMITTED, Event.VERDICT_PUBLISHED]
    for _ in events:
        send_due()
    pushed, judged = receiver.events
    assert pushed["data"]["repo"] == f"{team.slug}/model"
    assert judged["data"]["revision"] == revision.commit_id
    assert judged["data"]["verdict"] in set(Verdict)
    assert judged["data"]["url"].startswith("http://127.0.0.1:8000/models/")
