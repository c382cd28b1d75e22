"""How each file of a push travels: inside the commit, as a large file, or not at all.

Pure: no Django.
"""

from __future__ import annotations

import re
from functools import cache
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
    folder stays ignored.
    """
    parts = path.split("/")
    return any(
        _decides("/".join(parts[:n]), n < len(parts), gitignore)
        for n in range(1, len(parts) + 1)
    )


def _decides(path: str, is_folder: bool, gitignore: str) -> bool:
    ignored = False
    for line in gitignore.splitlines():
        pattern = line.rstrip()
        if not pattern or pattern.startswith("#"):
            continue
        keeps = pattern.startswith("!")
        pattern = pattern.removeprefix("!").removeprefix("\\")
        if pattern.endswith("/") and not is_folder:
            continue
        if _expression(pattern.rstrip("/")).fullmatch(path):
            ignored = not keeps
    return ignored


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of one pattern of a .gitignore."""
    anchored = "/" in pattern
    pieces = re.findall(r"\*\*/|/\*\*|\*+|\?|\[[^]]+\]|.", pattern.lstrip("/"))
    body = "".join(_translated(piece) for piece in pieces)
    return re.compile(body if anchored else f"(?:.*/)?{body}", re.DOTALL)


def _translated(piece: str) -> str:
    match piece:
        case "**/":
            return "(?:.*/)?"
        case "/**":
            return "/.*"
        case "?":
            return "[^/]"
        case _ if piece.startswith("*"):
            return "[^/]*"
        case _ if piece.startswith("[") and len(piece) > 2:
            inside = piece[1:-1].replace("\\", r"\\").replace("[", r"\[")
            return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(piece)
