"""Telling an organisation's programs what happened: webhooks and their deliveries.

Signed as https://www.standardwebhooks.com/ asks.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from registry import outbound
from registry.mail import send_webhook_off
from registry.models import AuditEntry, Delivery, Organization, Webhook
from registry.models.webhooks import TEST_EVENT, Event
from registry.services.audit import record

log = structlog.get_logger("baimo.webhooks")
Action = AuditEntry.Action
State = Delivery.State

# How long after each failure the next attempt is made; after the last there is none.
BACK_OFF: Final = tuple(
    timedelta(seconds=seconds) for seconds in (30, 300, 1800, 7200, 21600)
)
MAX_ATTEMPTS: Final = len(BACK_OFF) + 1
LONGEST_WAIT: Final = timedelta(hours=6)
SWITCH_OFF_AFTER: Final = timedelta(days=3)
OLD_SECRET_FOR: Final = timedelta(days=1)
KEPT_FOR: Final = timedelta(days=30)
MAX_WEBHOOKS: Final = 20
STEP_SECONDS: Final = 5.0
ATTEMPT_SECONDS: Final = 10.0
LEASE: Final = timedelta(seconds=60)
ANSWER_BYTES: Final = 1000
GONE: Final = 410

# Why a delivery is given up, or a webhook off, where nobody answered wrongly.
SWITCHED_OFF: Final = "switched-off"
SAID_GONE: Final = "gone"
FAILED_FOR_DAYS: Final = "failing"


class TooManyWebhooks(Exception):
    """The organisation has as many webhooks as one may have."""


@dataclass(frozen=True)
class Answer:
    """What came of an attempt: a status with the beginning of a body, or an error."""

    status: int | None = None
    body: str = ""
    error: str = ""
    retry_after: timedelta = timedelta(0)

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def announce(organization: Organization, event: str, data: dict[str, Any]) -> None:
    """Have every webhook of an organisation that wants the event told of it.

    The deliveries are rows of the caller's transaction: they are there if and only if
    what they tell is. The sweeper rings for them. Without webhooks nothing happens.
    """
    hooks = organization.webhooks.filter(is_active=True)
    wanting = [hook for hook in hooks if event in hook.events]
    if not wanting:
        return
    event_id, payload = _new_event_id(), _payload(Event(event).value, data)
    Delivery.objects.bulk_create(
        _delivery(hook, event_id, event, payload) for hook in wanting
    )


def create_webhook(
    organization: Organization,
    *,
    url: str,
    events: Sequence[str],
    by: User,
    is_active: bool = True,
) -> tuple[Webhook, str]:
    """Return a new webhook and its secret, which is shown once.

    Raises TooManyWebhooks, and outbound.Refused for an address that is never asked.
    """
    outbound.check_literal(url, settings.OUTBOUND_PRIVATE_NETWORKS)
    with transaction.atomic():
        locked = Organization.objects.select_for_update().get(pk=organization.pk)
        if locked.webhooks.count() >= MAX_WEBHOOKS:
            raise TooManyWebhooks
        webhook = Webhook.objects.create(
            organization=organization,
            url=url,
            events=_in_order(events),
            is_active=is_active,
            salt=Webhook.new_salt(),
            created_by=by,
        )
        record(organization, Action.WEBHOOK_MADE, actor=by, subject=_subject(webhook))
    return webhook, secret_of(webhook.salt)


def change_webhook(
    webhook: Webhook, *, url: str, events: Sequence[str], is_active: bool, by: User
) -> None:
    """Give a webhook another address, other events, or switch it on or off.

    Raises outbound.Refused. Switching on forgets earlier failures.
    """
    outbound.check_literal(url, settings.OUTBOUND_PRIVATE_NETWORKS)
    is_new_start = url != webhook.url or (is_active and not webhook.is_active)
    webhook.url, webhook.events = url, _in_order(events)
    webhook.is_active = is_active
    if is_new_start:
        webhook.failing_since, webhook.switched_off = None, ""
    with transaction.atomic():
        webhook.save()
        organization = webhook.organization
        subject = _subject(webhook)
        record(organization, Action.WEBHOOK_CHANGED, actor=by, subject=subject)


def renew_secret(webhook: Webhook, *, by: User) -> str:
    """Return a new secret; the old one signs beside it for a day."""
    webhook.old_salt, webhook.salt = webhook.salt, Webhook.new_salt()
    webhook.old_salt_until = timezone.now() + OLD_SECRET_FOR
    with transaction.atomic():
        webhook.save(update_fields=["salt", "old_salt", "old_salt_until"])
        organization = webhook.organization
        subject = _subject(webhook)
        record(organization, Action.WEBHOOK_SECRET, actor=by, subject=subject)
    return secret_of(webhook.salt)


def remove_webhook(webhook: Webhook, *, by: User) -> None:
    """Remove a webhook with its log."""
    with transaction.atomic():
        organization, subject = webhook.organization, _subject(webhook)
        record(organization, Action.WEBHOOK_REMOVED, actor=by, subject=subject)
        webhook.delete()


def send_test(webhook: Webhook) -> Delivery:
    """Return a delivery of a test event, to a webhook that is switched off too."""
    data = {"organization": webhook.organization.slug}
    payload = _payload(TEST_EVENT, data)
    delivery = _delivery(webhook, _new_event_id(), TEST_EVENT, payload)
    delivery.save()
    return delivery


def replay(delivery: Delivery) -> Delivery:
    """Return a new delivery of the same event, under the id of that event."""
    again = _delivery(
        delivery.webhook, delivery.event_id, delivery.event, delivery.payload
    )
    again.save()
    return again


def secret_of(salt: str) -> str:
    """Return the secret that belongs to a salt, as receivers' libraries read it."""
    return "whsec_" + base64.b64encode(_key_of(salt)).decode()


