"""Registering a model that lies on a hub, as a form."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from registry import hubfiles, tasks
from registry.forms import HubImportForm
from registry.hubfiles import HubRefused
from registry.models import Job, Organization
from registry.permissions import can_push
from registry.services import hubimports
from registry.services.hubimports import Inspected
from registry.services.revisions import CommitRefused, NameTaken
from registry.services.uploads import QuotaExceeded
from registry.storage import DiskFull
from registry.turns import takes_no_turn
from registry.views.requests import SignedInRequest

# Beside which question a refusal stands, if not beside the repository.
FIELD_OF = {
    hubfiles.GATED: "token",
    hubfiles.TOKEN_REFUSED: "token",
    hubfiles.NO_REVISION: "revision",
}
# None leaves it to the repository.
PRIVATE_OF: Final = {"": None, "no": False, "yes": True}


@takes_no_turn
@never_cache
@sensitive_post_parameters("token")
@login_required
def register_from_hub(request: SignedInRequest) -> HttpResponse:
    """Ask for a repository, show what would be read, and register it."""
    mine = Organization.objects.of_member(request.user).order_by("slug")
    teams = [team for team in mine if can_push(request.user, team, token=None)]
    form = HubImportForm(
        request.POST or None,
        teams=teams,
        initial={"revision": "main"} | _asked(request),
    )
    context: dict[str, Any] = {"form": form, "teams": teams}
    if request.method == "POST" and form.is_valid():
        found = _found(form)
        if found is not None and "register" in request.POST:
            job = _registered(form, found, request)
            if job is not None:
                tasks.ring(job)
                return redirect(job)
        elif found is not None:
            context["found"] = found
    status = 422 if form.errors else 200
    return render(request, "registry/import.html", context, status=status)


def _asked(request: SignedInRequest) -> dict[str, str]:
    """Return what an address fills the form with; a token never stands in one."""
    fields = ("organization", "hub", "repo", "revision", "name", "keep_copy")
    return {name: request.GET[name] for name in fields if name in request.GET}


def _found(form: HubImportForm) -> Inspected | None:
    wanted = form.cleaned_data
    try:
        return hubimports.inspect(
            wanted["hub"], wanted["repo"], wanted["revision"], wanted["token"]
        )
    except HubRefused as error:
        form.add_error(FIELD_OF.get(str(error), "repo"), gettext(str(error)))
        return None


def _registered(
    form: HubImportForm, found: Inspected, request: SignedInRequest
) -> Job | None:
    """Return the job of the new revision, or None after saying what is wrong."""
    wanted = form.cleaned_data
    try:
        revision = hubimports.register(
            found,
            organization=wanted["organization"],
            name=wanted["name"] or found.snapshot.repo_id.split("/")[1],
            user=request.user,
            keeps_copy=wanted["keep_copy"],
            private=PRIVATE_OF[wanted["private"]],
        )
    except (HubRefused, CommitRefused, QuotaExceeded, DiskFull) as error:
        form.add_error(None, gettext(str(error)))
    except NameTaken as error:
        form.add_error("name", str(error))
    except ValidationError as error:
        form.add_error("name", error)
    else:
        return revision.jobs.latest("created_at")
    return None
