"""Which files make up a model: one file or a folder with shards, config, tokenizer."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from registry.fingerprint.errors import (
    BrokenHeader,
    BrokenIndex,
    NoWeights,
    UnsafeFormat,
)
from registry.fingerprint.reading.files import is_taken, open_regular
from registry.fingerprint.reading.strictjson import read_object
from registry.fingerprint.reading.weights import TensorInfo, read_header, shown

_PIECE_BYTES: Final = 1 << 20
INDEX: Final = "model.safetensors.index.json"
INDEX_LIMIT_BYTES: Final = 100_000_000
CONFIG_LIMIT_BYTES: Final = 4_000_000
# Twice what the largest models have today (experts, each with its scales).
MAX_TENSORS: Final = 500_000
# Reading such a file can run any program it likes, so nobody should have to.
PICKLES: Final = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
HOW_TO_CONVERT: Final = (
    "pickle files can run code when opened and are not read; load the model and "
    "call save_pretrained(..., safe_serialization=True) to get .safetensors"
)


@dataclass(frozen=True)
class ModelFiles:
    """A model on disk; `tensors` are sorted by name, `config` may be empty."""

    path: Path
    tensors: tuple[TensorInfo, ...]
    config: dict[str, Any]
    tokenizer: Path | None

    @property
    def name(self) -> str:
        """Return the folder's name, or the file's without its ending."""
        return model_name(self.path)

    def hashes(self) -> tuple[tuple[str, str], ...]:
        """Return name and SHA-256 of every weight file, which is read for it."""
        found = []
        for path in sorted({tensor.path for tensor in self.tensors}):
            digest = hashlib.sha256()
            with open_regular(path) as file:
                while piece := file.read(_PIECE_BYTES):
                    digest.update(piece)
            found.append((path.name, digest.hexdigest()))
        return tuple(found)

    @property
    def size_bytes(self) -> int:
        """Return the size of all tensors."""
        return sum(tensor.size_bytes for tensor in self.tensors)


def model_name(path: Path) -> str:
    """Return the name under which a model or sketch file is reported.

    Bytes of it that are not UTF-8 are written as `\\xff`.
    """
    path = path if path.name not in ("", "..") else path.resolve()
    name = path.name if path.is_dir() else path.stem
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def open_model(path: Path) -> ModelFiles:
    """Return the files of the model at `path`, a folder or a .safetensors file.

    Raises a FingerprintError for anything that is not a whole, safe model.
    """
    if path.is_dir():
        return _open_folder(path)
    if not _is_file(path):
        raise NoWeights(f"{path.name}: no such model")
    _refuse_other_formats(path)
    return ModelFiles(path, _merged([path]), {}, None)


def _open_folder(path: Path) -> ModelFiles:
    tensors = _merged(weight_files(path))
    config_path, tokenizer = path / "config.json", path / "tokenizer.json"
    config: dict[str, Any] = {}
    if is_taken(config_path):
        config = read_object(config_path, limit_bytes=CONFIG_LIMIT_BYTES)
    return ModelFiles(path, tensors, config, tokenizer if is_taken(tokenizer) else None)


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files that a loader would read, as transformers does.

    `model.safetensors` wins, then the index, then every .safetensors file.
    Raises BrokenIndex, UnsafeFormat (only pickles are there) or NoWeights, also
    for one that is no regular file: the next best is not what is asked for.
    """
    whole = folder / "model.safetensors"
    if _is_file(whole):
        return [whole]
    if _is_file(folder / INDEX):
        return _indexed(folder)
    found = sorted(path for path in folder.glob("*.safetensors") if _is_file(path))
    if found:
        return found
    for other in sorted(folder.iterdir()):
        if other.suffix in PICKLES:
            _refuse_other_formats(other)
    raise NoWeights(f"{folder.name}: the folder holds no .safetensors file")


def _is_file(path: Path) -> bool:
    """Return whether a regular file is there; raises NoWeights for anything else."""
    if not path.is_file() and is_taken(path):
        raise NoWeights(f"{path.name}: not a regular file")
    return path.is_file()


def _indexed(folder: Path) -> list[Path]:
    index = read_object(folder / INDEX, limit_bytes=INDEX_LIMIT_BYTES)
    placed = index.get("weight_map")
    if not isinstance(placed, dict) or not placed:
        raise BrokenIndex(f"{INDEX}: needs a weight_map from tensors to files")
    shards = {name: _shard(folder, name) for name in _distinct(placed.values())}
    wanted: dict[str, list[str]] = defaultdict(list)
    for tensor, name in placed.items():
        wanted[name].append(tensor)
    n_tensors = 0
    for name, shard in shards.items():
        inside = {tensor.name for tensor in read_header(shard).tensors}
        n_tensors += len(inside)
        _check_total(n_tensors)
        missing = sorted(set(wanted[name]) - inside)
        if missing:
            raise BrokenIndex(f"{INDEX}: {name} lacks the tensor {shown(missing[0])}")
    return list(shards.values())


def _distinct(names: Any) -> list[str]:
    listed = list(names)
    if not all(isinstance(name, str) for name in listed):
        raise BrokenIndex(f"{INDEX}: file names must be text")
    return sorted(set(listed))


def _shard(folder: Path, name: str) -> Path:
    shown = ascii(name[:100])
    if not name.endswith(".safetensors") or not name.isprintable():
        raise BrokenIndex(f"{INDEX}: {shown} is not a .safetensors file")
    if "/" in name or "\\" in name or ".." in name:
        raise BrokenIndex(f"{INDEX}: {shown} points outside the folder")
    path = folder / name
    if len(name) > 255 or not path.is_file():
        raise BrokenIndex(f"{INDEX}: the shard {shown} is missing")
    return path


def _merged(paths: list[Path]) -> tuple[TensorInfo, ...]:
    tensors: dict[str, TensorInfo] = {}
    for path in paths:
        for tensor in read_header(path).tensors:
            if tensor.name in tensors:
                other = tensors[tensor.name].path.name
                raise BrokenIndex(
                    f"the tensor {shown(tensor.name)} is in {other} and {path.name}"
                )
            tensors[tensor.name] = tensor
        _check_total(len(tensors))
    if not any(tensor.n_elements for tensor in tensors.values()):
        raise BrokenHeader(f"{paths[0].name}: holds no weights")
    return tuple(tensors[name] for name in sorted(tensors))


def _check_total(n: int) -> None:
    if n > MAX_TENSORS:
        raise BrokenIndex(f"the shards describe more than {MAX_TENSORS:,} tensors")


def _refuse_other_formats(path: Path) -> None:
    if path.suffix in PICKLES:
        raise UnsafeFormat(f"{path.name}: {HOW_TO_CONVERT}")
    if path.suffix != ".safetensors":
        raise UnsafeFormat(f"{path.name}: only .safetensors files are read")
