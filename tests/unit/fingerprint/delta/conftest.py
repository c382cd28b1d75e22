"""Aligned pairs of models of the committed zoo, and of changes made to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.delta import AlignedPair, Explanation, explain, measure
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

Edit = Callable[[NDArray[np.float32]], NDArray[np.float32]]
Judge = Callable[[Tensors, Tensors], Explanation]

ROLES = {
    "embed_tokens|wte": "embedding",
    "lm_head": "head",
    "gate_proj": "gate",
    "up_proj|mlp.c_fc": "up",
    "down_proj|mlp.c_proj": "down",
    "o_proj|attn.c_proj": "writer",
    "[qkv]_proj|c_attn": "reader",
}


@pytest.fixture(scope="session")
def base() -> Tensors:
    return derive.read(ZOO / "small-1")


@pytest.fixture(scope="session")
def judge() -> Judge:
    return lambda a, b: explain(measure(aligned(a, b)))


@pytest.fixture(scope="session")
def edited() -> Callable[[Tensors, Edit], Tensors]:
    """Return a maker of models with all matrices edited, gains as they were."""

    def make(tensors: Tensors, edit: Edit) -> Tensors:
        return derive.change(tensors, lambda _, w: edit(w) if w.ndim == 2 else w)

    return make


def aligned(a: Tensors, b: Tensors) -> Iterator[AlignedPair]:
    """Yield the tensors of one name, rows turned into residual-stream vectors."""
    for name in a:
        turned = _is_turned(name, a)
        x, y = a[name].values(), b[name].values()
        yield AlignedPair(
            role=_role(name, x),
            layer=_layer(name),
            a=x.T if turned else x,
            b=y.T if turned else y,
            dtype_a=a[name].dtype,
            dtype_b=b[name].dtype,
            stored_axis=int(turned),
        )


def _is_turned(name: str, tensors: Tensors) -> bool:
    if tensors[name].bits.ndim == 1:
        return False
    writes = bool(re.search("down_proj|o_proj|c_proj", name))
    return writes != ("c_" in name)


def _role(name: str, values: NDArray[np.float32]) -> str:
    if values.ndim == 1:
        return "bias" if name.endswith("bias") else "gain"
    return next((r for p, r in ROLES.items() if re.search(p, name)), "other")


def _layer(name: str) -> int | None:
    found = re.search(r"\.(\d+)\.", name)
    return int(found[1]) if found else None
