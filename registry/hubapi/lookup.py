"""Which model, revision and file a request is about."""

from __future__ import annotations

import re

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest

from registry.hubapi.auth import is_mistaken, require_token, sight_of_asker
from registry.hubapi.errors import EntryNotFound, RepoNotFound, RevisionNotFound
from registry.models import Organization, RegisteredModel, Revision, RevisionFile

MAIN = "main"
COMMIT_ID = re.compile(r"[0-9a-f]{40}")


def find_model(request: HttpRequest, team: str, name: str) -> RegisteredModel:
    """Return the model that a team pushed, whatever the case.

    Raises RepoNotFound, in the same words for what is not there and for what is
    private and not seen; for what was removed it says so. Raises NotAuthenticated
    where a token that is not valid may be the reason.
    """
    model = find_entry(request, team, name)
    if model.removal is not None:
        raise RepoNotFound(removed_sentence(model))
    return model


def find_entry(request: HttpRequest, team: str, name: str) -> RegisteredModel:
    """Return the model like find_model, also one that was removed."""
    seen = RegisteredModel.objects.filter(sight_of_asker(request).allows())
    found = seen.in_repo(team, name)
    model = found.select_related("organization", "head", "removal").first()
    if model is None and is_mistaken(request):
        require_token(request)
    if model is None:
        raise RepoNotFound(f"no model {team}/{name} is registered here")
    return model


def removed_sentence(model: RegisteredModel) -> str:
    """Return that a model was removed, and what its owners can do."""
    removal = model.removal
    date = f" on {removal.at:%Y-%m-%d}" if removal else ""
    return (
        f"{model.repo_id} was removed from this register{date}; its lineage and its "
        f"verdicts stay at {settings.PUBLIC_URL}{model.get_absolute_url()}. An owner "
        "can take the name into use again on the page of its settings"
    )


def team_of(model: RegisteredModel) -> Organization:
    """Return the organisation of a pushed model, which always has one."""
    organization = model.organization
    if organization is None:
        raise RepoNotFound(f"{model.slug} was never pushed")
    return organization


def find_revision(model: RegisteredModel, revision: str) -> Revision | None:
    """Return the revision that 'main', a commit id or a tag means.

    'main' of a model that nobody has pushed to yet is None. Raises RevisionNotFound
    for every other name: a register keeps one line of revisions.
    """
    if revision == MAIN:
        return model.head
    found, kept = None, model.revisions.filter(emptied_at=None)
    if COMMIT_ID.fullmatch(revision):
        found = kept.filter(commit_id=revision).first()
    elif "\x00" not in revision:
        found = kept.filter(tags__name=revision).first()
    if found is None:
        raise RevisionNotFound(
            f"{model.repo_id} has no revision {revision!r}; name 'main', a tag or "
            "the id of a commit"
        )
    return found


def existing_revision(model: RegisteredModel, revision: str) -> Revision:
    """Return the revision like find_revision, but never None."""
    found = find_revision(model, revision)
    if found is None:
        raise RevisionNotFound(f"nothing was pushed to {model.repo_id} yet")
    return found


def require_main(revision: str) -> None:
    """Raise RevisionNotFound for a push to anything but the one line there is."""
    if revision != MAIN:
        raise RevisionNotFound(
            f"the revisions of a model form one line here; push to 'main', not to "
            f"{revision!r}"
        )


def files_of(revision: Revision | None) -> QuerySet[RevisionFile]:
    """Return the files of a revision with their blobs, by path."""
    files = RevisionFile.objects.select_related("blob").order_by("path")
    return files.none() if revision is None else files.filter(revision=revision)


def find_file(model: RegisteredModel, revision: str, path: str) -> RevisionFile:
    """Return a file of a revision; raises RevisionNotFound or EntryNotFound."""
    found = find_revision(model, revision)
    file = files_of(found).select_related("revision").filter(path=path).first()
    if file is None:
        raise EntryNotFound(
            f"{model.repo_id} has no file {path!r} at {revision!r}",
            commit_id=found.commit_id if found else "",
        )
    return file
