"""Celery tasks of lineage."""

from __future__ import annotations

import uuid

from celery import shared_task

from lineage.services import verifications
from registry import jobs
from registry.fingerprint import ENGINE
from registry.jobs import Claim


@shared_task
def verify_revision(job_id: str) -> None:
    """Judge a fingerprinted revision anew."""
    jobs.run(uuid.UUID(job_id), _verify, expected=())


def _verify(claim: Claim) -> None:
    fingerprint = claim.job.revision.fingerprints.get(engine=ENGINE)
    verifications.verify(fingerprint, job=claim.job, report=claim.renew)
