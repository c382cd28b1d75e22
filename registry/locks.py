"""The one lock of everybody who checks rows before writing others."""

from __future__ import annotations

from django.db import connection, transaction

_WRITE_LOCK = 0x6261696D6F  # "baimo"


def lock_register() -> None:
    """Wait until no other transaction holds the lock; it lasts to the end of ours.

    PostgreSQL lets two transactions each pass a check and together close a cycle,
    or wait for each other's rows; taken first in a transaction, this lock prevents
    both. SQLite needs none, as every transaction begins IMMEDIATE.
    Raises TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("lock inside a transaction")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITE_LOCK])
