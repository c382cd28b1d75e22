"""Where file contents lie: a folder, each file under its SHA-256."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
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


def path_of(sha256: str) -> Path:
    """Return where a content lies, whether or not it is there.

    Raises ContentMissing for anything that is no SHA-256 in lower-case hex.
    """
    if not _SHA256.fullmatch(sha256):
        raise ContentMissing(f"not a sha256: {sha256!r}")
    return _root() / sha256[:2] / sha256[2:4] / sha256


def has(sha256: str) -> bool:
    """Return whether the content is stored whole."""
    return path_of(sha256).is_file()


def store(chunks: Iterable[bytes], *, sha256: str, size_bytes: int) -> Path:
    """Store a content under its announced hash and return its path.

    The bytes go to a temporary file first and appear under their name only when
    size and hash are right, so a broken upload leaves nothing behind.
    Raises ContentMismatch otherwise.
    """
    target = path_of(sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    incoming_folder = _root() / "incoming"
    incoming_folder.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(dir=incoming_folder)
    incoming = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            found_size, found_sha256 = _copy(chunks, file, limit=size_bytes)
            file.flush()
            os.fsync(file.fileno())
        if (found_size, found_sha256) != (size_bytes, sha256):
            raise ContentMismatch(
                f"announced {size_bytes} bytes with sha256 {sha256}, "
                f"received {found_size} bytes with sha256 {found_sha256}"
            )
        incoming.chmod(0o644)
        incoming.replace(target)
    finally:
        incoming.unlink(missing_ok=True)
    return target


def remove_abandoned(*, before: datetime) -> int:
    """Remove what uploads left that were killed before a time; return how many."""
    n_removed = 0
    for file in (_root() / "incoming").glob("*"):
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < before.timestamp():
                file.unlink()
                n_removed += 1
    return n_removed


def _root() -> Path:
    root: Path = settings.STORAGE_DIR
    return root


def _copy(chunks: Iterable[bytes], file: IO[bytes], *, limit: int) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ContentMismatch(f"more than the announced {limit} bytes arrived")
        digest.update(chunk)
        file.write(chunk)
    return size, digest.hexdigest()


def store_bytes(content: bytes) -> str:
    """Store a small content and return its SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    if not has(sha256):
        store([content], sha256=sha256, size_bytes=len(content))
    return sha256


@contextmanager
def checkout(contents: Iterable[tuple[str, str]], *, name: str) -> Iterator[Path]:
    """Yield a folder of that name in which each (path, sha256) links to its content.

    Raises ContentMissing when a content is not stored. Paths must be relative and
    free of "..": services check them before they become rows.
    """
    with tempfile.TemporaryDirectory(prefix="baimo-") as parent:
        folder = Path(parent) / name
        folder.mkdir()
        for path, sha256 in contents:
            if not has(sha256):
                raise ContentMissing(f"the content of {path} is not stored")
            link = folder / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path_of(sha256))
        yield folder
