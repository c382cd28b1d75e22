"""Which matrix of a base an adapter's module belongs to; names are no evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, ...]

_HALF: Final = re.compile(r"^(?P<module>.+)\.lora_(?P<half>[AB])(?:\.[^.]+)?\.weight$")
_WRAPPERS: Final = ("base_model.model.", "base_model.")
_LAYER: Final = re.compile(r"(?<![^.])(\d{1,9})(?![^.])")


def halves(names: Mapping[str, Shape]) -> dict[str, tuple[str, str]]:
    """Return module path -> (name of lora_A, name of lora_B), for whole pairs only."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        match = _HALF.match(name)
        if match and len(names[name]) == 2:
            found.setdefault(_unwrapped(match["module"]), {})[match["half"]] = name
    return {
        module: (pair["A"], pair["B"])
        for module, pair in sorted(found.items())
        if len(pair) == 2 and names[pair["A"]][0] == names[pair["B"]][1]
    }


def place(modules: Mapping[str, Shape], base: Mapping[str, Shape]) -> dict[str, str]:
    """Return module path -> name of the base's matrix at its place.

    `modules` maps paths to (d_out, d_in). A matrix has that name, or ends or
    begins differently (`model.`), or is the only one of its layer and shape;
    Conv1D keeps (d_in, d_out). Modules without a place are left out.
    """
    placed = {}
    for module, shape in modules.items():
        named = [name for name in base if _is_named(name, module)]
        fitting = [name for name in named if _fits(base[name], shape)]
        if len(fitting) != 1 and not named:
            fitting = _alike(module, shape, base)
        if len(fitting) == 1:
            placed[module] = fitting[0]
    return placed


def oriented(w: Array, shape: Shape, transposed: bool) -> Array:
    """Return w as (d_out, d_in) of `shape`; `transposed` says that it is stored so.

    Only a square needs to be told (fan_in_fan_out in adapter_config.json).
    """
    turn = transposed if shape[0] == shape[1] else w.shape != shape
    return w.T if turn else w


def why_not_comparable(
    modules: Mapping[str, Shape], base: Mapping[str, Shape], placed: Mapping[str, str]
) -> str | None:
    """Return a sentence when the base has no place for most modules, else None."""
    if not modules:
        return "The adapter holds no pair of LoRA matrices."
    if 2 * len(placed) > len(modules):
        return None
    module = next(name for name in modules if name not in placed)
    shape = "x".join(str(size) for size in modules[module])
    named = [base[name] for name in base if _is_named(name, module)]
    if named:
        other = "x".join(str(size) for size in named[0])
        return f"The base has {other} where the adapter changes {shape} ({module!a})."
    return f"The base has no matrix {shape} where the adapter changes one ({module!a})."


def _unwrapped(module: str) -> str:
    for wrapper in _WRAPPERS:
        if module.startswith(wrapper):
            return module.removeprefix(wrapper)
    return module


def _is_named(name: str, module: str) -> bool:
    plain = name.removesuffix(".weight")
    return (
        plain == module or plain.endswith("." + module) or module.endswith("." + plain)
    )


def _fits(found: Shape, shape: Shape) -> bool:
    return found in (shape, shape[::-1])


def _alike(module: str, shape: Shape, base: Mapping[str, Shape]) -> list[str]:
    layer = _LAYER.search(module)
    if layer is None:
        return []

    def is_there(name: str) -> bool:
        at = _LAYER.search(name)
        return at is not None and at[1] == layer[1] and _fits(base[name], shape)

    return [name for name in base if is_there(name)]
