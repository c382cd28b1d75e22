"""Contents that arrive in parts, each at its place in one file until all are there."""

from __future__ import annotations

import fcntl
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from registry import storage

# A second caller waits so long for the first; then it is told to ask again.
PATIENCE_SECONDS = 4.0
_OVER = "the parts were put together or forgotten meanwhile"


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
        if not self._whole.exists():
            return None
        try:
            return f'"{self._mark(number).stat().st_mtime_ns:x}"'
        except FileNotFoundError:
            return None

    @property
    def stored(self) -> dict[int, str]:
        """The ETags of the parts that are here, by number."""
        etags = {number: self.etag_of(number) for number in self.numbers}
        return {number: etag for number, etag in etags.items() if etag is not None}

    def store(self, number: int, chunks: Iterable[bytes]) -> None:
        """Store a part unless it is there already; of two at once the last stays.

        Raises PartRefused for a number or a size that is not ours, and when the parts
        were put together or forgotten meanwhile; PartsBusy while they are; DiskFull.
        """
        expected, received = self.size_of(number), 0
        if self.etag_of(number) is not None:
            deque(chunks, maxlen=0)
            return
        with storage.noticing_full_disk(), self._opened() as file:
            file.seek((number - 1) * self.part_bytes)
            for chunk in chunks:
                received += len(chunk)
                if received > expected:
                    break
                with self._still_ours(file):
                    file.write(chunk)
                    file.flush()
            if received != expected:
                raise PartRefused(
                    f"part {number} has {expected} bytes, received were "
                    f"{received}{' or more' if received > expected else ''}"
                )
            storage.flush(file)
            with self._still_ours(file):
                self._mark(number).touch()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from the same parts; raises PartsBusy."""
        with self._locked(fcntl.LOCK_EX):
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
        """Store the content that the parts make; the caller is `alone`.

        Raises ContentMismatch, and then forgets the parts, as nobody can tell which
        of them is wrong.
        """
        self._whole.touch()
        try:
            storage.take(self._whole, sha256=self.sha256, size_bytes=self.size_bytes)
        except storage.ContentMismatch:
            self.forget()
            raise

    def forget(self) -> None:
        """Remove the parts. The folder stays for who still waits at its lock."""
        for path in (self._whole, *map(self._mark, self.numbers)):
            path.unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return storage.root() / "parts" / self.key

    @property
    def _whole(self) -> Path:
        return self._folder / "whole"

    def _mark(self, number: int) -> Path:
        """Return the empty file that says that a part is there."""
        return self._folder / str(number)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        if not self._whole.exists():
            with self.alone():
                self._begin()
        with self._locked(fcntl.LOCK_SH):
            try:
                file = self._whole.open("r+b")
            except FileNotFoundError as error:
                raise PartRefused(_OVER) from error
        with file:
            yield file

    def _begin(self) -> None:
        """Make the file, and let no mark of an earlier one count for it."""
        if not self._whole.exists():
            self.forget()
            self._whole.touch()

    @contextmanager
    def _still_ours(self, file: IO[bytes]) -> Iterator[None]:
        """Let nobody put the parts together meanwhile.

        Held for one chunk at a time: a sender that falls silent hinders nobody.
        """
        with self._locked(fcntl.LOCK_SH):
            if not self._is_whole(file):
                raise PartRefused(_OVER)
            yield

    def _is_whole(self, file: IO[bytes]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._whole.stat())
        except FileNotFoundError:
            return False

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("wb") as file:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _locks(file.fileno(), how):
                if time.monotonic() > deadline:
                    raise PartsBusy("these parts are being put together; ask again")
                time.sleep(0.05)
            yield


def _locks(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
