"""The real client where it asks too often."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.hub.conftest import running_register

pytestmark = pytest.mark.processes


def test_the_client_says_until_when_to_wait(tmp_path: Path) -> None:
    with running_register(tmp_path, RATE_LIMIT_WRITE="1") as register:
        token = register.token("ann", "acme")
        for attempt in range(3):
            ended = register.hf("repos", "create", f"acme/m{attempt}", token=token)

    assert ended.returncode != 0
    assert "you have reached your 'write' rate limit" in ended.stderr
    assert "(0/1 requests remaining in current 60s window)" in ended.stderr
