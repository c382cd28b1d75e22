"""What was once said stays said: the database itself refuses to change it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, models, transaction

from lineage.models import Change, Derivation, Statement, Verification
from registry.vocabulary import StatementKind
from tests.factories import (
    make_derivation,
    make_dispute,
    make_user,
    make_verification,
)

pytestmark = pytest.mark.usefixtures("append_only")


def make_statement() -> Statement:
    return Statement.objects.create(
        derivation=make_derivation(), kind=StatementKind.DECLARED
    )


def make_rows() -> list[models.Model]:
    event = make_dispute().events.create(kind="opened", author=make_user())
    return [make_statement(), make_verification(), event]


ROWS = ["statement", "verification", "dispute event"]


@pytest.mark.parametrize("position", range(3), ids=ROWS)
def test_a_row_cannot_be_changed(position: int) -> None:
    row = make_rows()[position]

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).update(created_at=None)


@pytest.mark.parametrize("position", range(3), ids=ROWS)
def test_a_row_cannot_be_removed(position: int) -> None:
    row = make_rows()[position]

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])


def test_the_orm_cannot_remove_what_was_said_either() -> None:
    statement = make_statement()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        statement.delete()

    assert Statement.objects.filter(pk=statement.pk).exists()


def test_a_derivation_about_which_something_was_said_stays() -> None:
    derivation = make_statement().derivation

    with pytest.raises(models.ProtectedError):
        derivation.delete()

    assert Derivation.objects.filter(pk=derivation.pk).exists()


def test_the_log_of_derivations_cannot_be_changed_or_cut() -> None:
    change = Change.objects.get(derivation=make_derivation())

    for write in (change.save, change.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            write()


def test_new_rows_are_welcome() -> None:
    revision = make_verification().revision

    make_verification(revision=revision)

    assert Verification.objects.filter(revision=revision).count() == 2
