"""Which tensor names of one model stand for which of the other; weak evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from registry.fingerprint.reading.places import layer_of, name_pattern

Shapes = Mapping[str, tuple[int, ...]]
Place = tuple[int | None, tuple[int, ...]]
Votes = Counter[tuple[str, str]]

MAX_RENAMED: Final = 200


def rename_by_value(a: Shapes, b: Shapes, equal: Mapping[str, str]) -> dict[str, str]:
    """Return name patterns of a -> of b, `*` for the layer number.

    `equal` maps names of tensors with equal values. A name that both models use
    for one tensor is left out; a name that they use for two is listed.
    """
    pairs = [(x, y) for x, y in equal.items() if x != y and (x in b) == (y in a)]
    votes = Counter((name_pattern(x), name_pattern(y)) for x, y in pairs)
    return _assigned(votes + _votes_by_place(a, b))


def rename_by_place(a: Shapes, b: Shapes) -> dict[str, str]:
    """Return name patterns of a -> of b that stand in one place with one shape.

    Empty unless every name that only one model uses finds its partner: then the
    two models have one architecture under different names.
    """
    found = _assigned(_votes_by_place(a, b))
    mine, theirs = _patterns(a.keys() - b.keys()), _patterns(b.keys() - a.keys())
    return found if len(found) == len(mine) == len(theirs) else {}


def have_one_architecture(a: Shapes, b: Shapes) -> bool:
    """Return whether both list the same shapes in the same layers, names apart."""
    return Counter(_place(a, name) for name in a) == Counter(_place(b, x) for x in b)


def _place(shapes: Shapes, name: str) -> Place:
    at = layer_of(name)
    return (at[1] if at else None, shapes[name])


def _votes_by_place(a: Shapes, b: Shapes) -> Votes:
    """Count, for names only one model uses, how often two could be one tensor."""
    partners: dict[Place, set[str]] = defaultdict(set)
    for name in b.keys() - a.keys():
        partners[_place(b, name)].add(name_pattern(name))
    return Counter(
        (name_pattern(name), other)
        for name in a.keys() - b.keys()
        for other in sorted(partners[_place(a, name)])[:MAX_RENAMED]
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
