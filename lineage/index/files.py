"""Snapshots on disk: a folder each, opened by mapping, replaced as a whole."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np

from lineage.index.walk import Rows, Snapshot

_WAYS: Final = [field.name for field in fields(Snapshot)]
_ARRAYS: Final = [field.name for field in fields(Rows)]
_UNFINISHED: Final = ".unfinished-"
# Whoever has just looked up the last one may still be about to open it.
_N_KEPT: Final = 2


def names(folder: Path) -> list[str]:
    """Return the names of the snapshots in a folder, newest first.

    A name begins with the number of the last change that the snapshot holds.
    """
    found = [path.name for path in folder.glob("[0-9]*-*")]
    return sorted(found, key=lambda name: int(name.partition("-")[0]), reverse=True)


def open_snapshot(folder: Path, name: str) -> Snapshot:
    """Return a saved snapshot, its pages shared by all who open it.

    Raises OSError when it is gone, and ValueError when it is no snapshot.
    """
    return Snapshot(**{way: _open_rows(folder / name, way) for way in _WAYS})


def save(snapshot: Snapshot, folder: Path, name: str) -> None:
    """Save a snapshot under a new name and remove what is older or was left behind.

    Only one process may save at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for unfinished in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(folder / name, ignore_errors=True)
    incoming = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    incoming.chmod(0o755)
    for way in _WAYS:
        for array in _ARRAYS:
            content = getattr(getattr(snapshot, way), array)
            np.save(_path(incoming, way, array), content)
    incoming.rename(folder / name)
    for old in names(folder)[_N_KEPT:]:
        shutil.rmtree(folder / old, ignore_errors=True)


def _open_rows(folder: Path, way: str) -> Rows:
    opened = {
        array: np.asarray(np.load(_path(folder, way, array), mmap_mode="r"))
        for array in _ARRAYS
    }
    return Rows(**opened)


def _path(folder: Path, way: str, array: str) -> Path:
    return folder / f"{way}-{array}.npy"
