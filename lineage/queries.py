"""Walks along derivations, the same on SQLite and PostgreSQL.

Up it is recursive SQL, as nobody has many ancestors. Down from a hub it is the index.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from lineage import indexing, walks
from lineage.index import allowed_codes
from lineage.models import Derivation
from lineage.walks import Reached
from registry.models import rows_of
from registry.vocabulary import Layer, Relation, StatementKind

# Walks from child to parent, or from parent to child, over the layers asked for.
# A condition on derivations alone would make SQLite, where it has statistics, read
# the whole table for a Bloom filter first; CASE ties it to the cone.
_CONE = """
WITH RECURSIVE cone(id) AS (
    SELECT CAST(%s AS bigint)
  UNION
    SELECT d.{to} FROM lineage_derivation d JOIN cone ON d.{start} = cone.id
    WHERE CASE WHEN cone.id IS NOT NULL THEN {scope} END
)
"""
_IDS = _CONE + "SELECT id FROM cone"
_EDGES = (
    _CONE
    + """
SELECT d.child_id, d.parent_id, d.layer, d.relation, d.state
FROM lineage_derivation d JOIN cone ON d.{start} = cone.id
WHERE {scope}
ORDER BY d.id
"""
)
# All that is above several models, walked once; ends only.
_EDGES_OF_MANY = """
WITH RECURSIVE cone(id) AS (
    SELECT id FROM registry_registeredmodel WHERE id IN ({starts})
  UNION
    SELECT d.parent_id FROM lineage_derivation d JOIN cone ON d.child_id = cone.id
    WHERE {scope}
)
SELECT d.child_id, d.parent_id
FROM lineage_derivation d JOIN cone ON d.child_id = cone.id
WHERE {scope}
"""
_UP = {"start": "child_id", "to": "parent_id"}
_DOWN = {"start": "parent_id", "to": "child_id"}

EVERY_LAYER = frozenset(Layer)
EVERY_RELATION = frozenset(Relation)
# What lists and graphs show when nobody asks for states.
SHOWN_STATES = frozenset(StatementKind) - {
    StatementKind.WITHDRAWN,
    StatementKind.CONTRADICTED,
}


@dataclass(frozen=True)
class Scope:
    """Which derivations a walk may use."""

    layers: frozenset[Layer] = EVERY_LAYER
    states: frozenset[StatementKind] = SHOWN_STATES
    relations: frozenset[Relation] = EVERY_RELATION

    def as_sql(self) -> tuple[str, list[str]]:
        """Return the condition on a derivation `d`, and its parameters."""
        chosen: dict[str, frozenset[Any]] = {"layer": self.layers, "state": self.states}
        if self.relations != EVERY_RELATION:
            chosen["relation"] = self.relations
        conditions: list[str] = []
        values: list[str] = []
        for column, words in chosen.items():
            # An empty list is no SQL, and no column holds an empty word.
            listed = sorted(str(word) for word in words) or [""]
            conditions.append(f"d.{column} IN ({', '.join(['%s'] * len(listed))})")
            values += listed
        return " AND ".join(conditions), values


class Edge(NamedTuple):
    """A derivation between two entries, given by their ids."""

    child: int
    parent: int
    layer: str
    relation: str
    state: str


def ancestors(model_id: int, scope: Scope) -> set[int]:
    """Return the ids of everything the model descends from, without itself."""
    return {row[0] for row in _walk(_IDS, _UP, model_id, scope)} - {model_id}


def descendants(model_id: int, scope: Scope) -> set[int]:
    """Return the ids of everything that descends from the model, without itself."""
    return set(below(model_id, scope).ids.tolist())


def above(model_id: int, scope: Scope) -> Reached:
    """Return everything the model descends from, with the hops to it."""
    edges = edges_above(model_id, scope)
    return walks.reached(model_id, walks.steps((e.child, e.parent) for e in edges))


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
    index = indexing.current()
    if index is None:
        edges = edges_below(model_id, scope)
        steps = walks.steps((edge.parent, edge.child) for edge in edges)
        return walks.reached(model_id, steps).within(depth)
    allowed = allowed_codes(scope.layers, scope.relations, scope.states)
    return index.below(model_id, allowed, depth=depth, deadline=deadline)


def edges_above(model_id: int, scope: Scope) -> list[Edge]:
    """Return every derivation on a way from the model to its roots, by id."""
    return [Edge(*row) for row in _walk(_EDGES, _UP, model_id, scope)]


def edges_below(model_id: int, scope: Scope) -> list[Edge]:
    """Return every derivation on a way from the model to its leaves, by id."""
    return [Edge(*row) for row in _walk(_EDGES, _DOWN, model_id, scope)]


def edges_among(model_ids: Collection[int], scope: Scope) -> list[Edge]:
    """Return every derivation with both ends among the models, by id.

    Found by the child, which has few parents, where a parent may be a hub.
    """
    rows = (
        Derivation.objects.filter(
            child__in=rows_of(model_ids),
            layer__in=scope.layers,
            state__in=scope.states,
            relation__in=scope.relations,
        )
        .order_by("id")
        .values_list("child_id", "parent_id", "layer", "relation", "state")
    )
    among = set(model_ids)
    return [Edge(*row) for row in rows if row[1] in among]


def edges_above_any(model_ids: Collection[int], scope: Scope) -> list[tuple[int, int]]:
    """Return child and parent of every derivation on a way up from any model."""
    if not model_ids:
        return []
    condition, values = scope.as_sql()
    marks = ", ".join(["%s"] * len(model_ids))
    statement = _EDGES_OF_MANY.format(starts=marks, scope=condition)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*model_ids, *values, *values])
        rows: list[tuple[int, int]] = cursor.fetchall()
    return rows


def _walk(
    sql: str, direction: Mapping[str, str], model_id: int, scope: Scope
) -> list[tuple[Any, ...]]:
    condition, values = scope.as_sql()
    statement = sql.format(**direction, scope=condition)
    n_conditions = statement.count(condition)
    with connection.cursor() as cursor:
        cursor.execute(statement, [model_id, *values * n_conditions])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
