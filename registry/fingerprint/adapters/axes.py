"""Which outputs of an adapted matrix carry arbitrary labels in an unrelated base.

Training treats the coordinates of the residual stream alike, and the hidden units
of a feed-forward part: permuting them changes no probability. Outputs of a value
matrix may change their sign. Queries and keys are left out: rotary positions give
their places a meaning. Names and shapes only say where a matrix is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["width", "units", "values"]
Array = NDArray[np.float64]

_VALUES: Final = frozenset({"v_proj", "value", "value_proj", "wv", "to_v"})
_QUERIES: Final = frozenset(
    {"q_proj", "k_proj", "query", "key", "wq", "wk", "to_q", "to_k", "qk_proj"}
)
# Query, key and value stacked, value last, when they are of one size.
_STACKED: Final = frozenset({"c_attn", "qkv_proj", "w_pack"})
_WRITERS: Final = frozenset({"o_proj", "out_proj", "c_proj", "dense", "wo", "to_out"})
_GATE_AND_UP: Final = frozenset({"gate_up_proj", "up_gate_proj"})
_ATTENTION: Final = ("attn", "attention")
_FEED_FORWARD: Final = ("mlp", "ffn", "feed_forward", "intermediate", "expert", "fc")


@dataclass(frozen=True)
class AdapterModule:
    """An adapter's halves a (r, d_in), b (d_out, r) and the base's w (d_out, d_in).

    `name` is the module's path in the adapter, as model.layers.0.mlp.up_proj.
    """

    name: str
    a: Array
    b: Array
    w: Array


@dataclass(frozen=True)
class Axis:
    """Rows with arbitrary labels: b (n, r) of the adapter, w (n, d_in) of the base.

    Axes of one `group` have their labels in common.
    """

    name: str
    kind: Kind
    group: str
    b: Array
    w: Array


def axes_of(modules: Iterable[AdapterModule]) -> list[Axis]:
    """Return the axes that can be compared; a module of another kind has none."""
    listed = list(modules)
    width = _width(listed)
    return [axis for module in listed for axis in _axes(module, width)]


def _axes(module: AdapterModule, width: int) -> Iterator[Axis]:
    n_out, n_in = module.w.shape
    leaf = module.name.lower().rpartition(".")[2]
    if leaf in _VALUES:
        yield _axis(module, "values", module.name, 0, n_out)
    elif leaf in _STACKED:
        if n_out == 3 * n_in:
            yield _axis(module, "values", module.name, 2 * n_in, n_out)
    elif leaf in _QUERIES or _is(module.name, ("query_key_value", "qkv")):
        return
    elif n_out == width and (n_in != width or _writes(module.name, leaf)):
        yield _axis(module, "width", "width", 0, n_out)
    elif n_in == width and n_out > width and _is(module.name, _FEED_FORWARD):
        # Halves that are stacked have the units in common.
        step = n_out // 2 if leaf in _GATE_AND_UP else n_out
        for first in range(0, n_out - step + 1, step):
            yield _axis(module, "units", _parent(module.name), first, first + step)


def _axis(module: AdapterModule, kind: Kind, group: str, first: int, end: int) -> Axis:
    return Axis(module.name, kind, group, module.b[first:end], module.w[first:end])


def _writes(name: str, leaf: str) -> bool:
    return leaf in _WRITERS and _is(name, _ATTENTION)


def _is(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name.lower() for word in words)


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _width(modules: list[AdapterModule]) -> int:
    """Return the size of the residual stream: the commonest one, else the smaller."""
    sizes = Counter(size for module in modules for size in set(module.w.shape))
    return max(sizes, key=lambda size: (sizes[size], -size)) if sizes else 0
