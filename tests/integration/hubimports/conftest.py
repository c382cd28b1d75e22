"""A hub to import from, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from registry import hubfiles
from tests.hubs import ZOO, Hub, serving


@pytest.fixture
def hub(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Hub]:
    """Start a hub with a small trained model that declares its base."""
    card = "---\nbase_model: kin/base\n---\n# Tuned\n"
    with serving(Hub.of(ZOO / "small-1-tuned", card)) as started:
        settings.STORAGE_DIR = tmp_path
        settings.IMPORT_HUBS = [started.url]
        private = [ip_network("127.0.0.0/8"), ip_network("::1")]
        settings.OUTBOUND_PRIVATE_NETWORKS = private
        monkeypatch.setattr(hubfiles, "FIRST_WAIT_SECONDS", 0.001)
        yield started
