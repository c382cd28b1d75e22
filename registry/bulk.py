"""Writing rows by the thousand: one statement for all, without model objects.

Several times faster than bulk_create for rows of which most columns are the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.utils import timezone

# Texts and ids are stored as they are; asking their fields takes longer than writing.
_PLAIN: Final = (
    models.CharField,
    models.TextField,
    models.AutoField,
    models.ForeignKey,
)
# Kibibytes of memory (that is what the sign says) and pages of log; kinds of joins,
# compiling of queries, and how closely tables are looked at.
_WHEN_MUCH: Final = {
    "sqlite": {"cache_size": "-65536", "wal_autocheckpoint": "10000"},
    "postgresql": {
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "jit": "off",
        "default_statistics_target": "10",
    },
}


@contextmanager
def much_to_write() -> Iterator[None]:
    """Set the database up for very many rows, a batch at a time, while this lasts.

    SQLite gets more memory and a longer log: indexes of names are written all over,
    and with 2 MB of pages each is read again for every few rows, and with a log of 4 MB
    written back as often. PostgreSQL is kept from reading a whole table where a batch
    needs some rows of it, and from compiling the query, as it does on its guess of how
    many rows a recursion finds; a rough look at the tables is enough, and ten times
    quicker.
    """
    settings = _WHEN_MUCH[connection.vendor]
    before = {name: _setting(name) for name in settings}
    for name, value in settings.items():
        _set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            _set(name, value)


def look_again(*written: type[models.Model]) -> None:
    """Let PostgreSQL see what tables hold by now, as its plans follow what it last saw.

    One that was empty a minute ago would be read whole for every batch. SQLite's plans
    follow the indexes alone.
    """
    if connection.vendor == "postgresql":
        tables = ", ".join(_table(model) for model in written)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {tables}")


def insert(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    **same: Any,
) -> int:
    """Insert rows given as the values of some columns.

    `same` holds the values that are equal in all rows; other columns take their
    defaults. Returns the largest id there was before: where all writers of such rows
    hold the register's lock, the rows after it are the new ones.
    """
    last = _last_id(model)
    given, names, rest = _columns_of(model, columns, same)
    whole = [(*row, *rest) for row in _prepare(given, rows)]
    if connection.vendor == "postgresql":
        _copy(f"COPY {_table(model)} ({names}) FROM STDIN", whole)
    else:
        marks = ", ".join(["%s"] * (len(given) + len(rest)))
        _execute(f"INSERT INTO {_table(model)} ({names}) VALUES ({marks})", whole)
    return last


def insert_selected(
    model: type[models.Model],
    columns: Sequence[str],
    selected: models.QuerySet[Any, Any],
    **same: Any,
) -> int:
    """Insert what a query finds, without fetching it; otherwise like `insert`."""
    last = _last_id(model)
    _, names, rest = _columns_of(model, columns, same)
    query, params = selected.query.sql_with_params()
    marks = ", %s" * len(rest)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(model)} ({names})"
            f" SELECT found.*{marks} FROM ({query}) AS found",
            [*rest, *params],
        )
    return last


def update(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Set some columns of rows; each row gives their values and then its id."""
    fields: list[Any] = [model._meta.get_field(name) for name in [*columns, "id"]]
    quote = connection.ops.quote_name
    sets = ", ".join(f"{quote(field.column)} = %s" for field in fields[:-1])
    _execute(
        f"UPDATE {_table(model)} SET {sets} WHERE id = %s",
        list(_prepare(fields, rows)),
    )


def lower_in(model: type[models.Model], column: str, texts: Collection[str]) -> RawSQL:
    """Return the condition that a column is one of many texts, whatever its case.

    The same as `column__lower__in`, which looks at every text several times; here
    all are one parameter, and rows that PostgreSQL joins: it looks each of them up,
    where against a list it reads the whole table.
    """
    lower = f"LOWER({_table(model)}.{connection.ops.quote_name(column)})"
    listed: Any = [text.lower() for text in texts]
    condition = f"{lower} IN (SELECT UNNEST(%s::text[]))"
    if connection.vendor == "sqlite":
        condition = f"{lower} IN (SELECT value FROM json_each(%s))"
        listed = json.dumps(listed)
    return RawSQL(condition, [listed], output_field=models.BooleanField())


def _setting(name: str) -> str:
    show = "PRAGMA" if connection.vendor == "sqlite" else "SHOW"
    with connection.cursor() as cursor:
        cursor.execute(f"{show} {name}")
        return str(cursor.fetchone()[0])


def _set(name: str, value: str) -> None:
    verb = "PRAGMA" if connection.vendor == "sqlite" else "SET"
    with connection.cursor() as cursor:
        cursor.execute(f"{verb} {name} = {value}")


def _last_id(model: type[models.Model]) -> int:
    last: int | None = model._default_manager.aggregate(last=models.Max("pk"))["last"]
    return last or 0


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _columns_of(
    model: type[models.Model], columns: Sequence[str], same: Mapping[str, Any]
) -> tuple[list[Any], str, list[Any]]:
    """Return the fields of some columns, the names of all, the others' values."""
    fields = {f.attname: f for f in model._meta.concrete_fields if not f.primary_key}
    given = [fields.pop(name) for name in columns]
    rest = [
        _prepared(field, same[name] if name in same else _default(field))
        for name, field in fields.items()
    ]
    columns_ = [str(field.column) for field in [*given, *fields.values()]]
    return given, ", ".join(map(connection.ops.quote_name, columns_)), rest


def _execute(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)


def _copy(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Send rows in PostgreSQL's own way, which need not parse each of them."""
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)


def _prepare(
    fields: Sequence[Any], rows: Iterable[Sequence[Any]]
) -> Iterable[Sequence[Any]]:
    """Return rows as the database takes them."""
    special = [i for i, field in enumerate(fields) if not isinstance(field, _PLAIN)]
    if not special:
        return rows
    return (_prepare_some(fields, special, row) for row in rows)


def _prepare_some(
    fields: Sequence[Any], special: Sequence[int], row: Sequence[Any]
) -> list[Any]:
    prepared = list(row)
    for i in special:
        prepared[i] = _prepared(fields[i], prepared[i])
    return prepared


def _prepared(field: Any, value: Any) -> Any:
    if isinstance(field, models.JSONField) and value is not None:
        # As text both databases take it, and it needs no object around it.
        return json.dumps(value)
    return field.get_db_prep_save(value, connection)


def _default(field: Any) -> Any:
    is_clock = getattr(field, "auto_now", False) or getattr(
        field, "auto_now_add", False
    )
    return timezone.now() if is_clock else field.get_default()
