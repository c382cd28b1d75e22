"""Noised: the difference is white Gaussian noise, as large in every matrix."""

from __future__ import annotations

from statistics import fmean, median, pstdev
from typing import Final

from registry.fingerprint.delta.explanation import Explanation, Item
from registry.fingerprint.delta.measure import Change, Delta

# Calibration models: noise had edges of 0.95-1.03 and spreads of 0.9-1.2, trained
# differences edges of 1.25 and more, and sizes uneven by 0.12 and more.
EDGES: Final = (0.92, 1.06)
MAX_KURTOSIS: Final = 0.2
SPREADS: Final = (0.8, 1.25)
MAX_UNEVEN: Final = 0.05
MIN_MATRICES: Final = 3
# Where rounding is as large as the noise it hides the shape of single elements.
FAINT: Final = 0.005


def judge(delta: Delta) -> Explanation | None:
    """Return "noised" when the difference has all signs of noise, else None.

    With "fine-tuned" where the noise is so faint that rounding hides some signs.
    """
    touched = delta.touched
    if len(touched) < MIN_MATRICES:
        return None
    uneven = min(_unevenness(touched))
    edge, *others = _medians(touched)
    if uneven > MAX_UNEVEN or not EDGES[0] <= edge <= EDGES[1]:
        return None
    items = (_item(touched, uneven),)
    if _is_gaussian(*others):
        return Explanation(("noised",), items=items)
    if delta.totals.relative <= FAINT:
        return Explanation(("noised", "fine-tuned"), items=items)
    return None


def _is_gaussian(kurtosis: float, row_spread: float, column_spread: float) -> bool:
    spreads = (row_spread, column_spread)
    even = all(SPREADS[0] <= spread <= SPREADS[1] for spread in spreads)
    return abs(kurtosis) <= MAX_KURTOSIS and even


def _medians(touched: tuple[Change, ...]) -> tuple[float, float, float, float]:
    shapes = [change.spectrum for change in touched if change.spectrum]
    return (
        median(shape.edge for shape in shapes),
        median(shape.kurtosis for shape in shapes),
        median(shape.row_spread for shape in shapes),
        median(shape.column_spread for shape in shapes),
    )


def _unevenness(touched: tuple[Change, ...]) -> tuple[float, float]:
    """Return how uneven relative sizes and absolute sizes of the changes are."""
    relative = [change.totals.relative for change in touched]
    absolute = [(c.totals.difference / c.totals.n) ** 0.5 for c in touched]
    return pstdev(relative) / fmean(relative), pstdev(absolute) / fmean(absolute)


def _item(touched: tuple[Change, ...], uneven: float) -> Item:
    edge, kurtosis, _, _ = _medians(touched)
    size = fmean(change.totals.relative for change in touched)
    text = (
        f"In all {len(touched)} matrices that differ, the difference is {size:.2%} of "
        f"the weights and looks like white Gaussian noise: its largest singular value "
        f"is {edge:.2f} times that of noise, its excess kurtosis {kurtosis:.2f}, and "
        f"its size varies by {uneven:.1%} between matrices."
    )
    numbers = {
        "n_matrices": len(touched),
        "relative_change": round(size, 5),
        "edge": round(edge, 3),
        "kurtosis": round(kurtosis, 3),
        "uneven": round(uneven, 4),
    }
    return Item("white-noise", round(edge, 3), text, numbers)
