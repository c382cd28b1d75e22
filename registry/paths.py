"""Which file paths a model may contain."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

from registry.fingerprint import PICKLES

MAX_PATH_LENGTH = 400
MAX_PARTS = 24
# What file systems take as one name.
MAX_PART_BYTES = 255


class PathRefused(Exception):
    """A path that cannot stand in a model; the text says why and what to do."""


class PickleRefused(PathRefused):
    """A file that can run code when it is opened."""


def check(path: str) -> None:
    """Raise PathRefused unless the path is relative, plain and of a safe format."""
    check_place(path)
    if PurePosixPath(path).suffix.lower() in PICKLES:
        raise PickleRefused(
            "a pickle file can run any code when it is opened, so it is not accepted; "
            "convert the weights with save_pretrained(folder, safe_serialization=True) "
            "or safetensors.torch.save_file and push the .safetensors file"
        )


def check_place(path: str) -> None:
    """Raise PathRefused unless the path is relative, plain and of bounded length."""
    parts = path.split("/")
    if not path or len(path) > MAX_PATH_LENGTH or len(parts) > MAX_PARTS:
        raise PathRefused("the path is empty, too long or too deep")
    if any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        raise PathRefused(f"a part of the path is longer than {MAX_PART_BYTES} bytes")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in path:
        raise PathRefused("use a relative path without '.' or '..' parts")
    if any(unicodedata.category(letter).startswith("C") for letter in path):
        raise PathRefused("the path holds control characters")
    if parts[0] == ".git":
        raise PathRefused("'.git' cannot be part of a model")


def check_together(paths: Collection[str]) -> None:
    """Raise PathRefused when a path is both a file and the folder of another."""
    for path in paths:
        for folder in PurePosixPath(path).parents:
            if str(folder) in paths:
                raise PathRefused(f"{folder} is a file, so nothing can lie below it")
