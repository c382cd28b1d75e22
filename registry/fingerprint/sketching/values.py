"""What is kept of one tensor's values: hashes, norm, linear sketch, oddities.

A hash never depends on the tensor's name or shape or on which file it is in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.reading import rounding
from registry.fingerprint.reading.weights import TensorInfo, read_pieces
from registry.fingerprint.sketching import moments

DIGEST_BYTES: Final = 16
NO_DIGEST: Final = bytes(DIGEST_BYTES)
_LARGEST: Final = float(np.finfo(np.float32).max)
_PROBE: Final = 4_096
# Handing a smaller piece to a thread takes longer than hashing it.
_WORTH_THREADS: Final = 1 << 13
MIN_ROW: Final = 32
MAX_ROWS: Final = 512


@dataclass(frozen=True)
class TensorValues:
    """Hashes are SHA-256 cut to 16 bytes; NO_DIGEST where there is none.

    `own` is over the digests of the rows as stored (every NaN made the same), `bag`
    is the sum of those digests modulo 2**128: rows in another order, or the parts
    of a fused matrix, have the same sum. `bf16` and `f16` are like `own`, over the
    values rounded to that type; `exact_*` says that rounding changed nothing. `plain`
    marks a tensor with at most two different values, which is alike everywhere and
    proves nothing. `linear` has a power of two of buckets.
    """

    own: bytes
    bag: bytes
    bf16: bytes
    f16: bytes
    norm: float
    linear: NDArray[np.float32]
    plain: bool
    exact_bf16: bool = False
    exact_f16: bool = False
    n_nan: int = 0
    n_inf: int = 0


@dataclass(frozen=True)
class Measured:
    """The values of a tensor, and its smallest row hashes (at most MAX_ROWS)."""

    values: TensorValues
    rows: NDArray[np.uint64]


@dataclass
class _Running:
    own: Any = field(default_factory=hashlib.sha256)
    bag: int = 0
    rows: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
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
) -> Measured:
    """Read a tensor once, in pieces, and return what is kept of its values.

    `on_bytes` hears of every piece in the calling thread and may raise to stop.
    """
    running = _Running()
    is_float = tensor.dtype in rounding.FLOATS
    row = _row_length(tensor.shape)
    step = max(1, moments.PIECE_ELEMENTS // row) * row
    step = min(step, moments.PIECE_ELEMENTS)
    for number, piece in enumerate(read_pieces(tensor, step)):
        if is_float:
            _add_floats(running, tensor.dtype, number, piece, pool, row)
        else:
            running.own.update(piece)
        on_bytes(len(piece))
    return Measured(_finished(running, tensor.dtype), running.rows)


def smallest_hashes(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the MAX_ROWS smallest different hashes, ascending."""
    return np.unique(hashes)[:MAX_ROWS]


def _row_length(shape: tuple[int, ...]) -> int:
    """Return how many values a row has: trailing dimensions of at least MIN_ROW."""
    length = 1
    for size in reversed(shape):
        length *= max(1, size)
        if length >= MIN_ROW:
            break
    return length


def _add_floats(
    running: _Running,
    dtype: str,
    number: int,
    piece: NDArray[np.uint8],
    pool: Executor,
    row: int,
) -> None:
    raw = rounding.as_bits(piece, dtype)
    bits, n_nan, n_inf = rounding.with_one_nan(raw, dtype)
    running.n_nan += n_nan
    running.n_inf += n_inf
    running.plain = running.plain and _is_plain(bits)
    jobs = [partial(_add_rows, running, bits, row)]
    if dtype != "BF16":
        jobs.append(partial(_add_bf16, running, bits, dtype, row))
    if dtype != "F16":
        jobs.append(partial(_add_f16, running, bits, dtype, row))
    if len(bits) < _WORTH_THREADS:
        for job in jobs:
            job()
        jobs = []
    waiting = [pool.submit(job) for job in jobs]
    squares, linear = moments.best_backend()(bits, dtype, not n_nan + n_inf)
    running.squares += squares
    running.linear += moments.piece_sign(number) * linear
    for future in waiting:
        future.result()


def _add_rows(running: _Running, bits: rounding.Bits, row: int) -> None:
    digests = _row_digests(bits, row)
    joined = b"".join(digests)
    running.own.update(joined)
    running.bag += sum(int.from_bytes(digest, "little") for digest in digests)
    if row < MIN_ROW or len(bits) % row:
        return
    hashes = np.frombuffer(joined, "<u8")[::2]
    whole = bits.reshape(-1, row)
    varied = (whole != whole[:, :1]).any(axis=1)  # constant rows are alike everywhere
    running.rows = smallest_hashes(np.concatenate([running.rows, hashes[varied]]))


def _row_digests(bits: rounding.Bits, row: int) -> list[bytes]:
    return [
        hashlib.sha256(bits[at : at + row].data).digest()[:DIGEST_BYTES]
        for at in range(0, len(bits), row)
    ]


def _add_bf16(running: _Running, bits: rounding.Bits, dtype: str, row: int) -> None:
    rounded = np.ascontiguousarray(rounding.to_bf16(bits, dtype))
    running.bf16.update(b"".join(_row_digests(rounded, row)))
    # Trained weights show a loss in the first piece; then nothing is checked.
    if running.exact_bf16:
        running.exact_bf16 = rounding.is_same(bits, dtype, rounded, "BF16")


def _add_f16(running: _Running, bits: rounding.Bits, dtype: str, row: int) -> None:
    rounded = np.ascontiguousarray(rounding.to_f16(bits, dtype))
    running.f16.update(b"".join(_row_digests(rounded, row)))
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
        bag=(running.bag % (1 << 8 * DIGEST_BYTES)).to_bytes(DIGEST_BYTES, "little"),
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
