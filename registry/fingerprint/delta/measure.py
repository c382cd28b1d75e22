"""Everything that is measured on aligned tensors, each pair seen once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from registry.fingerprint.delta.pair import AlignedPair, is_matrix
from registry.fingerprint.delta.scales import Scales, scales
from registry.fingerprint.delta.spectrum import Spectrum, spectrum
from registry.fingerprint.delta.steps import Steps, steps
from registry.fingerprint.delta.totals import Totals, total

# Tables of tokens grow and shrink by how often tokens occur, in ways of their own.
OUTSIDE: Final = ("embedding", "head")


@dataclass(frozen=True)
class Change:
    """What was measured on one pair; the rest only of matrices that differ."""

    role: str
    layer: int | None
    totals: Totals
    spectrum: Spectrum | None = None
    steps: tuple[Steps, ...] = ()
    scales: Scales | None = None


@dataclass(frozen=True)
class Delta:
    """The changes from model a to model b, in the order of the pairs."""

    changes: tuple[Change, ...]

    @property
    def totals(self) -> Totals:
        """Return the sums over all pairs."""
        return sum((change.totals for change in self.changes), Totals())

    @property
    def touched(self) -> tuple[Change, ...]:
        """Return the matrices that differ."""
        return tuple(c for c in self.changes if c.spectrum is not None)

    @property
    def inside(self) -> tuple[Change, ...]:
        """Return the matrices that differ and belong to a layer."""
        inner = (c for c in self.touched if c.layer is not None)
        return tuple(c for c in inner if c.role not in OUTSIDE)

    @property
    def relative(self) -> float:
        """Return the relative change inside layers, or of everything without any."""
        inner = sum((c.totals for c in self.inside), Totals())
        return inner.relative if inner.n else self.totals.relative


def measure(pairs: Iterable[AlignedPair]) -> Delta:
    """Return what is measured on the pairs; needs memory for one at a time."""
    # Weights near the largest number overflow in squares; they are told by totals.
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return Delta(tuple(map(_measure, pairs)))


def _measure(pair: AlignedPair) -> Change:
    totals = total(pair)
    if not (is_matrix(pair) and totals.n_changed):
        return Change(pair.role, pair.layer, totals)
    return Change(
        role=pair.role,
        layer=pair.layer,
        totals=totals,
        spectrum=spectrum(pair),
        steps=steps(pair),
        scales=scales(pair),
    )
