"""How much of one model is still in another, unit by unit: what training made, or all.

This tells a descendant from a model that only had the same random start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from registry.fingerprint.anatomy.parts import Vectors
from registry.fingerprint.thresholds import (
    EVEN_SPREAD,
    KEPT_RATIO,
    KEPT_RATIO_OF_LITTLE,
    LEAST_KEPT,
    MOST_KEPT,
    MOST_KEPT_TURNED,
    NOT_KEPT_RATIO,
)

_LEADING: Final = 4
# A direction this much smaller than the first is rounding's.
_NEGLIGIBLE: Final = 1e-4
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Persistence:
    """How much of a is still in b: of its leading directions, and of all of it.

    Training makes the leading singular directions; a common random start has no
    part in them. `leading` is the mean of u'Bv / s over the strongest directions
    of a's matrices, `whole` that of <A, B> / <A, A>: both are 1 for a child and
    a merge's share for a parent, and only `whole` is large after a common start.
    `spread` is the relative standard deviation of `whole` over the matrices: a
    merge takes the same share of each. Where units and rotation were looked for
    (`is_turned`), those that fit best were found, so that more has to be kept.
    """

    leading: float
    whole: float
    spread: float = 0.0
    is_turned: bool = False

    @property
    def ratio(self) -> float:
        """Return the leading part beside the whole, 0 where nothing is kept."""
        return self.leading / self.whole if self.whole > 0 else 0.0

    @property
    def is_of_child(self) -> bool:
        """Return whether nearly all is kept, the leading directions with the rest."""
        least = MOST_KEPT_TURNED if self.is_turned else MOST_KEPT
        return self.whole >= least and self.ratio >= KEPT_RATIO

    @property
    def is_of_merge(self) -> bool:
        """Return whether every matrix keeps one share of all that a was."""
        if self.is_turned:  # a common start may look so
            return False
        is_even = self.spread <= EVEN_SPREAD and self.ratio >= KEPT_RATIO_OF_LITTLE
        return is_even and LEAST_KEPT <= self.whole < MOST_KEPT

    @property
    def is_lost(self) -> bool:
        """Return whether much is alike, and the leading directions are not."""
        return self.whole >= LEAST_KEPT and self.ratio < NOT_KEPT_RATIO


def persistence_either_way(a: Vectors, b: Vectors) -> Persistence:
    """Return what of one is kept in the other, for the better of both ways.

    Only the child keeps what its parent had, and which is which is not known.
    """
    return better(persistence(a, b), persistence(b, a))


def better(*ways: Persistence) -> Persistence:
    """Return the one of two ways of looking that speaks more for descent."""
    return max(ways, key=lambda kept: (kept.is_of_child, kept.ratio))


def persistence(
    a: Vectors | Sequence[Vectors], b: Vectors | Sequence[Vectors]
) -> Persistence:
    """Return what of a is kept in b: of each layer (K, roles, d), units one by one."""
    leading, whole = [], []
    for one, other in zip(a, b, strict=True):
        for role in range(one.shape[1] if len(one) else 0):
            left, right = one[:, role].astype(np.float64), other[:, role]
            u, s, vt = np.linalg.svd(left, full_matrices=False)
            n = int((s[:_LEADING] > _NEGLIGIBLE * max(s[0], _TINY)).sum())
            if n:  # of nothing, nothing can be kept
                kept = np.einsum("ik,ij,kj->k", u[:, :n], right, vt[:n])
                leading.extend(kept / s[:n])
                whole.append(np.vdot(left, right) / float(s @ s))
    mean = float(np.mean(whole or [0.0]))
    spread = float(np.std(whole or [0.0])) / max(abs(mean), _TINY)
    return Persistence(float(np.mean(leading or [0.0])), mean, spread)
