"""Uploading a folder in the browser; static/js/upload/ does it over the API."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from registry.forms import DERIVED, RELATIONS, SCRATCH, SEEN_BY
from registry.models import Organization, RegisteredModel
from registry.permissions import can_push, sight_of
from registry.views.requests import SignedInRequest


@login_required
def new(request: SignedInRequest) -> HttpResponse:
    """Show the page that registers a model from a folder."""
    mine = Organization.objects.of_member(request.user).order_by("slug")
    teams = [team for team in mine if can_push(request.user, team, token=None)]
    context = {
        "teams": teams,
        "seen_by": SEEN_BY,
        "repo_id": f"{teams[0].slug if teams else 'acme'}/my-model",
    }
    return render(request, "registry/upload.html", _shown() | context)


@login_required
def to_model(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show the page that sends files to a model that has a name already."""
    seen = RegisteredModel.objects.filter(sight_of(request.user).allows(), removal=None)
    models = seen.from_teams().with_slug(slug)
    model = get_object_or_404(models.select_related("organization", "head"))
    if model.slug != slug:
        return redirect("registry:upload-to", model.slug)
    if model.organization is None or not can_push(
        request.user, model.organization, token=None
    ):
        raise PermissionDenied
    context = {"model": model, "repo_id": model.repo_id}
    return render(request, "registry/upload.html", _shown() | context)


def _shown() -> dict[str, Any]:
    """Return what the page offers to choose from, and the addresses that it needs."""
    some_job = reverse("registry:job", args=[uuid.UUID(int=0)])
    return {
        "relations": RELATIONS,
        "scratch": SCRATCH,
        "derived": DERIVED,
        "endpoint": settings.PUBLIC_URL,
        "job_page": some_job.replace(str(uuid.UUID(int=0)), "JOB"),
        "model_page": reverse("lineage:model", args=["SLUG"]),
        "upload_page": reverse("registry:upload-to", args=["SLUG"]),
    }
