"""What is near a model, within a budget of nodes and of time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from lineage import queries
from lineage.queries import Scope

MAX_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Ego:
    """The models near one, nearest first and itself among them, with their hops.

    `above` are those of the ancestors; `total` counts what no budget left out.
    """

    focus: int
    hops: Mapping[int, int]
    above: Set[int]
    total: int
    truncated_reason: str | None


def ego_of(model_id: int, scope: Scope, *, up: int, down: int, limit: int) -> Ego:
    """Return what is so many hops up and down, at most `limit` models, the nearest.

    Cousins are not among it: the way goes up or down, never both.
    """
    deadline = time.monotonic() + MAX_SECONDS
    above = queries.above(model_id, scope).within(up)
    below = queries.below(model_id, scope, depth=down, deadline=deadline)
    distance = {model_id: 0}
    for reached in (below, above):
        distance |= zip(reached.ids.tolist(), reached.hops.tolist(), strict=True)
    nearest = sorted(distance, key=lambda pk: (distance[pk], pk))[:limit]
    return Ego(
        focus=model_id,
        hops={pk: distance[pk] for pk in nearest},
        above=set(above.ids.tolist()),
        total=len(distance),
        truncated_reason=_reason(len(distance), limit, is_whole=below.is_whole),
    )


def _reason(total: int, limit: int, *, is_whole: bool) -> str | None:
    if not is_whole:
        return f"the walk was stopped after {MAX_SECONDS:.0f} seconds"
    if total > limit:
        return f"only the nearest {limit} of {total} models"
    return None
