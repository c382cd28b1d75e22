"""Tensors as stored, and how model folders are read and written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import TensorSpec, serialize_file

ZOO = Path(__file__).parents[1]
DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64"}


@dataclass(frozen=True)
class Tensor:
    """Bits as stored; `bits` is unsigned (or int64) with the tensor's shape."""

    dtype: str
    bits: NDArray[np.generic]

    def values(self) -> NDArray[np.float32]:
        """Return the values, exactly."""
        if self.dtype == "BF16":
            return (self.bits.astype(np.uint32) << 16).view(np.float32)
        if self.dtype == "F16":
            return self.bits.view(np.float16).astype(np.float32)
        return self.bits.view(np.float32)


Tensors = dict[str, Tensor]


def stored(values: NDArray[np.float32], dtype: str) -> Tensor:
    """Return float32 values rounded to `dtype`."""
    values = np.ascontiguousarray(values, np.float32)
    if dtype == "F32":
        return Tensor(dtype, values.view(np.uint32))
    if dtype == "F16":
        return Tensor(dtype, values.astype(np.float16).view(np.uint16))
    wide = values.view(np.uint32).astype(np.uint64)
    even = (wide >> np.uint64(16)) & np.uint64(1)
    rounded = (wide + np.uint64(0x7FFF) + even) >> np.uint64(16)
    return Tensor(dtype, rounded.astype(np.uint16))


def read(folder: Path) -> Tensors:
    """Return the tensors of model.safetensors in `folder`; trusts the file."""
    data = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        kind = np.uint32 if entry["dtype"] == "F32" else np.uint16
        bits = np.frombuffer(data[start:end], kind).reshape(entry["shape"])
        tensors[name] = Tensor(entry["dtype"], bits)
    return tensors


def save(tensors: Tensors, path: Path) -> None:
    """Write one safetensors file with the library that others use."""
    kept = {name: np.ascontiguousarray(tensors[name].bits) for name in tensors}
    specs = {
        name: TensorSpec(
            dtype=DTYPES[tensors[name].dtype],
            shape=bits.shape,
            data_ptr=bits.ctypes.data,
            data_len=bits.nbytes,
        )
        for name, bits in kept.items()
    }
    serialize_file(specs, path, {"format": "pt"})


def make(
    tensors: Tensors,
    folder: Path,
    like: Path | None = None,
    config: Mapping[str, object] | None = None,
) -> Path:
    """Write a model folder, with config (changed so) and tokenizer of `like`."""
    folder.mkdir(parents=True, exist_ok=True)
    save(tensors, folder / "model.safetensors")
    for path in like.glob("*.json") if like else ():
        shutil.copy(path, folder)
    if config:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | config, indent=2))
    return folder


def make_shards(tensors: Tensors, folder: Path, n: int) -> Path:
    """Write a model in n shards with an index; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(tensors)
    placed = {}
    for i in range(n):
        file = f"model-{i + 1:05}-of-{n:05}.safetensors"
        part = {name: tensors[name] for name in names[i::n]}
        save(part, folder / file)
        placed |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": placed}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder
