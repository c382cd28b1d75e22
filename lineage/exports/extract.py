"""What every export is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineage.graph import Edge


@dataclass(frozen=True)
class Entry:
    """A model, product or tool; unknown words are empty."""

    slug: str
    name: str
    kind: str
    category: str
    released: str
    family: str
    license: str
    hops: int


@dataclass(frozen=True)
class Extract:
    """What is near the focus, which is the first entry, and the derivations among it.

    `above` are the slugs of its ancestors; the others descend from it. `total` counts
    the entries that there would be without a budget.
    """

    focus: str
    entries: Sequence[Entry]
    derivations: Sequence[Edge]
    above: frozenset[str]
    total: int
    truncated_reason: str | None = None
