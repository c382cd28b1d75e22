"""Rows that mean the same in any two models of a line: tokens by name, positions.

A disguise may shuffle the ids of tokens and rename every tensor, but text still has
to come out as the same tokens, which tokenizer.json names, and the fifth position is
still the fifth. Such rows start an alignment; they judge nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.parts import Vectors, read_vectors
from registry.fingerprint.anatomy.structure import Part, Structure
from registry.fingerprint.errors import BrokenJson
from registry.fingerprint.reading.tokenizer import read_tokens
from registry.fingerprint.reading.weights import TensorInfo
from registry.fingerprint.thresholds import LIKE_ROWS

_MOST_ROWS: Final = 1 << 14
# Embeddings and an output head; where there are more, what they are is not known.
_MOST_TABLES: Final = 2
_LEAST_SHARED: Final = 64
# Fewer positions say too little about a rotation.
_LEAST_POSITIONS: Final = 32
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Anchors:
    """Rows of the token tables (tables, n, d), and of learned positions (m, d) if any.

    The first `n_by_id` rows are those of the first ids; `named` gives the row of a
    token by its text, and is empty where no tokenizer tells it.
    """

    tokens: Vectors
    n_by_id: int
    named: dict[str, int]
    positions: Vectors

    @property
    def nbytes(self) -> int:
        """Return the memory that the rows take."""
        return self.tokens.nbytes + self.positions.nbytes


@dataclass(frozen=True)
class Rows:
    """Rows (n, d) of two models that mean the same, and how alike they are.

    `likeness` is 1 where one model's are the other's, turned, and 0 where the order
    of one says nothing about that of the other.
    """

    left: Vectors
    right: Vectors
    likeness: float

    @property
    def product(self) -> NDArray[np.float64]:
        """Return the (d, d) products, whose polar factor turns left into right."""
        return np.asarray(self.left.T.astype(np.float64) @ self.right)

    @property
    def are_alike(self) -> bool:
        """Return whether these rows surely mean the same in both models."""
        return self.likeness >= LIKE_ROWS


def read_anchors(
    structure: Structure,
    tensors: Sequence[TensorInfo] = (),
    tokenizer: Path | None = None,
) -> Anchors:
    """Return the anchors of the model with these tensors.

    Of many tokens half are the first ids; the others are chosen by their text, so
    that two models of one vocabulary choose the same.
    """
    tables = structure.tables[:_MOST_TABLES]
    count = min((table.count for table in tables), default=0)
    most = _MOST_ROWS // max(1, len(tables))
    ids = _ids(tokenizer, count) if tables else {}
    chosen = _chosen(ids, count, most)
    rows = {int(number): row for row, number in enumerate(chosen)}
    empty = np.empty((0, len(chosen), structure.d), np.float32)
    return Anchors(
        tokens=np.stack([read_vectors(t, chosen) for t in tables]) if tables else empty,
        n_by_id=most // 2 if ids and count > most else len(chosen),
        named={text: rows[number] for text, number in ids.items() if number in rows},
        positions=_positions(structure, tensors),
    )


def equal_tokens(a: Anchors, b: Anchors) -> Rows:
    """Return rows of the same tokens: by their text if both tell it, else by id.

    Of embeddings and output heads those two that are most alike.
    """
    shared = [text for text in a.named if text in b.named]
    if len(shared) >= _LEAST_SHARED:
        left, right = (
            side.tokens[:, [side.named[text] for text in shared]] for side in (a, b)
        )
    else:
        n = min(a.n_by_id, b.n_by_id)
        left, right = a.tokens[:, :n], b.tokens[:, :n]
    found = [_rows(one, other) for one in left for other in right]
    none = np.empty((0, a.tokens.shape[-1]), np.float32)
    return max(found, key=lambda rows: rows.likeness, default=Rows(none, none, 0.0))


def equal_positions(a: Anchors, b: Anchors) -> Rows | None:
    """Return rows of the same positions, None unless both have learned them."""
    n = min(len(a.positions), len(b.positions))
    return _rows(a.positions[:n], b.positions[:n]) if n >= _LEAST_POSITIONS else None


def likeness(left: Vectors, right: Vectors) -> float:
    """Return how alike rows (n, d) are, whatever the bases of the two sides.

    Linear CKA (Kornblith et al. 2019) of rows of one length, less what a random
    order of the rows gives.
    """
    if len(left) < 2:
        return 0.0
    one, other = _centred(left), _centred(right)
    most = math.sqrt(_above_chance(one, one) * _above_chance(other, other)) - 1
    return (_above_chance(one, other) - 1) / most if most > _TINY else 0.0


def _rows(left: Vectors, right: Vectors) -> Rows:
    return Rows(left, right, likeness(left, right))


def _above_chance(x: Vectors, y: Vectors) -> float:
    """Return |x'y|^2 beside its mean over orders of the rows of y."""
    product = float(np.square(x.T @ y, dtype=np.float64).sum())
    sizes = [float(np.square(side, dtype=np.float64).sum()) for side in (x, y)]
    return product * (len(x) - 1) / max(math.prod(sizes), _TINY)


def _centred(rows: Vectors) -> Vectors:
    around = rows - rows.mean(axis=0)
    around /= np.maximum(np.linalg.norm(around, axis=1, keepdims=True), _TINY)
    return np.asarray(around - around.mean(axis=0))


def _ids(tokenizer: Path | None, count: int) -> dict[str, int]:
    """Return the id of every token that has a row, by its text."""
    if tokenizer is None:
        return {}
    try:
        told = read_tokens(tokenizer)
    except BrokenJson:
        return {}
    return {text: number for text, number in told.items() if 0 <= number < count}


def _chosen(ids: dict[str, int], count: int, most: int) -> NDArray[np.int64]:
    if count <= most or not ids:
        return np.arange(min(count, most))
    texts = sorted(ids, key=lambda text: (_hash(text), text))[: most // 2]
    return np.union1d(np.arange(most // 2), [ids[text] for text in texts])


def _hash(text: str) -> int:
    return crc32(text.encode("utf-8", "backslashreplace"))


def _positions(structure: Structure, tensors: Sequence[TensorInfo]) -> Vectors:
    """Return the tallest matrix outside layers that nothing else explains."""
    unknown = set(structure.not_understood) - structure.places.keys()
    found = [
        tensor
        for tensor in tensors
        if tensor.name in unknown
        and len(tensor.shape) == 2
        and tensor.shape[1] == structure.d
    ]
    if not found:
        return np.empty((0, structure.d), np.float32)
    tallest = max(found, key=lambda tensor: (tensor.shape[0], tensor.name))
    part = Part(tallest, 0, tallest.shape[0])
    return read_vectors(part, np.arange(min(part.count, _MOST_ROWS)))
