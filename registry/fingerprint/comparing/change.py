"""How far two models lie apart, from norms and linear sketches; no verdicts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.comparing.sharing import MIN_ELEMENTS, Pair
from registry.fingerprint.reading.places import layer_of, name_pattern
from registry.fingerprint.sketching.moments import folded
from registry.fingerprint.sketching.sketch import Sketch, TensorRecord

Linear = NDArray[np.float64]


def relative_change(
    a: Sketch, b: Sketch, renamed: Mapping[str, str]
) -> tuple[float, int] | None:
    """Return (|A - B| / sqrt(|A| |B|), number of tensors) over matrices alike in form.

    Pairs by name, or by `renamed` patterns. From linear sketches of W numbers: the
    standard error is about sqrt(1 / 2W) for one tensor and falls with the root of
    their number. None without a pair or without a norm.
    """
    apart = size_a = size_b = 0.0
    n = 0
    for left, right in _aligned(a, b, renamed):
        x, y = _same_width(left, right)
        difference = x - y
        apart += float(difference @ difference)
        size_a += left.values.norm**2
        size_b += right.values.norm**2
        n += 1
    size = math.sqrt(size_a) * math.sqrt(size_b)
    return (math.sqrt(apart / size), n) if size > 0 else None


def largest_norm_gap(a: Sketch, b: Sketch) -> float | None:
    """Return the largest relative difference of matrix norms, place by place.

    A permutation or rotation keeps every norm. None when the models do not have
    the same shapes in the same layers or have fewer than eight such matrices.
    """
    left, right = _norms(a), _norms(b)
    if {k: len(v) for k, v in left.items()} != {k: len(v) for k, v in right.items()}:
        return None
    if sum(map(len, left.values())) < 8:
        return None
    return max(
        abs(x - y) / max(x, y, 1e-30)
        for place, norms in left.items()
        for x, y in zip(sorted(norms), sorted(right[place]), strict=True)
    )


def token_likeness(a: Sketch, b: Sketch) -> float:
    """Return the cosine of the largest matrices outside layers; 0 without a pair.

    From linear sketches, so with an error of about sqrt(1 / W).
    """
    left, right = _table(a), _table(b)
    if left is None or right is None or left.shape[1:] != right.shape[1:]:
        return 0.0
    x, y = _same_width(left, right)
    size = left.values.norm * right.values.norm
    return float(x @ y) / size if size > 0 else 0.0


def _table(sketch: Sketch) -> TensorRecord | None:
    outside = [t for t in sketch.tensors if _is_matrix(t) and not layer_of(t.name)]
    return max(outside, key=lambda t: (math.prod(t.shape), t.name), default=None)


def _same_width(a: TensorRecord, b: TensorRecord) -> tuple[Linear, Linear]:
    width = min(len(a.values.linear), len(b.values.linear))
    x, y = (folded(t.values.linear.astype(np.float64), width) for t in (a, b))
    return x, y


def _norms(sketch: Sketch) -> dict[tuple[object, ...], list[float]]:
    found: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for tensor in sketch.tensors:
        if _is_matrix(tensor):
            shape = tuple(sorted(tensor.shape))
            found[(layer_of(tensor.name) or ("", -1))[1], shape].append(
                tensor.values.norm
            )
    return found


def _aligned(a: Sketch, b: Sketch, renamed: Mapping[str, str]) -> Iterator[Pair]:
    others = {tensor.name: tensor for tensor in b.tensors}
    for tensor in a.tensors:
        other = others.get(tensor.name) or others.get(_new_name(tensor.name, renamed))
        if other and _is_matrix(tensor) and other.shape == tensor.shape:
            yield tensor, other


def _new_name(name: str, renamed: Mapping[str, str]) -> str:
    at = layer_of(name)
    new = renamed.get(name_pattern(name), "")
    return new.replace("*", str(at[1]), 1) if at else new


def _is_matrix(tensor: TensorRecord) -> bool:
    large = math.prod(tensor.shape) >= MIN_ELEMENTS
    return tensor.is_float and large and len(tensor.shape) > 1
