"""Models merged from others, tensor by tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .tensors import Tensors, stored

Values = NDArray[np.float32]


def linear(models: Sequence[Tensors], weights: Sequence[float]) -> Tensors:
    """Return the weighted sum of models."""

    def blend(name: str) -> Values:
        pairs = zip(models, weights, strict=True)
        return sum(weight * model[name].values() for model, weight in pairs)

    return {n: stored(blend(n), t.dtype) for n, t in models[0].items()}


def slerp(a: Tensors, b: Tensors, share: float) -> Tensors:
    """Return the point at `share` of the arc from a to b, for every tensor."""

    def blend(x: Values, y: Values) -> Values:
        norms = np.linalg.norm(x) * np.linalg.norm(y)
        cosine = float(np.clip((x * y).sum() / max(norms, 1e-30), -1, 1))
        angle = np.arccos(cosine)
        if angle < 1e-4:
            return (1 - share) * x + share * y
        left, right = np.sin((1 - share) * angle), np.sin(share * angle)
        return (left * x + right * y) / np.sin(angle)

    return {n: stored(blend(t.values(), b[n].values()), t.dtype) for n, t in a.items()}


def ties(
    base: Tensors, models: Sequence[Tensors], weights: Sequence[float], kept: float
) -> Tensors:
    """Return the base with the models' largest changes of the winning sign."""

    def blend(name: str, start: Values) -> Values:
        deltas = np.stack([_largest(m[name].values() - start, kept) for m in models])
        scale = np.array(weights, np.float32).reshape(-1, *[1] * start.ndim)
        sign = np.sign((scale * deltas).sum(0))
        agree = (np.sign(deltas) == sign) & (deltas != 0)
        total = np.where(agree, scale, 0).sum(0)
        changed = np.where(agree, scale * deltas, 0).sum(0)
        return start + changed / np.where(total == 0, 1, total)

    return {n: stored(blend(n, t.values()), t.dtype) for n, t in base.items()}


def dare(
    base: Tensors,
    models: Sequence[Tensors],
    weights: Sequence[float],
    kept: float,
    seed: int,
) -> Tensors:
    """Return the base with a random share of the models' changes, scaled up."""
    rng = np.random.default_rng(seed)

    def blend(name: str, start: Values) -> Values:
        made = start.copy()
        for model, weight in zip(models, weights, strict=True):
            mask = rng.random(start.shape) < kept
            made += weight / kept * mask * (model[name].values() - start)
        return made

    return {n: stored(blend(n, t.values()), t.dtype) for n, t in base.items()}


def _largest(values: Values, share: float) -> Values:
    limit = np.quantile(np.abs(values), 1 - share)
    return np.where(np.abs(values) >= limit, values, np.float32(0))
