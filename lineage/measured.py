"""How often an engine was measured to err, as `make bench-engine` wrote it down."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from registry import fingerprint

_FILE: Final = Path(fingerprint.__file__).with_name("measured.json")


def error_rate(engine: str) -> dict[str, Any] | None:
    """Return what was measured of an engine, or None for one that never was.

    `pairs` of separately trained models out of `models` were compared; `related` is
    how many were wrongly called related, `open` how many were left open, and `bound`
    the upper bound, at `confidence`, of the share of models so accused.
    """
    return _measured().get(engine)


@cache
def _measured() -> dict[str, dict[str, Any]]:
    measured: dict[str, dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))
    return measured
