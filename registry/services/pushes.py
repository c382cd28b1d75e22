"""What a push brings, by whatever client: its files, its card, its one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from registry import card, gitoid, storage, uploadrules
from registry.models import RegisteredModel, Revision
from registry.services.revisions import (
    CARD_PATH,
    AddedFile,
    Changes,
    commit_revision,
)
from registry.services.uploads import check_quota, may_use


class NotArrived(Exception):
    """A content that somebody wants to commit and has not brought."""


def is_large(path: str, size_bytes: int) -> bool:
    """Return whether git would hold only a pointer to a file."""
    return uploadrules.is_large(
        path, size_bytes, max_inline_bytes=settings.MAX_INLINE_BYTES
    )


def inline_file(path: str, content: bytes) -> AddedFile:
    """Return a file of a commit and store its content."""
    return AddedFile(
        path=path,
        sha256=storage.store_bytes(content),
        size_bytes=len(content),
        oid=gitoid.of_content(content),
        is_lfs=False,
    )


def large_file(
    path: str, sha256: str, *, model: RegisteredModel, author: User
) -> AddedFile:
    """Return a large file of a commit whose content has arrived; raises NotArrived."""
    size_bytes = _arrived_size(path, sha256, model, author)
    return AddedFile(
        path=path,
        sha256=sha256,
        size_bytes=size_bytes,
        oid=gitoid.of_large_file(sha256, size_bytes),
        is_lfs=True,
    )


def arrived_file(
    path: str, sha256: str, *, model: RegisteredModel, author: User
) -> AddedFile:
    """Return a file of a commit whose content has arrived, large or not.

    Raises NotArrived.
    """
    if is_large(path, _arrived_size(path, sha256, model, author)):
        return large_file(path, sha256, model=model, author=author)
    return inline_file(path, storage.path_of(sha256).read_bytes())


def _arrived_size(path: str, sha256: str, model: RegisteredModel, author: User) -> int:
    try:
        has_arrived = may_use(author, model, sha256)
    except storage.ContentMissing:
        has_arrived = False
    if not has_arrived:
        raise NotArrived(
            f"the content of {path!r} has not arrived here; nothing was committed. "
            "Push again: what has arrived is not sent twice"
        )
    return storage.path_of(sha256).stat().st_size


def card_file(
    fields: Mapping[str, Any], *, model: RegisteredModel, added: Sequence[AddedFile]
) -> AddedFile:
    """Return README.md with these fields in its front matter; None takes one out.

    It is the one that is added, else the one the model has, else a new one. Raises
    CardInvalid for one that cannot be read.
    """
    sha256 = next((file.sha256 for file in added if file.path == CARD_PATH), None)
    if sha256 is None and model.head is not None:
        kept = model.head.files.filter(path=CARD_PATH)
        sha256 = kept.values_list("blob_id", flat=True).first()
    if sha256 is None:
        before = f"# {model.name}\n".encode()
    else:
        before = storage.path_of(sha256).read_bytes()
    return inline_file(CARD_PATH, card.amended(before, fields))


def commit_push(
    *,
    model: RegisteredModel,
    author: User,
    changes: Changes,
    summary: str,
    description: str = "",
    parent_commit: str | None = None,
) -> Revision:
    """Return the model's head after a push; raises what commit_revision raises.

    Raises QuotaExceeded before anything else.
    """
    if model.organization is not None:
        sizes = {file.sha256: file.size_bytes for file in changes.added}
        check_quota(model.organization, sizes)
    return commit_revision(
        model=model,
        author=author,
        changes=changes,
        summary=summary,
        description=description,
        parent_commit=parent_commit,
    )
