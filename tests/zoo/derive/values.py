"""Values changed one by one: casts, grids, noise, zeros."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .layout import inside_layers
from .tensors import Tensors, stored

Values = NDArray[np.float32]


def cast(tensors: Tensors, dtype: str) -> Tensors:
    """Return all tensors rounded to `dtype`."""
    return {name: stored(t.values(), dtype) for name, t in tensors.items()}


def change(tensors: Tensors, edit: Callable[[str, Values], Values]) -> Tensors:
    """Return the tensors with edit(name, values) applied, types kept."""
    return {n: stored(edit(n, t.values()), t.dtype) for n, t in tensors.items()}


def change_matrices(tensors: Tensors, edit: Callable[[Values], Values]) -> Tensors:
    """Return the tensors with every matrix inside a layer edited."""

    def at(name: str, values: Values) -> Values:
        return edit(values) if values.ndim == 2 and inside_layers(name) else values

    return change(tensors, at)


def quantize_int8(tensors: Tensors) -> Tensors:
    """Return matrices rounded to 255 levels a row, and restored."""
    return change_matrices(tensors, lambda w: _on_grid(w, w.shape[1], 127))


def quantize_int4(tensors: Tensors, group: int) -> Tensors:
    """Return matrices rounded to 15 levels a group of a row, and restored."""
    return change_matrices(tensors, lambda w: _on_grid(w, group, 7))


def add_noise(tensors: Tensors, size: float, seed: int) -> Tensors:
    """Return every tensor with Gaussian noise of one size relative to its own."""
    rng = np.random.default_rng(seed)

    def noisy(name: str, values: Values) -> Values:
        scale = size * np.sqrt(np.mean(np.square(values)))
        return values + scale * rng.standard_normal(values.shape, np.float32)

    return change(tensors, noisy)


def prune_smallest(tensors: Tensors, share: float) -> Tensors:
    """Return matrices with the smallest `share` of their values set to zero."""

    def prune(values: Values) -> Values:
        limit = np.quantile(np.abs(values), share)
        return np.where(np.abs(values) < limit, np.float32(0), values)

    return change_matrices(tensors, prune)


def _on_grid(values: Values, group: int, levels: int) -> Values:
    grouped = values.reshape(-1, group)
    step = np.abs(grouped).max(1, keepdims=True) / levels
    step[step == 0] = 1
    return (np.round(grouped / step) * step).reshape(values.shape)
