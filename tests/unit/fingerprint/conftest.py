"""Sketches of the committed zoo, made once; and a maker of raw safetensors bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.fingerprint import Sketch, sketch_model
from tests.zoo.derive import ZOO

SAMPLES = ZOO.parents[1] / "registry" / "catalog" / "samples"


@pytest.fixture(scope="session")
def zoo() -> dict[str, Sketch]:
    return {path.parent.name: sketch_model(path.parent) for path in _weights(ZOO)}


@pytest.fixture(scope="session")
def samples() -> dict[str, Sketch]:
    return {path.parent.name: sketch_model(path.parent) for path in _weights(SAMPLES)}


@pytest.fixture(scope="session")
def zoo_index() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = json.loads((ZOO / "index.json").read_text())
    return loaded


@pytest.fixture
def raw(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of files with any header and any number of data bytes."""

    def make(header: Any, n_data: int = 0, length: int | None = None) -> Path:
        data = header if isinstance(header, bytes) else json.dumps(header).encode()
        prefix = (len(data) if length is None else length).to_bytes(8, "little")
        path = tmp_path / "model.safetensors"
        path.write_bytes(prefix + data + bytes(n_data))
        return path

    return make


def _weights(root: Path) -> list[Path]:
    return sorted(root.glob("*/model.safetensors"))
