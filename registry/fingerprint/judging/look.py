"""A closer look at two models whose weights are at hand, beyond their sketches.

Says whether units alike in place also keep what training made (`persistence`), undoes
a disguise when labels say nothing, and reads from aligned weights what was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.parts import (
    Vectors,
    cosine,
    read_vector,
    read_vectors,
)
from registry.fingerprint.anatomy.structure import Ffn, Layer, Part, Structure
from registry.fingerprint.comparing.alignment import (
    Alignment,
    Described,
    align,
)
from registry.fingerprint.comparing.chance import UnitTests
from registry.fingerprint.comparing.matching import assign
from registry.fingerprint.comparing.persistence import (
    Persistence,
    persistence_either_way,
)
from registry.fingerprint.delta import AlignedPair, Explanation, explain, measure
from registry.fingerprint.judging.opened import OpenedModel
from registry.fingerprint.reading.weights import TensorInfo
from registry.fingerprint.thresholds import RELATED_LOG10_P

_MOST_VALUES: Final = 1 << 23
_SAMPLE_VALUES: Final = 1 << 18
# The same tensor of two models, before and after any training that keeps descent.
_SAME_PLACE: Final = 0.2


@dataclass(frozen=True)
class Look:
    """What the weights themselves say; None where it was not asked or not possible.

    `persistence` is taken between units of one label; that of an alignment is its
    own. `explanation` is what was done between the two.
    """

    persistence: Persistence | None = None
    alignment: Alignment | None = None
    explanation: Explanation | None = None


def look_closer(a: OpenedModel, b: OpenedModel, tests: UnitTests) -> Look | None:
    """Return what the weights of two models with matchable units say, if anything."""
    if a.structure is None or b.structure is None:
        return None
    if tests.labelled and tests.raw and tests.raw.log10_p <= RELATED_LOG10_P:
        return _in_place(a.structure, b.structure, tests)
    one, other = a.described, b.described
    found = align(one, other)
    if found is None or found.chance.log10_p > RELATED_LOG10_P:
        return Look(alignment=found)
    pairs = _turned_pairs(one, other, found)
    return Look(alignment=found, explanation=explain(measure(pairs), disguised=True))


def weight_sample(model: OpenedModel) -> Vectors:
    """Return the same sample of weights (n,) of any model of one structure.

    FFN units of at most two sampled layers; empty without a structure.
    """
    structure = model.structure
    if structure is None:
        return np.empty(0, np.float32)
    chosen = (structure.layers[i] for i in structure.sampled[:2])
    units = [_units(layer.ffns[0], structure, _SAMPLE_VALUES) for layer in chosen]
    return np.concatenate([part.ravel() for part in units])


def _in_place(a: Structure, b: Structure, tests: UnitTests) -> Look:
    assert tests.raw is not None
    most = max(hits for _, _, hits, _ in tests.raw.layers)
    places = [(i, j) for i, j, hits, _ in tests.raw.layers if hits >= most / 2]
    one = np.stack([_units(a.layers[i].ffns[0], a) for i, _ in places])
    other = np.stack([_units(b.layers[j].ffns[0], b) for _, j in places])
    if tests.swapped:
        other = other[:, :, [1, 0, 2]]
    kept = persistence_either_way(one, other)
    alike = (a.h, a.n_experts, len(a.layers)) == (b.h, b.n_experts, len(b.layers))
    if not alike:
        return Look(persistence=kept)
    explanation = explain(measure(_pairs(a, b, swapped=tests.swapped)))
    return Look(persistence=kept, explanation=explanation)


def _units(ffn: Ffn, structure: Structure, most: int = _MOST_VALUES) -> Vectors:
    """Return vectors (units, roles, d) of evenly spaced units, as long as they are."""
    step = max(1, ffn.h * structure.d * 3 // most)
    chosen = np.arange(0, ffn.h, step)
    return np.stack(
        [read_vectors(part, chosen) for part in (*ffn.readers, ffn.writer)], axis=1
    )


def _pairs(a: Structure, b: Structure, *, swapped: bool) -> Iterator[AlignedPair]:
    """Yield every tensor of a beside the one of b in its place."""
    for i in a.sampled:
        yield from _layer_pairs(a.layers[i], b.layers[i], swapped)
    for left, right in zip(a.tables, b.tables, strict=False):
        n = min(left.count, right.count, max(1, _MOST_VALUES // a.d))
        yield _in_one_order(_part_pair("embedding", None, left, right, np.arange(n)))


def _in_one_order(pair: AlignedPair) -> AlignedPair:
    """Return the pair with a's rows in b's order where both have the same rows."""
    a, b = pair.a, pair.b
    if not np.array_equal(np.sort(a[:, 0]), np.sort(b[:, 0])):
        return pair  # most often, and soon seen
    same = np.array_equal(a[np.lexsort(a.T)], b[np.lexsort(b.T)])
    return replace(pair, a=b) if same else pair


def _layer_pairs(a: Layer, b: Layer, swapped: bool) -> Iterator[AlignedPair]:
    for one, other in zip(a.ffns, b.ffns, strict=False):
        readers = other.readers[::-1] if swapped else other.readers
        names = ("gate", "up") if one.is_gated else ("up",)
        step = max(1, one.h * _width(one) // _MOST_VALUES)
        chosen = np.arange(0, one.h, step)
        for name, left, right in zip(names, one.readers, readers, strict=True):
            yield _part_pair(name, a.number, left, right, chosen)
        yield _part_pair("down", a.number, one.writer, other.writer, chosen)
    yield from _same_shape(a.others, b.others, a.number, "other")
    yield from _same_shape(a.vectors, b.vectors, a.number, "bias")


def _width(ffn: Ffn) -> int:
    rows, columns = ffn.writer.matrix_shape
    return rows if ffn.writer.axis == 1 else columns


def _part_pair(
    role: str, layer: int | None, a: Part, b: Part, chosen: NDArray[np.int64]
) -> AlignedPair:
    return AlignedPair(
        role=role,
        layer=layer,
        a=read_vectors(a, chosen),
        b=read_vectors(b, chosen),
        dtype_a=a.tensor.dtype,
        dtype_b=b.tensor.dtype,
        stored_axis=b.axis,
    )


def _same_shape(
    a: tuple[TensorInfo, ...], b: tuple[TensorInfo, ...], layer: int, role: str
) -> Iterator[AlignedPair]:
    """Yield tensors of one shape that are most alike, whatever their names."""
    for shape in sorted({tensor.shape for tensor in a} & {t.shape for t in b}):
        left = [_read(tensor) for tensor in a if tensor.shape == shape]
        right = [_read(tensor) for tensor in b if tensor.shape == shape]
        table = np.array([[cosine(x, y) for _, y in right] for _, x in left])
        for i, j in enumerate(assign(table)):
            if j >= 0 and table[i, j] >= _SAME_PLACE:
                (one, x), (other, y) = left[i], right[j]
                yield AlignedPair(role, layer, x, y, one.dtype, other.dtype)


def _read(tensor: TensorInfo) -> tuple[TensorInfo, Vectors]:
    if len(tensor.shape) == 1:
        return tensor, read_vector(tensor)
    rows = min(tensor.shape[0], max(1, _MOST_VALUES // tensor.shape[1]))
    return tensor, read_vectors(Part(tensor, 0, tensor.shape[0]), np.arange(rows))


def _turned_pairs(
    a: Described, b: Described, found: Alignment
) -> Iterator[AlignedPair]:
    """Yield FFN matrices in b's basis and order, every unit as long as b's."""
    turned = a.vectors @ found.rotation.astype(np.float32)
    vectors = b.vectors[:, :, [1, 0, 2]] if found.swapped else b.vectors
    names = ("gate", "up", "down") if turned.shape[2] == 3 else ("up", "down")
    for layer, partner in found.assigned.items():
        known = (partner >= 0) & _nearest(turned[layer], vectors[layer], partner)
        lengths = b.lengths[layer][partner[known]][:, None]
        for role, name in enumerate(names):
            left = turned[layer][known, role] * lengths
            right = vectors[layer][partner[known], role] * lengths
            yield AlignedPair(name, layer, left, right, "F32", "F32")


def _nearest(
    left: Vectors, right: Vectors, partner: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which units have their partner as nearest: others are chance's choice."""
    x, y = (side.reshape(len(side), -1) for side in (left, right))
    return np.asarray((x @ y.T).argmax(axis=1) == partner)
