"""What readers say is wrong with an entry, until somebody has looked at it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from registry.models.registered import RegisteredModel


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def waiting(self) -> CorrectionQuerySet:
        """Return corrections that nobody has decided on."""
        return self.filter(state=Correction.State.WAITING)


class Correction(models.Model):
    """A reader's correction of one fact, with where the right value stands."""

    class State(models.TextChoices):
        WAITING = "waiting", _("not decided yet")
        TAKEN = "taken", _("taken over")
        DECLINED = "declined", _("declined")

    model = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, related_name="corrections"
    )
    # A key of the catalog's facts, or "origin", "claims", "other".
    fact = models.CharField(_("which fact"), max_length=24)
    right = models.TextField(_("what is right"), max_length=2000)
    source = models.URLField(_("where it stands"), max_length=500)
    email = models.EmailField(_("e-mail"), blank=True)
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.WAITING
    )
    # What the entry's own organisation says to it, and why it was decided so.
    answer = models.TextField(_("answer of its makers"), max_length=2000, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    reason = models.TextField(_("reason"), max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")

    def __str__(self) -> str:
        return f"{self.fact} of {self.model}"
