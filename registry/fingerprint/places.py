"""Into which layer and expert a tensor belongs, from numbers in its name alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from registry.fingerprint.weights import TensorInfo

_NUMBER: Final = re.compile(r"(?<![^.])\d{1,9}(?![^.])")
_DIGITS: Final = re.compile(r"\d{1,9}")


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
    counts = Counter(t.shape for t in tensors)
    repeated = [t for t in tensors if counts[t.shape] > 2]
    repeated.sort(key=lambda tensor: _natural(tensor.name))
    n_layers = _number_of_runs([t.shape for t in repeated])
    size = len(repeated) // max(1, n_layers)
    if n_layers < 2:
        return {}
    return {t.name: Place("", i // size) for i, t in enumerate(repeated)}


def _number_of_runs(shapes: list[tuple[int, ...]]) -> int:
    """Return into how many runs with the same shapes the list can be cut, at most."""
    for n_runs in range(len(shapes) // 3, 1, -1):
        size, rest = divmod(len(shapes), n_runs)
        if rest:
            continue
        runs = [sorted(shapes[i : i + size]) for i in range(0, len(shapes), size)]
        if all(run == runs[0] for run in runs):
            return n_runs
    return 0


def _natural(name: str) -> tuple[list[str], list[int]]:
    return _DIGITS.split(name), [int(number) for number in _DIGITS.findall(name)]
