"""Writing rows by the thousand: one statement, prepared once, without model objects.

Several times faster than bulk_create for rows of which most columns are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.utils import timezone

# Random places in the indexes of millions of rows; with SQLite's own 2 MB nearly each
# is read from the file again, and written back before its transaction ends.
_CACHE_KIB = 128 * 1024


@contextmanager
def roomy() -> Iterator[None]:
    """Give SQLite memory for its indexes; PostgreSQL has its own, which all share."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        (before,) = cursor.fetchone()
        cursor.execute(f"PRAGMA cache_size = {-_CACHE_KIB}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = {before}")


def insert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> int:
    """Insert rows given as the values of some columns; others take their defaults.

    Returns the largest id there was before. Where all writers of such rows hold the
    register's lock, the rows after it are the new ones.
    """
    last: int | None = model._default_manager.aggregate(last=models.Max("pk"))["last"]
    fields = {f.attname: f for f in model._meta.concrete_fields if not f.primary_key}
    given = [fields.pop(name) for name in columns]
    rest = [_prepared(field, _default(field)) for field in fields.values()]
    names = [str(field.column) for field in [*given, *fields.values()]]
    quoted = ", ".join(connection.ops.quote_name(name) for name in names)
    marks = ", ".join(["%s"] * len(names))
    table = connection.ops.quote_name(model._meta.db_table)
    _execute(
        f"INSERT INTO {table} ({quoted}) VALUES ({marks})",
        [[*_prepare(given, row), *rest] for row in rows],
    )
    return last or 0


def update(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Set some columns of rows; each row gives their values and then its id."""
    fields: list[Any] = [model._meta.get_field(name) for name in columns]
    quote = connection.ops.quote_name
    sets = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    _execute(
        f"UPDATE {quote(model._meta.db_table)} SET {sets} WHERE id = %s",
        [[*_prepare(fields, row), row[-1]] for row in rows],
    )


def lower_in(model: type[models.Model], column: str, texts: Collection[str]) -> RawSQL:
    """Return the condition that a column is one of many texts, whatever its case.

    The same as `column__lower__in`, which looks at every text several times.
    """
    quote = connection.ops.quote_name
    name = f"{quote(model._meta.db_table)}.{quote(column)}"
    marks = ", ".join(["%s"] * len(texts)) or "NULL"
    params = tuple(text.lower() for text in texts)
    return RawSQL(
        f"LOWER({name}) IN ({marks})", params, output_field=models.BooleanField()
    )


def _execute(sql: str, rows: list[list[Any]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)


def _prepare(fields: Sequence[Any], row: Sequence[Any]) -> list[Any]:
    return [_prepared(field, value) for field, value in zip(fields, row, strict=False)]


def _prepared(field: Any, value: Any) -> Any:
    # No column but JSON's stores these otherwise than they are; asking takes longer
    # than writing.
    if type(value) in (str, int) and not isinstance(field, models.JSONField):
        return value
    return field.get_db_prep_save(value, connection)


def _default(field: Any) -> Any:
    is_clock = getattr(field, "auto_now", False) or getattr(
        field, "auto_now_add", False
    )
    return timezone.now() if is_clock else field.get_default()
