"""Where file contents lie: a folder, each file under its SHA-256."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from django.conf import settings

CHUNK_BYTES = 1024 * 1024
_SHA256 = re.compile("[0-9a-f]{64}")


class StorageError(Exception):
    """A content that cannot be stored or found."""


class ContentMismatch(StorageError):
    """The bytes that arrived are not the bytes that were announced."""


class ContentMissing(StorageError):
    """Nothing is stored under this SHA-256."""


class DiskFull(StorageError):
    """There is no room for what is to be written."""


# EFBIG: a file system, or a limit of the process, takes no file so large.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def path_of(sha256: str) -> Path:
    """Return where a content lies, whether or not it is there.

    Raises ContentMissing for anything that is no SHA-256 in lower-case hex.
    """
    if not _SHA256.fullmatch(sha256):
        raise ContentMissing(f"not a sha256: {sha256!r}")
    return root() / sha256[:2] / sha256[2:4] / sha256


def has(sha256: str) -> bool:
    """Return whether the content is stored whole."""
    return path_of(sha256).is_file()


def remove(sha256: str) -> None:
    """Remove a content, if it is there; whoever reads it now reads to its end."""
    path_of(sha256).unlink(missing_ok=True)


def store(chunks: Iterable[bytes], *, sha256: str, size_bytes: int) -> Path:
    """Store a content under its announced hash and return its path.

    The bytes go to a temporary file first and appear under their name only when
    size and hash are right, so a broken upload leaves nothing behind.
    Raises ContentMismatch otherwise.
    """
    with incoming_file() as (file, incoming):
        found = _copy(chunks, file, limit=size_bytes)
        _check(found, announced=(size_bytes, sha256))
        flush(file)
        adopt(incoming, sha256)
    return path_of(sha256)


def take(path: Path, *, sha256: str, size_bytes: int) -> None:
    """Store a file under its announced hash by moving it to its place.

    Raises ContentMismatch, and then leaves it where it is.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        found = os.fstat(file.fileno()).st_size, digest.hexdigest()
        _check(found, announced=(size_bytes, sha256))
        flush(file)
    adopt(path, sha256)


@contextmanager
def incoming_file() -> Iterator[tuple[IO[bytes], Path]]:
    """Yield a new file and its path; what is not moved away by the end is removed.

    Raises DiskFull when there is no room for what is written.
    """
    folder = root() / "incoming"
    with noticing_full_disk():
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file, path
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def noticing_full_disk() -> Iterator[None]:
    """Raise DiskFull for an OSError that says so."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull("the disk of this register is full") from error
        raise


def flush(file: IO[bytes]) -> None:
    """Return when what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def check_room(size_bytes: int) -> None:
    """Raise DiskFull when so much more would leave less than MIN_FREE_BYTES."""
    root().mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root()).free - settings.MIN_FREE_BYTES
    if size_bytes > free:
        raise DiskFull(
            f"this register has room for {max(free, 0)} more bytes, not for "
            f"{size_bytes}"
        )


def note_arrival(key: str) -> None:
    """Remember for some time, across processes, that something has arrived."""
    folder = root() / "arrived"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / key).touch()


def has_arrived(key: str) -> bool:
    """Return whether an arrival was noted and not yet forgotten."""
    return (root() / "arrived" / key).exists()


def remove_abandoned(*, before: datetime) -> int:
    """Remove what uploads left that stopped before a time; return how many pieces."""
    old = [
        path
        for folder in ("incoming", "parts", "arrived")
        for path in (root() / folder).glob("*")
        if _changed_at(path) < before.timestamp()
    ]
    for path in old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(old)


def _changed_at(path: Path) -> float:
    """Return when a file, or what a folder holds, last changed; later if it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def root() -> Path:
    """Return the folder of all contents."""
    folder: Path = settings.STORAGE_DIR
    return folder


def _copy(chunks: Iterable[bytes], file: IO[bytes], *, limit: int) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ContentMismatch(f"more than the announced {limit} bytes arrived")
        digest.update(chunk)
        file.write(chunk)
    return size, digest.hexdigest()


def _check(found: tuple[int, str], *, announced: tuple[int, str]) -> None:
    if found != announced:
        raise ContentMismatch(
            f"announced {announced[0]} bytes with sha256 {announced[1]}, "
            f"received {found[0]} bytes with sha256 {found[1]}"
        )


def adopt(path: Path, sha256: str) -> None:
    """Store a file whose hash was checked, by moving it to its place."""
    target = path_of(sha256)
    path.chmod(0o644)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)


def renew(sha256: str) -> bool:
    """Let a content count as just stored, and return whether it is here."""
    try:
        os.utime(path_of(sha256))
    except FileNotFoundError:
        return False
    return True


def stored_before(moment: datetime) -> Iterator[str]:
    """Yield the SHA-256 of every content that was stored and renewed before a time."""
    for path in root().glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
        if _SHA256.fullmatch(path.name) and _changed_at(path) < moment.timestamp():
            yield path.name


def remove_unless_renewed(sha256: str, *, before: datetime) -> bool:
    """Remove a content that was not renewed since a time; return whether it is gone.

    It is set aside first: whoever renews it at that moment has renewed either what
    is then put back, or nothing, and hears which.
    """
    target, aside = path_of(sha256), root() / "incoming" / f"removed-{sha256}"
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.rename(aside)
    except FileNotFoundError:
        return False
    if _changed_at(aside) >= before.timestamp():
        aside.rename(target)
        return False
    aside.unlink()
    return True


def store_bytes(content: bytes) -> str:
    """Store a small content and return its SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    if not renew(sha256):
        store([content], sha256=sha256, size_bytes=len(content))
    return sha256


@contextmanager
def checkout(
    contents: Iterable[tuple[str, str]],
    *,
    name: str,
    elsewhere: Mapping[str, Path] | None = None,
) -> Iterator[Path]:
    """Yield a folder of that name in which each (path, sha256) links to its content.

    `elsewhere` has the paths, by sha256, of contents that lie outside the store.
    Raises ContentMissing when a content is not stored. Paths must be relative and
    free of "..": services check them before they become rows.
    """
    with tempfile.TemporaryDirectory(prefix="baimo-") as parent:
        folder = Path(parent) / name
        folder.mkdir()
        for path, sha256 in contents:
            content = (elsewhere or {}).get(sha256) or path_of(sha256)
            if not content.is_file():
                raise ContentMissing(f"the content of {path} is not stored")
            link = folder / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(content)
        yield folder
