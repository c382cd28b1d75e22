"""Into which layer and expert a tensor belongs, from numbers in its name alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from registry.fingerprint.reading.weights import TensorInfo

_NUMBER: Final = re.compile(r"(?<![^.])\d{1,9}(?![^.])")
_DIGITS: Final = re.compile(r"\d{1,9}")
_LARGEST_LAYER: Final = 2_000


@dataclass(frozen=True)
class Place:
    """Layer number, what stands before it in the name, and further numbers."""

    tower: str
    layer: int
    further: tuple[int, ...] = ()


def place_tensors(tensors: Sequence[TensorInfo]) -> dict[str, Place]:
    """Return the place of every tensor that is inside a layer.

    The layer is the first number that is a whole part of a dotted name. Where no
    name has one, it is the first number anywhere; and where even that tells no
    layers apart, tensors are taken in the order of their names and cut into runs of
    equal shapes.
    """
    names = [tensor.name for tensor in tensors]
    for pattern in (_NUMBER, _DIGITS):
        found = {name: place for name in names if (place := _place(name, pattern))}
        if _are_layers(found, tensors):
            return found
    return _by_runs(tensors)


@lru_cache(maxsize=1 << 12)
def layer_of(name: str) -> tuple[str, int] | None:
    """Return (text before the first dotted number, that number), or None."""
    place = _place(name, _NUMBER)
    return (place.tower, place.layer) if place else None


def name_pattern(name: str) -> str:
    """Return the name with its layer number as `*`."""
    return _NUMBER.sub("*", name, count=1)


def _place(name: str, pattern: re.Pattern[str]) -> Place | None:
    numbers = list(pattern.finditer(name))
    if not numbers:
        return None
    further = tuple(int(match[0]) for match in numbers[1:])
    return Place(name[: numbers[0].start()], int(numbers[0][0]), further)


def _are_layers(found: dict[str, Place], tensors: Sequence[TensorInfo]) -> bool:
    """Return whether some layer holds two matrices: a mere count of tensors does not.

    One numbered list for all tensors puts a single tensor at each number.
    """
    matrices = Counter(
        (found[t.name].tower, found[t.name].layer)
        for t in tensors
        if t.name in found and len(t.shape) > 1
    )
    return bool(matrices) and max(matrices.values()) > 1


def _by_runs(tensors: Sequence[TensorInfo]) -> dict[str, Place]:
    """Return layers where tensors in the order of their names repeat in shape."""
    ordered = sorted(tensors, key=lambda tensor: _natural(tensor.name))
    shapes = [tensor.shape for tensor in ordered]
    first, size, n_layers = _longest_repetition(shapes)
    inside = ordered[first : first + size * n_layers]
    return {t.name: Place("", i // size) for i, t in enumerate(inside)}


def _longest_repetition(shapes: list[tuple[int, ...]]) -> tuple[int, int, int]:
    """Return (first, size, number) of the equal runs that cover most of a list.

    A run has at least three shapes; of runs that cover as much, the shortest.
    """
    kinds = {shape: i for i, shape in enumerate(dict.fromkeys(shapes))}
    ids = np.array([kinds[shape] for shape in shapes])
    best = (0, 1, 0)
    for size in range(3, min(len(ids) // 2, _LARGEST_LAYER) + 1):
        # Stretches in which every shape stands again one run later.
        breaks = np.flatnonzero(ids[size:] != ids[:-size])
        starts = np.concatenate([[0], breaks + 1])
        ends = np.append(breaks, len(ids) - size)
        longest = int(np.argmax(ends - starts))
        n_layers = int(ends[longest] - starts[longest]) // size + 1
        if n_layers > 1 and n_layers * size > best[1] * best[2]:
            best = (int(starts[longest]), size, n_layers)
    return best


def _natural(name: str) -> tuple[list[str], list[int]]:
    return _DIGITS.split(name), [int(number) for number in _DIGITS.findall(name)]
