"""Which tensors are what, by shapes, and by weights where shapes leave it open."""

from __future__ import annotations

from collections.abc import Sequence

from registry.fingerprint.anatomy.balance import is_open, tell_ffns
from registry.fingerprint.anatomy.shapes import (
    MAX_LAYERS,
    Ffn,
    Layer,
    Part,
    Structure,
    read_shapes,
    spread,
)
from registry.fingerprint.reading.weights import TensorInfo

__all__ = [
    "MAX_LAYERS",
    "Ffn",
    "Layer",
    "Part",
    "Structure",
    "read_again",
    "read_structure",
    "spread",
]


def read_structure(tensors: Sequence[TensorInfo]) -> Structure | None:
    """Return the structure, or None when no layer shows an FFN."""
    return read_shapes(tensors, tell_ffns)


def read_again(tensors: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Return the tensors whose weights tell structure and units, after a first reading.

    They are those of the sampled layers and the tables; all of them where shapes leave
    open which matrices are an FFN.
    """
    is_left_open = False

    def note(layers: Sequence[Sequence[TensorInfo]], d: int) -> list[None]:
        nonlocal is_left_open
        is_left_open = is_open(layers, d)
        return [None] * len(layers)

    structure = read_shapes(tensors, note)
    if structure is None:
        return tuple(tensors) if is_left_open else ()
    found = [part.tensor for part in structure.tables]
    for layer in (structure.layers[i] for i in structure.sampled):
        for ffn in layer.ffns:
            found += [part.tensor for part in (*ffn.readers, ffn.writer)]
        found += (*layer.others, *layer.vectors)
    return tuple({tensor.name: tensor for tensor in found}.values())
