"""Reading the vectors of a part: whole, a few, their norms, their dot products.

Memory stays bounded: a matrix is read in blocks of rows, wherever the vectors lie.
Values that are not finite count as zero, and none as more than LARGEST, so that no
sum of squares overflows. `gain` (d,) multiplies every vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.shapes import Part
from registry.fingerprint.errors import BrokenHeader
from registry.fingerprint.reading import rounding
from registry.fingerprint.reading.weights import DTYPE_BITS, TensorInfo

LARGEST: Final = 1e6
_BLOCK_ELEMENTS: Final = 1 << 22

Vectors = NDArray[np.float32]


def read_vectors(
    part: Part,
    chosen: NDArray[np.int64] | None = None,
    *,
    gain: Vectors | None = None,
) -> Vectors:
    """Return the part's vectors (count, d), or only the chosen ones, in that order."""
    wanted = np.arange(part.count) if chosen is None else chosen
    if part.axis == 0 and len(wanted) < part.count:
        rows = _few_rows(part, wanted)
        return rows if gain is None else np.asarray(rows * gain)
    blocks = [block for _, block in _blocks(part, gain)]
    if part.axis == 0:
        return np.asarray(np.concatenate(blocks)[wanted])
    return np.asarray(np.concatenate([block[:, wanted] for block in blocks]).T)


def read_vector(tensor: TensorInfo) -> Vectors:
    """Return all values of a small tensor, flat."""
    flat = TensorInfo(
        tensor.name,
        tensor.dtype,
        (1, tensor.n_elements),
        tensor.path,
        tensor.start,
        tensor.end,
    )
    return np.asarray(read_vectors(Part(flat, 0, 1))[0])


def squared_norms(part: Part, *, gain: Vectors | None = None) -> NDArray[np.float64]:
    """Return the squared length of every vector (count,)."""
    if part.axis == 0:
        blocks = (block for _, block in _blocks(part, gain))
        sums = [np.einsum("ij,ij->i", b, b, dtype=np.float64) for b in blocks]
        return np.concatenate(sums)
    total = np.zeros(part.count)
    for _, block in _blocks(part, gain):
        total += np.einsum("ij,ij->j", block, block, dtype=np.float64)
    return total


def mean_vector(part: Part, d: int) -> Vectors:
    """Return the mean of all vectors (d,)."""
    total = np.zeros(d)
    for at, block in _blocks(part):
        if part.axis == 0:
            total += block.sum(axis=0, dtype=np.float64)
        else:
            total[at : at + len(block)] += block.sum(axis=1, dtype=np.float64)
    return (total / max(1, part.count)).astype(np.float32)


def column_norms(part: Part, d: int) -> NDArray[np.float64]:
    """Return the root of the squares summed over vectors, per coordinate (d,)."""
    total = np.zeros(d)
    for at, block in _blocks(part):
        if part.axis == 0:
            total += np.einsum("ij,ij->j", block, block, dtype=np.float64)
        else:
            squares = np.einsum("ij,ij->i", block, block, dtype=np.float64)
            total[at : at + len(block)] += squares
    return np.sqrt(total)


def dot_products(
    part: Part, probes: Vectors, *, gain: Vectors | None = None
) -> Vectors:
    """Return probes (m, d) times every vector: (m, count)."""
    if part.axis == 0:
        products = [probes @ block.T for _, block in _blocks(part, gain)]
        return np.concatenate(products, axis=1)
    total = np.zeros((len(probes), part.count), np.float32)
    for at, block in _blocks(part, gain):
        total += probes[:, at : at + len(block)] @ block
    return total


def _blocks(part: Part, gain: Vectors | None = None) -> Iterator[tuple[int, Vectors]]:
    """Yield (first row, rows of the stored matrix) that hold the part's vectors."""
    n_rows, n_columns = part.matrix_shape
    first, last = (0, n_rows)
    if part.axis == 0:
        first, last = part.first, part.first + part.count
    step = max(1, _BLOCK_ELEMENTS // max(1, n_columns))
    with part.tensor.path.open("rb") as file:
        for at in range(first, last, step):
            n = min(step, last - at)
            file.seek(_offset(part, at))
            values = _values(part, np.fromfile(file, np.uint8, _row_size(part) * n))
            block = values.reshape(n, n_columns)
            if part.axis == 1:
                block = block[:, part.first : part.first + part.count]
            if gain is not None:
                block = block * (gain if part.axis == 0 else gain[at : at + n, None])
            yield at, block


def _few_rows(part: Part, wanted: NDArray[np.int64]) -> Vectors:
    size = _row_size(part)
    found = [np.empty(0, np.uint8)]
    with part.tensor.path.open("rb") as file:
        for row in wanted:
            file.seek(_offset(part, part.first + int(row)))
            found.append(np.fromfile(file, np.uint8, size))
    return _values(part, np.concatenate(found)).reshape(-1, part.matrix_shape[1])


def _row_size(part: Part) -> int:
    return part.matrix_shape[1] * DTYPE_BITS[part.tensor.dtype] // 8


def _offset(part: Part, row: int) -> int:
    return part.tensor.start + (part.lead * part.matrix_shape[0] + row) * _row_size(
        part
    )


def _values(part: Part, data: NDArray[np.uint8]) -> Vectors:
    if data.size % _row_size(part):
        raise BrokenHeader(f"{part.tensor.path.name}: the file became shorter")
    dtype = part.tensor.dtype
    values = rounding.to_f32(rounding.as_bits(data, dtype), dtype)
    # A NaN is neither above nor below: then this is false as well.
    if values.max(initial=0) <= LARGEST and values.min(initial=0) >= -LARGEST:
        return values
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return finite.clip(-LARGEST, LARGEST)


def cosine(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Return the cosine of two arrays of one shape, 0 where one is all zero."""
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.vdot(x, y)) / size if size > 0 else 0.0
