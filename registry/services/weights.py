"""The files of a revision that the engine reads, in a folder or opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from registry import storage
from registry.fingerprint.judging.opened import OpenedModel, open_weights
from registry.models import Revision, RevisionFile
from registry.models.files import WEIGHT_SUFFIX

# What the engine reads; anything else in a model cannot change its fingerprint.
READ_SUFFIXES = (WEIGHT_SUFFIX, ".json")


def files_to_read(revision: Revision) -> list[RevisionFile]:
    """Return the files of a revision that the engine reads, by path."""
    return [
        file
        for file in revision.files.select_related("blob").order_by("path")
        if file.path.endswith(READ_SUFFIXES)
    ]


@contextmanager
def checkout(
    revision: Revision, elsewhere: Mapping[str, Path] | None = None
) -> Iterator[Path]:
    """Yield a folder with these files; raises ContentMissing where one is lost.

    `elsewhere` has, by SHA-256, what lies outside the store.
    """
    contents = [(file.path, file.blob_id) for file in files_to_read(revision)]
    with storage.checkout(
        contents, name=revision.model.name, elsewhere=elsewhere
    ) as folder:
        yield folder


@contextmanager
def opened(revision: Revision) -> Iterator[OpenedModel]:
    """Yield a revision's weights, opened for a comparison that reads them.

    Raises ContentMissing where a file is lost, FingerprintError where one cannot be
    read.
    """
    with checkout(revision) as folder:
        yield open_weights(folder)


def too_large_for_a_look(revision: Revision) -> bool:
    """Return whether a revision holds more bytes of weights than a look may read."""
    sizes = revision.weight_files().values_list("blob__size_bytes", flat=True)
    return sum(sizes) > settings.LOOK_MAX_BYTES
