"""Walks along derivations, the same on SQLite and PostgreSQL.

Where there is an index it walks; in small registers, and inside a transaction, it is
recursive SQL. Both say the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from lineage import indexing, walks
from lineage.index import allowed_codes, words_of
from lineage.models import Derivation
from lineage.walks import Reached
from registry.models import listed
from registry.permissions import PUBLIC, Sight
from registry.vocabulary import Layer, Relation, StatementKind

# Walks from child to parent, or from parent to child, over the layers asked for.
# A condition on derivations alone would make SQLite, where it has statistics, read
# the whole table for a Bloom filter first; CASE ties it to the cone.
_CONE = """
WITH RECURSIVE cone(id) AS (
    SELECT id FROM registry_registeredmodel WHERE id IN ({starts})
  UNION
    SELECT d.{to} FROM lineage_derivation d JOIN cone ON d.{start} = cone.id
    WHERE CASE WHEN cone.id IS NOT NULL THEN {scope} END
)
"""
_IDS = _CONE + "SELECT id FROM cone"
_PAIRS = (
    _CONE
    + """
SELECT d.child_id, d.parent_id
FROM lineage_derivation d JOIN cone ON d.{start} = cone.id
WHERE CASE WHEN cone.id IS NOT NULL THEN {scope} END
"""
)
_UP = {"start": "child_id", "to": "parent_id"}
_DOWN = {"start": "parent_id", "to": "child_id"}

# What was emptied has no organisation, and nobody sees it.
_HIDDEN = """SELECT id FROM registry_registeredmodel
WHERE private AND (organization_id IS NULL OR organization_id NOT IN ({teams}))"""

EVERY_LAYER = frozenset(Layer)
EVERY_RELATION = frozenset(Relation)
# What lists and graphs show when nobody asks for states.
SHOWN_STATES = frozenset(StatementKind) - {
    StatementKind.WITHDRAWN,
    StatementKind.CONTRADICTED,
}


@dataclass(frozen=True)
class Scope:
    """Which derivations a walk may use; of private models those that are seen."""

    layers: frozenset[Layer] = EVERY_LAYER
    states: frozenset[StatementKind] = SHOWN_STATES
    relations: frozenset[Relation] = EVERY_RELATION
    sight: Sight = PUBLIC

    def as_sql(self) -> tuple[str, list[Any]]:
        """Return the condition on a derivation `d` that leads `{to}` a model.

        And its parameters. The model from which it leads has been reached or asked
        about, so that it is seen.
        """
        chosen: dict[str, frozenset[Any]] = {"layer": self.layers, "state": self.states}
        if self.relations != EVERY_RELATION:
            chosen["relation"] = self.relations
        conditions: list[str] = []
        values: list[Any] = []
        for column, words in chosen.items():
            # An empty list is no SQL, and no column holds an empty word.
            listed = sorted(str(word) for word in words) or [""]
            conditions.append(f"d.{column} IN ({', '.join(['%s'] * len(listed))})")
            values += listed
        if not self.sight.is_whole:
            teams = sorted(self.sight.teams) or [-1]
            own = ", ".join(["%s"] * len(teams))
            conditions.append(f"d.{{to}} NOT IN ({_HIDDEN.format(teams=own)})")
            values += teams
        return " AND ".join(conditions), values

    def as_codes(self) -> NDArray[np.bool_]:
        """Return, for every code of the index, whether a walk may use it."""
        return allowed_codes(self.layers, self.relations, self.states)


class Edge(NamedTuple):
    """A derivation between two entries, given by their ids."""

    child: int
    parent: int
    layer: str
    relation: str
    state: str


def ancestors(model_id: int, scope: Scope) -> set[int]:
    """Return the ids of everything the model descends from, without itself."""
    return {row[0] for row in _in_sql(_IDS, _UP, [model_id], scope)} - {model_id}


def descendants(model_id: int, scope: Scope) -> set[int]:
    """Return the ids of everything that descends from the model, without itself."""
    return set(below(model_id, scope).ids.tolist())


def above(model_id: int, scope: Scope, *, depth: int | None = None) -> Reached:
    """Return what the model descends from, at most `depth` hops away."""
    index = indexing.current(scope.sight)
    if index is None:
        steps = walks.steps(pairs_above([model_id], scope))
        return walks.reached(model_id, steps).within(depth)
    return index.up.walk([model_id], scope.as_codes(), depth=depth)


def below(
    model_id: int,
    scope: Scope,
    *,
    depth: int | None = None,
    deadline: float | None = None,
) -> Reached:
    """Return what descends from the model, at most `depth` hops away.

    A walk that reaches the deadline (of time.monotonic) ends there, not whole.
    """
    index = indexing.current(scope.sight)
    if index is None:
        pairs = _in_sql(_PAIRS, _DOWN, [model_id], scope)
        steps = walks.steps((parent, child) for child, parent in pairs)
        return walks.reached(model_id, steps).within(depth)
    return index.down.walk([model_id], scope.as_codes(), depth=depth, deadline=deadline)


def pairs_above(model_ids: Collection[int], scope: Scope) -> list[tuple[int, int]]:
    """Return child and parent of every derivation on a way up from any model."""
    if not model_ids:
        return []
    index = indexing.current(scope.sight)
    if index is None:
        return _in_sql(_PAIRS, _UP, model_ids, scope)
    allowed = scope.as_codes()
    above = index.up.walk(model_ids, allowed)
    cone = np.array([*model_ids, *above.ids.tolist()], dtype=np.int32)
    return [(child, parent) for child, parent, _ in index.up.edges(cone, allowed)]


def edges_above(model_id: int, scope: Scope) -> list[Edge]:
    """Return every derivation on a way from the model to its roots, in order."""
    return edges_among([model_id, *above(model_id, scope).ids.tolist()], scope)


def edges_among(model_ids: Collection[int], scope: Scope) -> list[Edge]:
    """Return every derivation with both ends among models that are seen, in order.

    Found by the child, which has few parents, where a parent may be a hub.
    """
    index = indexing.current(scope.sight)
    among = set(model_ids)
    if index is not None:
        children = np.array(sorted(among), dtype=np.int32)
        found = index.up.edges(children, scope.as_codes())
        return _in_order((c, p, *words_of(code)) for c, p, code in found if p in among)
    rows = Derivation.objects.filter(
        child__id__any_of=listed(model_ids),
        layer__in=scope.layers,
        state__in=scope.states,
        relation__in=scope.relations,
    ).values_list("child_id", "parent_id", "layer", "relation", "state")
    return _in_order(row for row in rows if row[1] in among)


def _in_order(rows: Iterable[tuple[Any, ...]]) -> list[Edge]:
    """Return edges by child, parent and words, wherever they come from."""
    return sorted(map(Edge._make, rows))


def _in_sql(
    sql: str, way: Mapping[str, str], model_ids: Collection[int], scope: Scope
) -> list[tuple[Any, ...]]:
    condition, values = scope.as_sql()
    condition = condition.format(**way)
    starts = ", ".join(["%s"] * len(model_ids))
    statement = sql.format(**way, starts=starts, scope=condition)
    n_conditions = statement.count(condition)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*model_ids, *values * n_conditions])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