def signatures(webhook: Webhook, event_id: str, timestamp: int, payload: str) -> str:
    """Return the value of `webhook-signature`: one signature, or two after a change."""
    salts = [webhook.salt]
    until = webhook.old_salt_until
    if webhook.old_salt and until is not None and until > timezone.now():
        salts.append(webhook.old_salt)
    signed = f"{event_id}.{timestamp}.{payload}".encode()
    digests = [hmac.digest(_key_of(salt), signed, "sha256") for salt in salts]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def deliver(delivery_id: uuid.UUID) -> None:
    """Make one attempt at a delivery, unless somebody else does or it is not due."""
    delivery = _claim(delivery_id)
    if delivery is None:
        return
    webhook = delivery.webhook
    if not webhook.is_active and delivery.event != TEST_EVENT:
        _finish(delivery, State.PARKED, Answer(error=SWITCHED_OFF))
        return
    answer = _post(delivery)
    log.info(
        "webhook",
        delivery=str(delivery.pk),
        status=answer.status,
        error=answer.error,
        attempts=delivery.attempts,
    )
    if answer.is_good:
        _finish(delivery, State.DELIVERED, answer)
        Webhook.objects.filter(pk=webhook.pk).update(failing_since=None)
    else:
        _note_failure(delivery, answer)


def due(*, at: datetime) -> list[Delivery]:
    """Return the deliveries to ring for, the oldest first."""
    return list(Delivery.objects.due(at=at)[:100])


def note_ring(delivery_id: uuid.UUID) -> None:
    """Record that a worker was called for a delivery."""
    Delivery.objects.filter(pk=delivery_id).update(rung_at=timezone.now())


def forget_old(*, at: datetime) -> None:
    """Remove deliveries that nobody will replay any more."""
    old = Delivery.objects.filter(created_at__lt=at - KEPT_FOR)
    old.exclude(state=State.WAITING).delete()


def _new_event_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


