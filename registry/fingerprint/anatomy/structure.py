"""Which tensors are what, by shapes, and by weights where shapes leave it open."""

from __future__ import annotations

from collections.abc import Sequence

from registry.fingerprint.anatomy.balance import tell_ffns
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
    "read_structure",
    "spread",
]


def read_structure(tensors: Sequence[TensorInfo]) -> Structure | None:
    """Return the structure, or None when no layer shows an FFN."""
    return read_shapes(tensors, tell_ffns)
