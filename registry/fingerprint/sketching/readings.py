"""What stays of tensors once they have been read, and how it waits on a disk."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.sketching.sketch import TensorRecord
from registry.fingerprint.sketching.values import (
    TensorValues,
    smallest_hashes,
)

_BYTES: Final = ("own", "bag", "bf16", "f16")
_PLAIN: Final = ("norm", "plain", "exact_bf16", "exact_f16", "n_nan", "n_inf")
_DIGESTS: Final = ("own", "bf16", "f16")


@dataclass
class Readings:
    """What stays of the tensors read so far: most of it of few of them."""

    listed: list[TensorRecord] = field(default_factory=list)
    own: set[bytes] = field(default_factory=set)
    bf16: set[bytes] = field(default_factory=set)
    f16: set[bytes] = field(default_factory=set)
    rows: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    n_nan: int = 0
    n_inf: int = 0

    def add(self, other: Readings) -> None:
        """Take in what was read of other tensors of the same model."""
        self.listed += other.listed
        for name in _DIGESTS:
            getattr(self, name).update(getattr(other, name))
        self.rows = smallest_hashes(np.concatenate([self.rows, other.rows]))
        self.n_nan += other.n_nan
        self.n_inf += other.n_inf

    def to_bytes(self) -> bytes:
        """Return the readings as bytes that from_bytes reads on any machine."""
        told: dict[str, Any] = {
            name: sorted(digest.hex() for digest in getattr(self, name))
            for name in _DIGESTS
        }
        told["listed"] = [_told(record) for record in self.listed]
        told["rows"] = self.rows.tolist()
        told["odd"] = [self.n_nan, self.n_inf]
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Readings:
        """Return the readings in bytes that this program has written."""
        told = json.loads(data)
        own, bf16, f16 = ({*map(bytes.fromhex, told[name])} for name in _DIGESTS)
        return Readings(
            listed=[_read(item) for item in told["listed"]],
            own=own,
            bf16=bf16,
            f16=f16,
            rows=np.array(told["rows"], np.uint64),
            n_nan=told["odd"][0],
            n_inf=told["odd"][1],
        )


def _told(record: TensorRecord) -> list[Any]:
    values = record.values
    hexes = [getattr(values, name).hex() for name in _BYTES]
    linear = values.linear.astype("<f4").tobytes().hex()
    plain = [getattr(values, name) for name in _PLAIN]
    return [record.name, record.dtype, record.shape, hexes, linear, plain]


def _read(told: list[Any]) -> TensorRecord:
    name, dtype, shape, hexes, linear, plain = told
    kept: dict[str, Any] = dict(zip(_BYTES, map(bytes.fromhex, hexes), strict=True))
    kept |= zip(_PLAIN, plain, strict=True)
    kept["linear"] = np.frombuffer(bytes.fromhex(linear), "<f4")
    return TensorRecord(name, dtype, tuple(shape), TensorValues(**kept))
