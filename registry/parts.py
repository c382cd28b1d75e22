"""Contents that arrive in parts, each a file of its own until all are there."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from registry import storage

# A second caller waits so long for the first; then it is told to ask again.
PATIENCE_SECONDS = 4.0


class PartRefused(storage.StorageError):
    """A part that does not belong to the upload, or is not what was announced."""


class PartsBusy(storage.StorageError):
    """Somebody else is putting these parts together."""


@dataclass(frozen=True)
class PartedUpload:
    """A content on its way, cut into parts of one size; the last may be shorter.

    The key names the folder of the parts: whoever does not know the same key can
    neither add to them nor use them.
    """

    key: str
    sha256: str
    size_bytes: int
    part_bytes: int

    @property
    def numbers(self) -> range:
        """The numbers of the parts, from 1."""
        return range(1, -(-self.size_bytes // self.part_bytes) + 1)

    def size_of(self, number: int) -> int:
        """Return how many bytes a part has; raises PartRefused for none of ours."""
        if number not in self.numbers:
            raise PartRefused(
                f"there is no part {number}; the parts are 1 to {len(self.numbers)}"
            )
        return min(self.part_bytes, self.size_bytes - (number - 1) * self.part_bytes)

    def etag_of(self, number: int) -> str | None:
        """Return what a stored part is known by, or None when it is not there."""
        try:
            return f'"{self._path(number).stat().st_mtime_ns:x}"'
        except FileNotFoundError:
            return None

    @property
    def stored(self) -> dict[int, str]:
        """The ETags of the parts that are here, by number."""
        etags = {number: self.etag_of(number) for number in self.numbers}
        return {number: etag for number, etag in etags.items() if etag is not None}

    def store(self, number: int, chunks: Iterable[bytes]) -> None:
        """Store a part unless it is there already.

        Raises PartRefused for a number or a size that is not ours, and DiskFull.
        """
        expected, received = self.size_of(number), 0
        with storage.incoming_file() as (file, incoming):
            for chunk in chunks:
                received += len(chunk)
                if received > expected:
                    break
                file.write(chunk)
            if received != expected:
                raise PartRefused(
                    f"part {number} has {expected} bytes, received were "
                    f"{received}{' or more' if received > expected else ''}"
                )
            storage.flush(file)
            self._folder.mkdir(parents=True, exist_ok=True)
            # Of two that come at once the first stays.
            with suppress(FileExistsError):
                self._path(number).hardlink_to(incoming)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from putting the same parts together; raises PartsBusy."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("wb") as file:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _locked(file.fileno()):
                if time.monotonic() > deadline:
                    raise PartsBusy("these parts are being put together; ask again")
                time.sleep(0.05)
            yield

    def check(self, etags: Mapping[int, str]) -> None:
        """Raise PartRefused unless exactly our parts are named, and all are here."""
        for number in sorted(etags):
            self.size_of(number)
        for number in self.numbers:
            stored = self.etag_of(number)
            if stored is None or number not in etags:
                raise PartRefused(f"part {number} is missing")
            if etags[number] != stored:
                raise PartRefused(f"part {number} is another one than was sent")

    def put_together(self) -> None:
        """Store the content that the parts make.

        Raises ContentMismatch, and then forgets the parts, as nobody can tell which
        of them is wrong; raises DiskFull and keeps them.
        """
        try:
            storage.store(
                self._chunks(), sha256=self.sha256, size_bytes=self.size_bytes
            )
        except storage.ContentMismatch:
            self.forget()
            raise

    def forget(self) -> None:
        """Remove the parts. The folder stays for who still waits at its lock."""
        for number in self.numbers:
            self._path(number).unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return storage.root() / "parts" / self.key

    def _path(self, number: int) -> Path:
        return self._folder / str(number)

    def _chunks(self) -> Iterator[bytes]:
        for number in self.numbers:
            with self._path(number).open("rb") as part:
                while chunk := part.read(storage.CHUNK_BYTES):
                    yield chunk


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
