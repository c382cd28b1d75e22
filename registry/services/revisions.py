"""Registering a model and committing revisions to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from registry import card, jobs, paths, signals, storage
from registry.declaration import read_declaration
from registry.description import read_description
from registry.fingerprint import (
    SKETCH_LIMIT_BYTES,
    FingerprintError,
    Sketch,
    read_header,
)
from registry.locks import lock_register
from registry.models import (
    Blob,
    HubImport,
    Job,
    Organization,
    RegisteredModel,
    Revision,
    RevisionFile,
)
from registry.models.files import SKETCH_SUFFIX, WEIGHT_SUFFIX
from registry.models.organizations import validate_name
from registry.models.webhooks import Event
from registry.permissions import PUBLIC
from registry.services.webhooks import announce
from registry.vocabulary import Kind

CARD_PATH = "README.md"
# Lists of commits send it whole.
MAX_DESCRIPTION = 20_000


class CommitRefused(Exception):
    """A commit that cannot be accepted; the text says why and what to do."""


class CommitConflict(Exception):
    """Somebody else committed first; fetch and try again."""


class NameTaken(Exception):
    """A model of this name is already registered."""


@dataclass(frozen=True)
class AddedFile:
    """A file that a commit adds or replaces; its content is already stored.

    Unless it `is_remote`: then it stays on a hub, and its header has been checked.
    """

    path: str
    sha256: str
    size_bytes: int
    oid: str
    is_lfs: bool
    is_remote: bool = False


@dataclass(frozen=True)
class Changes:
    """What a commit does to the files before it."""

    added: Sequence[AddedFile] = ()
    deleted: Sequence[str] = ()
    deleted_folders: Sequence[str] = ()


def stored_file(path: str, content: bytes) -> AddedFile:
    """Return a file of a commit after storing its content, which is a small one."""
    return AddedFile(
        path=path,
        sha256=storage.store_bytes(content),
        size_bytes=len(content),
        oid=hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        is_lfs=path.endswith(WEIGHT_SUFFIX),
    )


def register_model(
    *, organization: Organization, name: str, private: bool = False
) -> RegisteredModel:
    """Return a new, empty entry for team/name.

    Raises NameTaken when the team has that name, and ValidationError for a name
    that cannot be an address.
    """
    validate_name(name)
    RegisteredModel._meta.get_field("repo_name").run_validators(name)
    if "--" in name:
        raise ValidationError("'--' cannot stand in a model's name")
    try:
        with transaction.atomic():
            return RegisteredModel.objects.create(
                slug=f"{organization.slug}--{name}",
                origin=RegisteredModel.Origin.TEAM,
                kind=Kind.MODEL,
                name=name,
                organization=organization,
                repo_name=name,
                private=private,
                released=timezone.now().strftime("%Y-%m"),
            )
    except IntegrityError as error:
        raise NameTaken(f"{organization.slug}/{name} is already registered") from error


def check_wish(model: RegisteredModel, *, private: bool | None) -> None:
    """Raise CommitRefused where someone wants private what everybody sees already."""
    if private and not model.private:
        raise CommitRefused(
            f"{model.repo_id} is public; an owner can make it private on the page of "
            "its settings, or choose another name"
        )


def commit_revision(
    *,
    model: RegisteredModel,
    author: User | None,
    changes: Changes,
    summary: str,
    description: str = "",
    parent_commit: str | None = None,
    origin: HubImport | None = None,
) -> Revision:
    """Return the model's head after a commit.

    A commit that changes nothing returns the head as it is, so that the same push
    may be repeated, and has a failed job done again. Otherwise the new revision,
    its declaration and its job come into being together. `origin` says where an
    import comes from; its row is written with the revision. Raises CommitConflict when
    parent_commit is given and is not the head, and CommitRefused for content that
    cannot be registered.
    """
    new_card = _checked_card(changes)
    _check_added(changes.added)
    with transaction.atomic():
        lock_register()
        _check_stored(changes.added)
        locked = RegisteredModel.objects.get(pk=model.pk)
        if locked.removal_id is not None:
            raise CommitRefused(
                f"{locked.repo_id} was removed; an owner can take the name into use "
                "again on the page of its settings"
            )
        head = locked.head
        if parent_commit and (head is None or head.commit_id != parent_commit):
            raise CommitConflict("the model has a newer commit; fetch it and try again")
        files = _apply(changes, head)
        if head is not None and _tree(files) == _tree_of(head):
            _try_again(head)
            return head
        revision = _write_revision(
            locked,
            head,
            files,
            card=_card_of(files, new_card, head),
            author_id=author.pk if author is not None else None,
            summary=summary[:200],
            description=description[:MAX_DESCRIPTION],
        )
        if origin is not None:
            origin.revision = revision
            origin.save()
        _make_head(locked, revision)
        _announce_push(revision)
        signals.revision_committed.send(sender=Revision, revision=revision)
        if revision.weight_files().exists() or revision.sketch_file():
            jobs.submit(Job.Kind.FINGERPRINT, revision)
    return revision


def _announce_push(revision: Revision) -> None:
    model = revision.model
    if model.organization is not None:
        data = {
            "organization": model.organization.slug,
            "model": model.slug,
            "repo": model.repo_id,
            "revision": revision.commit_id,
            "summary": revision.summary,
            "author": revision.author.username if revision.author else None,
            "url": f"{settings.PUBLIC_URL}{model.get_absolute_url()}",
        }
        announce(model.organization, Event.PUSH_COMMITTED, data)


def _try_again(head: Revision) -> None:
    """Give a revision whose job failed a new one: the same push asks for it."""
    newest = head.jobs.filter(kind=Job.Kind.FINGERPRINT).order_by("-created_at").first()
    if newest is not None and newest.state in (Job.State.FAILED, Job.State.CANCELLED):
        jobs.submit(Job.Kind.FINGERPRINT, head)


def _check_added(added: Iterable[AddedFile]) -> None:
    """Raise CommitRefused for a path or a weight file that cannot be accepted."""
    for file in added:
        try:
            paths.check(file.path)
            if file.path.endswith(WEIGHT_SUFFIX) and not file.is_remote:
                read_header(storage.path_of(file.sha256), name=file.path)
            if file.path.endswith(SKETCH_SUFFIX):
                _check_sketch(file)
        except paths.PathRefused as error:
            raise CommitRefused(f"{file.path}: {error}") from error
        except FingerprintError as error:
            raise CommitRefused(str(error)) from error


def _check_sketch(file: AddedFile) -> None:
    """Raise CommitRefused, or FingerprintError, for a sketch that cannot be used."""
    if file.size_bytes > SKETCH_LIMIT_BYTES:
        raise CommitRefused(f"{file.path}: a sketch has no more than 256 KiB")
    sketch = Sketch.from_bytes(storage.path_of(file.sha256).read_bytes())
    if not sketch.files:
        raise CommitRefused(
            f"{file.path}: the sketch does not name its weight files; make it again "
            "with --hashes"
        )


def _check_stored(added: Iterable[AddedFile]) -> None:
    """Raise CommitRefused for a content that was removed since it was asked for.

    Under the lock: remove_uncommitted and remove_model hold it too, and keep what a
    revision names.
    """
    for file in added:
        if not file.is_remote and not storage.has(file.sha256):
            raise CommitRefused(
                f"the content of {file.path} is not kept any more; push again"
            )


def _checked_card(changes: Changes) -> card.Card | None:
    file = {file.path: file for file in changes.added}.get(CARD_PATH)
    if file is None:
        return None
    if file.size_bytes > card.MAX_CARD_BYTES:
        raise CommitRefused(f"{CARD_PATH}: larger than {card.MAX_CARD_BYTES} bytes")
    try:
        parsed = card.parse_card(storage.path_of(file.sha256).read_bytes())
        read_declaration(parsed.metadata)
        read_description(parsed.metadata)
        return parsed
    except card.CardInvalid as error:
        raise CommitRefused(f"{CARD_PATH}: {error}") from error


def _apply(changes: Changes, head: Revision | None) -> dict[str, AddedFile]:
    files = {} if head is None else {file.path: file for file in _files_of(head)}
    gone = set(changes.deleted)
    folders = tuple(f"{folder.rstrip('/')}/" for folder in changes.deleted_folders)
    kept = {
        path: file
        for path, file in files.items()
        if path not in gone and not path.startswith(folders)
    }
    after = kept | {file.path: file for file in changes.added}
    if sum(path.endswith(SKETCH_SUFFIX) for path in after) > 1:
        raise CommitRefused("a model has one sketch; delete the other")
    try:
        paths.check_together(after.keys())
    except paths.PathRefused as error:
        raise CommitRefused(str(error)) from error
    return after


def _files_of(revision: Revision) -> Iterable[AddedFile]:
    for file in revision.files.select_related("blob"):
        yield AddedFile(
            path=file.path,
            sha256=file.blob_id,
            size_bytes=file.blob.size_bytes,
            oid=file.oid,
            is_lfs=file.is_lfs,
        )


def _tree(files: dict[str, AddedFile]) -> list[tuple[str, str]]:
    return sorted((path, file.sha256) for path, file in files.items())


def _tree_of(revision: Revision) -> list[tuple[str, str]]:
    return sorted(revision.files.values_list("path", "blob_id"))


def _write_revision(
    model: RegisteredModel,
    head: Revision | None,
    files: dict[str, AddedFile],
    **described: Any,
) -> Revision:
    identity = [model.slug, head.commit_id if head else "", timezone.now().isoformat()]
    identity += [f"{path} {sha256}" for path, sha256 in _tree(files)]
    revision = Revision.objects.create(
        model=model,
        commit_id=hashlib.sha1("\n".join(identity).encode()).hexdigest(),
        parent=head,
        public_since=None if model.private else timezone.now(),
        **described,
    )
    Blob.objects.bulk_create(
        [Blob(sha256=f.sha256, size_bytes=f.size_bytes) for f in files.values()],
        ignore_conflicts=True,
    )
    RevisionFile.objects.bulk_create(
        RevisionFile(
            revision=revision,
            path=file.path,
            blob_id=file.sha256,
            oid=file.oid,
            is_lfs=file.is_lfs,
        )
        for file in files.values()
    )
    return revision


def _card_of(
    files: dict[str, AddedFile], new_card: card.Card | None, head: Revision | None
) -> dict[str, Any]:
    """Return the front matter that holds after the commit: new, kept, or none."""
    if CARD_PATH not in files:
        return {}
    if new_card is not None:
        return dict(new_card.metadata)
    return dict(head.card) if head else {}


def _make_head(model: RegisteredModel, revision: Revision) -> None:
    """Let the model stand at the revision, as its card describes it."""
    _describe(model, revision.card)
    licenses = card.strings(revision.card.get("license"))
    model.license = _known_spelling(licenses[0][:80]) if licenses else ""
    model.head = revision
    model.save()


def _describe(model: RegisteredModel, metadata: Mapping[str, Any]) -> None:
    said = read_description(metadata)
    model.kind = said.kind
    if said.kind != Kind.MODEL:
        model.category = ""
    model.name = said.name or model.repo_name
    model.name_zh = said.name_zh
    model.released = said.released or model.released
    told = {"homepage": said.homepage, "contribution_text": said.contribution}
    model.facts = {k: v for k, v in {**model.facts, **told}.items() if v != ""}


def _known_spelling(license_name: str) -> str:
    """Return the licence as the register already writes it, so that counts add up."""
    listed = RegisteredModel.objects.listed().filter(PUBLIC.allows())
    same = listed.filter(license__iexact=license_name)
    known = same.order_by("id").values_list("license", flat=True).first()
    return known or license_name
