"""Which matrices are an FFN where shapes leave it open, told by their weights.

What a unit reads and what it writes grow together: gradient flow keeps |reader|^2 -
|writer|^2 of every unit (Du, Hu, Lee 2018), so among all units those with long readers
have long writers. Other matrices of one shape share nothing but the stream.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.parts import cosine, squared_norms
from registry.fingerprint.anatomy.shapes import Ffn, Part, spread
from registry.fingerprint.reading.places import name_pattern
from registry.fingerprint.reading.weights import TensorInfo

# Mean over layers of the least correlation within an FFN: trained models of the zoo
# have .55 and more, other choices of matrices .14 at most.
MIN_TIE: Final = 0.35
MAX_RIVAL: Final = 0.5  # of that
_MOST_MATRICES: Final = 12
_TINY: Final = 1e-30

Matrices = Sequence[TensorInfo]
Lengths = dict[Part, NDArray[np.float64]]


def is_open(layers: Sequence[Matrices], d: int) -> bool:
    """Return whether shapes leave something to tell."""
    return any(True for matrices in layers for _ in _candidates(matrices, d))


def tell_ffns(layers: Sequence[Matrices], d: int) -> list[Ffn | None]:
    """Return the FFN of each layer that the weights of all tell, or None of all.

    Two forms are left open by shapes: gated units as many as the stream is wide,
    among squares, and units as many as a fused (3d, d) has rows beside it.
    """
    listed = [{_names(ffn): ffn for ffn in _candidates(m, d)} for m in layers]
    ties: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for at in spread(len(layers)):
        known: Lengths = {}
        for names, ffn in listed[at].items():
            ties[names].append(_tie(ffn, known))
    for n_parts in (3, 2):  # two of three that belong together are tied as well
        found = {k: v for k, v in ties.items() if len(k) == n_parts + 1}
        chosen = _clear({names: float(np.mean(v)) for names, v in found.items()})
        if chosen:
            return [ffns.get(chosen) for ffns in listed]
    return [None] * len(layers)


def _clear(ties: Mapping[tuple[str, ...], float]) -> tuple[str, ...] | None:
    """Return the choice that is tied, and far more so than any other."""
    best, *others = sorted(ties, key=lambda names: -ties[names]) or [()]
    if not best or ties[best] < MIN_TIE:
        return None
    rival = ties[others[0]] if others else 0.0
    return best if rival <= MAX_RIVAL * ties[best] else None


def _names(ffn: Ffn) -> tuple[str, ...]:
    parts = (*ffn.readers, ffn.writer)
    return (str(ffn.writer.axis), *(name_pattern(p.tensor.name) for p in parts))


def _candidates(matrices: Matrices, d: int) -> Iterator[Ffn]:
    squares = [t for t in matrices if t.shape == (d, d)]
    if 2 < len(squares) <= _MOST_MATRICES:
        for axis in (0, 1):
            for writer in squares:
                rest = [t for t in squares if t is not writer]
                for pair in combinations(rest, 2):
                    yield _ffn(pair, writer, axis)
    if len(squares) == 1:
        tall = [t for t in matrices if t.shape == (3 * d, d)]
        flat = [t for t in matrices if t.shape == (d, 3 * d)]
        for axis, readers, writers in ((0, tall, flat), (1, flat, tall)):
            if len(writers) == 1 < len(readers) <= 3:
                for reader in readers:
                    yield _ffn((reader,), writers[0], axis)
                for pair in combinations(readers, 2):
                    yield _ffn(pair, writers[0], axis)


def _ffn(readers: Sequence[TensorInfo], writer: TensorInfo, axis: int) -> Ffn:
    h = writer.shape[1 - axis]
    parts = tuple(Part(reader, axis, h) for reader in readers)
    return Ffn(parts, Part(writer, 1 - axis, h))


def _tie(ffn: Ffn, known: Lengths) -> float:
    """Return the least correlation of the logarithms of lengths of two of the parts."""
    logs = []
    for part in (*ffn.readers, ffn.writer):
        if part not in known:
            logarithms = np.log(np.maximum(squared_norms(part), _TINY))
            known[part] = logarithms - logarithms.mean()
        logs.append(known[part])
    return min(cosine(x, y) for x, y in combinations(logs, 2))
