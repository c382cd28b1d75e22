"""From model files to a sketch: every tensor read once, sampled units once more."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.structure import read_structure
from registry.fingerprint.errors import BrokenJson
from registry.fingerprint.reading.config import essentials
from registry.fingerprint.reading.folder import ModelFiles, open_model
from registry.fingerprint.reading.tokenizer import (
    TokenizerSummary,
    read_tokens,
    summarise,
)
from registry.fingerprint.sketching.sketch import Sketch, TensorRecord
from registry.fingerprint.sketching.units import Units, describe_units
from registry.fingerprint.sketching.values import (
    DIGEST_BYTES,
    Measured,
    measure,
    smallest_hashes,
)

Progress = Callable[[float], None]

# Hashing releases the interpreter lock: rounding and hashing run beside it.
_THREADS: Final = 3
_READING_SHARE: Final = 0.98
_TELL_BYTES: Final = 1 << 24


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
    tell(0.0)
    measured = _measure_all(files, tell)
    structure = read_structure(files.tensors)
    units = describe_units(structure) if structure else None
    tell(1.0)
    inside = structure.places if structure else {}
    rows = [
        m.rows for t, m in zip(files.tensors, measured, strict=True) if t.name in inside
    ]
    return _assemble(files, measured, units, rows)


def _measure_all(files: ModelFiles, tell: Progress) -> list[Measured]:
    total, done, told = max(1, files.size_bytes), 0, 0

    def on_bytes(n: int) -> None:
        nonlocal done, told
        done += n
        if done - told >= _TELL_BYTES:
            told = done
            tell(_READING_SHARE * done / total)

    with ThreadPoolExecutor(_THREADS) as pool:
        return [measure(tensor, pool, on_bytes) for tensor in files.tensors]


def _assemble(
    files: ModelFiles,
    measured: list[Measured],
    units: Units | None,
    rows: list[NDArray[np.uint64]],
) -> Sketch:
    records = [
        TensorRecord(t.name, t.dtype, t.shape, m.values)
        for t, m in zip(files.tensors, measured, strict=True)
    ]
    floats = [record for record in records if record.is_float]
    counted = floats or records
    sizes: Counter[str] = Counter()
    for record in counted:
        sizes[record.dtype] += math.prod(record.shape)
    return Sketch(
        params=sizes.total(),
        dtype=max(sorted(sizes), key=lambda dtype: sizes[dtype]),
        n_tensors=len(records),
        n_nan=sum(record.values.n_nan for record in records),
        n_inf=sum(record.values.n_inf for record in records),
        tensors=tuple(records),
        whole=_whole(floats),
        units=units,
        rows=smallest_hashes(np.concatenate([np.empty(0, np.uint64), *rows])),
        config=essentials(files.config),
        tokenizer=_tokenizer(files.tokenizer),
    )


def _whole(floats: list[TensorRecord]) -> tuple[bytes, bytes, bytes]:
    return (
        _digest(record.values.own for record in floats),
        _digest(record.values.bf16 for record in floats),
        _digest(record.values.f16 for record in floats),
    )


def _digest(parts: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"".join(sorted(set(parts)))).digest()[:DIGEST_BYTES]


def _tokenizer(path: Path | None) -> TokenizerSummary | None:
    # A tokenizer says nothing about weights: a broken one is no reason to stop.
    try:
        return summarise(read_tokens(path)) if path else None
    except BrokenJson:
        return None
