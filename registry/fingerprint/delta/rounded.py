"""Identical, cast or permuted: nothing is left between the two but rounding."""

from __future__ import annotations

from typing import Final

from registry.fingerprint.delta.explanation import Explanation, Item
from registry.fingerprint.delta.measure import Delta

# Undoing permutation, rotation and scales leaves 0.002 where bf16 was stored.
ONLY_DISGUISED: Final = 0.004
MAYBE_DISGUISED: Final = 0.01
# What is NaN or infinite was not compared: nothing is said of the whole.
MAX_LOST: Final = 0.01


def judge(delta: Delta, disguised: bool) -> Explanation | None:
    """Return the word when every difference is as small as rounding, else None."""
    totals = delta.totals
    if totals.n == 0 or totals.n_lost > MAX_LOST * totals.n:
        return None
    if disguised:
        return _disguised(totals.relative)
    if totals.n_changed == 0:
        text = f"All {totals.n} weights that were compared are equal."
        return Explanation(("identical",), items=(_item(text, totals.n),))
    if totals.n_beyond == 0:
        text = (
            f"{totals.n_changed} of {totals.n} weights differ, none by more than "
            f"rounding to the stored type explains."
        )
        return Explanation(("cast",), items=(_item(text, totals.n_changed),))
    return None


def _disguised(relative: float) -> Explanation | None:
    if relative > MAYBE_DISGUISED:
        return None
    text = (
        f"Once the disguise is undone the weights differ by {relative:.2%} of their "
        f"size, about what rounding leaves."
    )
    item = Item("only-rounding-left", relative, text, {"relative_change": relative})
    sure = relative <= ONLY_DISGUISED
    words = ("permuted",) if sure else ("permuted", "fine-tuned")
    return Explanation(words, items=(item,))


def _item(text: str, n: int) -> Item:
    return Item("only-rounding", n, text, {"n_weights": n})
