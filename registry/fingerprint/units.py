"""Short descriptions of sampled FFN units, as whole numbers; no comparison here.

A unit is described once per role by its weight vector: keyed signs, folded to
FOLD numbers (CountSketch), centred over the sampled units, scaled to int8.
Sums run in float64, so machines differ by less than any rounding step.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint import rounding
from registry.fingerprint.keyed import sample, signs
from registry.fingerprint.structure import Ffn, UnitSlice
from registry.fingerprint.weights import DTYPE_BITS, TensorInfo, read_pieces

FOLD: Final = 64
MAX_UNITS: Final = 64
_PIECE: Final = 1 << 22


def describe_units(ffn: Ffn) -> NDArray[np.int8]:
    """Return descriptors (layers, units, roles, FOLD); a dead unit is all zeros."""
    chosen = sample("units", ffn.h, MAX_UNITS)
    return np.stack([_describe_layer(layer, chosen, ffn.d) for layer in ffn.layers])


def _describe_layer(
    layer: tuple[UnitSlice, ...], chosen: NDArray[np.int64], d: int
) -> NDArray[np.int8]:
    roles = [_folded(_vectors(part, chosen), d) for part in layer]
    return np.stack([_quantised(role) for role in roles], axis=1)


def _folded(vectors: NDArray[np.float32], d: int) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # some NaNs signal
        signed = vectors.astype(np.float64) * signs("fold", d)
    padded = np.pad(signed, ((0, 0), (0, -d % FOLD)))
    folds = padded.reshape(len(vectors), -1, FOLD)
    with np.errstate(invalid="ignore"):  # infinities of both signs
        return np.asarray(folds.sum(axis=1), np.float64)  # (units, FOLD)


def _quantised(folded: NDArray[np.float64]) -> NDArray[np.int8]:
    alive = np.asarray(np.isfinite(folded).all(axis=1))
    folded = np.where(alive[:, None], folded, 0.0)
    centred = folded - folded[alive].mean(axis=0) if alive.any() else folded
    largest = np.abs(centred).max(axis=1)
    # What is left of equal units after centring is rounding, not a direction.
    alive &= largest > 1e-9 * np.abs(folded).max(initial=0.0)
    scale = np.where(alive, 127.0 / np.where(alive, largest, 1.0), 0.0)
    return np.rint(centred * scale[:, None]).astype(np.int8)


def _vectors(part: UnitSlice, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the chosen units' vectors (units, d)."""
    wanted = chosen + part.first
    read = _rows if part.axis == 0 else _columns
    return read(part.tensor, wanted)


def _rows(tensor: TensorInfo, wanted: NDArray[np.int64]) -> NDArray[np.float32]:
    n_columns = tensor.shape[1]
    size = n_columns * DTYPE_BITS[tensor.dtype] // 8
    found = []
    with tensor.path.open("rb") as file:
        for row in wanted:
            file.seek(tensor.start + int(row) * size)
            found.append(np.fromfile(file, np.uint8, size))
    bits = rounding.as_bits(np.concatenate(found), tensor.dtype)
    return rounding.to_f32(bits, tensor.dtype).reshape(len(wanted), n_columns)


def _columns(tensor: TensorInfo, wanted: NDArray[np.int64]) -> NDArray[np.float32]:
    n_columns = tensor.shape[1]
    step = max(1, _PIECE // n_columns) * n_columns
    found = []
    for piece in read_pieces(tensor, step):
        values = rounding.to_f32(rounding.as_bits(piece, tensor.dtype), tensor.dtype)
        found.append(values.reshape(-1, n_columns)[:, wanted])
    return np.concatenate(found).T
