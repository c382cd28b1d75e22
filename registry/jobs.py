"""Claiming, reporting and ending jobs. The Job row is the truth; bells only wake."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Concat, Now
from django.utils import timezone

from registry.models import Job, Revision

log = structlog.get_logger("baimo.jobs")

REPORT_EVERY_SECONDS = 0.5
FIRST_RING_AGAIN_SECONDS = 2
LAST_RING_AGAIN_SECONDS = 60


class LeaseLost(Exception):
    """Somebody else holds the job now, or it was cancelled: stop at once."""


@dataclass
class Claim:
    """A worker's hold on a running job; every write checks that it still holds."""

    job: Job
    lease: uuid.UUID
    _reported_at: float = field(default=0.0, repr=False)

    def report(self, progress: float) -> None:
        """Store progress in 0..1 and renew the lease; raises LeaseLost.

        Called as often as the work likes; the row is written twice a second.
        """
        self._renew(progress=min(max(progress, 0.0), 1.0))

    def renew(self) -> None:
        """Renew the lease as report() does, leaving progress where it is."""
        self._renew()

    def _renew(self, **values: float) -> None:
        now = time.monotonic()
        if now - self._reported_at >= REPORT_EVERY_SECONDS:
            self._reported_at = now
            self._write(lease_expires_at=_lease_end(), **values)

    def succeed(self) -> None:
        """End the job well; raises LeaseLost."""
        self._end(state=Job.State.SUCCEEDED, progress=1.0, error="")

    def fail(self, error: str) -> None:
        """End the job with the one line that its owner reads; raises LeaseLost."""
        self._end(state=Job.State.FAILED, error=error)

    def release(self, error: str) -> None:
        """Give the job back for another attempt; raises LeaseLost.

        Where another one waits to do the same, this one ends instead.
        """
        try:
            with transaction.atomic():
                self._write(
                    state=Job.State.QUEUED,
                    lease=None,
                    lease_expires_at=None,
                    error=error,
                )
        except IntegrityError:
            self._end(state=Job.State.CANCELLED, error=error)

    def _end(self, **values: object) -> None:
        self._write(
            lease=None, lease_expires_at=None, finished_at=timezone.now(), **values
        )

    def _write(self, **values: object) -> None:
        held = Job.objects.filter(
            pk=self.job.pk, lease=self.lease, state=Job.State.RUNNING
        )
        if held.update(**values) != 1:
            raise LeaseLost(str(self.job.pk))


def submit(kind: Job.Kind, revision: Revision) -> Job:
    """Return the waiting job of this kind on the revision, made if need be.

    A running one does not count: it may have read already what is new.
    """
    waiting = Job.objects.filter(state=Job.State.QUEUED)
    job, _ = waiting.get_or_create(kind=kind, revision=revision)
    return job


def claim(job_id: uuid.UUID) -> Claim | None:
    """Return a hold on the job, or None when it is held, finished or gone.

    One conditional UPDATE decides, so any number of workers may try at once.
    """
    lease, now = uuid.uuid4(), timezone.now()
    claimed = (
        Job.objects.claimable(at=now)
        .filter(pk=job_id, attempts__lt=settings.JOB_MAX_ATTEMPTS)
        .update(
            state=Job.State.RUNNING,
            lease=lease,
            lease_expires_at=_lease_end(),
            attempts=F("attempts") + 1,
            started_at=Coalesce("started_at", Now()),
            progress=0.0,
            error="",
        )
    )
    if not claimed:
        return None
    job = Job.objects.select_related("revision__model").get(pk=job_id)
    return Claim(job=job, lease=lease)


def run(
    job_id: uuid.UUID,
    work: Callable[[Claim], None],
    *,
    expected: tuple[type[Exception], ...],
) -> bool:
    """Claim a job and do its work; running it twice is harmless.

    Return whether this call did it, well or badly.

    An expected error ends the job with its text. Any other gives the job back for
    another attempt, and the sweeper parks it after too many.
    """
    held = claim(job_id)
    if held is None:
        log.info("job not claimable", job=str(job_id))
        return False
    structlog.contextvars.bind_contextvars(job=str(job_id))
    try:
        _work_and_end(held, work, expected)
    except LeaseLost:
        log.warning("job cancelled, or lost to another worker")
        return False
    else:
        return True
    finally:
        structlog.contextvars.unbind_contextvars("job")


def _work_and_end(
    held: Claim, work: Callable[[Claim], None], expected: tuple[type[Exception], ...]
) -> None:
    try:
        work(held)
    except LeaseLost:
        raise
    except expected as error:
        log.info("job failed", error=str(error))
        held.fail(str(error))
    except Exception as error:
        log.exception("job broke")
        held.release(f"{type(error).__name__}: the work broke and will be tried again")
    else:
        held.succeed()


def cancel(job_id: uuid.UUID) -> bool:
    """End a job that is not finished; return whether it was.

    The worker that holds it stops at its next report.
    """
    ended = Job.objects.unfinished().filter(pk=job_id)
    return bool(
        ended.update(
            state=Job.State.CANCELLED,
            lease=None,
            lease_expires_at=None,
            finished_at=timezone.now(),
        )
    )


def park_exhausted(*, at: datetime) -> int:
    """Fail the jobs that were begun too often and return how many there were."""
    return (
        Job.objects.claimable(at=at)
        .filter(attempts__gte=settings.JOB_MAX_ATTEMPTS)
        .update(
            state=Job.State.FAILED,
            lease=None,
            lease_expires_at=None,
            finished_at=at,
            error=Concat(
                Value("Begun too often without an end. Last error: "), "error"
            ),
        )
    )


def silent(*, at: datetime) -> list[Job]:
    """Return claimable jobs whose bell must be rung (again), oldest first.

    A bell rung n times waits 2, 4, 8 … up to 60 seconds for a worker, so that a
    long queue is not rung over and over.
    """
    waiting = Job.objects.claimable(at=at).filter(
        attempts__lt=settings.JOB_MAX_ATTEMPTS
    )
    due = Q(rung_at=None)
    for n_rings in range(1, 6):
        wait = FIRST_RING_AGAIN_SECONDS * 2 ** (n_rings - 1)
        due |= Q(n_rings=n_rings, rung_at__lte=at - timedelta(seconds=wait))
    longest = timedelta(seconds=LAST_RING_AGAIN_SECONDS)
    due |= Q(n_rings__gte=6, rung_at__lte=at - longest)
    return list(waiting.filter(due).order_by("created_at", "id")[:1000])


def note_ring(job_id: uuid.UUID) -> None:
    """Record that the bell of a job was rung."""
    Job.objects.filter(pk=job_id).update(
        rung_at=timezone.now(), n_rings=F("n_rings") + 1
    )


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
