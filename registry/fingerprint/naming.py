"""Which tensor names of one model stand for which of the other; weak evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from registry.fingerprint.sketch import Sketch, TensorRecord
from registry.fingerprint.structure import layer_of, name_pattern

Place = tuple[int | None, tuple[int, ...]]
Votes = Counter[tuple[str, str]]

MAX_RENAMED: Final = 200


def renamed_by_value(
    a: Sketch, b: Sketch, pairs: Iterable[tuple[TensorRecord, TensorRecord]]
) -> dict[str, str]:
    """Return name patterns of a -> of b for tensors with equal values.

    Names that both models use are left out; `*` stands for the layer number.
    """
    mine, theirs = _own_names(a, b)
    both = {t.name for t in a.tensors} & {t.name for t in b.tensors}

    def is_renamed(left: str, right: str) -> bool:
        return (left in mine and right in theirs) or (
            left != right and left in both and right in both
        )

    votes = Counter(
        (name_pattern(left.name), name_pattern(right.name))
        for left, right in pairs
        if is_renamed(left.name, right.name)
    )
    return _assigned(votes + _votes_by_place(mine.values(), theirs.values()))


def renamed_by_place(a: Sketch, b: Sketch) -> dict[str, str]:
    """Return name patterns of a -> of b that stand in one place with one shape.

    Empty unless every name that only one model uses finds its partner: then the
    two models have one architecture under different names.
    """
    mine, theirs = _own_names(a, b)
    found = _assigned(_votes_by_place(mine.values(), theirs.values()))
    whole = len(found) == len(_patterns(mine)) == len(_patterns(theirs))
    return found if whole else {}


def have_one_architecture(a: Sketch, b: Sketch) -> bool:
    """Return whether both list the same shapes in the same layers, names apart."""
    complete = a.is_complete and b.is_complete
    return complete and _places(a.tensors) == _places(b.tensors)


def _own_names(
    a: Sketch, b: Sketch
) -> tuple[dict[str, TensorRecord], dict[str, TensorRecord]]:
    left = {tensor.name: tensor for tensor in a.tensors if tensor.is_float}
    right = {tensor.name: tensor for tensor in b.tensors if tensor.is_float}
    mine = {name: left[name] for name in left.keys() - right.keys()}
    return mine, {name: right[name] for name in right.keys() - left.keys()}


def _places(tensors: Iterable[TensorRecord]) -> Counter[Place]:
    return Counter(_place(tensor) for tensor in tensors if tensor.is_float)


def _place(tensor: TensorRecord) -> Place:
    at = layer_of(tensor.name)
    return (at[1] if at else None, tensor.shape)


def _votes_by_place(a: Iterable[TensorRecord], b: Iterable[TensorRecord]) -> Votes:
    partners: dict[Place, list[str]] = defaultdict(list)
    for tensor in b:
        partners[_place(tensor)].append(name_pattern(tensor.name))
    return Counter(
        (name_pattern(tensor.name), other)
        for tensor in a
        for other in partners[_place(tensor)][:MAX_RENAMED]
    )


def _assigned(votes: Votes) -> dict[str, str]:
    """Give each pattern one partner: most votes first, then the nearest in order."""
    left = _ranks(name for name, _ in votes)
    right = _ranks(name for _, name in votes)

    def preference(pair: tuple[str, str]) -> tuple[int, int, str]:
        return -votes[pair], abs(left[pair[0]] - right[pair[1]]), pair[0]

    found: dict[str, str] = {}
    taken: set[str] = set()
    for name, other in sorted(votes, key=preference):
        if name not in found and other not in taken:
            found[name] = other
            taken.add(other)
    return {name: found[name] for name in sorted(found)[:MAX_RENAMED]}


def _patterns(names: Iterable[str]) -> set[str]:
    return {name_pattern(name) for name in names}


def _ranks(patterns: Iterable[str]) -> dict[str, int]:
    return {pattern: rank for rank, pattern in enumerate(sorted(set(patterns)))}
