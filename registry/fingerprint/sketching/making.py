"""From model files to a sketch: every tensor read once, sampled units once more."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from registry.fingerprint.anatomy.structure import read_structure
from registry.fingerprint.errors import BrokenJson
from registry.fingerprint.reading.config import essentials
from registry.fingerprint.reading.folder import ModelFiles, open_model
from registry.fingerprint.reading.places import place_tensors
from registry.fingerprint.reading.rounding import FLOATS
from registry.fingerprint.reading.tokenizer import (
    TokenizerSummary,
    read_tokens,
    summarise,
)
from registry.fingerprint.reading.weights import TensorInfo
from registry.fingerprint.sketching.readings import Readings
from registry.fingerprint.sketching.sketch import (
    MAX_LISTED,
    Sketch,
    TensorRecord,
    rank,
)
from registry.fingerprint.sketching.units import describe_units
from registry.fingerprint.sketching.values import (
    DIGEST_BYTES,
    measure,
    smallest_hashes,
)

Progress = Callable[[float], None]

# Hashing releases the interpreter lock: rounding and hashing run beside it.
_THREADS: Final = 3
_READING_SHARE: Final = 0.98
TELL_BYTES: Final = 1 << 24


def sketch_model(path: Path, *, progress: Progress | None = None) -> Sketch:
    """Return the sketch of the model folder or .safetensors file at `path`.

    `progress` hears shares from 0 to 1 in the calling thread, at least once
    every 32 MiB; what it raises stops the work. Memory stays below 1 GiB at any
    model size. Raises a FingerprintError for bad input.
    """
    return sketch_files(open_model(path), progress=progress)


def sketch_files(files: ModelFiles, *, progress: Progress | None = None) -> Sketch:
    """Return the sketch of an opened model; see sketch_model."""
    tell = progress or (lambda share: None)
    total, done, told = max(1, files.size_bytes), 0, 0

    def on_bytes(n: int) -> None:
        nonlocal done, told
        done += n
        if done - told >= TELL_BYTES:
            told = done
            tell(_READING_SHARE * done / total)

    tell(0.0)
    making = Making(files)
    sketch = making.finished([making.read(files.tensors, on_bytes)])
    tell(1.0)
    return sketch


class Making:
    """A sketch in the making, of a model whose files may come one after the other.

    Every tensor is read once, in any order; then those that `read_again` names must
    be there once more.
    """

    def __init__(self, files: ModelFiles) -> None:
        """Begin with the headers of all files."""
        self._files = files
        self._places = place_tensors(files.tensors)
        ranked = sorted(files.tensors, key=lambda t: rank(t.name, t.shape))
        self._listed = {tensor.name for tensor in ranked[:MAX_LISTED]}

    def read(
        self, tensors: Iterable[TensorInfo], on_bytes: Callable[[int], None]
    ) -> Readings:
        """Return what stays of some tensors, after reading them.

        `on_bytes` hears of every piece in the calling thread and may raise to stop.
        """
        read = Readings()
        with ThreadPoolExecutor(_THREADS) as pool:
            for tensor in tensors:
                measured = measure(tensor, pool, on_bytes)
                values = measured.values
                read.n_nan += values.n_nan
                read.n_inf += values.n_inf
                if tensor.dtype in FLOATS:
                    read.own.add(values.own)
                    read.bf16.add(values.bf16)
                    read.f16.add(values.f16)
                # Rows are sampled inside layers.
                if tensor.name in self._places and measured.rows.size:
                    both = np.concatenate([read.rows, measured.rows])
                    read.rows = smallest_hashes(both)
                if tensor.name in self._listed:
                    form = (tensor.name, tensor.dtype, tensor.shape)
                    read.listed.append(TensorRecord(*form, values))
        return read

    def finished(self, readings: Iterable[Readings]) -> Sketch:
        """Return the sketch, made of what stays of all tensors."""
        files, read = self._files, Readings()
        for some in readings:
            read.add(some)
        structure = read_structure(files.tensors)
        floats = [tensor for tensor in files.tensors if tensor.dtype in FLOATS]
        sizes: Counter[str] = Counter()
        for tensor in floats or files.tensors:
            sizes[tensor.dtype] += tensor.n_elements
        return Sketch(
            params=sizes.total(),
            dtype=max(sorted(sizes), key=lambda dtype: sizes[dtype]),
            n_tensors=len(files.tensors),
            n_nan=read.n_nan,
            n_inf=read.n_inf,
            tensors=tuple(sorted(read.listed, key=lambda record: record.name)),
            whole=(_digest(read.own), _digest(read.bf16), _digest(read.f16)),
            units=describe_units(structure) if structure else None,
            rows=read.rows if structure else Readings().rows,
            config=essentials(files.config),
            tokenizer=_tokenizer(files.tokenizer),
        )


def _digest(parts: set[bytes]) -> bytes:
    return hashlib.sha256(b"".join(sorted(parts))).digest()[:DIGEST_BYTES]


def _tokenizer(path: Path | None) -> TokenizerSummary | None:
    # A tokenizer says nothing about weights: a broken one is no reason to stop.
    try:
        return summarise(read_tokens(path)) if path else None
    except BrokenJson:
        return None
