"""A job as its owner watches it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from registry.models import Job

# A worker reports twice a second; one that is silent this long is in trouble.
SILENCE = timedelta(seconds=15)


@never_cache
def job(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a job; the progress part of the page keeps itself fresh."""
    return render(request, "registry/job.html", _context(pk))


@never_cache
def progress(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Return the progress part alone; when the job is done it brings the verdict."""
    context = {**_context(pk), "is_polled": True}
    return render(request, "registry/_progress.html", context)


def _context(pk: uuid.UUID) -> dict[str, Any]:
    jobs = Job.objects.select_related("revision__model__organization")
    job = get_object_or_404(jobs, pk=pk)
    return {"job": job, "is_silent": _is_silent(job)}


def _is_silent(job: Job) -> bool:
    """Return whether the worker that holds a job has stopped renewing its lease."""
    if job.state != Job.State.RUNNING or job.lease_expires_at is None:
        return False
    reported_at = job.lease_expires_at - timedelta(seconds=settings.JOB_LEASE_SECONDS)
    return timezone.now() - reported_at > SILENCE
