"""Recursive SQL on derivations, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection, transaction

# One advisory lock serialises all writers of derivations on PostgreSQL, where two
# transactions could otherwise each pass the check and together close a cycle.
# SQLite needs none: every transaction begins IMMEDIATE.
_WRITE_LOCK = 0x6261696D6F  # "baimo"

_UP = """
WITH RECURSIVE cone(id) AS (
    SELECT %s
  UNION
    SELECT d.parent_id FROM lineage_derivation d JOIN cone ON d.child_id = cone.id
    WHERE d.layer IN ({layers}) AND d.state NOT IN ({states})
)
SELECT id FROM cone
"""
_DOWN = """
WITH RECURSIVE cone(id) AS (
    SELECT %s
  UNION
    SELECT d.child_id FROM lineage_derivation d JOIN cone ON d.parent_id = cone.id
    WHERE d.layer IN ({layers}) AND d.state NOT IN ({states})
)
SELECT id FROM cone
"""


def lock_derivations() -> None:
    """Wait until no other transaction writes derivations; held to the end of ours.

    Raises TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("lock inside a transaction")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITE_LOCK])


def ancestors(
    model_id: int, *, layers: Iterable[str], without_states: Iterable[str] = ()
) -> set[int]:
    """Return the ids of everything the model descends from, without itself."""
    return _walk(_UP, model_id, layers, without_states)


def descendants(
    model_id: int, *, layers: Iterable[str], without_states: Iterable[str] = ()
) -> set[int]:
    """Return the ids of everything that descends from the model, without itself."""
    return _walk(_DOWN, model_id, layers, without_states)


def _walk(
    sql: str, model_id: int, layers: Iterable[str], states: Iterable[str]
) -> set[int]:
    layer_list: Sequence[str] = [str(layer) for layer in layers]
    # An empty list is no SQL; an impossible word stands for it.
    state_list: Sequence[str] = [str(state) for state in states] or [""]
    if not layer_list:
        return set()
    statement = sql.format(layers=_places(layer_list), states=_places(state_list))
    with connection.cursor() as cursor:
        cursor.execute(statement, [model_id, *layer_list, *state_list])
        return {row[0] for row in cursor.fetchall()} - {model_id}


def _places(values: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(values))
