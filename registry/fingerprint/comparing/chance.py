"""From counts of matched units to p-values: three nulls, and the power of the first.

Labels: exact, by the fixed points of a random permutation (`null.py`). Agreement of
two matchings without labels: Poisson, at twice the rate seen between layers that
cannot correspond, never less than twice one in a layer. docs/method.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.comparing import null
from registry.fingerprint.comparing.matching import (
    Matching,
    exchanged,
    likeness,
    match_free,
    match_raw,
    match_twice,
    same_maps,
    share_labels,
)
from registry.fingerprint.sketching.units import Units

# The rate between layers that cannot correspond is estimated and not quite that of
# layers that can: in 568 independent pairs the latter was at most 1.6 times it.
RATE_FACTOR: Final = 2.0


@dataclass(frozen=True)
class Chance:
    """One test: `n_hits` of `n_units`, and how likely chance gives as many.

    `log10_p` is paid for `n_tries` readings and cells. `layers` lists what each
    pair of corresponding layers gave: (layer of a, layer of b, hits, units).
    `effect` is the median cosine of units with one label, or for agreement the
    share of units that agree.
    """

    n_hits: int
    n_units: int
    n_expected: float
    log10_p: float
    n_tries: int
    effect: float
    layers: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True)
class UnitTests:
    """The tests on one pair.

    Without labels that mean the same in both, `free` is None and `raw` counts units
    whose raw reading and writing name one partner; None if vectors differ in length.
    """

    raw: Chance | None
    free: Chance | None
    twice: Chance
    same_depth: bool
    swapped: bool

    @property
    def labelled(self) -> bool:
        """Return whether labels mean the same units in both models."""
        return self.free is not None

    @property
    def log10_p(self) -> float:
        """Return the p-value of descent, paid for the tests that were made."""
        tests = [test for test in (self.free, self.twice) if test]
        return min(0.0, min(t.log10_p for t in tests) + math.log10(len(tests)))

    @property
    def best(self) -> Chance:
        """Return the test with the smaller p-value."""
        if self.free and self.free.log10_p <= self.twice.log10_p:
            return self.free
        return self.twice


def run_unit_tests(a: Units, b: Units) -> UnitTests:
    """Return the tests of two models whose units can be matched.

    Which of two equal-shaped readers is the gate is not known: the reading that makes
    units more alike is taken. Both are paid for, so the bound on chance holds however
    the choice falls.
    """
    other = exchanged(b)
    swapped = other is not b and likeness(a, other) > likeness(a, b)
    tests = _one_reading(a, other if swapped else b, swapped)
    n_readings = 1 if other is b else 2
    raw, free, twice = (
        _paid(t, n_readings) for t in (tests.raw, tests.free, tests.twice)
    )
    assert twice is not None
    return UnitTests(raw, free, twice, tests.same_depth, swapped)


def _one_reading(a: Units, b: Units, swapped: bool) -> UnitTests:
    same_depth = a.n_layers == b.n_layers
    shape = (len(a.sampled), len(b.sampled))
    cells = np.eye(shape[0], dtype=bool) if same_depth else np.ones(shape, bool)
    twice = _of_agreement(a, b, match_twice(*same_maps(a, b), same_depth))
    raw = free = None
    if share_labels(a, b):
        raw = _of_labels(a, b, match_raw(a, b, cells), cells)
        free = _of_labels(a, b, match_free(a, b, cells), cells)
    elif a.d == b.d:
        raw = _of_agreement(a, b, match_twice(a.raw, b.raw, same_depth))
    return UnitTests(raw, free, twice, same_depth, swapped)


def _of_labels(a: Units, b: Units, found: Matching, cells: NDArray[np.bool_]) -> Chance:
    """Of equal depth add the layers up; else take the best cell and pay for all."""
    chosen = cells if a.n_layers == b.n_layers else _best_cell(found.counts)
    n_layers = int(chosen.sum())
    n_hits = int(found.counts[chosen].sum())
    n_tries = 1 if chosen is cells else cells.size
    log10_p = null.log10_tail(found.n_units, n_layers, n_hits) + math.log10(n_tries)
    cosines = found.cosines[chosen]
    known = cosines[~np.isnan(cosines)]
    return Chance(
        n_hits=n_hits,
        n_units=found.n_units * n_layers,
        n_expected=float(n_layers),
        log10_p=min(0.0, log10_p),
        n_tries=n_tries,
        effect=float(np.median(known)) if known.size else 0.0,
        layers=_layers(a, b, found, cells),
    )


def _of_agreement(a: Units, b: Units, found: Matching) -> Chance:
    same_depth = a.n_layers == b.n_layers
    counts, control = found.counts, found.control
    rate = RATE_FACTOR * max(1.0, float(control.mean()) if control.size else 1.0)
    cells = _diagonal(counts) if same_depth else _best_cell(counts)
    n_layers, n_hits = int(cells.sum()), int(counts[cells].sum())
    n_tries = 1 if same_depth else counts.size
    log10_p = null.log10_poisson_tail(rate * n_layers, n_hits) + math.log10(n_tries)
    n_units = found.n_units * n_layers
    return Chance(
        n_hits=n_hits,
        n_units=n_units,
        n_expected=rate * n_layers,
        log10_p=min(0.0, log10_p),
        n_tries=n_tries,
        effect=n_hits / max(1, n_units),
        layers=_layers(a, b, found, cells if same_depth else counts >= 0),
    )


def _diagonal(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(np.eye(*counts.shape) > 0)


def _best_cell(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    cells = np.zeros(counts.shape, bool)
    cells[np.unravel_index(int(counts.argmax()), counts.shape)] = True
    return cells


def _layers(
    a: Units, b: Units, found: Matching, cells: NDArray[np.bool_]
) -> tuple[tuple[int, int, int, int], ...]:
    """Return for each layer of b the layer of a (among `cells`) most like it."""
    listed = []
    for j in range(cells.shape[1]):
        column = np.where(cells[:, j], found.counts[:, j], -1)
        i = int(column.argmax())
        listed.append((a.sampled[i], b.sampled[j], int(column[i]), found.n_units))
    return tuple(listed)


def _paid(test: Chance | None, n_readings: int) -> Chance | None:
    if test is None:
        return None
    changes = {
        "n_tries": test.n_tries * n_readings,
        "log10_p": min(0.0, test.log10_p + math.log10(n_readings)),
    }
    return Chance(**{**vars(test), **changes})
