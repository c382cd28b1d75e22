"""How each file of a push travels: inside the commit, as a large file, or not at all.

Pure: no Django.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath

# What public hubs keep out of git by default; such files are large or binary.
_LARGE_SUFFIXES = """
.7z .arrow .bz2 .ftz .gguf .gz .h5 .joblib .mlmodel .model .msgpack .npy .npz .onnx .ot
.parquet .pb .rar .safetensors .tar .tflite .tgz .wasm .xz .zip .zst
"""
LARGE_SUFFIXES = frozenset(_LARGE_SUFFIXES.split())


def is_large(path: str, size_bytes: int, *, max_inline_bytes: int) -> bool:
    """Return whether a file travels on its own and not inside the commit."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix in LARGE_SUFFIXES or size_bytes > max_inline_bytes


def is_ignored(path: str, gitignore: str) -> bool:
    """Return whether the lines of a .gitignore keep a file out of a push.

    The last line that matches decides, as in gitignore(5); a file below an ignored
    folder stays ignored. A backslash is understood only before the first letter.
    """
    parts = tuple(path.split("/"))
    return any(
        _is_kept_out(parts[:n], n < len(parts), gitignore)
        for n in range(1, len(parts) + 1)
    )


def _is_kept_out(parts: tuple[str, ...], is_folder: bool, gitignore: str) -> bool:
    kept_out = False
    for line in gitignore.splitlines():
        pattern = line.rstrip()
        if not pattern or pattern.startswith("#"):
            continue
        takes_back = pattern.startswith("!")
        pattern = pattern.removeprefix("!").removeprefix("\\")
        if pattern.endswith("/") and not is_folder:
            continue
        if _matches(_segments(pattern.rstrip("/")), parts):
            kept_out = not takes_back
    return kept_out


def _segments(pattern: str) -> tuple[str, ...]:
    """Return the parts of a pattern; one without a slash fits at any depth."""
    if "/" not in pattern:
        return ("**", pattern)
    return tuple(pattern.removeprefix("/").split("/"))


# Without remembering, several "**" would try the same rests over and over.
@lru_cache(maxsize=4096)
def _matches(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if not pattern or not parts:
        return not pattern and not parts
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        if not rest:
            return True
        return _matches(rest, parts) or _matches(pattern, parts[1:])
    return fnmatchcase(parts[0], first) and _matches(rest, parts[1:])
