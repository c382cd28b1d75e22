"""Vectors of the committed trained models, and merges made of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.zoo.derive.tensors import ZOO, Tensors, read, stored

Array = NDArray[np.float64]
N_BUCKETS = 4096
D = 64  # the width: tensors no longer than this are gains
# Models of one structure: three bases and children of the first.
ADAPTED = "small-1 with its adapter merged"
CHILDREN = ("small-1-tuned", "small-1-more", "small-1-more-3x")
NAMES = ("small-1", "small-2", "small-3", ADAPTED, *CHILDREN)


@cache
def weights_of(name: str) -> Array:
    """Return all matrices of a committed model as one row of numbers."""
    if name == ADAPTED:
        matrices = adapted(read(ZOO / "small-1"), read_adapter())
    else:
        matrices = {key: kept.values() for key, kept in read(ZOO / name).items()}
    rows = [matrices[key].ravel() for key in sorted(matrices)]
    return np.concatenate([row for row in rows if len(row) > D]).astype(np.float64)


def read_adapter() -> Tensors:
    with tempfile.TemporaryDirectory() as folder:
        source = ZOO / "small-1-adapter" / "adapter_model.safetensors"
        shutil.copy(source, Path(folder) / "model.safetensors")
        return read(Path(folder))


def adapted(tensors: Tensors, halves: Tensors) -> dict[str, NDArray[np.float32]]:
    """Return the weights with the adapter, whose scale is 2, added."""
    matrices = {key: kept.values() for key, kept in tensors.items()}
    for key in [key for key in halves if "lora_A" in key]:
        name = key.removeprefix("base_model.model.").replace(".lora_A", "")
        b = halves[key.replace("lora_A", "lora_B")].values()
        matrices[name] = matrices[name] + 2 * b @ halves[key].values()
    return matrices


@cache
def _lots(size: int) -> tuple[NDArray[np.int64], Array]:
    rng = np.random.default_rng(5)
    return rng.integers(0, N_BUCKETS, size), rng.choice([-1.0, 1.0], size)


def sketched(weights: Array) -> Array:
    """Return the linear sketch of weights once stored in bfloat16."""
    kept = stored(weights.astype(np.float32), "BF16").values()
    buckets, signs = _lots(len(kept))
    return np.bincount(buckets, signs * kept, N_BUCKETS)


@pytest.fixture(scope="session")
def vectors() -> Mapping[str, Array]:
    return {name: sketched(weights_of(name)) for name in NAMES}


@pytest.fixture(scope="session")
def weights() -> Callable[[str], Array]:
    return weights_of


@pytest.fixture(scope="session")
def sketch() -> Callable[[Array], Array]:
    return sketched
