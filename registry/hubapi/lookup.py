"""Which model, revision and file a request is about."""

from __future__ import annotations

import re

from django.db.models import QuerySet

from registry.hubapi.errors import EntryNotFound, RepoNotFound, RevisionNotFound
from registry.models import Organization, RegisteredModel, Revision, RevisionFile

MAIN = "main"
COMMIT_ID = re.compile(r"[0-9a-f]{40}")


def find_model(team: str, name: str) -> RegisteredModel:
    """Return the model that a team pushed, whatever the case; raises RepoNotFound."""
    found = RegisteredModel.objects.in_repo(team, name)
    model = found.select_related("organization", "head").first()
    if model is None:
        raise RepoNotFound(f"no model {team}/{name} is registered here")
    return model


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
    found = None
    if COMMIT_ID.fullmatch(revision):
        found = model.revisions.filter(commit_id=revision).first()
    elif "\x00" not in revision:
        found = model.revisions.filter(tags__name=revision).first()
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
