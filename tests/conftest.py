"""Rules for every test: where it may connect, and what the database allows."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from hypothesis import settings

UNIT = Path(__file__).parent / "unit"
INTEGRATION = Path(__file__).parent / "integration"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

# The same examples on every machine and every day, however busy it is.
settings.register_profile("same", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("same")


class NetworkRefused(BaseException):
    """A test tried to leave its limits; nothing may catch this by accident."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests under integration/ use the database, tests under unit/ never do."""
    for item in items:
        marker = item.get_closest_marker("django_db")
        if UNIT in item.path.parents and marker is not None:
            raise pytest.UsageError(f"{item.nodeid}: a unit test uses no database")
        is_integration = INTEGRATION in item.path.parents
        if is_integration and not marker and not item.get_closest_marker("processes"):
            item.add_marker(pytest.mark.django_db)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: Any) -> None:
    """Let tests connect to this machine only, and unit tests to nothing."""
    connect, is_unit = socket.socket.connect, UNIT in request.path.parents

    def checked(self: socket.socket, address: Any) -> None:
        is_local = self.family == socket.AF_UNIX or address[0] in LOOPBACK
        if is_unit or not is_local:
            raise NetworkRefused(f"a test may not connect to {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    """Let no test be counted with those before it."""
    cache.clear()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> list[str]:
    """Drop SQLite's triggers against DELETE and return the SQL that makes them.

    A transactional test ends with a flush, which deletes every row of every table.
    PostgreSQL truncates instead, which fires no such trigger.
    """
    if connection.vendor != "sqlite":
        return []
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND name LIKE '%_no_DELETE'"
        )
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
    return [sql for _, sql in triggers]


@pytest.fixture
def append_only(django_db_setup: list[str], db: None) -> None:
    """Give a test that rolls back the product's whole protection again."""
    with connection.cursor() as cursor:
        for sql in django_db_setup:
            cursor.execute(sql)
