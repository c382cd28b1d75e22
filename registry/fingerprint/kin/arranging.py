"""How the models of one family stand to each other: siblings, direct, or a chain.

What is learnt on different text is nearly orthogonal, so squared distances add up
along a family tree: at a common parent two children are seen at a right angle
(Felsenstein's Brownian trees). A child's own step is orthogonal to its parent's
weights as well, which tells parent from child. Models trained on the same text see
each other at other angles; about these nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.kin.geometry import (
    cosines,
    outward,
    squared_distances,
    usable,
)

MAX_MODELS: Final = 400
# Cosine of two children's steps seen from their common parent: -.03 and more, up
# to .35 for most that saw different text, up to .96 for the same (docs/method.md).
RIGHT: Final = (-0.1, 0.5)
# Cosine at either child; less means that its own step is too small to be seen.
CORNER: Final = 0.2
# A model that sees two others at a larger cosine does not lie between them.
BESIDE: Final = 0.6

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Word = Literal["siblings", "direct", "chain"]
Direction = Literal["a->b", "b->a"]


@dataclass(frozen=True)
class Arrangement:
    """One pair, a < b by id; `word` is None when nothing sure can be said.

    siblings: a common ancestor, neither comes from the other. direct: no model
    given lies between. chain: `via` does. `direction` is ancestor -> descendant;
    `via` also names a known common ancestor of siblings.
    """

    a: str
    b: str
    word: Word | None
    direction: Direction | None = None
    via: str | None = None


def arrange(
    vectors: Mapping[str, Array],
    *,
    facts: Iterable[tuple[str, str]] = (),
    squares: Mapping[str, float] | None = None,
) -> tuple[Arrangement, ...]:
    """Return every pair of the family, sorted.

    `vectors` (m,) are of related models of one structure, `facts` pairs (ancestor,
    descendant) known otherwise. `squares` are exact squared norms on the scale of
    the vectors: without them small steps have no known direction.
    """
    ids = usable(vectors)[:MAX_MODELS]
    if len(ids) < 2:
        return ()
    family = _Family.of(ids, vectors, facts, squares)
    siblings = _siblings(family)
    pairs = combinations(range(len(ids)), 2)
    return tuple(_pair(family, siblings, i, j) for i, j in pairs)


@dataclass(frozen=True)
class _Family:
    """Squared distances (n, n) and two relations [ancestor, descendant]."""

    ids: tuple[str, ...]
    squared: Array
    known: Flags  # by facts, with all that follows from them
    seems: Flags  # by facts or by the growth of norms

    @classmethod
    def of(
        cls,
        ids: tuple[str, ...],
        vectors: Mapping[str, Array],
        facts: Iterable[tuple[str, str]],
        squares: Mapping[str, float] | None,
    ) -> _Family:
        rows = np.stack([vectors[i] for i in ids]).astype(np.float64)
        # Differences to one of them keep their digits when all are close.
        near = rows - rows[0]
        squared = squared_distances(near @ near.T)
        known = _closure(ids, facts)
        seems, _ = outward(ids, rows, squared, squares)
        return cls(ids, squared, known, (seems | known) & ~known.T)

    def seen_from(self, z: int) -> Array:
        """Return the cosines (n, n) at which model z sees two others."""
        return cosines(self.squared[z][:, None], self.squared[z], self.squared)


def _siblings(family: _Family) -> Flags:
    """Return which pairs (n, n) some model sees as two children of its own."""
    n = len(family.ids)
    found = np.zeros((n, n), bool)
    for z in range(n):
        children = family.seems[z] & ~family.seems[:, z]
        found |= _right_from(family, z) & np.outer(children, children)
    np.fill_diagonal(found, False)
    return found & ~(family.known | family.known.T)


def _right_from(family: _Family, z: int) -> Flags:
    """Return which pairs z sees at a right angle, both steps large enough."""
    to_z, between = family.squared[z], family.squared
    seen = family.seen_from(z)
    corners = cosines(to_z[:, None], between, to_z)  # [x, y] at x
    right = (seen >= RIGHT[0]) & (seen <= RIGHT[1])
    return right & (corners >= CORNER) & (corners.T >= CORNER)


def _pair(family: _Family, siblings: Flags, i: int, j: int) -> Arrangement:
    a, b = family.ids[i], family.ids[j]
    if family.known[i, j]:
        return _descent(family, i, j, Arrangement(a, b, None, "a->b"))
    if family.known[j, i]:
        return _descent(family, j, i, Arrangement(a, b, None, "b->a"))
    if not siblings[i, j]:
        return Arrangement(a, b, None)
    common = family.known[:, i] & family.known[:, j]
    return Arrangement(a, b, "siblings", None, _nearest(family, common, i, j))


def _descent(family: _Family, top: int, low: int, pair: Arrangement) -> Arrangement:
    """Return the pair with its word: chain, direct, or none when that is open."""
    known = family.known
    via = _nearest(family, known[top] & known[:, low], top, low)
    if via is not None:
        return Arrangement(pair.a, pair.b, "chain", pair.direction, via)
    seen = np.array([family.seen_from(z)[top, low] for z in range(len(family.ids))])
    elsewhere = known[:, top] | known[low] | (seen >= BESIDE)
    elsewhere[[top, low]] = True
    word: Word | None = "direct" if elsewhere.all() else None
    return Arrangement(pair.a, pair.b, word, pair.direction)


def _nearest(family: _Family, those: Flags, i: int, j: int) -> str | None:
    """Return the id among `those` that is nearest to both."""
    if not those.any():
        return None
    far = np.where(those, family.squared[i] + family.squared[j], np.inf)
    return family.ids[int(far.argmin())]


def _closure(ids: tuple[str, ...], facts: Iterable[tuple[str, str]]) -> Flags:
    """Return [ancestor, descendant] with all that follows, contradictions left out."""
    at = {name: i for i, name in enumerate(ids)}
    known = np.zeros((len(ids), len(ids)), bool)
    for older, younger in facts:
        if older in at and younger in at and older != younger:
            known[at[older], at[younger]] = True
    for z in range(len(ids)):
        known |= np.outer(known[:, z], known[z])
    return known & ~known.T
