"""Registering what lies on a hub, without anybody sending it here."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from registry import card, gitoid, hubfiles, jobs, paths, sealing, storage
from registry.declaration import read_declaration
from registry.fingerprint import PICKLES
from registry.hubfiles import HubFile, HubRefused, Snapshot
from registry.models import (
    AuditEntry,
    HubImport,
    Job,
    Organization,
    RegisteredModel,
    Revision,
)
from registry.models.files import WEIGHT_SUFFIX, RevisionFile
from registry.services import hubreading
from registry.services.revisions import (
    CARD_PATH,
    AddedFile,
    Changes,
    NameTaken,
    check_wish,
    commit_revision,
    register_model,
)
from registry.services.uploads import check_quota

# What is taken along beside the weights: card, config, tokenizer, licence.
SMALL_SUFFIXES: Final = (".json", ".jinja", ".md", ".model", ".txt", "LICENSE")
MAX_SMALL_BYTES: Final = 64 << 20
_AT_ONCE: Final = 4


@dataclass(frozen=True)
class Inspected:
    """What is known of a repository before anything large is read."""

    snapshot: Snapshot
    weights: tuple[HubFile, ...]
    small: tuple[HubFile, ...]
    params: int
    dtypes: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """Return how many bytes of weights will be read."""
        return sum(file.size_bytes for file in self.weights)


def inspect(hub: str, repo_id: str, revision: str, token: str = "") -> Inspected:
    """Return what a repository holds, from its list and the headers of its weights.

    Raises HubRefused for one that cannot be registered.
    """
    snapshot = hubfiles.find(hub, repo_id, revision, token)
    weights = tuple(f for f in snapshot.files if f.path.endswith(WEIGHT_SUFFIX))
    if not weights:
        has_pickles = any(Path(f.path).suffix in PICKLES for f in snapshot.files)
        raise HubRefused(hubfiles.ONLY_PICKLES if has_pickles else hubfiles.NO_WEIGHTS)
    for file in weights:
        _check(file)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        headers = list(pool.map(partial(hubfiles.header_of, snapshot), weights))
    tensors = [tensor for header in headers for tensor in header.tensors]
    return Inspected(
        snapshot=snapshot,
        weights=weights,
        small=tuple(filter(_is_small, snapshot.files)),
        params=sum(tensor.n_elements for tensor in tensors),
        dtypes=tuple(sorted({tensor.dtype for tensor in tensors})),
    )


def register(
    inspected: Inspected,
    *,
    organization: Organization,
    name: str,
    user: User | None,
    keeps_copy: bool = False,
    private: bool | None = None,
) -> Revision:
    """Return the revision that stands for a repository's commit; its job waits.

    The weights are read by that job. Repeating it gives the same revision, and a
    failed job another try. Where nobody says whether a new entry is private, it is
    if the repository is gated. Raises HubRefused, CommitRefused, NameTaken,
    QuotaExceeded, DiskFull, and ValidationError for a name that cannot be an address.
    """
    snapshot, asked_at = inspected.snapshot, timezone.now()
    storage.check_room(max(file.size_bytes for file in inspected.weights))
    if keeps_copy:
        check_quota(
            organization, {f.sha256 or "": f.size_bytes for f in inspected.weights}
        )
    added = [_large(file) for file in inspected.weights if file.sha256]
    small = [file for file in inspected.weights if not file.sha256]
    added += [_stored(snapshot, file) for file in (*small, *inspected.small)]
    added = _with_readable_card(added)
    model = _model(snapshot, organization, name, private)
    origin = HubImport(
        hub=snapshot.hub,
        repo_id=snapshot.repo_id,
        commit_id=snapshot.commit_id,
        is_gated=snapshot.is_gated,
        keeps_copy=keeps_copy,
        requested_by=user,
        secret=sealing.seal(snapshot.token) if snapshot.token else None,
    )
    revision = commit_revision(
        model=model,
        author=user,
        changes=Changes(added, deleted=_gone(model, added)),
        summary=f"Imported from {snapshot.repo_id}"[:200],
        description=f"{snapshot.hub}/{snapshot.repo_id}/tree/{snapshot.commit_id}",
        origin=origin,
    )
    # The token of an earlier attempt may have been the reason why it failed.
    HubImport.objects.filter(revision=revision).update(secret=origin.secret)
    if revision.jobs.filter(created_at__gte=asked_at).exists():
        action = AuditEntry.Action.IMPORT_ASKED
        hubreading.note(revision.hub_import, action, actor=user)
    return revision


def address_of(file: RevisionFile) -> str | None:
    """Return where a hub serves a file that is not kept here, None if none does."""
    same = RevisionFile.objects.filter(
        blob=file.blob_id,
        revision__model=file.revision.model_id,
        revision__hub_import__isnull=False,
    )
    found = same.select_related("revision__hub_import").order_by("-id").first()
    if found is None:
        return None
    origin = found.revision.hub_import
    return hubfiles.file_address(
        origin.hub, origin.repo_id, origin.commit_id, found.path
    )


def origin_of(job: Job) -> HubImport | None:
    """Return what a job reads on a hub, None for a job that reads nothing there."""
    if job.kind != Job.Kind.FINGERPRINT:
        return None
    found = HubImport.objects.filter(revision=job.revision_id)
    return found.select_related("revision__model__organization").first()


def cancel(job: Job, *, by: User) -> bool:
    """End a job that is not finished; return whether it was.

    The worker stops at its next report, and what it had read is removed. What it
    stored as a copy stays.
    """
    with transaction.atomic():
        was_unfinished = jobs.cancel(job.pk)
        if was_unfinished:
            _note(job, AuditEntry.Action.IMPORT_CANCELLED, by)
    return was_unfinished


def needs_token(origin: HubImport) -> bool:
    """Return whether another try is in vain without a new token of the hub."""
    return origin.is_gated and origin.secret is None


def try_again(job: Job, *, by: User) -> Job:
    """Return the job that does once more what another did not end well."""
    revision = job.revision
    with transaction.atomic():
        same = Job.objects.unfinished().filter(kind=job.kind, revision=revision)
        if (unfinished := same.first()) is not None:
            return unfinished
        _note(job, AuditEntry.Action.IMPORT_ASKED, by)
        return jobs.submit(Job.Kind(job.kind), revision)


def note_failure(job_id: uuid.UUID) -> None:
    """Write down that an import failed, if this job is one and did."""
    job = Job.objects.get(pk=job_id)
    origin = origin_of(job)
    if origin is not None and job.state == Job.State.FAILED:
        _note(job, AuditEntry.Action.IMPORT_FAILED, origin.requested_by)


def _note(job: Job, action: AuditEntry.Action, actor: User | None) -> None:
    origin = origin_of(job)
    if origin is not None:
        hubreading.note(origin, action, actor=actor)


def forget_tokens() -> int:
    """Remove the tokens that no job needs any more; return how many there were."""
    waiting = Job.objects.unfinished().values("revision")
    done = HubImport.objects.exclude(secret=None).exclude(revision__in=waiting)
    return done.update(secret=None)


def _model(
    snapshot: Snapshot, organization: Organization, name: str, private: bool | None
) -> RegisteredModel:
    """Return the new entry, or the one that was imported from there before."""
    try:
        return register_model(
            organization=organization,
            name=name,
            private=snapshot.is_gated if private is None else private,
        )
    except NameTaken:
        known = RegisteredModel.objects.in_repo(organization.slug, name).get()
        same = HubImport.objects.filter(
            revision__model=known, hub=snapshot.hub, repo_id=snapshot.repo_id
        )
        if known.head is None or same.exists():
            check_wish(known, private=private)
            return known
        raise


def _gone(model: RegisteredModel, added: list[AddedFile]) -> list[str]:
    known = model.head.files.values_list("path", flat=True) if model.head else ()
    return sorted({*known} - {file.path for file in added})


def _check(file: HubFile) -> None:
    """Raise HubRefused for a weight file that cannot be registered."""
    try:
        paths.check(file.path)
    except paths.PathRefused as error:
        raise HubRefused(f"{file.path}: {error}") from error
    if file.size_bytes > settings.MAX_FILE_BYTES:
        raise HubRefused(f"{file.path} is larger than {settings.MAX_FILE_BYTES} bytes")
    if file.sha256 is None and file.size_bytes > settings.MAX_INLINE_BYTES:
        raise HubRefused(f"{file.path}: the hub does not state its sha256")


def _is_small(file: HubFile) -> bool:
    """Return whether a file is taken along: what we could not keep is left out."""
    if not file.path.endswith(SMALL_SUFFIXES) or file.size_bytes > MAX_SMALL_BYTES:
        return False
    try:
        paths.check(file.path)
    except paths.PathRefused:
        return False
    return True


def _large(file: HubFile) -> AddedFile:
    sha256 = str(file.sha256)
    oid = gitoid.of_large_file(sha256, file.size_bytes)
    return AddedFile(
        file.path, sha256, file.size_bytes, oid, is_lfs=True, is_remote=True
    )


def _stored(snapshot: Snapshot, file: HubFile) -> AddedFile:
    content = hubfiles.content_of(snapshot, file)
    sha256 = storage.store_bytes(content)
    if file.sha256 not in (None, sha256):
        raise HubRefused(f"{file.path}: its bytes are not those that the hub states")
    oid = gitoid.of_content(content)
    if file.sha256:
        oid = gitoid.of_large_file(sha256, len(content))
    return AddedFile(file.path, sha256, len(content), oid, is_lfs=bool(file.sha256))


def _with_readable_card(added: list[AddedFile]) -> list[AddedFile]:
    """Return the files without a card that cannot be read: it declares nothing.

    Whoever imports a model cannot mend what its makers wrote.
    """
    readme = {file.path: file for file in added}.get(CARD_PATH)
    if readme is None:
        return added
    try:
        content = storage.path_of(readme.sha256).read_bytes()
        read_declaration(card.parse_card(content).metadata)
    except card.CardInvalid:
        return [file for file in added if file is not readme]
    return added
