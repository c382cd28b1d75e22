"""Celery tasks of lineage."""

from __future__ import annotations

import time
import uuid
from typing import Final

import structlog
from celery import shared_task
from kombu.exceptions import ChannelError, OperationalError

from lineage import indexing
from lineage.services import verifications
from registry import jobs
from registry.fingerprint import ENGINE
from registry.jobs import Claim

log = structlog.get_logger("baimo.tasks")

RING_AGAIN_SECONDS: Final = 60.0
_rung_at = -RING_AGAIN_SECONDS


@shared_task
def verify_revision(job_id: str) -> None:
    """Judge a fingerprinted revision anew."""
    jobs.run(uuid.UUID(job_id), _verify, expected=())


def _verify(claim: Claim) -> None:
    fingerprint = claim.job.revision.fingerprints.get(engine=ENGINE)
    verifications.verify(fingerprint, job=claim.job, report=claim.renew)


@shared_task
def refresh_index() -> None:
    """Make a new snapshot of the derivations, if one is due."""
    indexing.refresh()


def ring_for_index() -> None:
    """Wake a worker for a new snapshot, if one is due, once a minute at most.

    A broker that is away costs only time: until then the log is read further.
    """
    global _rung_at
    if time.monotonic() - _rung_at < RING_AGAIN_SECONDS or not indexing.is_due():
        return
    try:
        refresh_index.delay()
    except (OperationalError, ChannelError, OSError) as error:
        log.warning("bell not heard", task="refresh_index", error=str(error))
        return
    _rung_at = time.monotonic()
