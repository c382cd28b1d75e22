"""JSON shapes of the hub protocol, made from our rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from registry import gitoid
from registry.card import strings
from registry.hubapi.lookup import team_of
from registry.models import ApiToken, RegisteredModel, Revision, RevisionFile

# Card fields whose values the hub also lists as tags, and the prefix they get.
TAG_PREFIXES = {
    "tags": "",
    "language": "",
    "library_name": "",
    "pipeline_tag": "",
    "license": "license:",
    "datasets": "dataset:",
    "base_model": "base_model:",
}


def user(token: ApiToken) -> dict[str, Any]:
    """Return the answer to 'who am I': the person, and the token's organisation."""
    team = token.organization
    return {
        "type": "user",
        "id": str(token.user_id),
        "name": token.user.get_username(),
        "fullname": token.user.get_full_name() or token.user.get_username(),
        "isPro": False,
        "orgs": [
            {
                "type": "org",
                "id": str(team.pk),
                "name": team.slug,
                "fullname": team.title,
            }
        ],
        "auth": {
            "type": "access_token",
            "accessToken": {
                "displayName": token.name,
                "role": "write" if token.can_push else "read",
                "createdAt": timestamp(token.created_at),
            },
        },
    }


def summary(model: RegisteredModel, revision: Revision | None) -> dict[str, Any]:
    """Return what a list shows of a model."""
    card = {} if revision is None else revision.card
    changed_at = model.created_at if revision is None else revision.created_at
    return {
        "_id": str(model.pk),
        "id": model.repo_id,
        "modelId": model.repo_id,
        "author": team_of(model).slug,
        "sha": None if revision is None else revision.commit_id,
        "createdAt": timestamp(model.created_at),
        "lastModified": timestamp(changed_at),
        "private": model.private,
        "gated": False,
        "disabled": False,
        "tags": tags(card),
        "library_name": next(iter(strings(card.get("library_name"))), None),
        "pipeline_tag": next(iter(strings(card.get("pipeline_tag"))), None),
    }


def details(
    model: RegisteredModel,
    revision: Revision | None,
    files: Iterable[RevisionFile],
    *,
    with_sizes: bool,
) -> dict[str, Any]:
    """Return everything about a model at a revision, with the names of its files."""
    return {
        **summary(model, revision),
        "cardData": {} if revision is None else revision.card,
        "siblings": [sibling(file, with_size=with_sizes) for file in files],
        "spaces": [],
    }


def commit(revision: Revision) -> dict[str, Any]:
    """Return a revision as the list of commits shows it."""
    author = revision.author
    return {
        "id": revision.commit_id,
        "title": revision.summary,
        "message": revision.description,
        "date": timestamp(revision.created_at),
        "authors": [] if author is None else [{"user": author.get_username()}],
    }


def sibling(file: RevisionFile, *, with_size: bool) -> dict[str, Any]:
    """Return a file as model information names it."""
    if not with_size:
        return {"rfilename": file.path}
    shape = {
        "rfilename": file.path,
        "size": file.blob.size_bytes,
        "blobId": file.oid,
    }
    if file.is_lfs:
        shape["lfs"] = large(file) | {"sha256": file.blob_id}
    return shape


def entry(file: RevisionFile) -> dict[str, Any]:
    """Return a file as the tree lists it."""
    shape = {
        "type": "file",
        "path": file.path,
        "size": file.blob.size_bytes,
        "oid": file.oid,
    }
    if file.is_lfs:
        shape["lfs"] = large(file) | {"oid": file.blob_id}
    return shape


def folder(path: str, files: Iterable[RevisionFile]) -> dict[str, Any]:
    """Return a folder as the tree lists it, given every file below it."""
    oid = gitoid.of_folder((file.path, file.oid) for file in files)
    return {"type": "directory", "path": path, "size": 0, "oid": oid}


def large(file: RevisionFile) -> dict[str, Any]:
    """Return the sizes of a large file and of its pointer."""
    size_bytes = file.blob.size_bytes
    pointer_size = len(gitoid.pointer(file.blob_id, size_bytes))
    return {"size": size_bytes, "pointerSize": pointer_size}


def tags(card: dict[str, Any]) -> list[str]:
    """Return a card's fields as the hub's flat list of tags."""
    return [
        f"{prefix}{value}"
        for field, prefix in TAG_PREFIXES.items()
        for value in strings(card.get(field))
    ]


def timestamp(moment: datetime) -> str:
    """Return a UTC time in the one format that the client parses."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
