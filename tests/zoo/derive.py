"""Models made from trained ones without torch: casts, renames, shards and so on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import TensorSpec, serialize_file

ZOO = Path(__file__).parent
DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64"}
TO_YI = {"input_layernorm": "ln1", "post_attention_layernorm": "ln2"}


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


def make(tensors: Tensors, folder: Path, like: Path | None = None) -> Path:
    """Write a model folder, with config and tokenizer of `like`; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    save(tensors, folder / "model.safetensors")
    for path in like.glob("*.json") if like else ():
        shutil.copy(path, folder)
    return folder


def make_shards(tensors: Tensors, folder: Path, n: int) -> Path:
    """Write a model in n shards with an index; return its folder."""
    folder.mkdir(parents=True)
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


def rename(tensors: Tensors, words: Mapping[str, str]) -> Tensors:
    """Return the tensors with words in their names replaced."""

    def new(name: str) -> str:
        return ".".join(words.get(part, part) for part in name.split("."))

    return {new(name): tensor for name, tensor in tensors.items()}


def cast(tensors: Tensors, dtype: str) -> Tensors:
    """Return all tensors rounded to `dtype`."""
    return {name: stored(t.values(), dtype) for name, t in tensors.items()}


def change(
    tensors: Tensors, edit: Callable[[str, NDArray[np.float32]], NDArray[np.float32]]
) -> Tensors:
    """Return the tensors with edit(name, values) applied, types kept."""
    return {n: stored(edit(n, t.values()), t.dtype) for n, t in tensors.items()}


def permute_units(tensors: Tensors, seed: int) -> Tensors:
    """Return a LLaMA-named model with FFN units relabelled in every layer."""
    made = dict(tensors)
    for name in [name for name in tensors if name.endswith("gate_proj.weight")]:
        order = np.random.default_rng([seed, *name.encode()]).permutation(
            len(tensors[name].bits)
        )
        for role in ("gate_proj", "up_proj", "down_proj"):
            key = name.replace("gate_proj", role)
            bits = tensors[key].bits
            moved = bits[:, order] if role == "down_proj" else bits[order]
            made[key] = Tensor(tensors[key].dtype, moved)
    return made


def permute_width(tensors: Tensors, d: int, seed: int) -> Tensors:
    """Return the model with its residual stream relabelled: every axis of size d."""
    order = np.random.default_rng(seed).permutation(d)

    def move(name: str, bits: NDArray[np.generic]) -> NDArray[np.generic]:
        writes = name.endswith(("o_proj.weight", "down_proj.weight"))
        axis = 0 if bits.ndim == 1 or writes else 1
        return np.take(bits, order, axis)

    return {n: Tensor(t.dtype, move(n, t.bits)) for n, t in tensors.items()}


def fuse_gate_up(tensors: Tensors) -> Tensors:
    """Return the model with gate and up stored as one matrix (2h, d)."""
    made = {n: t for n, t in tensors.items() if "up_proj" not in n}
    for name in [name for name in made if "gate_proj" in name]:
        gate, up = tensors[name], tensors[name.replace("gate_proj", "up_proj")]
        both = Tensor(gate.dtype, np.concatenate([gate.bits, up.bits]))
        made[name.replace("gate_proj", "gate_up_proj")] = both
        del made[name]
    return made


def drop_layer(tensors: Tensors, layer: int) -> Tensors:
    """Return a LLaMA-named model without one layer, later ones moved down."""
    made = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        if parts[1] == "layers":
            number = int(parts[2])
            if number == layer:
                continue
            parts[2] = str(number - (number > layer))
        made[".".join(parts)] = tensor
    return made
