"""Is a model a merge of others, and in which shares?

A merge is met, but for rounding, by weights of at least two models; a child, a
sibling or a link of a chain keeps about half of its squared distance to the
nearest single model or more (docs/method.md). Task arithmetic is a merge of what
was learnt since a base that is among the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.kin import nonnegative, pairs
from registry.fingerprint.kin.geometry import Points, around, cosines, outward

MAX_OTHERS: Final = 400
MAX_PARENTS: Final = 8
# The share of the squared distance to the best single model that weights must
# explain: of the others the most was .52, as much as their geometry lets them.
MIN_GAIN: Final = 0.75
# What may be left, as a multiple of what rounding leaves: several roundings.
MAX_LEFT: Final = 10.0
# The same for a merge that was quantized or cast; and what it must explain.
MAX_LEFT_COARSE: Final = 60.0
MIN_GAIN_COARSE: Final = 0.99
# A parent with a smaller share is not told from what happens to point its way.
MIN_SHARE: Final = 0.04
# A target this close to one model is its copy.
_COPY: Final = 3.0
# A further parent must explain this share of what was left.
_MIN_STEP: Final = 0.25
# Fits are equally good up to this factor: then the one with fewer parents counts.
_AS_GOOD: Final = 1.5
# What two children learnt since their base has at most this cosine; with a larger
# one the base is named as a parent, with the share that the others leave.
_RIGHT: Final = 0.4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MergePart:
    """One parent of a merge; the weights of all parts sum to 1."""

    id: str
    weight: float


@dataclass(frozen=True)
class _Fit:
    """Weights of some of the points, and the squared distance left.

    Weights sum to 1, but for SLERP; only the base of task arithmetic, which is
    the last member then, may have a negative one.
    """

    members: tuple[int, ...]
    weights: Array
    left: float


def merge_of(
    target: Array,
    others: Mapping[str, Array],
    squares: Mapping[str, float] | None = None,
) -> tuple[MergePart, ...]:
    """Return the parents of `target` (m,) and their weights; () when not a merge.

    `others` are vectors (m,) of models of one structure by id; those that are
    not finite are ignored, as are all but the MAX_OTHERS nearest. `squares` are
    their exact squared norms, which tell the base of small steps.
    """
    points = around(target, others, MAX_OTHERS)
    if points is None or len(points.ids) < 2:
        return ()
    alone = _best_alone(points)
    if alone <= _COPY * points.floor:
        return ()
    good = [fit for fit in _fits(points) if _explains(points, fit, alone)]
    if not good:
        return ()
    enough = _AS_GOOD * min(fit.left for fit in good) + points.floor
    simplest = min(
        (fit for fit in good if fit.left <= enough),
        key=lambda fit: (len(fit.members), fit.left),
    )
    return _parts(points, _without_base(points, simplest, squares))


def _fits(points: Points) -> Iterator[_Fit]:
    pair = pairs.mean(points)
    yield _extended(points.gram, _Fit(pair.members, pair.weights, pair.left))
    arc = pairs.arc(points)
    if arc is not None:
        yield _Fit(arc.members, arc.weights, arc.left)
    for base in range(len(points.ids)):
        fit = _task_fit(points, base)
        if fit is not None:
            yield fit


def _best_alone(points: Points) -> float:
    """Return the least squared distance to a multiple of one model."""
    models = points.apart + points.target
    products = np.maximum(models @ points.target, 0.0)
    squares = np.einsum("ij,ij->i", models, models)
    explained = np.divide(products**2, squares, where=squares > 0, out=0 * squares)
    return max(float(points.target @ points.target - explained.max()), 0.0)


def _explains(points: Points, fit: _Fit, alone: float) -> bool:
    if len(fit.members) < 2:
        return False
    left, gain = fit.left / points.floor, 1 - fit.left / alone
    if left <= MAX_LEFT:
        return gain >= MIN_GAIN
    return left <= MAX_LEFT_COARSE and gain >= MIN_GAIN_COARSE


def _extended(gram: Array, fit: _Fit) -> _Fit:
    """Return the fit with more members while each explains much of what is left.

    Weights are not negative and sum to 1: a mean of points near the origin.
    """
    while len(fit.members) < MAX_PARENTS:
        further = _with_one_more(gram, fit)
        if further is None or further.left >= (1 - _MIN_STEP) * fit.left:
            break
        fit = further
    return fit


def _with_one_more(gram: Array, fit: _Fit) -> _Fit | None:
    members = list(fit.members)
    left = max(fit.left, 0.0)
    across = gram[:, members] @ fit.weights  # inner products with what is left
    lengths = np.diagonal(gram) - 2 * across + left
    toward = np.maximum(left - across, 0.0)
    gains = np.divide(toward**2, lengths, where=lengths > 0, out=0 * lengths)
    gains[members] = 0.0
    if not gains.max() > 0:
        return None
    return _mean_of(gram, (*members, int(gains.argmax())))


def _mean_of(gram: Array, members: tuple[int, ...]) -> _Fit | None:
    """Return the mean of the members that is nearest to the origin."""
    inner = gram[np.ix_(members, members)]
    scale = float(np.trace(inner)) / len(members)
    # The penalty on the sum only rescales the weights: the optimum has one slope.
    weights = nonnegative.solve(inner + scale, np.full(len(members), scale))
    if not weights.sum() > 0:
        return None
    weights = weights / weights.sum()
    kept = weights >= MIN_SHARE
    if not kept.all():
        smaller = tuple(np.array(members)[kept].tolist())
        return _mean_of(gram, smaller) if smaller else None
    return _Fit(members, weights, float(weights @ inner @ weights))


def _task_fit(points: Points, base: int) -> _Fit | None:
    """Return the target as the base plus shares of what others learnt since."""
    to_base = points.gram[base]
    square = float(to_base[base])
    gram = points.gram - to_base - to_base[:, None] + square
    products = square - to_base
    start = pairs.sum_of_two(gram, products, square)
    if start is None:
        return None
    fit = _Fit(start.members, start.weights, start.left)
    while len(fit.members) < MAX_PARENTS:
        further = _sum_with_one_more(gram, products, square, fit)
        if further is None or further.left >= (1 - _MIN_STEP) * fit.left:
            break
        fit = further
    return _with_base(fit, base)


def _with_base(fit: _Fit, base: int) -> _Fit | None:
    """Return the fit with the base's weight, unless one is too small to count."""
    rest = 1 - float(fit.weights.sum())
    if fit.weights.min() < MIN_SHARE:
        return None
    if abs(rest) < MIN_SHARE:
        return fit
    return _Fit((*fit.members, base), np.array([*fit.weights, rest]), fit.left)


