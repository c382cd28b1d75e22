"""Claims of the catalog's organisations by the people who belong to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.models.organizations import Organization


class ClaimQuerySet(models.QuerySet["Claim"]):
    def open(self) -> ClaimQuerySet:
        """Return claims that nobody has decided on."""
        return self.filter(state__in=Claim.OPEN)

    def waiting(self) -> ClaimQuerySet:
        """Return claims that wait for a moderator, the most urgent first."""
        return self.filter(state=Claim.State.WAITING).order_by("due_at", "id")


class Claim(models.Model):
    """Somebody says that an organisation of the catalog is theirs, and how one sees it.

    `due_at` is until when whoever has the next word should have spoken.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for a moderator")
        ASKED = "asked", _("waits for your answer")
        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    OPEN = (State.WAITING, State.ASKED)

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="claims"
    )
    claimant = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="claims"
    )
    link = models.URLField(max_length=500, blank=True)
    email = models.EmailField(blank=True)
    text = models.TextField(max_length=2000, blank=True)
    # In which letters about the claim are written.
    language = models.CharField(max_length=10, blank=True)
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.WAITING
    )
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "claimant"],
                condition=Q(state__in=("waiting", "asked")),
                name="one_open_claim_of_a_person",
            )
        ]

    def __str__(self) -> str:
        return f"{self.claimant} claims {self.organization}"

    def get_absolute_url(self) -> str:
        return reverse("registry:claim-page", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_late(self) -> bool:
        return self.is_open and self.due_at < timezone.now()


class ClaimNote(models.Model):
    """One thing said about a claim. The database refuses to change or remove it."""

    class Kind(models.TextChoices):
        ASKED = "asked", _("A moderator asks")
        ANSWERED = "answered", _("The claimant answers")
        OBJECTED = "objected", _("An owner says")
        GRANTED = "granted", _("Granted")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.TextField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind}: {self.claim}"
