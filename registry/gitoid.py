"""What git would call a content: clients compare these before they send a file.

Pure: no Django. The format of objects is git's, that of pointers is Git LFS's
(git-lfs specification, docs/spec.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def of_content(content: bytes) -> str:
    """Return the object id of a file that git itself would hold."""
    header = b"blob %d\x00" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def pointer(sha256: str, size_bytes: int) -> bytes:
    """Return the small file that stands in git for a large one."""
    lines = (
        "version https://git-lfs.github.com/spec/v1",
        f"oid sha256:{sha256}",
        f"size {size_bytes}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def of_large_file(sha256: str, size_bytes: int) -> str:
    """Return the object id of a large file, which is that of its pointer."""
    return of_content(pointer(sha256, size_bytes))


def of_folder(files: Iterable[tuple[str, str]]) -> str:
    """Return an id that changes when any (path, object id) in a folder does.

    It is no tree object of git; clients only tell folders apart by it.
    """
    lines = "".join(f"{oid} {path}\n" for path, oid in sorted(files))
    return hashlib.sha1(lines.encode(), usedforsecurity=False).hexdigest()
