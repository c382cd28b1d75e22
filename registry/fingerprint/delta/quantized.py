"""Quantized and stored back: few levels in every group of one side."""

from __future__ import annotations

from collections import Counter
from typing import Final

from registry.fingerprint.delta.explanation import (
    A_TO_B,
    B_TO_A,
    NAMES,
    Explanation,
    Item,
    Number,
)
from registry.fingerprint.delta.measure import Change, Delta
from registry.fingerprint.delta.steps import Steps

# Quantisers make no turns at all; differences without order make nearly all.
MAX_TURNED: Final = 0.005
MIN_EXPECTED: Final = 20
# Rounding a scaled copy merges 0.01 in groups of 32; int8 merges 0.05.
MIN_MERGED: Final = 0.03
# Where the order is lost (GPTQ), only levels count: most values fall together.
MIN_MERGED_ALONE: Final = 0.5
SMALL_GROUPS: Final = ("128", "64", "32")
# A caller that leaves out rows may cut through groups: not all matrices show steps.
MIN_SHARE: Final = 0.6
# Rounding to the stored type keeps order and merges values too.
MIN_BEYOND: Final = 0.05


def judge(delta: Delta) -> Explanation | None:
    """Return "quantized" when most matrices that differ are, else None."""
    touched = delta.touched
    for direction, side in ((A_TO_B, "b"), (B_TO_A, "a")):
        each = (_evidence(change, side) for change in touched)
        known = [steps for steps in each if steps]
        if known and len(known) >= MIN_SHARE * len(touched):
            item = _item(known, len(touched), direction)
            return Explanation(("quantized",), direction, (item,))
    return None


def _evidence(change: Change, side: str) -> Steps | None:
    """Return the largest group in which this side is quantized, or None."""
    if change.totals.n_beyond < MIN_BEYOND * change.totals.n:
        return None
    steps = [item for item in change.steps if item.side == side]
    ordered = [item for item in steps if _keeps_order(item)]
    # Large groups merge values of a scaled copy too; small ones do not.
    if ordered and _smallest(ordered).merged >= MIN_MERGED:
        return ordered[0]
    small = (item for item in steps if item.group in SMALL_GROUPS)
    return next((item for item in small if item.merged >= MIN_MERGED_ALONE), None)


def _keeps_order(item: Steps) -> bool:
    expected = item.n_expected
    return expected >= MIN_EXPECTED and item.n_turned <= MAX_TURNED * expected


def _smallest(ordered: list[Steps]) -> Steps:
    """Return the smallest group of those that keep order, 16 only if alone."""
    return next((s for s in reversed(ordered) if s.group != "16"), ordered[-1])


def _item(known: list[Steps], n_touched: int, direction: str) -> Item:
    parent, child = NAMES[direction]
    group, _ = Counter(steps.group for steps in known).most_common(1)[0]
    alike = [steps for steps in known if steps.group == group]
    n_turned = sum(steps.n_turned for steps in alike)
    n_expected = sum(steps.n_expected for steps in alike)
    n_levels = max(steps.n_levels for steps in alike)
    text = (
        f"In {len(known)} of the {n_touched} matrices that differ, the {child} "
        f"model's weights are a step function of the {parent}'s, {_place(group)}: "
        f"{n_levels:.0f} levels at most, and {n_turned} neighbours change order where "
        f"differences without order would change {n_expected}."
    )
    numbers: dict[str, Number] = {
        "n_quantized": len(known),
        "n_matrices": n_touched,
        "group": group,
        "n_levels": n_levels,
        "n_turned": n_turned,
        "n_expected": n_expected,
    }
    return Item("step-function", group, text, numbers)


def _place(group: str) -> str:
    if group.isdigit():
        return f"one for each group of {group} weights"
    return f"one for each {group}"
