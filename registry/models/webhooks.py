"""Where an organisation's programs are told what happened, and what was sent there."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from registry.models.organizations import Organization

SALT_BYTES: Final = 24
RING_AGAIN: Final = timedelta(seconds=60)
# Between two attempts at a receiver that fails, whatever waits for it.
REST: Final = timedelta(seconds=30)


class Event(models.TextChoices):
    """Every event, with the sentence that explains it."""

    PUSH_COMMITTED = "push.committed", _("A push became a revision of a model.")
    VERDICT_PUBLISHED = "verdict.published", _("A model has a new verdict.")
    VERDICT_PENDING = (
        "verdict.pending",
        _("A verdict contradicts a declaration, and the team can answer it first."),
    )
    DISPUTE_OPENED = "dispute.opened", _("Somebody contests a fact, edge or verdict.")
    DISPUTE_ANSWERED = "dispute.answered", _("The other side answered a dispute.")
    DISPUTE_DECIDED = "dispute.decided", _("A moderator decided a dispute.")
    CLAIM_DECIDED = (
        "claim.decided",
        _("A moderator decided who this organisation of the catalog belongs to."),
    )
    MEMBER_JOINED = "member.joined", _("Somebody joined the organisation.")


# What the button sends. Nobody subscribes to it; every receiver gets it when asked.
TEST_EVENT: Final = "test"


class Webhook(models.Model):
    """An address that is told of some events of an organisation.

    Its secret is derived from the salt and the register's key, so that a copy of the
    database alone signs nothing. After a change the old one signs too, for a while.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.CharField(_("address"), max_length=500)
    events = models.JSONField(_("events"), default=list)
    is_active = models.BooleanField(_("switched on"), default=True)
    salt = models.CharField(max_length=48, editable=False)
    old_salt = models.CharField(max_length=48, blank=True, editable=False)
    old_salt_until = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    # Why the register, and not a person, switched it off: a word of services.webhooks.
    switched_off = models.CharField(max_length=16, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.url

    def get_absolute_url(self) -> str:
        return reverse("registry:webhook", args=[self.organization.slug, self.pk])

    @staticmethod
    def new_salt() -> str:
        """Return fresh random bytes for a secret."""
        return secrets.token_hex(SALT_BYTES)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> DeliveryQuerySet:
        """Return deliveries that are still to be tried."""
        return self.filter(state=Delivery.State.WAITING)

    def due(self, *, at: datetime) -> DeliveryQuerySet:
        """Return deliveries to ring for: their time has come and nobody sends them.

        Of a receiver that fails only the one that has waited longest, and after a
        rest, so that it takes no worker's time from others.
        """
        recent = self.model.objects.filter(
            webhook=OuterRef("webhook"), attempted_at__gt=at - REST
        )
        free = self.waiting().filter(
            Q(next_attempt_at__lte=at),
            Q(lease_expires_at=None) | Q(lease_expires_at__lte=at),
        )
        earlier = free.filter(
            webhook=OuterRef("webhook"), next_attempt_at__lt=OuterRef("next_attempt_at")
        )
        return free.filter(
            Q(rung_at=None) | Q(rung_at__lte=at - RING_AGAIN),
            Q(webhook__failing_since=None) | (~Exists(earlier) & ~Exists(recent)),
        ).order_by("next_attempt_at", "id")

    def claimable(self, *, at: datetime) -> DeliveryQuerySet:
        """Return waiting deliveries that nobody is sending at this moment."""
        return self.waiting().filter(
            Q(lease_expires_at=None) | Q(lease_expires_at__lte=at),
            next_attempt_at__lte=at,
        )


class Delivery(models.Model):
    """One event for one receiver: what is sent, how often, and what came back."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        PARKED = "parked", _("given up")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="deliveries"
    )
    # A replay keeps the id of its event, by which receivers know it.
    event_id = models.CharField(max_length=40)
    event = models.CharField(max_length=24)
    # The body itself: a signature holds for these bytes and no others.
    payload = models.TextField()
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    status_code = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)
    # Why there is no status: a word of outbound.Why, or of services.webhooks.
    error = models.CharField(max_length=24, blank=True)
    next_attempt_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["webhook", "-created_at"], name="delivery_log"),
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state="waiting"),
                name="delivery_due",
            ),
            models.Index(fields=["created_at"], name="delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"
