"""Noised: the difference is white Gaussian noise, as large in every matrix."""

from __future__ import annotations

from statistics import fmean, median, pstdev
from typing import Final

from registry.fingerprint.delta.explanation import Explanation, Item
from registry.fingerprint.delta.measure import Change, Delta

# All on calibration models (docs/method.md): trained differences have edges of
# 1.25 and more and spreads of 1.5 and more; noise was within 0.94-1.02 and 1 +- 0.1.
EDGES: Final = (0.92, 1.06)
MAX_KURTOSIS: Final = 0.2
SPREADS: Final = (0.8, 1.25)
MAX_UNEVEN: Final = 0.05
MIN_MATRICES: Final = 3


def judge(delta: Delta) -> Explanation | None:
    """Return "noised" when the difference has all signs of noise, else None."""
    touched = delta.touched
    if len(touched) < MIN_MATRICES or not _is_white(touched):
        return None
    uneven = min(_unevenness(touched))
    if uneven > MAX_UNEVEN:
        return None
    return Explanation(("noised",), items=(_item(touched, uneven),))


def _is_white(touched: tuple[Change, ...]) -> bool:
    edge, kurtosis, row_spread, column_spread = _medians(touched)
    return (
        EDGES[0] <= edge <= EDGES[1]
        and abs(kurtosis) <= MAX_KURTOSIS
        and all(SPREADS[0] <= s <= SPREADS[1] for s in (row_spread, column_spread))
    )


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
