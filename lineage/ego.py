"""What is near a model, within a budget of nodes and of time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from lineage import queries
from lineage.queries import Scope

MAX_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Ego:
    """The models near one, itself first and then the nearest, with their hops.

    `above` are those of the ancestors; `total` counts what no budget left out.
    """

    hops: Mapping[int, int]
    above: Set[int]
    total: int
    truncated_reason: str | None


def ego_of(model_id: int, scope: Scope, *, up: int, down: int, limit: int) -> Ego:
    """Return what is so many hops up and down, at most `limit` models, the nearest.

    Cousins are not among it: the way goes up or down, never both.
    """
    deadline = time.monotonic() + MAX_SECONDS
    above = queries.above(model_id, scope, depth=up)
    below = queries.below(model_id, scope, depth=down, deadline=deadline)
    nearest = sorted([(0, model_id), *above.pairs(0, limit), *below.pairs(0, limit)])
    distance: dict[int, int] = {}
    for hops, node in nearest:
        distance.setdefault(node, hops)
    # Ideas may travel in circles, so that a model stands on both sides.
    n_twice = int(np.isin(below.ids, above.ids, kind="table").sum())
    total = 1 + len(above) + len(below) - n_twice
    return Ego(
        hops=dict(islice(distance.items(), limit)),
        above=set(above.ids.tolist()),
        total=total,
        truncated_reason=_reason(total, limit, is_whole=below.is_whole),
    )


def _reason(total: int, limit: int, *, is_whole: bool) -> str | None:
    if not is_whole:
        return f"the walk was stopped after {MAX_SECONDS:.0f} seconds"
    if total > limit:
        return f"only the nearest {limit} of {total} models"
    return None
