"""An adapter alone: what it is, where it belongs, and whether a base is its base."""

from __future__ import annotations

from registry.fingerprint.adapters.axes import AdapterModule
from registry.fingerprint.adapters.config import AdapterConfig, read_config
from registry.fingerprint.adapters.judging import AdapterTest, ModuleTest, judge
from registry.fingerprint.adapters.places import (
    halves,
    oriented,
    place,
    why_not_comparable,
)

__all__ = [
    "AdapterConfig",
    "AdapterModule",
    "AdapterTest",
    "ModuleTest",
    "halves",
    "judge",
    "oriented",
    "place",
    "read_config",
    "why_not_comparable",
]