def _sum_with_one_more(
    gram: Array, products: Array, square: float, fit: _Fit
) -> _Fit | None:
    members = list(fit.members)
    toward = np.maximum(products - gram[:, members] @ fit.weights, 0.0)
    squares = np.diagonal(gram)
    gains = np.divide(toward**2, squares, where=squares > 0, out=0 * squares)
    gains[members] = 0.0
    if not gains.max() > 0:
        return None
    chosen = np.array([*members, int(gains.argmax())])
    weights = nonnegative.solve(gram[np.ix_(chosen, chosen)], products[chosen])
    kept = weights > MIN_SHARE * weights.sum()
    return _sum_of(gram, products, square, chosen[kept], weights[kept])


def _sum_of(
    gram: Array, products: Array, square: float, chosen: Array, weights: Array
) -> _Fit | None:
    if len(chosen) < 2:
        return None
    inner = gram[np.ix_(chosen, chosen)]
    left = square - 2 * weights @ products[chosen] + weights @ inner @ weights
    return _Fit(tuple(chosen.tolist()), weights, max(float(left), 0.0))


def _without_base(
    points: Points, fit: _Fit, squares: Mapping[str, float] | None
) -> _Fit:
    """Drop the member that all others descend from: its share is what they left."""
    negative = fit.weights < 0
    if negative.any():
        return _without(fit, int(negative.argmax()))
    if len(fit.members) < 3:
        return fit
    models, among = points.apart + points.target, points.among()
    steps, unclear = outward(points.ids, models, among, squares)
    for at in range(len(fit.members)):
        base, rest = fit.members[at], np.delete(np.array(fit.members), at)
        down = steps[base, rest] & ~steps[rest, base]
        # A sibling with a small step of its own sees the others as their base does.
        child = unclear[:, base] | (steps[:, base] & ~steps[base])
        child[list(fit.members)] = False
        if down.all() and not child.any() and _is_right(among, base, rest):
            return _without(fit, at)
    return fit


def _is_right(among: Array, base: int, rest: NDArray[np.intp]) -> bool:
    """Tell whether a model sees all the others at about right angles."""
    to_base = among[base, rest]
    seen = cosines(to_base[:, None], to_base, among[np.ix_(rest, rest)])
    return bool(np.abs(seen[~np.eye(len(rest), dtype=bool)]).max() <= _RIGHT)


def _without(fit: _Fit, dropped: int) -> _Fit:
    members = tuple(np.delete(fit.members, dropped).tolist())
    return replace(fit, members=members, weights=np.delete(fit.weights, dropped))


def _parts(points: Points, fit: _Fit) -> tuple[MergePart, ...]:
    shares = fit.weights / fit.weights.sum()
    found = [
        MergePart(points.ids[i], round(float(share), 4))
        for i, share in zip(fit.members, shares, strict=True)
    ]
    return tuple(sorted(found, key=lambda part: (-part.weight, part.id)))
