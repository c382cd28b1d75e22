"""Models of the committed zoo, opened and sketched once; makers of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from registry.fingerprint import Comparison, Sketch, compare, sketch_model
from registry.fingerprint.anatomy.structure import Structure
from registry.fingerprint.judging.opened import OpenedModel, open_weights
from registry.fingerprint.sketching.making import sketch_files
from registry.fingerprint.sketching.threads import one_thread
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

SAMPLES = ZOO.parents[1] / "registry" / "catalog" / "samples"


@dataclass(frozen=True)
class Model:
    """A model folder, opened; its sketch is made when first asked for."""

    name: str
    opened: OpenedModel

    @cached_property
    def sketch(self) -> Sketch:
        return sketch_files(self.opened.files)

    @property
    def structure(self) -> Structure:
        assert self.opened.structure is not None
        return self.opened.structure


@dataclass(frozen=True)
class Both:
    """One pair judged twice: with the weights of both, and from sketches alone."""

    folders: Comparison
    sketches: Comparison

    def __iter__(self) -> Any:
        return iter((self.folders, self.sketches))


Build = Callable[[Tensors], Model]
Judge = Callable[[Model, Model], Both]


def judged(a: Model, b: Model) -> Both:
    names = (a.name, b.name)
    weights = (a.opened, b.opened)
    return Both(
        compare(a.sketch, b.sketch, names=names, weights=weights),
        compare(a.sketch, b.sketch, names=names),
    )


def kinds(found: Comparison) -> dict[str, Any]:
    """Return the kinds of evidence with their values."""
    return {item.kind: item.value for item in found.evidence}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other make small products slow on busy machines."""
    with one_thread():
        yield


@pytest.fixture(scope="session")
def models() -> dict[str, Model]:
    return {
        path.parent.name: Model(path.parent.name, open_weights(path.parent))
        for path in _weights(ZOO)
    }


@pytest.fixture(scope="session")
def zoo(models: dict[str, Model]) -> dict[str, Sketch]:
    return {name: model.sketch for name, model in models.items()}


@pytest.fixture(scope="session")
def samples() -> dict[str, Sketch]:
    return {path.parent.name: sketch_model(path.parent) for path in _weights(SAMPLES)}


@pytest.fixture(scope="session")
def zoo_index() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = json.loads((ZOO / "index.json").read_text())
    return loaded


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return a maker of models from tensors."""
    root, numbers = tmp_path_factory.mktemp("made"), count()

    def make(tensors: Tensors) -> Model:
        name = f"made-{next(numbers)}"
        return Model(name, open_weights(derive.make(tensors, root / name)))

    return make


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
