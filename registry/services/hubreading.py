"""Reading a model's weights where a hub keeps them, one file of them at a time.

The scratch folder of a revision holds, under the SHA-256 of each of its files:

- the file's header, in a file as long as the real one and otherwise a hole, which takes
  no room; once it was read, also the tensors that are needed a second time;
- `.part`: the one file that is being read, whole or as far as it has come;
- `.read`: what stays of its tensors, when nothing more is needed of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from registry import hubfiles, sealing, storage
from registry.fingerprint import (
    TELL_BYTES,
    Making,
    Readings,
    Sketch,
    TensorInfo,
    open_model,
    read_again,
)
from registry.hubfiles import HubFile, HubRefused, Snapshot
from registry.models import AuditEntry, HubImport, Job, Revision, RevisionFile
from registry.permissions import sight_for
from registry.services import audit, weights

Progress = Callable[[float], None]

# Of making the sketch; the rest describes units, from what was kept for it.
READING_SHARE: Final = 0.95


class ScratchBusy(Exception):
    """Another worker still reads these weights."""


def sketch(origin: HubImport, *, progress: Progress) -> Sketch:
    """Return the sketch of a model whose weights are on a hub, reading each byte once.

    Every file is hashed on its way, and gone, or kept if that was asked for, before
    the next is fetched. What a killed worker had read is not read again. Raises
    FingerprintError, HubRefused, ScratchBusy and StorageError.
    """
    with _alone(folder_of(origin.revision)) as folder:
        files = _files(origin.revision)
        snapshot = _opened(origin, files)
        missing = _missing(origin.revision, files, folder)
        places = {_sha256(file): folder / _sha256(file) for file in missing}
        for file in missing:
            if not places[_sha256(file)].exists():
                hubfiles.write_outline(snapshot, file, places[_sha256(file)])
        with weights.checkout(origin.revision, places) as model:
            made = _Reader(origin, snapshot, model, missing, progress).sketch(files)
        _note_read(origin)
    return made


class Position(NamedTuple):
    """How far the reading of a model has come."""

    path: str
    number: int
    n_files: int
    n_bytes: int
    total_bytes: int


def position(revision: Revision, share: float) -> Position | None:
    """Return where a reading is that told this share of its work, None at its end."""
    files = _files(revision)
    total = sum(file.size_bytes for file in files)
    done = round(total * share / READING_SHARE)
    before = 0
    for number, file in enumerate(files, start=1):
        before += file.size_bytes
        if done < before:
            return Position(file.path, number, len(files), done, total)
    return None


def folder_of(revision: Revision) -> Path:
    """Return where what is read of a revision lies meanwhile."""
    return storage.root() / "scratch" / str(revision.pk)


def bytes_in(folder: Path) -> int:
    """Return how many bytes of the disk what lies in a folder takes, without holes."""
    return sum(path.lstat().st_blocks * 512 for path in folder.iterdir())


def remove_scratch() -> int:
    """Remove what is left of readings that no job goes on with; return how many.

    What a worker still holds, which has not yet heard that it was cancelled, is left
    to the next call.
    """
    found = (storage.root() / "scratch").glob("*")
    folders = {path.name: path for path in found if path.name.isdecimal()}
    if not folders:
        return 0
    waiting = Job.objects.unfinished().filter(revision__in=map(int, folders))
    needed = {str(pk) for pk in waiting.values_list("revision", flat=True)}
    n_removed = 0
    for name in folders.keys() - needed:
        try:
            with _alone(folders[name]) as folder:
                shutil.rmtree(folder)
            n_removed += 1
        except ScratchBusy:
            continue
    return n_removed


class _Reader:
    """Reads the files of one model, and frees each before the next."""

    def __init__(
        self,
        origin: HubImport,
        snapshot: Snapshot,
        model: Path,
        missing: list[HubFile],
        progress: Progress,
    ) -> None:
        opened = open_model(model)
        self._snapshot = snapshot
        self._missing = missing
        self._folder = folder_of(origin.revision)
        self._keeps_copy = origin.keeps_copy
        self._progress = progress
        self._making = Making(opened)
        self._again = {tensor.name for tensor in read_again(opened.tensors)}
        files = origin.revision.weight_files()
        sha256 = {model / path: key for path, key in files.values_list("path", "blob")}
        self._tensors: dict[str, list[TensorInfo]] = defaultdict(list)
        for tensor in opened.tensors:
            self._tensors[sha256[tensor.path]].append(tensor)

    def sketch(self, files: list[HubFile]) -> Sketch:
        self._check_room()
        total, done, readings = sum(file.size_bytes for file in files), 0, []
        for file in files:

            def tell(n: int, before: int = done) -> None:
                self._progress(READING_SHARE * (before + n) / max(total, 1))

            readings.append(self._read(file, tell))
            done += file.size_bytes
        made = self._making.finished(readings)
        self._progress(1.0)
        return made

    def _read(self, file: HubFile, tell: Callable[[int], None]) -> Readings:
        """Return what stays of a file, which is then gone, or kept as a copy."""
        tensors = self._tensors[_sha256(file)]
        place = self._folder / _sha256(file)
        part, done = place.with_suffix(".part"), place.with_suffix(".read")
        if done.exists():
            part.unlink(missing_ok=True)
            return Readings.from_bytes(done.read_bytes())
        if file not in self._missing:
            return self._measured(tensors, lambda: tell(file.size_bytes))
        _fetch(self._snapshot, file, part, tell)
        if hubfiles.header_bytes(part) != hubfiles.header_bytes(place):
            raise HubRefused(f"{file.path}: the file changed while it was read")
        inside = [replace(tensor, path=part) for tensor in tensors]
        read = self._measured(inside, lambda: tell(file.size_bytes))
        if self._keeps_copy:
            storage.adopt(part, _sha256(file))
            _replaced(place, lambda new: new.symlink_to(storage.path_of(_sha256(file))))
            return read
        kept = [tensor for tensor in inside if tensor.name in self._again]
        _replaced(place, lambda new: _copy_parts(part, new, kept))
        _replaced(done, lambda new: new.write_bytes(read.to_bytes()))
        part.unlink()
        return read

    def _measured(
        self, tensors: Iterable[TensorInfo], still_here: Callable[[], None]
    ) -> Readings:
        n_unsaid = 0

        def on_bytes(n: int) -> None:
            nonlocal n_unsaid
            n_unsaid += n
            if n_unsaid >= TELL_BYTES:
                n_unsaid = 0
                still_here()

        return self._making.read(tensors, on_bytes)

    def _check_room(self) -> None:
        """Raise DiskFull where the largest file does not fit, and what is kept."""
        missing = [file.size_bytes for file in self._missing]
        tensors = [t for some in self._tensors.values() for t in some]
        kept = sum(t.size_bytes for t in tensors if t.name in self._again)
        held = bytes_in(self._folder)
        needed = sum(missing) if self._keeps_copy else max(missing, default=0) + kept
        storage.check_room(max(needed - held, 0))


def _files(revision: Revision) -> list[HubFile]:
    """Return the weight files of a revision in the order in which they are read."""
    found = revision.weight_files().select_related("blob").order_by("path")
    return list(
        {
            file.blob_id: HubFile(file.path, file.blob.size_bytes, file.blob_id)
            for file in found
        }.values()
    )


def _sha256(file: HubFile) -> str:
    return str(file.sha256)


def _missing(revision: Revision, files: list[HubFile], folder: Path) -> list[HubFile]:
    """Return the files that have to be fetched, whatever the store gets meanwhile.

    Not those that this reading kept before it was killed, or that somebody whose
    models the team may see holds: how long a reading takes tells of no others.
    """
    seen = RevisionFile.objects.standing().exclude(revision=revision)
    seen = seen.filter(sight_for(revision.model).allows("revision__model"))
    named = seen.filter(blob__in=[_sha256(file) for file in files])
    others = set(named.values_list("blob_id", flat=True))

    def is_here(sha256: str) -> bool:
        is_open = sha256 in others or (folder / sha256).is_symlink()
        return is_open and storage.has(sha256)

    return [file for file in files if not is_here(_sha256(file))]


def _fetch(
    snapshot: Snapshot, file: HubFile, part: Path, tell: Callable[[int], None]
) -> None:
    """Write a whole file whose hash is right; raises HubRefused.

    What is there of it is hashed again and not fetched again.
    """
    digest = hashlib.sha256()
    with part.open("a+b") as kept:
        kept.seek(0)
        while chunk := kept.read(hubfiles.CHUNK_BYTES):
            digest.update(chunk)
            tell(kept.tell())
        stream = hubfiles.stream(snapshot, file, start=kept.tell())
        for chunk in hubfiles.without_waiting(stream):
            digest.update(chunk)
            kept.write(chunk)
            tell(kept.tell())
    if digest.hexdigest() != file.sha256:
        raise HubRefused(
            f"{file.path}: the hub states sha256 {file.sha256} and its bytes have "
            f"{digest.hexdigest()}"
        )


def _copy_parts(source: Path, target: Path, tensors: Iterable[TensorInfo]) -> None:
    """Write a file of the same length with the header and these tensors alone."""
    head = hubfiles.header_bytes(source)
    spans = [(tensor.start, tensor.end) for tensor in tensors]
    with source.open("rb") as whole, target.open("wb") as kept:
        kept.truncate(source.stat().st_size)
        kept.write(head)
        for start, end in spans:
            whole.seek(start)
            kept.seek(start)
            while start < end:
                start += kept.write(whole.read(min(hubfiles.CHUNK_BYTES, end - start)))


def _replaced(path: Path, write: Callable[[Path], object]) -> None:
    """Let a file be written beside its place, and move it there when it is whole."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    write(new)
    new.replace(path)


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


def _note_read(origin: HubImport) -> None:
    with transaction.atomic():
        unread = HubImport.objects.filter(pk=origin.pk, read_at=None)
        if unread.update(read_at=timezone.now()):
            note(origin, AuditEntry.Action.IMPORTED, actor=origin.requested_by)


def note(origin: HubImport, action: AuditEntry.Action, *, actor: User | None) -> None:
    """Write down what became of an import, for the owners of its organisation."""
    team = origin.revision.model.organization
    if team is not None:
        audit.record(team, action, actor=actor, subject=origin.summary[:300])


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Yield a folder that nobody else uses meanwhile; raises ScratchBusy."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        yield folder
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_there = os.path.samestat(os.fstat(handle), folder.stat())
    except (BlockingIOError, FileNotFoundError):
        is_there = False
    # Whoever held it before may have removed it, and another be a new one.
    if not is_there:
        raise ScratchBusy("another worker still reads these weights")
