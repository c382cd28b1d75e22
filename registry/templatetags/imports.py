"""How an import stands, and what its reader may do about it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.urls import reverse

from registry.models import HubImport, Job
from registry.permissions import can_push
from registry.services import fingerprints, hubimports, hubreading

register = template.Library()


class Watched(NamedTuple):
    """What a page about a job shows of the import behind it."""

    origin: HubImport | None
    position: hubreading.Position | None
    may_push: bool
    needs_token: bool

    @property
    def again(self) -> str:
        """Return where the same is asked for in other words, or with a token."""
        if self.origin is None:
            return ""
        model = self.origin.revision.model
        wanted = {
            "organization": model.organization.slug if model.organization else "",
            "hub": self.origin.hub,
            "repo": self.origin.repo_id,
            "revision": self.origin.commit_id,
            "name": model.repo_name,
        }
        if self.origin.keeps_copy:
            wanted["keep_copy"] = "on"
        return f"{reverse('registry:register-import')}?{urlencode(wanted)}"


@register.simple_tag(takes_context=True)
def watched(context: template.Context, job: Job) -> Watched:
    """Return what is to be shown of a job besides the job itself."""
    request: HttpRequest = context["request"]
    team = job.revision.model.organization
    origin = hubimports.origin_of(job)
    position = None
    if origin is not None and job.state == Job.State.RUNNING:
        share = job.progress / fingerprints.SHARE_OF_SKETCH
        position = hubreading.position(job.revision, share)
    return Watched(
        origin=origin,
        position=position,
        may_push=team is not None and can_push(request.user, team, token=None),
        needs_token=origin is not None and hubimports.needs_token(origin),
    )
