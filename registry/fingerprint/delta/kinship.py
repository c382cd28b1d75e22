"""Parent and child, or siblings: on which side of the two the change lies.

If a is the parent, b = a + e and the change e has nothing to do with a: the change
is part of b alone. If both come from an unseen ancestor p, a = p + e1 and
b = p + e2, then b - a = e2 - e1 holds a part -e1 of a too, and the share
-<b - a, a> / |b - a|^2 = |e1|^2 / (|e1|^2 + |e2|^2) of the change lies on a's side.

Weight decay and growth add to that product what is no change of direction. They act
along a's own leading directions, where a is much larger than the change: so the share
is taken pair by pair of singular vectors of b - a, and bounded in each. A second
estimate lets everything grow or shrink by one factor; siblings need both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from registry.fingerprint.delta import training
from registry.fingerprint.delta.explanation import Explanation, Item
from registry.fingerprint.delta.measure import Delta
from registry.fingerprint.delta.spectrum import Spectrum

# One direction's share lies between 0 and 1 but for chance and for growth.
BOUNDS: Final = (-1.0, 2.0)
NEGLIGIBLE: Final = 1e-3
# How far inside 0 and 1 both shares must lie for "siblings" alone: this, over the
# relative change, and never less than the second number. Trained parents and children
# reached 0.71 of it (with ordinary weight decay; five times as much stays below too).
STRAY: Final = 0.06
LEAST_STRAY: Final = 0.15
# In parts of that: for "siblings" as the better word, and as the other one.
LIKELIER: Final = 0.85
POSSIBLE: Final = 0.4
# Below this change a share says nothing, and it is small for continued training.
MIN_CHANGE: Final = 0.06


def judge(delta: Delta, disguised: bool) -> Explanation:
    """Return siblings, words of further training, or one of each.

    Undoing a disguise makes vectors equally long, which puts half of every change on
    either side: then only the words of training are left.
    """
    words = training.words(delta)
    share = share_of_a(delta)
    if disguised or share is None:
        return Explanation(words)
    if delta.relative < MIN_CHANGE:
        return Explanation((words[0], "siblings"), items=(_unclear(share, delta),))
    grown = _share_with_growth(delta)
    inside = min(share, 1 - share, grown, 1 - grown)
    inside /= max(LEAST_STRAY, STRAY / delta.relative)
    if inside >= 1:
        words = ("siblings",)
    elif inside >= LIKELIER:
        words = ("siblings", words[0])
    elif inside >= POSSIBLE:
        words = (words[0], "siblings")
    return Explanation(words, items=(side_of_change(share, grown),))


def share_of_a(delta: Delta) -> float | None:
    """Return the share of the change that lies on a's side, or None if unknown.

    Over matrices inside layers, each counted by the energy of its change.
    """
    on_a = energy = 0.0
    for shape in _shapes(delta):
        values = shape.values.astype(np.float64)
        squares = np.square(values)
        shares = np.clip(-shape.along_a / np.maximum(values, 1e-30), *BOUNDS)
        on_a += float(shares @ squares)
        energy += float(squares.sum())
    return on_a / energy if energy > 0 else None


def side_of_change(share: float, grown: float | None = None) -> Item:
    """Return the item that tells on which side the change lies."""
    on_a = round(min(max(share, 0.0), 1.0), 3)
    text = (
        f"Of what separates the two, {on_a:.0%} lies on the side of the first model "
        f"and {1 - on_a:.0%} on that of the second: a parent has next to none on its "
        f"side, siblings that moved equally far have half each."
    )
    numbers = {"share_a": on_a, "raw": round(share, 3)}
    if grown is not None:
        numbers["with_growth"] = round(grown, 3)
    return Item("side-of-change", on_a, text, numbers)


def _share_with_growth(delta: Delta) -> float:
    """Return the share when all weights may also have grown by one factor.

    Along u_k and v_k, b has 2 s_k u_k' A v_k + s_k^2 more energy than a. Least squares
    make of it a part of the energy of both, the growth, and a part r of s_k^2: all of
    it (r = 1) when the change is b's alone, none when both changed alike.
    """
    normal, wanted = np.zeros((2, 2)), np.zeros(2)
    for shape in _shapes(delta):
        values = shape.values.astype(np.float64)
        known = values > NEGLIGIBLE * values[0]
        squares = np.square(values[known])
        gained = 2 * values[known] * shape.along_a[known] + squares
        both = 2 * (shape.energy_a[known] + gained)
        weights = 1 / np.maximum(squares * both, 1e-30)
        x = np.stack([both, squares])
        normal += (x * weights) @ x.T
        wanted += x @ (weights * gained)
    _, part = np.linalg.lstsq(normal, wanted, rcond=None)[0]
    return float((1 - part) / 2)


def _shapes(delta: Delta) -> Iterator[Spectrum]:
    for change in delta.inside:
        if change.spectrum is not None:
            yield change.spectrum


def _unclear(share: float, delta: Delta) -> Item:
    change = round(delta.relative, 5)
    text = (
        f"A change of {change:.2%} is too small to tell a parent and its child from "
        f"two children of one parent."
    )
    numbers = {"relative_change": change, "raw": round(share, 3)}
    return Item("small-change", change, text, numbers)
