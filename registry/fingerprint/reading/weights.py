"""One safetensors file: its header, checked, and its tensors, read in pieces.

Which files make up a model is in `folder.py`; no arithmetic here.
Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.errors import BrokenHeader, BrokenJson
from registry.fingerprint.reading.files import open_regular
from registry.fingerprint.reading.strictjson import parse_object

HEADER_LIMIT_BYTES: Final = 100_000_000
# Five times what the largest shards hold today (experts, each with its scales).
MAX_TENSORS: Final = 100_000
NAME_LIMIT: Final = 1_000
MAX_RANK: Final = 16
DTYPE_BITS: Final[Mapping[str, int]] = MappingProxyType(
    {"F64": 64, "F32": 32, "F16": 16, "BF16": 16}
    | {"I64": 64, "I32": 32, "I16": 16, "I8": 8}
    | {"U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8, "C64": 64}
    | {"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4}
)


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where one tensor lies: bytes `start` to `end` of the file `path`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    start: int
    end: int

    @property
    def n_elements(self) -> int:
        """Return the number of values."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Return the number of bytes in the file."""
        return self.end - self.start


@dataclass(frozen=True)
class Header:
    """The checked header of one file, tensors in the order of their bytes."""

    tensors: tuple[TensorInfo, ...]
    metadata: Mapping[str, str]
    size_bytes: int


def read_header(path: Path, *, name: str | None = None) -> Header:
    """Return the checked header of a safetensors file.

    `name` is what errors call the file, by default its own name. Raises
    BrokenHeader, with one line that says what is wrong, for a file that is empty,
    truncated, or whose header breaks the format in any way.
    """
    label = name or path.name
    data, size = _header_bytes(path, label)
    # Parsing a header of millions would take long: count first, then exactly.
    _check_count(label, data.count(b'"data_offsets"'))
    try:
        entries = parse_object(data, what=f"{label}: header")
    except BrokenJson as error:
        raise BrokenHeader(str(error)) from error
    metadata = _metadata(label, entries.pop("__metadata__", {}))
    _check_count(label, len(entries))
    first = 8 + len(data)
    tensors = [_tensor(path, label, key, entries[key], first) for key in entries]
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end))
    _check_coverage(label, tensors, first, size)
    return Header(tuple(tensors), metadata, size)


def read_pieces(tensor: TensorInfo, n_elements: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the tensor's bytes, `n_elements` values at a time (the last fewer).

    Raises BrokenHeader if the file has become shorter since it was checked.
    """
    step = n_elements * DTYPE_BITS[tensor.dtype] // 8
    with open_regular(tensor.path) as file:
        file.seek(tensor.start)
        for at in range(tensor.start, tensor.end, step):
            count = min(step, tensor.end - at)
            piece = np.fromfile(file, np.uint8, count)
            if len(piece) != count:
                raise BrokenHeader(f"{tensor.path.name}: the file became shorter")
            yield piece


def shown(text: str) -> str:
    """Return a name from a file as an error shows it: quoted, ASCII, short."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")


def _header_bytes(path: Path, label: str) -> tuple[bytes, int]:
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            prefix = file.read(8)
            length = int.from_bytes(prefix, "little")
            _check_length(label, len(prefix), length, size)
            data = file.read(length)
    except OSError as error:
        reason = error.strerror
        raise BrokenHeader(f"{label}: cannot be read ({reason})") from error
    if not data.startswith(b"{"):
        raise BrokenHeader(f"{label}: not a safetensors file (no JSON header)")
    return data, size


def _check_length(label: str, n_prefix: int, length: int, size: int) -> None:
    if size == 0:
        raise BrokenHeader(f"{label}: the file is empty")
    if n_prefix < 8:
        raise BrokenHeader(f"{label}: truncated, {size} bytes are no header")
    if length > HEADER_LIMIT_BYTES:
        raise BrokenHeader(
            f"{label}: header of {length:,} bytes is over the limit of "
            f"{HEADER_LIMIT_BYTES:,}"
        )
    if length > size - 8:
        raise BrokenHeader(
            f"{label}: truncated, header of {length:,} bytes in a file of {size:,}"
        )


def _check_count(label: str, n: int) -> None:
    if n > MAX_TENSORS:
        raise BrokenHeader(f"{label}: describes more than {MAX_TENSORS:,} tensors")


def _metadata(label: str, value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(
        isinstance(v, str) for v in value.values()
    ):
        raise BrokenHeader(f"{label}: __metadata__ must map text to text")
    return value


def _tensor(path: Path, label: str, name: str, entry: Any, first: int) -> TensorInfo:
    where = f"{label}: tensor {shown(name)}"
    if len(name) > NAME_LIMIT or not name.isprintable():
        raise BrokenHeader(f"{where}: the name is too long or not printable")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise BrokenHeader(f"{where}: needs dtype, shape and data_offsets, no more")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise BrokenHeader(f"{where}: unknown dtype {shown(str(dtype))}")
    if not _is_counts(shape) or len(shape) > MAX_RANK:
        raise BrokenHeader(f"{where}: shape must be a list of counts")
    if not _is_counts(offsets) or len(offsets) != 2:
        raise BrokenHeader(f"{where}: data_offsets must be two counts")
    if math.prod(shape) * DTYPE_BITS[dtype] != 8 * (offsets[1] - offsets[0]):
        raise BrokenHeader(f"{where}: data_offsets do not match shape and dtype")
    start, end = first + offsets[0], first + offsets[1]
    return TensorInfo(name, dtype, tuple(shape), path, start, end)


def _is_counts(value: Any) -> bool:
    return isinstance(value, list) and all(
        type(item) is int and 0 <= item < 2**63 for item in value
    )


def _check_coverage(
    label: str, tensors: list[TensorInfo], first: int, size: int
) -> None:
    at = first
    for tensor in tensors:
        if tensor.start < at:
            raise BrokenHeader(f"{label}: {shown(tensor.name)} overlaps another")
        if tensor.start > at:
            raise BrokenHeader(f"{label}: a hole before {shown(tensor.name)}")
        at = tensor.end
    if at > size:
        raise BrokenHeader(
            f"{label}: truncated, the header describes {at:,} bytes and the "
            f"file has {size:,}"
        )
    if at < size:
        raise BrokenHeader(f"{label}: {size - at:,} bytes after the last tensor")
