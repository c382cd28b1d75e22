"""The OpenAPI description and its page."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command
from django.test import Client


def test_the_schema_has_no_fault() -> None:
    call_command(
        "spectacular", "--validate", "--fail-on-warn", stdout=StringIO(), verbosity=0
    )


def test_the_schema_and_its_page_are_served(client: Client) -> None:
    assert client.get("/api/v1/schema/").status_code == 200
    page = client.get("/api/v1/docs/")
    assert page.status_code == 200
    assert b"http://" not in page.content.replace(b"http://testserver", b"")
