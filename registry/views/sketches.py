"""Registering a model by a sketch that its team computed, as a form."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from registry import tasks
from registry.card import MAX_CARD_BYTES
from registry.fingerprint import ENGINE, SKETCH_LIMIT_BYTES
from registry.forms import SketchForm
from registry.models import Job, Organization, RegisteredModel
from registry.permissions import can_push
from registry.services import attestations
from registry.services.revisions import CommitRefused
from registry.storage import DiskFull
from registry.views.requests import SignedInRequest

# Card and sketch once as files and once more in base64, and the rest of the form.
MAX_BYTES = 3 * (SKETCH_LIMIT_BYTES + MAX_CARD_BYTES)


@csrf_exempt
@never_cache
@login_required
def register_sketch(request: SignedInRequest) -> HttpResponse:
    """Take a sketch and its card, and register the model."""
    # Before the check of the CSRF token, which reads the form: somebody may have chosen
    # the weights by mistake.
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        context = {"is_too_large": True} | _shown(request)
        return render(request, "registry/sketch.html", context, status=413)
    answer: HttpResponse = _register_sketch(request)
    return answer


@csrf_protect
def _register_sketch(request: SignedInRequest) -> HttpResponse:
    context = _shown(request)
    form = context["form"]
    if request.method == "POST":
        form = SketchForm(request.POST, request.FILES, teams=context["teams"])
    if form.is_valid():
        context["is_taken"] = _is_taken(form)
        job = None if form.errors else _registered(form, request.user)
        if job is not None:
            tasks.ring(job)
            return redirect(job)
    context["form"] = form
    status = 422 if form.errors else 200
    return render(request, "registry/sketch.html", context, status=status)


def _shown(request: SignedInRequest) -> dict[str, Any]:
    mine = Organization.objects.of_member(request.user).order_by("slug")
    teams = [team for team in mine if can_push(request.user, team, token=None)]
    return {
        "form": SketchForm(None, None, teams=teams),
        "teams": teams,
        "engine": ENGINE,
        "max_bytes": SKETCH_LIMIT_BYTES,
    }


def _is_taken(form: SketchForm) -> bool:
    """Return whether files of another push would go without a word, and say so."""
    given = form.cleaned_data
    found = RegisteredModel.objects.in_repo(given["organization"].slug, given["name"])
    if given["replace"] or not found.exclude(head=None).exists():
        return False
    said = _(
        "A model of this name is registered. Choose another name, or replace its files."
    )
    form.add_error("name", said)
    return True


def _registered(form: SketchForm, user: User) -> Job | None:
    """Return the job of the new revision, or None after saying what is wrong."""
    given = form.cleaned_data
    try:
        revision = attestations.register_sketch(
            organization=given["organization"],
            name=given["name"],
            user=user,
            card=given["card"],
            sketch=given["sketch"],
            private=given["private"] == "yes",
        )
    except ValidationError as error:
        form.add_error("name", error)
    except (CommitRefused, DiskFull) as error:
        form.add_error(None, str(error))
    else:
        return revision.jobs.latest("created_at")
    return None
