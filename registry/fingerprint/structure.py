"""Where a model's FFN units are, read from shapes; no weights are read here.

A name only puts a tensor into a layer (its first number) and orders tensors of
one shape. An FFN is two matrices (h, d) and one (d, h) in a layer (gated), or
one of each, or the first two fused to (2h, d); transposed storage is the same.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from registry.fingerprint.rounding import FLOATS
from registry.fingerprint.weights import TensorInfo

MAX_LAYERS: Final = 8
_LARGEST_H: Final = 1 << 22
_LARGEST_D: Final = 1 << 17
# The thin factors of an adapter look like an FFN of hundreds of widths.
_LARGEST_RATIO: Final = 16
_NUMBERED: Final = re.compile(r"^(.*?)(?<![^.])(\d{1,9})(?:\.(.*))?$")

Rows = dict[int, list[TensorInfo]]


@dataclass(frozen=True)
class UnitSlice:
    """One vector per unit: units run along `axis`, starting at index `first`."""

    tensor: TensorInfo
    axis: int
    first: int = 0


@dataclass(frozen=True)
class Ffn:
    """The sampled FFN layers of a model; every layer lists its roles in one order.

    Gated: two readers by name, then the writer. Ungated: the matrix stored as
    (h, d), then the one stored as (d, h); which of them reads is not known.
    """

    d: int
    h: int
    gated: bool
    n_layers: int
    sampled: tuple[int, ...]
    layers: tuple[tuple[UnitSlice, ...], ...]
    n_not_understood: int


def layer_of(name: str) -> tuple[str, int] | None:
    """Return (text before the first number, that number), or None without one."""
    match = _NUMBERED.match(name)
    return (match[1], int(match[2])) if match else None


def name_pattern(name: str) -> str:
    """Return the name with its layer number as `*`."""
    match = _NUMBERED.match(name)
    if match is None:
        return name
    return f"{match[1]}*" + ("" if match[3] is None else f".{match[3]}")


def find_ffn(tensors: Iterable[TensorInfo]) -> Ffn | None:
    """Return the FFN layers, or None when no layer shows one."""
    layers: dict[tuple[str, int], list[TensorInfo]] = defaultdict(list)
    for tensor in tensors:
        at = layer_of(tensor.name)
        if at and len(tensor.shape) == 2 and tensor.dtype in FLOATS:
            layers[at].append(tensor)
    d = _width([tensor for group in layers.values() for tensor in group])
    if d > _LARGEST_D:
        return None
    found = [_layer_ffn(layers[at], d) for at in sorted(layers)]
    understood = [ffn for ffn in found if ffn]
    if not understood:
        return None
    return _sampled(d, understood, n_lost=len(found) - len(understood))


def _sampled(
    d: int, found: list[tuple[int, bool, tuple[UnitSlice, ...]]], n_lost: int
) -> Ffn:
    forms = Counter((h, gated) for h, gated, _ in found)
    (h, gated), n_layers = forms.most_common(1)[0]
    same = [slices for *kind, slices in found if kind == [h, gated]]
    chosen = spread(n_layers)
    return Ffn(
        d=d,
        h=h,
        gated=gated,
        n_layers=n_layers,
        sampled=chosen,
        layers=tuple(same[i] for i in chosen),
        n_not_understood=n_lost + len(found) - n_layers,
    )


def spread(n_layers: int) -> tuple[int, ...]:
    """Return the layers to sample: all, or MAX_LAYERS at fixed relative depths."""
    if n_layers <= MAX_LAYERS:
        return tuple(range(n_layers))
    return tuple(i * (n_layers - 1) // (MAX_LAYERS - 1) for i in range(MAX_LAYERS))


def _width(matrices: list[TensorInfo]) -> int:
    sizes = Counter(size for tensor in matrices for size in set(tensor.shape))
    return max(sizes, key=lambda size: (sizes[size], -size)) if sizes else 0


def _layer_ffn(
    matrices: list[TensorInfo], d: int
) -> tuple[int, bool, tuple[UnitSlice, ...]] | None:
    rows: Rows = defaultdict(list)
    columns: Rows = defaultdict(list)
    for tensor in sorted(matrices, key=lambda tensor: tensor.name):
        n_rows, n_columns = tensor.shape
        if n_columns == d != n_rows:
            rows[n_rows].append(tensor)
        elif n_rows == d != n_columns:
            columns[n_columns].append(tensor)
    sizes = sorted(set(rows) | set(columns), reverse=True)
    if sum(tensor.shape == (d, d) for tensor in matrices) == 1:
        # One square is the output of attention whose q, k, v are one (3d, d).
        sizes = [size for size in sizes if size != 3 * d]
    for reading in (_gated, _fused, _plain):
        for h in sizes:
            slices = reading(rows, columns, h)
            if slices and h <= min(_LARGEST_H, _LARGEST_RATIO * d):
                return h, len(slices) == 3, slices
    return None


def _gated(rows: Rows, columns: Rows, h: int) -> tuple[UnitSlice, ...] | None:
    sizes = (len(rows[h]), len(columns[h]))
    if sizes == (2, 1):
        gate, up, down = *rows[h], *columns[h]
        return UnitSlice(gate, 0), UnitSlice(up, 0), UnitSlice(down, 1)
    if sizes == (1, 2):
        gate, up, down = *columns[h], *rows[h]
        return UnitSlice(gate, 1), UnitSlice(up, 1), UnitSlice(down, 0)
    return None


def _fused(rows: Rows, columns: Rows, h: int) -> tuple[UnitSlice, ...] | None:
    # A (d, 2h) beside (2h, d) is a plain FFN, and the (d, h) is attention's.
    if rows[2 * h] and columns[2 * h]:
        return None
    if len(rows[2 * h]) == 1 and len(columns[h]) == 1:
        both, down = rows[2 * h][0], columns[h][0]
        return UnitSlice(both, 0), UnitSlice(both, 0, h), UnitSlice(down, 1)
    if len(columns[2 * h]) == 1 and len(rows[h]) == 1:
        both, down = columns[2 * h][0], rows[h][0]
        return UnitSlice(both, 1), UnitSlice(both, 1, h), UnitSlice(down, 0)
    return None


def _plain(rows: Rows, columns: Rows, h: int) -> tuple[UnitSlice, ...] | None:
    if len(rows[h]) == 1 and len(columns[h]) == 1:
        return UnitSlice(rows[h][0], 0), UnitSlice(columns[h][0], 1)
    return None
