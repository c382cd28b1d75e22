"""Dumps on disk: JSON lines, or Parquet where pyarrow is installed.

A position says how much of a dump lies before it, so that reading can start again
there: bytes of JSON lines, rows of Parquet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

MAX_LINE_BYTES: Final = 1024 * 1024
_BYTE_ORDER_MARK: Final = "\ufeff"
# The columns of a Parquet file that are looked at; the rest are not even read.
_COLUMNS: Final = (
    "id",
    "modelId",
    "createdAt",
    "created_at",
    "created",
    "downloads",
    "likes",
    "license",
    "tags",
)
_PARQUET_ROWS: Final = 2000


class DumpUnreadable(Exception):
    """A file that is no dump; the text says why in one line."""


@dataclass(frozen=True)
class Unreadable:
    """A row that could not even be decoded, and why."""

    reason: str


class Dump(Protocol):
    """A dump, opened; `name` and `stamp` tell it from others and from its changes."""

    name: str
    stamp: str
    size: int

    def rows(self, start: int) -> Iterator[tuple[int, object]]:
        """Yield each row from a position on, with the position after it.

        A row that is damaged is an Unreadable; raises DumpUnreadable when the whole
        file is.
        """


def open_dump(path: Path, *, form: str) -> Dump:
    """Return the dump in a file of the form "jsonl" or "parquet".

    Raises DumpUnreadable for what is no such file, and for Parquet without pyarrow.
    """
    try:
        facts = path.stat()
    except (OSError, ValueError) as error:
        raise DumpUnreadable(f"{path}: {_reason(error)}") from error
    if not path.is_file():
        raise DumpUnreadable(f"{path}: is no file")
    stamp = f"{facts.st_size} bytes at {facts.st_mtime_ns}"
    if form == "parquet":
        return _Parquet(path, stamp)
    return _JsonLines(path, stamp, facts.st_size)


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())[:200]


class _JsonLines:
    """One JSON object per line; the size is in bytes."""

    def __init__(self, path: Path, stamp: str, size: int) -> None:
        self.name, self.stamp, self.size = str(path.resolve()), stamp, size
        self._path = path
        self._refuse_other_files()

    def _refuse_other_files(self) -> None:
        """Raise DumpUnreadable unless the first line with anything in it is JSON.

        A damaged line later on is skipped; a file that starts with one is another
        kind of file.
        """
        for _, row in self.rows(0):
            if isinstance(row, Unreadable):
                raise DumpUnreadable(f"{self._path}: holds no JSON lines")
            return

    def rows(self, start: int) -> Iterator[tuple[int, object]]:
        """Yield each line's value with the bytes up to its end; empty ones are none."""
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                position = start
                while line := file.readline(MAX_LINE_BYTES):
                    row = _decode(line)
                    while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                        row = Unreadable(f"it is longer than {MAX_LINE_BYTES} bytes")
                        position += len(line)
                        line = file.readline(MAX_LINE_BYTES)
                    position += len(line)
                    if row is not None:
                        yield position, row
        except OSError as error:
            raise DumpUnreadable(f"{self._path}: {_reason(error)}") from error


def _decode(line: bytes) -> object:
    """Return the value of a line, None for an empty one, Unreadable for a bad one."""
    if not line.strip():
        return None
    try:
        # Told what it is: json would guess the encoding of each line.
        return json.loads(line.decode().removeprefix(_BYTE_ORDER_MARK))
    except (ValueError, RecursionError):
        return Unreadable("it is no JSON")


class _Parquet:
    """A Parquet file; the size is in rows."""

    def __init__(self, path: Path, stamp: str) -> None:
        try:
            from pyarrow import ArrowException, parquet
        except ImportError as error:
            raise DumpUnreadable(
                "Parquet needs pyarrow: pip install -r requirements-parquet.txt"
            ) from error
        self._path, self._damaged = path, (ArrowException, OSError)
        try:
            self._file: Any = parquet.ParquetFile(path, memory_map=False)
        except self._damaged as error:
            raise DumpUnreadable(f"{path}: {_reason(error)}") from error
        self.name, self.stamp = str(path.resolve()), stamp
        self.size: int = self._file.metadata.num_rows

    def rows(self, start: int) -> Iterator[tuple[int, object]]:
        """Yield each row as a mapping; row groups before the start are not read."""
        groups, position = self._groups_from(start)
        names = set(self._file.schema_arrow.names)
        try:
            for batch in self._file.iter_batches(
                batch_size=_PARQUET_ROWS,
                row_groups=groups,
                columns=[column for column in _COLUMNS if column in names],
            ):
                for row in batch.to_pylist():
                    position += 1
                    if position > start:
                        yield position, row
        except self._damaged as error:
            raise DumpUnreadable(f"{self._path}: {_reason(error)}") from error

    def _groups_from(self, start: int) -> tuple[list[int], int]:
        """Return the row groups that end after a position, and where they begin."""
        metadata, begin = self._file.metadata, 0
        for group in range(metadata.num_row_groups):
            n_rows: int = metadata.row_group(group).num_rows
            if begin + n_rows > start:
                return list(range(group, metadata.num_row_groups)), begin
            begin += n_rows
        return [], begin
