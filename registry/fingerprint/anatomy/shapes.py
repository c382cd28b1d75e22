"""Which tensors of a model are what, read from shapes; no weights are read here.

A number in a name only puts a tensor into a layer or an expert, and names order
tensors of one shape. Everything else follows from shapes: d is the width of the
residual stream, and every matrix inside a layer is a list of vectors of length d.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from registry.fingerprint.reading.places import Place, place_tensors
from registry.fingerprint.reading.rounding import FLOATS
from registry.fingerprint.reading.weights import TensorInfo

MAX_LAYERS: Final = 8
_LARGEST_H: Final = 1 << 22
_LARGEST_D: Final = 1 << 17
_MOST_EXPERTS: Final = 512
# The thin factors of an adapter look like an FFN of hundreds of widths.
_LARGEST_RATIO: Final = 16


@dataclass(frozen=True)
class Part:
    """`count` vectors of length d inside one tensor.

    `axis` is the axis of the matrix that counts the vectors, the first of them at
    index `first`; `lead` picks one matrix of a stack (experts in one tensor).
    """

    tensor: TensorInfo
    axis: int
    count: int
    first: int = 0
    lead: int = 0

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Return the shape of the matrix that the part is in."""
        rows, columns = self.tensor.shape[-2:]
        return rows, columns


@dataclass(frozen=True)
class Ffn:
    """One feed-forward block of h units: one reader (plain) or two (gated), a writer.

    Which of two readers is the gate is not known from shapes: they are in the order
    of their names, or of their place in a fused matrix.
    """

    readers: tuple[Part, ...]
    writer: Part

    @property
    def h(self) -> int:
        """Return the number of units."""
        return self.writer.count

    @property
    def is_gated(self) -> bool:
        """Return whether units have a gate."""
        return len(self.readers) == 2


@dataclass(frozen=True)
class Layer:
    """One layer: its FFN (several where there are experts), its other matrices.

    `others` read or write the residual stream outside the FFN (attention);
    `vectors` are its one-dimensional tensors of length d (gains, biases).
    """

    number: int
    ffns: tuple[Ffn, ...]
    others: tuple[TensorInfo, ...]
    vectors: tuple[TensorInfo, ...]


@dataclass(frozen=True)
class Structure:
    """What was understood of a model.

    `layers` are those whose FFN has the model's most common form, in order;
    `tables` are the matrices outside layers with one row per token;
    `not_understood` names the float matrices that no rule explains.
    """

    d: int
    h: int
    is_gated: bool
    layers: tuple[Layer, ...]
    tables: tuple[Part, ...]
    places: Mapping[str, Place]
    not_understood: tuple[str, ...] = ()
    n_experts: int = 1
    sampled: tuple[int, ...] = field(default=())


# From the matrices of every layer, and d, the FFN of each or None.
TellFfns = Callable[[Sequence[Sequence[TensorInfo]], int], Sequence[Ffn | None]]


def read_shapes(
    tensors: Sequence[TensorInfo], tell_ffns: TellFfns | None = None
) -> Structure | None:
    """Return the structure, or None when no layer shows an FFN.

    Where shapes show none in any layer, `tell_ffns` is asked for the FFN of each.
    """
    places = place_tensors(tensors)
    layers: dict[tuple[str, int], list[TensorInfo]] = defaultdict(list)
    for tensor in tensors:
        place = places.get(tensor.name)
        if place and tensor.dtype in FLOATS and tensor.n_elements:
            layers[place.tower, place.layer].append(tensor)
    d = _width([t for group in layers.values() for t in group])
    if not 0 < d <= _LARGEST_D:
        return None
    found = [_read_layer(layers[at], places, d, at[1]) for at in sorted(layers)]
    if tell_ffns and not any(layer.ffns for layer in found):
        told = tell_ffns([layer.others for layer in found], d)
        found = [_with_ffn(*both) for both in zip(found, told, strict=True)]
    return _assemble(tensors, places, d, [layer for layer in found if layer.ffns])


