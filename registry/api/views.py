"""Endpoints of what registry owns: jobs, organisations and files by content."""

from __future__ import annotations

import re
from typing import Any, cast

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from registry.api import shapes
from registry.api.auth import sight_of_request
from registry.api.lists import whole_list
from registry.models import ApiToken, Job, Organization, RevisionFile
from registry.permissions import can_push
from registry.services import fingerprints, hubimports, hubreading

MAX_SEEN = 1000


class JobDetail(APIView):
    """Long work that a client waits for."""

    @extend_schema(responses=shapes.JobShape)
    def get(self, request: Request, job_id: str) -> Response:
        """Return the job; `Retry-After` says when to look again."""
        seen = sight_of_request(request).allows("revision__model")
        jobs = Job.objects.filter(seen).select_related("revision__model")
        job = get_object_or_404(jobs, pk=job_id)
        headers = {} if job.is_finished else {"Retry-After": "2"}
        return Response(job_document(job, request), headers=headers)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, job_id: str) -> Response:
        """Cancel the job of a model of one's own; what is ended stays as it is."""
        seen = sight_of_request(request).allows("revision__model")
        found = Job.objects.filter(seen).select_related("revision__model__organization")
        job = get_object_or_404(found, pk=job_id)
        team = job.revision.model.organization
        token = cast(ApiToken | None, request.auth)
        user = request.user
        may = team is not None and can_push(user, team, token=token)
        if not may or not isinstance(user, User):
            raise PermissionDenied("Only those who may push the model cancel its jobs.")
        hubimports.cancel(job, by=user)
        return Response(status=204)


def job_document(job: Job, request: Request) -> dict[str, Any]:
    """Return the object of the API that describes a job."""
    model = reverse("api-model", args=[job.revision.model.slug], request=request)
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "state": job.state,
        "progress": job.progress,
        "error": job.error or None,
        "reading": _reading(job),
        "result": model if job.state == Job.State.SUCCEEDED else None,
    }


def _reading(job: Job) -> dict[str, Any] | None:
    """Return how far an import has come that is running."""
    if job.state != Job.State.RUNNING or hubimports.origin_of(job) is None:
        return None
    share = job.progress / fingerprints.SHARE_OF_SKETCH
    found = hubreading.position(job.revision, share)
    return found._asdict() if found else None


@extend_schema(exclude=True)
class NoSuchAddress(APIView):
    """Whatever is not an address of the API."""

    def get(self, request: Request, *args: str) -> Response:
        """Raise NotFound, which answers in the shape of every other error."""
        raise NotFound("There is no such address; see /api/v1/docs/.")


class OrganizationList(APIView):
    """Laboratories of the catalog and teams of the register."""

    @extend_schema(responses=shapes.OrganizationListShape)
    def get(self, request: Request) -> Response:
        """Return every organisation by name."""
        seen = sight_of_request(request).allows("models")
        organizations = Organization.objects.with_n_models(seen).order_by("slug", "id")
        results = [
            {
                "slug": organization.slug,
                "name": organization.name or None,
                "name_zh": organization.name_zh or None,
                "country": organization.country or None,
                "n_models": organization.n_models,
            }
            for organization in organizations
        ]
        return Response(whole_list(results, total=len(results)))


class ByHash(APIView):
    """Where a file has been seen."""

    @extend_schema(responses=shapes.SeenListShape)
    def get(self, request: Request, sha256: str) -> Response:
        """Return the models whose current revision holds this content."""
        if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
            raise ValidationError({"sha256": "64 hexadecimal digits are needed"})
        seen = sight_of_request(request).allows("revision__model")
        files = RevisionFile.objects.in_heads().standing().filter(seen)
        files = files.filter(blob=sha256.lower())
        shown = files.select_related("revision__model").order_by("id")[:MAX_SEEN]
        results = [
            {"slug": file.revision.model.slug, "path": file.path} for file in shown
        ]
        return Response(whole_list(results, total=files.count()))
