"""Models that were taken out of the register and left their stone."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Removal(models.Model):
    """Who removed a model, when and why. Files go; lineage and verdicts stay."""

    model = models.ForeignKey(
        "RegisteredModel", on_delete=models.CASCADE, related_name="removals"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.model} removed by {self.by}"
