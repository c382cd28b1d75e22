"""The rules: which words the findings on two models allow, in a fixed order.

Equal values speak first, then units; "false" is said only with stated power.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from registry.fingerprint.comparing import null
from registry.fingerprint.comparing.chance import Chance, UnitTests
from registry.fingerprint.comparing.forms import FormChange, foreign_layers, form_change
from registry.fingerprint.comparing.sharing import cast_direction
from registry.fingerprint.judging.findings import Findings
from registry.fingerprint.thresholds import (
    ASSUMED_RATE,
    LIGHT_CHANGE,
    MIN_EQUAL_ROWS,
    MIN_FREE_SHARE,
    MIN_INNER_SHARE,
    MIN_POWER,
    MIN_REORDERED,
    RELATED_LOG10_P,
    SAME_NORMS,
    SAME_TOKENS,
    SUSPECT_LOG10_P,
)

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
    "All norms agree as in a disguised copy, and no disguise could be undone.",
)
START_OR_DESCENT: Final = OpenQuestion(
    "start-or-descent",
    "The units have a common start; whether also common training, the weights of "
    "both models would tell.",
)
HALF_KEPT: Final = OpenQuestion(
    "half-kept",
    "What training made is kept by less than in a descendant and by more than after "
    "a common random start.",
)
NO_ANCHOR: Final = OpenQuestion(
    "no-anchor",
    "No tokens or positions show how to turn one model into the other, and what no "
    "turn changes is too little to find every copy of such feed-forward blocks.",
)
LITTLE_POWER: Final = OpenQuestion(
    "little-power",
    "Too few units could be compared to see a descent if there were one.",
)


@dataclass(frozen=True)
class Decision:
    """The words, and which statistic carries them: "values", a test, or None."""

    related: bool | None
    relation: str
    relation_set: tuple[str, ...]
    carried_by: str | None
    direction: str | None = None
    why_open: OpenQuestion | None = None


def decide(found: Findings) -> Decision:
    """Return the words for these findings."""
    if found.sharing.all_equal:
        return _equal(found)
    carrier = _carrier(found)
    if carrier:
        return _related(found, carrier)
    open_question = _open_question(found)
    if open_question:
        word = "inconclusive"
        return Decision(None, word, (word,), None, why_open=open_question)
    word = _word_of_strangers(found)
    carried_by = "raw" if word == "common-initialisation" else "units"
    return Decision(False, word, (word,), carried_by)


def power_of(found: Findings) -> float:
    """Return the probability that descent would have been seen (docs/method.md).

    Each unit that is not dead is taken to be found again with ASSUMED_RATE. Zero
    without a test, and where layers were sampled of models of different depth: those
    in common may not be in the sample; and where a disguise could have stayed unfound.
    """
    if found.differ_in_form:
        return 1.0
    test = found.sharpest
    if test is None or not found.covers_all_layers or found.may_hide:
        return 0.0
    k = test.layers[0][3]
    n_layers = max(1, test.n_units // k)
    per_try = RELATED_LOG10_P - math.log10(test.n_tries)
    n_alive = math.floor(k * n_layers * found.alive_share)
    return null.power(k, n_layers, per_try, ASSUMED_RATE, n_alive)


def _equal(found: Findings) -> Decision:
    change = _change_of_form(found, None)
    if change:
        direction = change.direction or _towards_repeats(found)
        return Decision(True, change.word, (change.word,), "values", direction)
    if found.sharing.is_cast:
        direction = cast_direction(found.sharing.pairs)
        return Decision(True, "cast", ("cast",), "values", direction)
    word = "renamed" if found.renamed or found.sharing.regrouped else "identical"
    return Decision(True, word, (word,), "values")


def _towards_repeats(found: Findings) -> str | None:
    """Return the direction to the model that has the other's layers, some twice.

    Of models that hold the same values: a deeper parent would have more than these.
    """
    directions = {(False, True): "a->b", (True, False): "b->a"}
    return directions.get(found.sharing.repeats_layers)


def _carrier(found: Findings) -> str | None:
    """Return which statistic shows descent: "units", "alignment", "values", None."""
    tests = found.tests
    if tests is not None:
        if _is_clear(tests.raw) and found.persistence:
            if found.is_kept:
                return "units"
        elif tests.log10_p <= RELATED_LOG10_P and not _may_be_start(tests):
            return "units"
        elif found.is_aligned and found.is_kept:
            return "alignment"
    if found.sharing.inner_share >= MIN_INNER_SHARE:
        return "values"
    return "values" if found.sharing.n_rows >= MIN_EQUAL_ROWS else None


def _may_be_start(tests: UnitTests) -> bool:
    """Return whether a common random start explains units alike in place.

    A few units may be alike in what no basis changes after one start, too.
    """
    if not (tests.free and _is_clear(tests.raw)):
        return False
    return tests.free.n_hits < MIN_FREE_SHARE * tests.free.n_units


def _related(found: Findings, carrier: str) -> Decision:
    best = found.carrying_test(carrier)
    foreign = foreign_layers(best) if best and carrier == "units" else ()
    if foreign and found.same_form:
        return Decision(True, "merged", ("merged",), carrier)
    change = _change_of_form(found, best)
    if change:
        return Decision(True, change.word, (change.word,), carrier, change.direction)
    sharing = found.sharing
    if sharing.n_reordered >= MIN_REORDERED or sharing.only_reordered:
        return Decision(True, "permuted", ("permuted",), carrier)
    if found.units_b is None and found.params[0] != found.params[1]:
        direction = "a->b" if found.params[1] < found.params[0] else "b->a"
        return Decision(True, "pruned", ("pruned",), carrier, direction)
    words: tuple[str, ...]
    if found.is_partly_kept:
        words = ("merged", "continued-pretraining")
        return Decision(True, words[0], words, carrier)
    explanation = found.look.explanation if found.look else None
    if explanation:
        words = explanation.word_set
        return Decision(True, words[0], words, carrier, explanation.direction)
    effect = best.effect if best else 1.0
    words = TUNED if effect >= LIGHT_CHANGE else TUNED[::-1]
    return Decision(True, words[0], words, carrier)


def _change_of_form(found: Findings, best: Chance | None) -> FormChange | None:
    test = best or (found.tests.best if found.tests else None)
    if found.units_a and found.units_b:
        return form_change(found.units_a, found.units_b, test)
    return None


def _open_question(found: Findings) -> OpenQuestion | None:
    """Return why nothing can be said, or None when "false" may be said."""
    tests, look = found.tests, found.look
    if tests is None and found.differ_in_form:
        return None
    if tests is None:
        text = f"The weights cannot be compared: {found.not_comparable}."
        return OpenQuestion("not-comparable", text)
    if _is_clear(tests.raw) and not found.persistence:
        return START_OR_DESCENT
    if _is_clear(tests.raw) or found.is_aligned:
        return HALF_KEPT if found.is_kept is None else None
    alignment = look.alignment if look else None
    suspects = [tests.raw, tests.free, tests.twice]
    suspects.append(alignment.chance if alignment else None)
    if any(test and test.log10_p <= SUSPECT_LOG10_P for test in suspects):
        return BORDERLINE
    if found.sharing.n_inner:
        return FEW_EQUAL
    if found.norm_gap is not None and found.norm_gap <= SAME_NORMS:
        return EQUAL_NORMS
    if found.may_hide:
        return NO_ANCHOR
    return LITTLE_POWER if power_of(found) < MIN_POWER else None


def _word_of_strangers(found: Findings) -> str:
    if found.is_aligned or (found.tests and _is_clear(found.tests.raw)):
        return "common-initialisation"
    if found.sharing.n_outer or found.token_likeness >= SAME_TOKENS:
        return "embeddings-only"
    return "same-architecture" if found.one_architecture else "unrelated"


def _is_clear(test: Chance | None) -> bool:
    return test is not None and test.log10_p <= RELATED_LOG10_P