def spread(n_layers: int) -> tuple[int, ...]:
    """Return the layers to sample: all, or MAX_LAYERS at fixed relative depths."""
    if n_layers <= MAX_LAYERS:
        return tuple(range(n_layers))
    return tuple(i * (n_layers - 1) // (MAX_LAYERS - 1) for i in range(MAX_LAYERS))


def _assemble(
    tensors: Sequence[TensorInfo],
    places: Mapping[str, Place],
    d: int,
    layers: list[Layer],
) -> Structure | None:
    if not layers:
        return None
    forms = Counter((f.h, f.is_gated) for layer in layers for f in layer.ffns)
    (h, is_gated), _ = forms.most_common(1)[0]
    kept = [_of_form(layer, h, is_gated) for layer in layers]
    kept = [layer for layer in kept if layer.ffns]
    tables = _tables(tensors, places, d)
    return Structure(
        d=d,
        h=h,
        is_gated=is_gated,
        layers=tuple(kept),
        tables=tables,
        places=places,
        not_understood=_not_understood(tensors, kept, tables, d),
        n_experts=max(len(layer.ffns) for layer in kept),
        sampled=spread(len(kept)),
    )


def _with_ffn(layer: Layer, ffn: Ffn | None) -> Layer:
    if ffn is None:
        return layer
    used = {part.tensor.name for part in (*ffn.readers, ffn.writer)}
    others = tuple(t for t in layer.others if t.name not in used)
    return replace(layer, ffns=(ffn,), others=others)


def _of_form(layer: Layer, h: int, is_gated: bool) -> Layer:
    same = tuple(f for f in layer.ffns if (f.h, f.is_gated) == (h, is_gated))
    return Layer(layer.number, same, layer.others, layer.vectors)


def _tables(
    tensors: Iterable[TensorInfo], places: Mapping[str, Place], d: int
) -> tuple[Part, ...]:
    """Return the (tokens, d) matrices: the tallest outside layers."""
    found = [
        t
        for t in tensors
        if t.name not in places
        and t.dtype in FLOATS
        and len(t.shape) == 2
        and d in t.shape
        and max(t.shape) > d
    ]
    n_rows = max((max(t.shape) for t in found), default=0)
    return tuple(
        Part(t, axis=int(t.shape[0] == d), count=n_rows)
        for t in found
        if max(t.shape) == n_rows
    )


def _not_understood(
    tensors: Iterable[TensorInfo],
    layers: Iterable[Layer],
    tables: Iterable[Part],
    d: int,
) -> tuple[str, ...]:
    known = {part.tensor.name for part in tables}
    for layer in layers:
        known |= {t.name for t in layer.others}
        for ffn in layer.ffns:
            known |= {part.tensor.name for part in (*ffn.readers, ffn.writer)}
    return tuple(
        t.name
        for t in tensors
        if t.dtype in FLOATS and len(t.shape) > 1 and t.name not in known
    )


def _width(tensors: Iterable[TensorInfo]) -> int:
    shapes = [t.shape[-2:] for t in tensors if len(t.shape) in (2, 3)]
    sizes = Counter(size for shape in shapes for size in set(shape))
    return max(sizes, key=lambda size: (sizes[size], -size)) if sizes else 0


def _read_layer(
    tensors: list[TensorInfo], places: Mapping[str, Place], d: int, number: int
) -> Layer:
    ordered = sorted(tensors, key=lambda tensor: tensor.name)
    flat = [t for t in ordered if len(t.shape) == 2 and d in t.shape]
    ffns = _stacked(ordered, d) or _experts(flat, places, d)
    if not ffns:
        one = _find_ffn(flat, d)
        ffns = [one] if one else []
    used = {p.tensor.name for f in ffns for p in (*f.readers, f.writer)}
    return Layer(
        number=number,
        ffns=tuple(ffns),
        others=tuple(t for t in flat if t.name not in used),
        vectors=tuple(t for t in ordered if t.shape == (d,)),
    )


def _experts(
    matrices: list[TensorInfo], places: Mapping[str, Place], d: int
) -> list[Ffn]:
    """Return one FFN per group of tensors with the same further numbers."""
    groups: dict[tuple[int, ...], list[TensorInfo]] = defaultdict(list)
    for tensor in matrices:
        groups[places[tensor.name].further].append(tensor)
    found = [_find_ffn(groups[key], d) for key in sorted(groups)[:_MOST_EXPERTS]]
    return [ffn for ffn in found if ffn]


def _stacked(tensors: list[TensorInfo], d: int) -> list[Ffn]:
    """Return the FFNs of experts that are stored as (experts, rows, columns)."""
    stacks = [t for t in tensors if len(t.shape) == 3 and d in t.shape[1:]]
    if not stacks or stacks[0].shape[0] > _MOST_EXPERTS:
        return []
    one = _find_ffn(stacks, d)
    if one is None:
        return []
    return [_at(one, expert) for expert in range(stacks[0].shape[0])]


def _at(ffn: Ffn, lead: int) -> Ffn:
    def moved(part: Part) -> Part:
        return Part(part.tensor, part.axis, part.count, part.first, lead)

    return Ffn(tuple(moved(part) for part in ffn.readers), moved(ffn.writer))


def _find_ffn(matrices: list[TensorInfo], d: int) -> Ffn | None:
    """Return the FFN among the matrices of one layer.

    Two matrices (h, d) and one (d, h) are gated, one of each is plain, (2h, d) and
    (d, h) is gated and fused; transposed storage is the same.
    """
    tall: dict[int, list[TensorInfo]] = defaultdict(list)
    flat: dict[int, list[TensorInfo]] = defaultdict(list)
    for tensor in matrices:
        n_rows, n_columns = tensor.shape[-2:]
        if n_columns == d != n_rows:
            tall[n_rows].append(tensor)
        elif n_rows == d != n_columns:
            flat[n_columns].append(tensor)
    sizes = sorted(set(tall) | set(flat), reverse=True)
    n_squares = sum(tensor.shape[-2:] == (d, d) for tensor in matrices)
    if n_squares == 1 and not any(d < size < 3 * d for size in sizes):
        # One square is the output of attention whose q, k, v are one (3d, d), or
        # less than that where heads share keys.
        sizes = [size for size in sizes if size != 3 * d]
    sizes = [size for size in sizes if size <= min(_LARGEST_H, _LARGEST_RATIO * d)]
    for reading in (_gated, _fused, _plain):
        for h in sizes:
            ffn = reading(tall, flat, h)
            if ffn:
                return ffn
    return None


Sized = Mapping[int, list[TensorInfo]]


def _gated(tall: Sized, flat: Sized, h: int) -> Ffn | None:
    one, other = tall.get(h, []), flat.get(h, [])
    if (len(one), len(other)) == (2, 1):
        return Ffn(tuple(Part(t, 0, h) for t in one), Part(other[0], 1, h))
    if (len(one), len(other)) == (1, 2):
        return Ffn(tuple(Part(t, 1, h) for t in other), Part(one[0], 0, h))
    return None


def _fused(tall: Sized, flat: Sized, h: int) -> Ffn | None:
    # A (d, 2h) beside (2h, d) is a plain FFN, and the (d, h) is attention's.
    if tall.get(2 * h) and flat.get(2 * h):
        return None
    for both, down, axis in (
        (tall.get(2 * h, []), flat.get(h, []), 0),
        (flat.get(2 * h, []), tall.get(h, []), 1),
    ):
        if len(both) == len(down) == 1:
            readers = (Part(both[0], axis, h), Part(both[0], axis, h, first=h))
            return Ffn(readers, Part(down[0], 1 - axis, h))
    return None


def _plain(tall: Sized, flat: Sized, h: int) -> Ffn | None:
    if len(tall.get(h, [])) == len(flat.get(h, [])) == 1:
        one, other = Part(tall[h][0], 0, h), Part(flat[h][0], 1, h)
        # Attention's fused (d, 3d) shows that inputs run along rows (Conv1D).
        if len(flat) > len(tall):
            return Ffn((other,), one)
        return Ffn((one,), other)
    return None
