"""Long work as a row that people can watch and that survives its workers."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from registry.models.files import Revision


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> JobQuerySet:
        """Return jobs that still wait or run."""
        return self.filter(state__in=Job.UNFINISHED)

    def claimable(self, *, at: datetime) -> JobQuerySet:
        """Return jobs that nobody holds: waiting, or with an expired lease."""
        return self.filter(
            Q(state=Job.State.QUEUED)
            | Q(state=Job.State.RUNNING, lease_expires_at__lte=at)
        )


class Job(models.Model):
    """A piece of work on a revision. This row is the truth; messages only ring."""

    class Kind(models.TextChoices):
        FINGERPRINT = "fingerprint", _("Fingerprint and verdict")
        VERIFY = "verify", _("Verdict")

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    UNFINISHED = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    revision = models.ForeignKey(
        Revision, on_delete=models.CASCADE, related_name="jobs"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0.0)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Who holds the job, and until when. A worker that lost its lease has another
    # value in its hand, so its writes match no row.
    lease = models.UUIDField(null=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    # When the bell was rung last and how often: the sweeper backs off by it.
    rung_at = models.DateTimeField(null=True, editable=False)
    n_rings = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "revision"],
                condition=Q(state="queued"),
                name="one_waiting_job_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(progress__gte=0, progress__lte=1),
                name="job_progress_is_a_share",
            ),
        ]
        # The sweeper looks for unfinished jobs, oldest bell first.
        indexes = [models.Index(fields=["state", "rung_at"], name="job_to_ring")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.revision}"

    def get_absolute_url(self) -> str:
        return reverse("registry:job", args=[self.id])

    @property
    def is_finished(self) -> bool:
        return self.state not in self.UNFINISHED

    @property
    def percent(self) -> int:
        return round(100 * self.progress)
