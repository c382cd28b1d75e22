"""The rules: which words the findings on two sketches allow, in a fixed order.

Hashes speak first, then the unit test; "false" is said only with stated power.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from registry.fingerprint import null
from registry.fingerprint.change import largest_norm_gap, relative_change
from registry.fingerprint.matching import UnitTest
from registry.fingerprint.naming import (
    have_one_architecture,
    rename_by_place,
    rename_by_value,
)
from registry.fingerprint.sharing import Sharing, cast_direction
from registry.fingerprint.sketch import Sketch

RELATED_LOG10_P: Final = -6.0
RELATED_EFFECT: Final = 0.1
# Between these two p-values nothing is said.
SUSPECT_LOG10_P: Final = -2.0
MIN_POWER: Final = 0.99
# Share of units that keep their label: the least seen after three times the
# base's own training was 1.00; a quarter of that is assumed (docs/method.md).
ASSUMED_RATE: Final = 0.25
MIN_INNER_SHARE: Final = 0.01
# Norms of independent models of one shape differ by more somewhere.
SAME_NORMS: Final = 1e-3
# The closest units of independent models reach 0.38 (docs/method.md).
CLOSE_UNITS: Final = 0.55

TUNED: Final = ("fine-tuned", "continued-pretraining")


@dataclass(frozen=True)
class OpenQuestion:
    """Why nothing can be said: a stable code and a sentence."""

    code: str
    text: str


BORDERLINE: Final = OpenQuestion(
    "borderline", "The unit test is neither clear of chance nor within it."
)
FEW_EQUAL: Final = OpenQuestion(
    "few-equal-matrices",
    "A few weight matrices are equal, too few to speak for the model.",
)
EQUAL_NORMS: Final = OpenQuestion(
    "equal-norms",
    "All norms agree as in a permuted copy, which this engine cannot undo.",
)
UNITS_ELSEWHERE: Final = OpenQuestion(
    "units-elsewhere",
    "Units resemble units of other numbers, as if they had been permuted.",
)
LITTLE_POWER: Final = OpenQuestion(
    "little-power",
    "Too few units could be compared to see a descent if there were one.",
)


@dataclass(frozen=True)
class Decision:
    """The words, and which statistic carries them: "values", "units" or None."""

    related: bool | None
    relation: str
    relation_set: tuple[str, ...]
    carried_by: str | None
    direction: str | None = None
    why_open: OpenQuestion | None = None


@dataclass(frozen=True)
class Findings:
    """All that was computed on a pair before any word is chosen."""

    sharing: Sharing
    test: UnitTest | None
    not_comparable: str | None
    one_architecture: bool
    renamed: dict[str, str]
    change: tuple[float, int] | None
    norm_gap: float | None

    @property
    def power(self) -> float:
        """Return the power of the unit test on this pair, 0 without a test."""
        return power_of(self.test) if self.test else 0.0


def find(
    a: Sketch,
    b: Sketch,
    sharing: Sharing,
    test: UnitTest | None,
    *,
    not_comparable: str | None,
) -> Findings:
    """Return the findings: names, change and norms beside hashes and test."""
    shapes_a, shapes_b = a.shapes(), b.shapes()
    if sharing.all_equal or sharing.n_inner:
        equal = {left.name: right.name for left, right in sharing.pairs}
        renamed = rename_by_value(shapes_a, shapes_b, equal)
    else:
        renamed = rename_by_place(shapes_a, shapes_b)
    complete = a.is_complete and b.is_complete
    return Findings(
        sharing=sharing,
        test=test,
        not_comparable=not_comparable,
        one_architecture=complete and have_one_architecture(shapes_a, shapes_b),
        renamed=renamed,
        change=relative_change(a, b, renamed),
        norm_gap=largest_norm_gap(a, b),
    )


def power_of(test: UnitTest) -> float:
    """Return the probability that this test sees a descendant (docs/method.md).

    Each unit is taken to keep its label with ASSUMED_RATE. Zero when layers
    were sampled and depths differ: the common layers may not be in the sample.
    """
    if not test.all_layers:
        return 0.0
    per_try = RELATED_LOG10_P - math.log10(test.n_tries)
    rate = ASSUMED_RATE * test.alive_share
    return null.power(test.n_units, test.n_layers, per_try, rate)


def decide(found: Findings) -> Decision:
    """Return the words for these findings."""
    sharing, test = found.sharing, found.test
    if sharing.all_equal:
        return _equal(found)
    if test and test.log10_p <= RELATED_LOG10_P and test.effect >= RELATED_EFFECT:
        return _descended(test)
    if sharing.inner_share >= MIN_INNER_SHARE:
        return Decision(True, TUNED[0], TUNED, "values")
    open_question = _open_question(found)
    if open_question:
        return _inconclusive(open_question)
    if sharing.n_outer:
        word = "embeddings-only"
    else:
        word = "same-architecture" if found.one_architecture else "unrelated"
    return Decision(False, word, (word,), "units")


def _equal(found: Findings) -> Decision:
    if found.sharing.is_cast:
        direction = cast_direction(found.sharing.pairs)
        return Decision(True, "cast", ("cast",), "values", direction)
    word = "renamed" if found.renamed else "identical"
    return Decision(True, word, (word,), "values")


def _descended(test: UnitTest) -> Decision:
    if not test.same_depth:
        return Decision(True, "depth-changed", ("depth-changed",), "units")
    return Decision(True, TUNED[0], TUNED, "units")


def _open_question(found: Findings) -> OpenQuestion | None:
    """Return why nothing can be said, or None when "false" may be said."""
    test = found.test
    if test is None:
        text = f"The weights cannot be compared: {found.not_comparable}."
        return OpenQuestion("not-comparable", text)
    if test.log10_p <= SUSPECT_LOG10_P:
        return BORDERLINE
    if found.sharing.n_inner:
        return FEW_EQUAL
    if found.norm_gap is not None and found.norm_gap <= SAME_NORMS:
        return EQUAL_NORMS
    if test.closest_other >= CLOSE_UNITS:
        return UNITS_ELSEWHERE
    if found.power < MIN_POWER:
        return LITTLE_POWER
    return None


def _inconclusive(why: OpenQuestion) -> Decision:
    word = "inconclusive"
    return Decision(None, word, (word,), None, why_open=why)
