"""A job as its owner watches it."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache

from registry.models import Job


@never_cache
def job(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a job; the progress part of the page keeps itself fresh."""
    return render(request, "registry/job.html", {"job": _find(pk)})


@never_cache
def progress(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Return the progress part alone; when the job is done it brings the verdict."""
    context = {"job": _find(pk), "is_polled": True}
    return render(request, "registry/_progress.html", context)


def _find(pk: uuid.UUID) -> Job:
    jobs = Job.objects.select_related("revision__model__organization")
    return get_object_or_404(jobs, pk=pk)