def _payload(event: str, data: dict[str, Any]) -> str:
    """Return the body: what happened, when, and the event's own data."""
    now = timezone.now().isoformat().replace("+00:00", "Z")
    document = {"type": event, "timestamp": now, "data": data}
    return json.dumps(
        document, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def _delivery(webhook: Webhook, event_id: str, event: str, payload: str) -> Delivery:
    return Delivery(
        webhook=webhook,
        event_id=event_id,
        event=event,
        payload=payload,
        next_attempt_at=timezone.now(),
    )


def _key_of(salt: str) -> bytes:
    return salted_hmac("registry.webhooks", salt, algorithm="sha256").digest()


def _in_order(events: Sequence[str]) -> list[str]:
    return [event for event in Event.values if event in events]


def _subject(webhook: Webhook) -> str:
    return webhook.url[:300]


def _claim(delivery_id: uuid.UUID) -> Delivery | None:
    """Return a delivery that is ours to send for a minute, or None.

    One conditional UPDATE decides. A receiver that fails is tried by one worker at a
    time.
    """
    now = timezone.now()
    delivery = Delivery.objects.select_related("webhook").filter(pk=delivery_id).first()
    if delivery is None:
        return None
    busy = Delivery.objects.waiting().filter(
        webhook=delivery.webhook_id, lease_expires_at__gt=now
    )
    if delivery.webhook.failing_since is not None and busy.exists():
        return None
    mine = Delivery.objects.claimable(at=now).filter(pk=delivery_id)
    if not mine.update(lease_expires_at=now + LEASE, attempts=F("attempts") + 1):
        return None
    delivery.refresh_from_db(fields=["attempts"])
    return delivery


def _post(delivery: Delivery) -> Answer:
    webhook, body = delivery.webhook, delivery.payload
    timestamp = int(timezone.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Baimo-Webhooks/1",
        "Connection": "close",
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures(webhook, delivery.event_id, timestamp, body),
    }
    try:
        with outbound.request(
            "POST",
            webhook.url,
            headers=headers,
            body=body.encode(),
            timeout=STEP_SECONDS,
            deadline=ATTEMPT_SECONDS,
            private=settings.OUTBOUND_PRIVATE_NETWORKS,
        ) as response:
            return _read(response)
    except outbound.Failed as error:
        return Answer(error=error.why)


def _read(response: http.client.HTTPResponse) -> Answer:
    try:
        body = response.read(ANSWER_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        body = ""
    after = response.headers.get("Retry-After", "")
    seconds = int(after) if after.isascii() and after.isdigit() else 0
    return Answer(
        status=response.status,
        # PostgreSQL keeps no NUL.
        body=body.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        retry_after=timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds())),
    )


def _note_failure(delivery: Delivery, answer: Answer) -> None:
    """Plan the next attempt, or give up; switch off a webhook that has failed long."""
    now, webhook = timezone.now(), delivery.webhook
    is_test = delivery.event == TEST_EVENT
    if answer.status == GONE:
        _finish(delivery, State.PARKED, answer)
        _switch_off(webhook, SAID_GONE)
        return
    if is_test or delivery.attempts >= MAX_ATTEMPTS:
        _finish(delivery, State.PARKED, answer)
    else:
        wait = BACK_OFF[delivery.attempts - 1] * random.uniform(1.0, 1.2)
        next_attempt_at = now + max(wait, answer.retry_after)
        _finish(delivery, State.WAITING, answer, next_attempt_at=next_attempt_at)
    if is_test:
        return
    hooks = Webhook.objects.filter(pk=webhook.pk)
    hooks.filter(failing_since=None).update(failing_since=now)
    if hooks.filter(failing_since__lte=now - SWITCH_OFF_AFTER).exists():
        _switch_off(webhook, FAILED_FOR_DAYS)


def _finish(
    delivery: Delivery,
    state: Delivery.State,
    answer: Answer,
    *,
    next_attempt_at: datetime | None = None,
) -> None:
    """Write down what came of an attempt and let the delivery go."""
    Delivery.objects.filter(pk=delivery.pk).update(
        state=state,
        status_code=answer.status,
        answer=answer.body,
        error=answer.error,
        attempted_at=timezone.now(),
        next_attempt_at=next_attempt_at,
        lease_expires_at=None,
        rung_at=None,
    )


def _switch_off(webhook: Webhook, why: str) -> None:
    """Switch a webhook off, once, and write to the owners of its organisation."""
    with transaction.atomic():
        on = Webhook.objects.filter(pk=webhook.pk, is_active=True)
        if not on.update(is_active=False, switched_off=why):
            return
        organization = webhook.organization
        subject = _subject(webhook)
        record(organization, Action.WEBHOOK_OFF, actor=None, subject=subject)
    owners = Q(memberships__organization=organization, memberships__role="owner")
    for owner in User.objects.filter(owners, is_active=True):
        send_webhook_off(owner, webhook)
