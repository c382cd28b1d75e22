"""`manage.py stack` with its real servers, killed and started again."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.management.commands.stack import SERVERS
from tests.integration.stack.running_site import (
    Site,
    answers,
    children_of,
    is_alive,
    wait_for,
)

pytestmark = pytest.mark.processes


def test_the_stack_survives_the_worst_end(tmp_path: Path) -> None:
    site = Site(tmp_path, {})
    site.start("stack")
    children = children_of(site.pid)
    lines = " ".join(children.values())
    for program in (*SERVERS, "gunicorn", "celery", "manage.py sweep"):
        assert program in lines
    assert answers(site.address)

    site.kill()
    wait_for(lambda: not any(map(is_alive, children)), seconds=10)
    site.start("stack")

    assert answers(site.address)
    children = children_of(site.pid)
    assert site.stop() == 0
    assert not any(map(is_alive, children))
