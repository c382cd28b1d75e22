"""A job as its owner watches it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from registry import tasks
from registry.models import HubImport, Job
from registry.permissions import can_push, sight_of
from registry.services import hubimports
from registry.views.requests import SignedInRequest

# A worker reports twice a second; one that is silent this long is in trouble.
SILENCE = timedelta(seconds=15)


@never_cache
def job(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a job; the progress part of the page keeps itself fresh."""
    return render(request, "registry/job.html", _context(request, pk))


@never_cache
def progress(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Return the progress part alone; when the job is done it brings the verdict."""
    context = {**_context(request, pk), "is_polled": True}
    return render(request, "registry/_progress.html", context)


@login_required
@never_cache
def cancel(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask whether an import shall end, then end it."""
    found, origin = _own_import(request, pk)
    if found.is_finished:
        messages.info(request, _("This import had ended already."))
        return redirect(found)
    if request.method != "POST":
        context = {"job": found, "origin": origin}
        return render(request, "registry/import_cancel.html", context)
    hubimports.cancel(found, by=request.user)
    return redirect(found)


@login_required
@require_POST
def again(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Have an import that did not end well done once more."""
    found, _origin = _own_import(request, pk)
    if found.state in (Job.State.FAILED, Job.State.CANCELLED):
        found = hubimports.try_again(found, by=request.user)
        tasks.ring(found)
    return redirect(found)


def _own_import(request: SignedInRequest, pk: uuid.UUID) -> tuple[Job, HubImport]:
    """Return an import of a team of the reader's; raises Http404, PermissionDenied."""
    seen = sight_of(request.user).allows("revision__model")
    found = get_object_or_404(Job.objects.filter(seen), pk=pk)
    origin = hubimports.origin_of(found)
    if origin is None:
        raise Http404
    team = origin.revision.model.organization
    if team is None or not can_push(request.user, team, token=None):
        raise PermissionDenied
    return found, origin


def _context(request: HttpRequest, pk: uuid.UUID) -> dict[str, Any]:
    seen = sight_of(request.user).allows("revision__model")
    jobs = Job.objects.filter(seen).select_related("revision__model__organization")
    job = get_object_or_404(jobs, pk=pk)
    return {"job": job, "is_silent": _is_silent(job)}


def _is_silent(job: Job) -> bool:
    """Return whether the worker that holds a job has stopped renewing its lease."""
    if job.state != Job.State.RUNNING or job.lease_expires_at is None:
        return False
    reported_at = job.lease_expires_at - timedelta(seconds=settings.JOB_LEASE_SECONDS)
    return timezone.now() - reported_at > SILENCE
