"""The commit that ends a push: its lines, its contents, its receipt."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from registry import tasks
from registry.declaration import read_declaration
from registry.hubapi import bodies
from registry.hubapi.auth import require_pusher
from registry.hubapi.errors import (
    EntryNotFound,
    HubError,
    StaleParent,
    TooLarge,
    Unprocessable,
    answers_errors,
)
from registry.hubapi.lookup import files_of, find_model, require_main, team_of
from registry.models import RegisteredModel, Revision
from registry.naming import hint
from registry.permissions import sight_for
from registry.services import pushes
from registry.services.revisions import (
    AddedFile,
    Changes,
    CommitConflict,
    CommitRefused,
)
from registry.services.uploads import QuotaExceeded

MAX_OPERATIONS = 10_000


@dataclass
class Push:
    """What the lines of a commit asked for."""

    header: dict[str, Any] | None = None
    added: list[AddedFile] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    deleted_folders: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.added) + len(self.deleted) + len(self.deleted_folders)


@csrf_exempt
@require_POST
@answers_errors
def commit(
    request: HttpRequest, *, team: str, name: str, revision: str
) -> HttpResponseBase:
    """Commit the operations in the body's lines and wake a worker for the result."""
    model = find_model(request, team, name)
    token = require_pusher(request, team_of(model))
    require_main(revision)
    if request.GET.get("create_pr"):
        raise HubError("there are no pull requests here; push without --create-pr")
    push = _read_push(bodies.read_lines(request), model, token.user)
    _check_deleted(push, model)
    made = _commit(model, push, author=token.user)
    tasks.ring_for(made)
    return JsonResponse(_receipt(request, model, made))


def _read_push(
    lines: Iterable[dict[str, Any]], model: RegisteredModel, author: User
) -> Push:
    """Return the operations; contents that came inside are stored on the way."""
    push = Push()
    for line in lines:
        value = line.get("value")
        if not isinstance(value, dict):
            raise HubError("every line needs a 'key' and an object as 'value'")
        match line.get("key"):
            case "header":
                push.header = value
            case "file":
                push.added.append(_inline_file(value))
            case "lfsFile":
                push.added.append(_large_file(value, model, author))
            case "deletedFile":
                push.deleted.append(bodies.text(value, "path"))
            case "deletedFolder":
                push.deleted_folders.append(bodies.text(value, "path"))
            case key:
                raise HubError(f"unknown operation {key!r}")
        if len(push) > MAX_OPERATIONS:
            raise TooLarge(f"one commit may change {MAX_OPERATIONS} files; split it")
    return push


def _inline_file(value: dict[str, Any]) -> AddedFile:
    path = bodies.path(value)
    if bodies.text(value, "encoding", "base64") != "base64":
        raise HubError(f"{path!r}: only base64 is understood")
    try:
        content = base64.b64decode(bodies.text(value, "content"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise HubError(f"{path!r}: the content is not base64") from error
    if len(content) > settings.MAX_INLINE_BYTES:
        raise TooLarge(
            f"{path!r} is larger than {settings.MAX_INLINE_BYTES} bytes; push it "
            "again as a large file"
        )
    return pushes.inline_file(path, content)


def _large_file(
    value: dict[str, Any], model: RegisteredModel, author: User
) -> AddedFile:
    path, sha256 = bodies.path(value), bodies.text(value, "oid")
    try:
        return pushes.large_file(path, sha256, model=model, author=author)
    except pushes.NotArrived as error:
        raise Unprocessable(str(error)) from error


def _check_deleted(push: Push, model: RegisteredModel) -> None:
    """Raise EntryNotFound for the deletion of what is not there."""
    known = set(files_of(model.head).values_list("path", flat=True))
    missing = [path for path in push.deleted if path not in known]
    missing += [
        folder
        for folder in push.deleted_folders
        if not any(path.startswith(f"{folder.rstrip('/')}/") for path in known)
    ]
    if missing:
        raise EntryNotFound(f"A file with this name doesn't exist: {missing[0]}")


def _commit(model: RegisteredModel, push: Push, *, author: Any) -> Revision:
    if push.header is None:
        raise HubError("the commit has no header line with a summary")
    if not push and model.head is None:
        raise HubError("the commit holds no file")
    parent = bodies.text(push.header, "parentCommit", "")
    try:
        return pushes.commit_push(
            model=model,
            author=author,
            changes=Changes(push.added, push.deleted, push.deleted_folders),
            summary=bodies.text(push.header, "summary", ""),
            description=bodies.text(push.header, "description", ""),
            parent_commit=_written_out(parent, model.head),
        )
    except QuotaExceeded as error:
        raise TooLarge(f"{error}; nothing was committed") from error
    except CommitConflict as error:
        raise StaleParent(str(error)) from error
    except CommitRefused as error:
        # A 400 is what the client prints without words of its own around ours.
        raise HubError(f"{error}; nothing was committed") from error


def _written_out(parent: str, head: Revision | None) -> str | None:
    """Return a parent commit in full when its first digits name the head."""
    is_head = head is not None and head.commit_id.startswith(parent.lower())
    return head.commit_id if head and is_head and len(parent) >= 5 else parent or None


def _receipt(
    request: HttpRequest, model: RegisteredModel, revision: Revision
) -> dict[str, Any]:
    address = reverse(
        "hub-commit-page", args=[*model.repo_id.split("/"), revision.commit_id]
    )
    return {
        "success": True,
        "commitOid": revision.commit_id,
        "commitUrl": request.build_absolute_uri(address),
        "hookOutput": "\n".join(_hints(revision)),
    }


def _hints(revision: Revision) -> Iterable[str]:
    """Return what to say of bases that mean nothing here."""
    declared = read_declaration(revision.card)
    sight = sight_for(revision.model)
    return filter(None, (hint(base, sight) for base, _ in declared.bases))
