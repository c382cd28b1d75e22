"""What is kept of one tensor's values: hashes, norm, linear sketch, oddities.

A hash never depends on the tensor's name or shape or on which file it is in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint import moments, rounding
from registry.fingerprint.weights import TensorInfo, read_pieces

DIGEST_BYTES: Final = 16
NO_DIGEST: Final = bytes(DIGEST_BYTES)
_LARGEST: Final = float(np.finfo(np.float32).max)
_PROBE: Final = 4_096


@dataclass(frozen=True)
class TensorValues:
    """Hashes are SHA-256 cut to 16 bytes; NO_DIGEST where there is none.

    `own` is over the values as stored (every NaN made the same), `bf16` and
    `f16` over the values rounded to that type; `exact_*` says that rounding
    changed nothing. `plain` marks a tensor with at most two different values,
    which is alike everywhere and proves nothing.
    """

    own: bytes
    bf16: bytes
    f16: bytes
    norm: float
    linear: NDArray[np.float32]
    plain: bool
    exact_bf16: bool = False
    exact_f16: bool = False
    n_nan: int = 0
    n_inf: int = 0


@dataclass
class _Running:
    own: Any = field(default_factory=hashlib.sha256)
    bf16: Any = field(default_factory=hashlib.sha256)
    f16: Any = field(default_factory=hashlib.sha256)
    squares: float = 0.0
    linear: NDArray[np.float64] = field(default_factory=lambda: np.zeros(moments.WIDTH))
    plain: bool = True
    exact_bf16: bool = True
    exact_f16: bool = True
    n_nan: int = 0
    n_inf: int = 0


def measure(
    tensor: TensorInfo, pool: Executor, on_bytes: Callable[[int], None]
) -> TensorValues:
    """Read a tensor once, in pieces, and return what is kept of its values.

    `on_bytes` hears of every piece in the calling thread and may raise to stop.
    """
    running = _Running()
    is_float = tensor.dtype in rounding.FLOATS
    step = moments.PIECE_ELEMENTS
    for number, piece in enumerate(read_pieces(tensor, step)):
        if is_float:
            _add_floats(running, tensor.dtype, number, piece, pool)
        else:
            running.own.update(piece)
        on_bytes(len(piece))
    return _finished(running, tensor.dtype)


def _add_floats(
    running: _Running,
    dtype: str,
    number: int,
    piece: NDArray[np.uint8],
    pool: Executor,
) -> None:
    raw = rounding.as_bits(piece, dtype)
    bits, n_nan, n_inf = rounding.with_one_nan(raw, dtype)
    running.n_nan += n_nan
    running.n_inf += n_inf
    running.plain = running.plain and _is_plain(bits)
    jobs = [pool.submit(running.own.update, bits)]
    if dtype != "BF16":
        jobs.append(pool.submit(_add_bf16, running, bits, dtype))
    if dtype != "F16":
        jobs.append(pool.submit(_add_f16, running, bits, dtype))
    squares, linear = moments.best_backend()(bits, dtype, not n_nan + n_inf)
    running.squares += squares
    running.linear += moments.piece_sign(number) * linear
    for job in jobs:
        job.result()


def _add_bf16(running: _Running, bits: rounding.Bits, dtype: str) -> None:
    rounded = np.ascontiguousarray(rounding.to_bf16(bits, dtype))
    running.bf16.update(rounded)
    # Trained weights show a loss in the first piece; then nothing is checked.
    if running.exact_bf16:
        running.exact_bf16 = rounding.is_same(bits, dtype, rounded, "BF16")


def _add_f16(running: _Running, bits: rounding.Bits, dtype: str) -> None:
    rounded = np.ascontiguousarray(rounding.to_f16(bits, dtype))
    running.f16.update(rounded)
    if running.exact_f16:
        running.exact_f16 = rounding.is_same(bits, dtype, rounded, "F16")


def _is_plain(bits: rounding.Bits) -> bool:
    probe = bits[:: max(1, len(bits) // _PROBE)]
    return len(np.unique(probe)) <= 2


def _finished(running: _Running, dtype: str) -> TensorValues:
    own = running.own.digest()[:DIGEST_BYTES]
    bf16, f16 = NO_DIGEST, NO_DIGEST
    if dtype in rounding.FLOATS:
        bf16 = own if dtype == "BF16" else running.bf16.digest()[:DIGEST_BYTES]
        f16 = own if dtype == "F16" else running.f16.digest()[:DIGEST_BYTES]
    linear = np.nan_to_num(running.linear).clip(-_LARGEST, _LARGEST)
    norm = np.nan_to_num(np.sqrt(running.squares))
    return TensorValues(
        own=own,
        bf16=bf16,
        f16=f16,
        norm=float(np.float32(min(norm, _LARGEST))),
        linear=linear.astype(np.float32),
        plain=running.plain and dtype in rounding.FLOATS,
        exact_bf16=running.exact_bf16,
        exact_f16=running.exact_f16,
        n_nan=running.n_nan,
        n_inf=running.n_inf,
    )
