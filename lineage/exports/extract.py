"""What every export is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lineage.graph import Edge


class Entry(NamedTuple):
    """A model, product or tool; unknown words are empty."""

    slug: str
    name: str
    kind: str
    category: str
    released: str
    family: str
    license: str
    hops: int
    is_removed: bool = False


@dataclass(frozen=True)
class Extract:
    """What is near a model, which is the first entry, and the derivations among it.

    `above` are the slugs of its ancestors; the others descend from it. `total` counts
    the entries that there would be without a budget.
    """

    entries: Sequence[Entry]
    derivations: Sequence[Edge]
    above: frozenset[str]
    total: int
    truncated_reason: str | None = None

    @property
    def focus(self) -> str:
        """Return the slug in the middle."""
        return self.entries[0].slug
