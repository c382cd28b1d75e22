"""Disputes on a fact, an edge or a verdict, and everything that was said in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lineage.models.claims import Derivation, Verification
from registry.models import Organization, RegisteredModel
from registry.permissions import Sight, sight_for


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def undecided(self) -> DisputeQuerySet:
        """Return the disputes that still wait for an answer or a decision."""
        return self.filter(state__in=Dispute.UNDECIDED)

    def overdue(self, *, at: datetime) -> DisputeQuerySet:
        """Return those whose other side has let the time for its answer pass."""
        return self.filter(state=Dispute.State.OPEN, answer_until__lte=at)

    def on_public(self) -> DisputeQuerySet:
        """Return the disputes that everybody may read, as what they contest."""
        public = Verification.objects.public().values("pk")
        return self.filter(Q(verification=None) | Q(verification__in=public))

    def visible_to(self, sight: Sight) -> DisputeQuerySet:
        """Return the disputes about models, and edges between models, that are seen."""
        edges = Q(derivation=None) | sight.allows("derivation__parent")
        return self.filter(sight.allows("model"), edges)

    def concerning(self, organization: Organization) -> DisputeQuerySet:
        """Return those about a model of an organisation, at either end."""
        return self.filter(
            Q(model__organization=organization)
            | Q(derivation__parent__organization=organization)
            | Q(verification__compared_with__organization=organization)
        )

    def with_things(self) -> DisputeQuerySet:
        """Return disputes with what they are about in the same query."""
        return self.select_related(
            "model__organization",
            "derivation__child__organization",
            "derivation__parent__organization",
            "verification__compared_with__organization",
            "verification__hearing",
            "verification__revision",
            "opened_by",
        )


class Dispute(models.Model):
    """Somebody contests one thing; `state` follows from its events.

    Exactly one of `fact`, `derivation` and `verification` says what.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        ANSWERED = "answered", _("answered")
        UPHELD = "upheld", _("upheld")
        AMENDED = "amended", _("amended")
        REJECTED = "rejected", _("rejected")
        WITHDRAWN = "withdrawn", _("taken back")

    UNDECIDED = (State.OPEN, State.ANSWERED)
    DECISIONS = (State.UPHELD, State.AMENDED, State.REJECTED)
    GRANTED = (State.UPHELD, State.AMENDED)
    ABOUT = {
        "fact": ~Q(fact=""),
        "edge": Q(derivation__isnull=False),
        "verdict": Q(verification__isnull=False),
    }

    model = models.ForeignKey(
        RegisteredModel, on_delete=models.PROTECT, related_name="disputes"
    )
    # A key of the catalog's facts, or "claims", "other", as in a correction.
    fact = models.CharField(max_length=24, blank=True)
    derivation = models.ForeignKey(
        Derivation, on_delete=models.PROTECT, null=True, related_name="disputes"
    )
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, null=True, related_name="disputes"
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="disputes"
    )
    opened_at = models.DateTimeField(auto_now_add=True)
    answer_until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(derivation=None, verification=None) & ~Q(fact="")
                    | Q(derivation__isnull=False, verification=None, fact="")
                    | Q(derivation=None, verification__isnull=False, fact="")
                ),
                name="dispute_on_one_thing",
            ),
            *(
                models.UniqueConstraint(
                    fields=["opened_by", *fields],
                    condition=Q(state__in=("open", "answered")) & is_of_kind,
                    name=f"one_open_dispute_on_{kind}",
                )
                for kind, fields, is_of_kind in (
                    ("fact", ["model", "fact"], ~Q(fact="")),
                    ("derivation", ["derivation"], Q(derivation__isnull=False)),
                    ("verification", ["verification"], Q(verification__isnull=False)),
                )
            ),
        ]
        indexes = [models.Index(fields=["state", "answer_until"], name="dispute_due")]

    def __str__(self) -> str:
        return f"{self.pk}: {self.kind} of {self.model}"

    def get_absolute_url(self) -> str:
        return reverse("lineage:dispute", args=[self.pk])

    @property
    def kind(self) -> str:
        """Return the word for what is contested: verdict, edge or fact."""
        if self.verification_id is not None:
            return "verdict"
        return "edge" if self.derivation_id is not None else "fact"

    @property
    def is_undecided(self) -> bool:
        return self.state in self.UNDECIDED

    @property
    def is_overdue(self) -> bool:
        """Return whether the other side has let the time for its answer pass."""
        return self.state == self.State.OPEN and self.answer_until <= timezone.now()

    @property
    def other_end(self) -> RegisteredModel | None:
        """Return the other model that the contested thing speaks of.

        While a verdict is not public, its makers learn nothing of it; nor does either
        side of a model that the other keeps private.
        """
        end = self._compared_or_parent()
        if end is None or not sight_for(self.model).sees(end):
            return None
        return end if sight_for(end).sees(self.model) else None

    def _compared_or_parent(self) -> RegisteredModel | None:
        if self.derivation is not None:
            return self.derivation.parent
        verification = self.verification
        is_public = verification is not None and verification.is_public
        return verification.compared_with if verification and is_public else None

    def other_side(self) -> list[Organization]:
        """Return the organisations that answer; a moderator does where there is none.

        They are those of the models concerned, if they have members, without the
        ones that the opener belongs to.
        """
        ends = (self.model, self.other_end)
        teams = [end.organization_id for end in ends if end and end.organization_id]
        with_members = Organization.objects.filter(
            pk__in=teams, memberships__isnull=False
        )
        own = self.opened_by.memberships.values("organization")
        return list(with_members.exclude(pk__in=own).distinct().order_by("slug"))


class DisputeEvent(models.Model):
    """What one side or a moderator said or did. Append-only.

    The database refuses updates and deletions (migration 0007).
    """

    class Kind(models.TextChoices):
        OPENED = "opened", _("contested it")
        ADDED = "added", _("added")
        ANSWERED = "answered", _("answered")
        UPHELD = "upheld", _("upheld the dispute")
        AMENDED = "amended", _("upheld it in part")
        REJECTED = "rejected", _("rejected the dispute")
        WITHDRAWN = "withdrawn", _("took the dispute back")

    dispute = models.ForeignKey(
        Dispute, on_delete=models.PROTECT, related_name="events"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    text = models.TextField(blank=True)
    # Addresses where the evidence stands.
    evidence: models.JSONField[Any, Any] = models.JSONField(default=list)
    # What a decision puts in the place of what was contested.
    ruling: models.JSONField[Any, Any] = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind}: {self.dispute_id}"
