"""Opening a path that may be anything; nothing about what is in the file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Return the regular file at `path`, or where it links to, open for reading.

    Raises OSError for anything else. Never waits for a pipe or a device, also
    when it took the place of a file that was there a moment ago.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(handle, "rb")


def read_start(path: Path, limit_bytes: int) -> bytes:
    """Return the first bytes of the regular file; raises OSError with its name."""
    with open_regular(path) as file:
        try:
            return file.read(limit_bytes)
        except OSError as error:  # of a read, which does not know the name
            raise OSError(error.errno, error.strerror, str(path)) from error


def is_taken(path: Path) -> bool:
    """Return whether something has this name, be it a link that leads nowhere."""
    return path.is_symlink() or path.exists()
