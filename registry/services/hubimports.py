"""Registering what lies on a hub, without anybody sending it here."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from registry import card, gitoid, hubfiles, paths, sealing, storage
from registry.declaration import read_declaration
from registry.fingerprint import FingerprintError
from registry.hubfiles import HubFile, HubRefused, Snapshot
from registry.models import HubImport, Job, Organization, RegisteredModel, Revision
from registry.models.files import WEIGHT_SUFFIX, RevisionFile
from registry.services.revisions import (
    CARD_PATH,
    AddedFile,
    Changes,
    NameTaken,
    commit_revision,
    register_model,
)
from registry.services.uploads import check_quota

# What is taken along beside the weights: card, config, tokenizer, licence.
SMALL_SUFFIXES: Final = (".json", ".jinja", ".md", ".model", ".txt", "LICENSE")
MAX_SMALL_BYTES: Final = 64 << 20
_AT_ONCE: Final = 4


class ScratchBusy(Exception):
    """Another worker still reads these weights."""


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
        raise HubRefused(f"{snapshot.repo_id} holds no .safetensors file")
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
) -> Revision:
    """Return the revision that stands for a repository's commit; its job waits.

    The weights are read by that job. Repeating it gives the same revision, and a
    failed job another try. Raises HubRefused, NameTaken, QuotaExceeded, DiskFull,
    and ValidationError for a name that cannot be an address.
    """
    snapshot = inspected.snapshot
    if keeps_copy:
        check_quota(
            organization, {f.sha256 or "": f.size_bytes for f in inspected.weights}
        )
    added = [_large(file) for file in inspected.weights if file.sha256]
    small = [file for file in inspected.weights if not file.sha256]
    added += [_stored(snapshot, file) for file in (*small, *inspected.small)]
    added = _with_readable_card(added)
    model = _model(snapshot, organization, name)
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


@contextmanager
def fetched(
    revision: Revision, *, progress: Callable[[float], None]
) -> Iterator[Mapping[str, Path]]:
    """Yield the weights that are only on a hub, by SHA-256, while they are needed.

    Each file is read once from beginning to end and hashed on the way; what a killed
    worker had read is not read again. Afterwards they are gone, or kept if that was
    asked for. Raises HubRefused, ScratchBusy and DiskFull.
    """
    origin = HubImport.objects.filter(revision=revision).first()
    missing = [
        HubFile(file.path, file.blob.size_bytes, file.blob_id)
        for file in revision.weight_files().select_related("blob")
        if not storage.has(file.blob_id)
    ]
    if origin is None or not missing:
        yield {}
        return
    folder = storage.root() / "scratch" / str(revision.pk)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        try:
            yield _read_all(origin, missing, folder, progress)
            if origin.keeps_copy:
                for file in missing:
                    storage.adopt(folder / str(file.sha256), str(file.sha256))
            HubImport.objects.filter(pk=origin.pk).update(read_at=timezone.now())
        except (HubRefused, FingerprintError):
            shutil.rmtree(folder)
            raise
        shutil.rmtree(folder)


def forget_tokens() -> int:
    """Remove the tokens that no job needs any more; return how many there were."""
    waiting = Job.objects.unfinished().values("revision")
    done = HubImport.objects.exclude(secret=None).exclude(revision__in=waiting)
    return done.update(secret=None)


def _read_all(
    origin: HubImport,
    files: list[HubFile],
    folder: Path,
    progress: Callable[[float], None],
) -> dict[str, Path]:
    total = sum(file.size_bytes for file in files)
    storage.check_room(total - sum(p.stat().st_size for p in folder.iterdir()))
    snapshot = _opened(origin, files)
    done, found = 0, {}
    for file in files:
        path = folder / str(file.sha256)

        def tell(n: int, before: int = done) -> None:
            progress((before + n) / max(total, 1))

        if not path.exists():
            _read(snapshot, file, path, tell)
        done += file.size_bytes
        found[str(file.sha256)] = path
    return found


def _read(
    snapshot: Snapshot, file: HubFile, path: Path, tell: Callable[[int], None]
) -> None:
    """Write a file under its name once its hash is right; raises HubRefused."""
    part, digest = path.with_name(f"{path.name}.part"), hashlib.sha256()
    with part.open("a+b") as kept:
        kept.seek(0)
        while chunk := kept.read(hubfiles.CHUNK_BYTES):
            digest.update(chunk)
            tell(kept.tell())
        for chunk in hubfiles.stream(snapshot, file, start=kept.tell()):
            digest.update(chunk)
            kept.write(chunk)
            tell(kept.tell())
    if digest.hexdigest() != file.sha256:
        raise HubRefused(
            f"{file.path}: the hub states sha256 {file.sha256} and its bytes have "
            f"{digest.hexdigest()}"
        )
    part.replace(path)


def _opened(origin: HubImport, files: list[HubFile]) -> Snapshot:
    snapshot = Snapshot(
        origin.hub, origin.repo_id, origin.commit_id, origin.is_gated, tuple(files)
    )
    if origin.secret is None:
        return snapshot
    try:
        return replace(snapshot, token=sealing.unseal(bytes(origin.secret)))
    except sealing.Unsealable as error:
        raise HubRefused("the token can no longer be read; import again") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with folder.with_suffix(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ScratchBusy("another worker still reads these weights") from error
        yield


def _model(
    snapshot: Snapshot, organization: Organization, name: str
) -> RegisteredModel:
    """Return the new entry, or the one that was imported from there before."""
    try:
        return register_model(organization=organization, name=name)
    except NameTaken:
        known = RegisteredModel.objects.in_repo(organization.slug, name).get()
        same = HubImport.objects.filter(
            revision__model=known, hub=snapshot.hub, repo_id=snapshot.repo_id
        )
        if known.head is None or same.exists():
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
