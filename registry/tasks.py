"""Celery tasks of registry, and the bell that sends them."""

from __future__ import annotations

import uuid
from functools import partial

import structlog
from celery import current_app, shared_task
from django.db import transaction
from kombu.exceptions import ChannelError, OperationalError

from registry import jobs
from registry.fingerprint import FingerprintError
from registry.hubfiles import HubRefused
from registry.models import Delivery, Job, Revision
from registry.services import fingerprints, hubimports, hubreading, webhooks
from registry.storage import StorageError

log = structlog.get_logger("baimo.tasks")

# Dotted names, because verdicts belong to lineage and registry may not import it.
TASK_OF_KIND = {
    Job.Kind.FINGERPRINT: "registry.tasks.fingerprint_revision",
    Job.Kind.VERIFY: "lineage.tasks.verify_revision",
}
EXPECTED = (FingerprintError, HubRefused, StorageError)


@shared_task
def fingerprint_revision(job_id: str) -> None:
    """Fingerprint a revision's weights and let lineage judge them."""
    key = uuid.UUID(job_id)
    if jobs.run(key, fingerprints.run_job, expected=EXPECTED):
        hubimports.note_failure(key)
    hubimports.forget_tokens()
    hubreading.remove_scratch()


@shared_task
def deliver_webhook(delivery_id: str) -> None:
    """Make one attempt at a webhook's delivery."""
    webhooks.deliver(uuid.UUID(delivery_id))


def ring_for_delivery(delivery: Delivery) -> bool:
    """Wake a worker for a delivery and return whether the bell was heard."""
    try:
        deliver_webhook.delay(str(delivery.pk))
    except (OperationalError, ChannelError, OSError) as error:
        log.warning("bell not heard", delivery=str(delivery.pk), error=str(error))
        return False
    webhooks.note_ring(delivery.pk)
    return True


def ring_later(job: Job | None) -> None:
    """Wake a worker for a job, if there is one, once its row is committed."""
    if job is not None:
        transaction.on_commit(partial(ring, job))


def ring_for(revision: Revision) -> None:
    """Wake a worker, once all is written, for the fingerprint of a revision."""
    waiting = Job.objects.unfinished().filter(revision=revision)
    for job in waiting.filter(kind=Job.Kind.FINGERPRINT):
        ring_later(job)


def ring(job: Job) -> bool:
    """Wake a worker for a job and return whether the bell was heard.

    A broker that is away costs only time: the sweeper rings until one hears it.
    """
    try:
        current_app.send_task(TASK_OF_KIND[Job.Kind(job.kind)], [str(job.pk)])
    except (OperationalError, ChannelError, OSError) as error:
        log.warning("bell not heard", job=str(job.pk), error=str(error))
        return False
    jobs.note_ring(job.pk)
    return True
