"""All that was computed on a pair before any word is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from registry.fingerprint.comparing.chance import Chance, UnitTests, run_unit_tests
from registry.fingerprint.comparing.change import (
    largest_norm_gap,
    relative_change,
    token_likeness,
)
from registry.fingerprint.comparing.matching import why_not_comparable
from registry.fingerprint.comparing.naming import (
    have_one_architecture,
    rename_by_place,
    rename_by_value,
)
from registry.fingerprint.comparing.persistence import Persistence
from registry.fingerprint.comparing.sharing import Sharing, shared_values
from registry.fingerprint.judging.look import Look
from registry.fingerprint.sketching.sketch import Sketch
from registry.fingerprint.sketching.units import Units, alive_shares
from registry.fingerprint.thresholds import RELATED_LOG10_P


@dataclass(frozen=True)
class Findings:
    """The findings on models a and b; `look` is None without their weights.

    `tests` is None, and `not_comparable` says why, where units cannot be matched.
    `token_likeness` is the cosine of the token tables, 0 where they cannot be
    compared.
    """

    sharing: Sharing
    units_a: Units | None
    units_b: Units | None
    tests: UnitTests | None
    not_comparable: str | None
    one_architecture: bool
    renamed: dict[str, str]
    change: tuple[float, int] | None
    norm_gap: float | None
    token_likeness: float
    params: tuple[int, int]
    look: Look | None = None

    @property
    def new_names(self) -> dict[str, str]:
        """Return what is renamed but for layers that moved: their names are the same.

        Patterns leave out the number of the layer.
        """
        return {name: other for name, other in self.renamed.items() if name != other}

    @property
    def same_form(self) -> bool:
        """Return whether units, layers and experts are as many in both."""
        a, b = self.units_a, self.units_b
        return (
            a is not None
            and b is not None
            and (a.h, a.n_layers, a.n_experts) == (b.h, b.n_layers, b.n_experts)
        )

    @property
    def differ_in_form(self) -> bool:
        """Return whether one has gated units and the other has not.

        No change of weights that is known turns one into the other: every descendant
        that was measured kept the form of its feed-forward units.
        """
        a, b = self.units_a, self.units_b
        return a is not None and b is not None and a.is_gated != b.is_gated

    @property
    def is_aligned(self) -> bool:
        """Return whether a rotation was found that layers which had no part confirm."""
        alignment = self.look.alignment if self.look else None
        return bool(alignment and alignment.chance.log10_p <= RELATED_LOG10_P)

    @property
    def may_hide(self) -> bool:
        """Return whether an alignment failed that would fail on some descendants, too.

        Without rows to start from, copies of models with one gated block a layer were
        found whatever they were trained after; those of other models were not.
        """
        alignment, a = self.look.alignment if self.look else None, self.units_a
        if alignment is None or alignment.is_anchored or self.is_aligned:
            return False
        return a is None or not a.is_gated or a.n_experts > 1

    @property
    def persistence(self) -> Persistence | None:
        """Return how much of a is still in b, None where it was not measured."""
        if self.look is None:
            return None
        if self.look.alignment:
            return self.look.alignment.persistence
        return self.look.persistence

    @property
    def is_kept(self) -> bool | None:
        """Return whether what training made is kept; None if that is not clear.

        Also None where it was not measured.
        """
        kept = self.persistence
        if kept is None:
            return None
        if kept.is_of_child or self.is_partly_kept:
            return True
        return False if kept.is_lost else None

    @property
    def is_partly_kept(self) -> bool:
        """Return whether a is in b whole but for its size, as a merge's parent is.

        Models of different widths cannot be merged; what is alike in them by a share
        is what they started from.
        """
        kept, a, b = self.persistence, self.units_a, self.units_b
        return bool(kept and kept.is_of_merge and a and b and a.h == b.h)

    @property
    def sharpest(self) -> Chance | None:
        """Return the test whose power excludes descent: of the weights, if made."""
        if self.look and self.look.alignment:
            return self.look.alignment.chance
        return self.tests.raw if self.tests else None

    @property
    def covers_all_layers(self) -> bool:
        """Return whether every layer that could correspond was compared."""
        a, b = self.units_a, self.units_b
        if a is None or b is None:
            return False
        if a.n_layers == b.n_layers:
            return True
        return len(a.sampled) == a.n_layers and len(b.sampled) == b.n_layers

    @property
    def alive_share(self) -> float:
        """Return the share of described units that a descendant could have kept."""
        a, b = self.units_a, self.units_b
        if a is None or b is None:
            return 0.0
        one, other = alive_shares(a), alive_shares(b)
        if a.n_layers != b.n_layers:  # any layer may be the one that corresponds
            return float(min(one.min(), other.min()))
        return float(np.minimum(one, other).mean())

    def carrying_test(self, carrier: str | None) -> Chance | None:
        """Return the unit test behind a decision carried by `carrier`, if any.

        A test that no common start explains goes before the raw one.
        """
        if carrier == "alignment" and self.look and self.look.alignment:
            return self.look.alignment.chance
        if self.tests is None or carrier == "values":
            return None
        raw = self.tests.raw
        if raw and carrier == "units" and raw.log10_p <= self.tests.log10_p:
            return raw
        return raw if raw and carrier == "raw" else self.tests.best


def find(a: Sketch, b: Sketch) -> Findings:
    """Return what two sketches show."""
    sharing = shared_values(a, b)
    reason = why_not_comparable(a.units, b.units)
    tests = None
    if a.units and b.units and reason is None and not sharing.all_equal:
        tests = run_unit_tests(a.units, b.units)
    shapes_a, shapes_b = a.shapes(), b.shapes()
    if sharing.all_equal or sharing.n_inner:
        equal = {left.name: right.name for left, right in sharing.pairs}
        renamed = rename_by_value(shapes_a, shapes_b, equal)
    else:
        renamed = rename_by_place(shapes_a, shapes_b)
    complete = a.is_complete and b.is_complete
    return Findings(
        sharing=sharing,
        units_a=a.units,
        units_b=b.units,
        tests=tests,
        not_comparable=reason,
        one_architecture=complete and have_one_architecture(shapes_a, shapes_b),
        renamed=renamed,
        change=relative_change(a, b, renamed),
        norm_gap=largest_norm_gap(a, b),
        token_likeness=token_likeness(a, b),
        params=(a.params, b.params),
    )
