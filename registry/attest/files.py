"""Holding the files of a folder against those that a statement is about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from registry.attest.errors import Refuted, Unreadable

WEIGHT_SUFFIX: Final = ".safetensors"


def check_files(folder: Path, subject: Mapping[str, str]) -> None:
    """Return when the folder's weights are the ones spoken of; raises Refuted.

    Every file of the subject must be there with its SHA-256, and no other weights.
    Raises Unreadable for what is no folder or cannot be read.
    """
    if not folder.is_dir():
        raise Unreadable(f"{folder} is not a folder.")
    try:
        for name, sha256 in subject.items():
            _check_file(folder, name, sha256)
        found = {p.relative_to(folder).as_posix() for p in _weights(folder)}
    except OSError as error:
        raise Unreadable(f"{error.filename}: {error.strerror}.") from error
    if further := sorted(found - subject.keys()):
        raise Refuted(
            f"The statement does not speak of {further[0]}, which is in the folder."
        )


def _check_file(folder: Path, name: str, sha256: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise Unreadable(f"The statement names a file outside a folder: {name!r}.")
    if not (folder / path).is_file():
        raise Refuted(f"{name} is not in the folder.")
    with (folder / path).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise Refuted(
            f"{name} is not the file that the statement is about: its SHA-256 is "
            f"{found}."
        )


def _weights(folder: Path) -> list[Path]:
    """Return the weight files in a folder, but for those in hidden folders."""
    return [
        path
        for path in folder.rglob(f"*{WEIGHT_SUFFIX}")
        if not any(p.startswith(".") for p in path.relative_to(folder).parts)
    ]
