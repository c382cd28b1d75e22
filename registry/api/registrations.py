"""Registering without sending weights: a model of a hub by its id, or a sketch."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError as InvalidValue
from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry import tasks
from registry.api import shapes
from registry.api.views import job_document
from registry.hubfiles import HubRefused
from registry.models import ApiToken, Job, Organization, Revision
from registry.permissions import can_push
from registry.services import attestations, hubimports
from registry.services.revisions import CommitRefused, NameTaken
from registry.services.uploads import QuotaExceeded
from registry.storage import DiskFull
from registry.turns import takes_no_turn


class Conflict(APIException):
    """A name that is in use."""

    status_code = 409


class TooLarge(APIException):
    """More than there is room for."""

    status_code = 413


@takes_no_turn
class HubRegistrations(APIView):
    """Models that are read on a hub, without anybody sending them here."""

    @extend_schema(
        request=shapes.HubRegistrationRequest,
        responses={202: shapes.HubRegistrationShape, 200: shapes.HubRegistrationShape},
    )
    def post(self, request: Request) -> Response:
        """Register a repository at the commit that its revision means now.

        The headers of the weights are read at once, the weights by the job.
        """
        form = shapes.HubRegistrationRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        user, team = _pusher(request, wanted["organization"])
        try:
            found = hubimports.inspect(
                wanted["hub"], wanted["id"], wanted["revision"], wanted["token"]
            )
            if wanted["only_look"]:
                return Response(_document(found, None, request))
            revision = hubimports.register(
                found,
                organization=team,
                name=wanted.get("name") or found.snapshot.repo_id.split("/")[1],
                user=user,
                keeps_copy=wanted["keep_copy"],
                private=wanted["private"],
            )
        except (HubRefused, CommitRefused) as error:
            raise ValidationError({"id": str(error)}) from error
        except InvalidValue as error:
            raise ValidationError({"name": error.messages}) from error
        except NameTaken as error:
            raise Conflict(str(error)) from error
        except (QuotaExceeded, DiskFull) as error:
            raise TooLarge(str(error)) from error
        return Response(_document(found, _ring(revision), request), status=202)


def _document(
    found: hubimports.Inspected, job: Job | None, request: Request
) -> dict[str, Any]:
    return {
        "hub": found.snapshot.hub,
        "id": found.snapshot.repo_id,
        "commit": found.snapshot.commit_id,
        "params": found.params,
        "dtypes": list(found.dtypes),
        "size_bytes": found.size_bytes,
        "n_weight_files": len(found.weights),
        "slug": job.revision.model.slug if job else None,
        "job": job_document(job, request) if job else None,
    }


class SketchRegistrations(APIView):
    """Models of which only a sketch is sent, computed by their team."""

    @extend_schema(
        request=shapes.SketchRequest, responses={202: shapes.SketchRegistrationShape}
    )
    def post(self, request: Request) -> Response:
        """Register a model, or a new revision of one, by its card and its sketch."""
        form = shapes.SketchRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        user, team = _pusher(request, wanted["organization"])
        try:
            content = base64.b64decode(wanted["sketch"], validate=True)
        except ValueError as error:
            raise ValidationError({"sketch": "not base64"}) from error
        try:
            revision = attestations.register_sketch(
                organization=team,
                name=wanted["name"],
                user=user,
                card=wanted["card"].encode(),
                sketch=content,
                private=wanted["private"],
            )
        except (CommitRefused, InvalidValue) as error:
            text = " ".join(getattr(error, "messages", [str(error)]))
            raise ValidationError({"sketch": text}) from error
        except DiskFull as error:
            raise TooLarge(str(error)) from error
        job = _ring(revision)
        return Response(
            {"slug": revision.model.slug, "job": job_document(job, request)}, status=202
        )


def _pusher(request: Request, name: str) -> tuple[User, Organization]:
    """Return who asks and the organisation; raises PermissionDenied and Http404."""
    team = get_object_or_404(Organization.objects.named(name))
    user, token = request.user, cast(ApiToken | None, request.auth)
    if not isinstance(user, User) or not can_push(user, team, token=token):
        raise PermissionDenied(f"This token may not push to {team.slug}.")
    return user, team


def _ring(revision: Revision) -> Job:
    """Return the job of a revision, after waking a worker for it."""
    job = revision.jobs.filter(kind=Job.Kind.FINGERPRINT).latest("created_at")
    if not job.is_finished:
        transaction.on_commit(partial(tasks.ring, job))
    return job
