"""Findings as sentences that a reader understands, with their numbers beside."""

from __future__ import annotations

from typing import Final

from registry.fingerprint.comparing.chance import Chance
from registry.fingerprint.comparing.forms import FormChange, foreign_layers, form_change
from registry.fingerprint.comparison import Evidence
from registry.fingerprint.judging.decide import Decision, power_of
from registry.fingerprint.judging.findings import Findings
from registry.fingerprint.sketching.sketch import Sketch
from registry.fingerprint.thresholds import ASSUMED_RATE, SAME_TOKENS

CALIBRATED_PARAMS: Final = 6_000_000

LIMIT_SIZE: Final = (
    f"Calibrated on models of up to {CALIBRATED_PARAMS:,} parameters; larger ones "
    "have not been measured."
)
LIMIT_START: Final = (
    "From sketches alone, training from one and the same random start is told from "
    "descent only by units that any basis shows alike."
)
LIMIT_DISGUISE: Final = (
    "From sketches alone, a copy that was permuted or rotated and then trained for "
    "long is not recognised; the weights of both models would show it."
)
LIMIT_DEEP_DISGUISE: Final = (
    "A copy of other depth or width that was permuted or rotated is not recognised."
)
LIMIT_DISTILLED: Final = "Distillation leaves no trace that this comparison reads."
LIMIT_WORDS: Final = (
    "A lone pair does not tell which of the two came first, and fine-tuning from "
    "continued pre-training only by the size of the change."
)
LIMIT_VALUES: Final = "Equal values do not tell which model was first."


def collect_evidence(
    a: Sketch, b: Sketch, found: Findings, decision: Decision
) -> tuple[Evidence, ...]:
    """Return the items, the one that carries the decision first."""
    values, units = _values(found), _units(found)
    first, second = (
        (values, units)
        if decision.carried_by == "values"
        else (
            units,
            values,
        )
    )
    return (
        *_open_question(decision),
        *first,
        *second,
        *_look(found),
        *_explanation(found, decision),
        *_forms(found, decision),
        *_layers(found, decision),
        *_power(found, decision),
        *_casts(found),
        *_renames(found),
        *_change(found),
        *_tokens(found),
        *_sameness(a, b, found),
        *_oddities(a, b),
    )


def collect_limits(
    a: Sketch, b: Sketch, found: Findings, decision: Decision
) -> tuple[str, ...]:
    """Return what this comparison could not see."""
    limits = []
    if decision.carried_by == "values":
        limits += [LIMIT_VALUES] if decision.direction is None else []
    else:
        limits += [LIMIT_SIZE, LIMIT_DISTILLED]
        limits.append(LIMIT_DEEP_DISGUISE if found.look else LIMIT_DISGUISE)
        if not found.look:
            limits.append(LIMIT_START)
    if decision.relation in ("fine-tuned", "continued-pretraining"):
        limits.append(LIMIT_WORDS)
    return tuple(limits + [note for s in (a, b) for note in _unread(s)])


def _open_question(decision: Decision) -> list[Evidence]:
    if decision.why_open is None:
        return []
    return [Evidence("open-question", decision.why_open.code, decision.why_open.text)]


def _values(found: Findings) -> list[Evidence]:
    sharing = found.sharing
    if sharing.all_equal:
        text = f"All {len(sharing.pairs)} weight tensors hold equal values."
        return [Evidence("equal-values", len(sharing.pairs), text)]
    items = []
    if sharing.n_inner:
        share = round(sharing.inner_share, 4)
        text = (
            f"{sharing.n_inner} weight matrices inside layers hold equal values, "
            f"{share:.1%} of the weights there."
        )
        numbers = {"n_equal": sharing.n_inner, "n_matrices": sharing.n_informative}
        items.append(Evidence("shared-values", share, text, numbers))
    if sharing.n_outer:
        n = sharing.n_outer
        text = f"{n} matrices outside the layers, such as embeddings, are equal."
        items.append(Evidence("shared-embeddings", n, text))
    if sharing.n_reordered:
        n = sharing.n_reordered
        text = f"{n} matrices hold the same rows in another order."
        items.append(Evidence("reordered-rows", n, text))
    if sharing.n_rows and not sharing.all_equal:
        text = (
            f"Of {sharing.n_sampled} rows that stand for all, {sharing.n_rows} are in "
            f"both models."
        )
        numbers = {"n_sampled": sharing.n_sampled}
        items.append(Evidence("shared-rows", sharing.n_rows, text, numbers))
    return items


def _units(found: Findings) -> list[Evidence]:
    tests = found.tests
    if tests is None:
        return []
    items = []
    if tests.raw:
        items.append(
            _matched(
                "matched-units",
                tests.raw,
                "sampled feed-forward units resemble the unit of the same number most",
            )
        )
        similar = round(tests.raw.effect, 4)
        alike = f"The median cosine of units with the same number is {similar:.2f}."
        items.append(Evidence("unit-similarity", similar, alike))
    if tests.free:
        items.append(
            _matched(
                "matched-units-free",
                tests.free,
                "units keep their number when matched by what no basis changes",
            )
        )
    items.append(
        _matched(
            "agreeing-units",
            tests.twice,
            "units find the same partner by what they read and by what they write",
        )
    )
    return items


def _matched(kind: str, test: Chance, what: str) -> Evidence:
    numbers = {
        "n_units": test.n_units,
        "n_layers": len(test.layers),
        "n_expected": round(test.n_expected, 1),
        "n_tries": test.n_tries,
        "log10_p": round(test.log10_p, 3),
    }
    text = (
        f"{test.n_hits} of {test.n_units} {what}; chance gives at most about "
        f"{test.n_expected:.0f}."
    )
    return Evidence(kind, test.n_hits, text, numbers)


def _look(found: Findings) -> list[Evidence]:
    look = found.look
    if look is None:
        return []
    items = []
    if look.alignment:
        items.append(
            _matched(
                "aligned-units",
                look.alignment.chance,
                "units agree under a rotation found from other layers",
            )
        )
    kept = found.persistence
    if kept is not None and (look.alignment is None or found.is_aligned):
        leading, whole = round(kept.leading, 4), round(kept.whole, 4)
        text = (
            f"{leading:.0%} of the leading directions, which training makes, is kept, "
            f"and {whole:.0%} of all; after a common random start alone the first is "
            f"far less than the second."
        )
        items.append(
            Evidence(
                "kept-directions",
                leading,
                text,
                {"whole": whole, "spread": round(kept.spread, 4)},
            )
        )
    return items


def _explanation(found: Findings, decision: Decision) -> list[Evidence]:
    explanation = found.look.explanation if found.look else None
    if explanation is None or not decision.related:
        return []
    return [
        Evidence(item.kind, item.value, item.text, dict(item.numbers))
        for item in explanation.items
    ]


def _forms(found: Findings, decision: Decision) -> list[Evidence]:
    change = _form_change(found, decision)
    if change is None:
        return []
    return [Evidence("form", change.word, change.text, dict(change.numbers))]


def _form_change(found: Findings, decision: Decision) -> FormChange | None:
    test = found.carrying_test(decision.carried_by) or _any_test(found)
    if not (decision.related and found.units_a and found.units_b and test):
        return None
    return form_change(found.units_a, found.units_b, test)


def _layers(found: Findings, decision: Decision) -> list[Evidence]:
    """Return which layer of a each layer of b is like, with what share of units."""
    test = found.carrying_test(decision.carried_by) or _any_test(found)
    if test is None or not decision.related:
        return []
    listed = [[i, j, round(hits / max(1, of), 3)] for i, j, hits, of in test.layers]
    foreign = foreign_layers(test) if decision.relation == "merged" else ()
    if foreign:
        text = (
            f"{len(listed) - len(foreign)} layers are the other model's, "
            f"{len(foreign)} come from elsewhere."
        )
    else:
        text = f"{len(listed)} layers were matched one by one."
    return [Evidence("layer-map", len(listed), text, {"layers": listed})]


def _any_test(found: Findings) -> Chance | None:
    return found.tests.raw or found.tests.best if found.tests else None


def _power(found: Findings, decision: Decision) -> list[Evidence]:
    if decision.related is not False:
        return []
    power = round(power_of(found), 6)
    if found.differ_in_form:
        text = (
            "One has gated feed-forward units and the other has not; every change of "
            "weights that was measured keeps that form."
        )
        return [Evidence("other-form", True, text)]
    text = (
        f"Had one been trained from the other, this test would have seen it with "
        f"probability {power:.3f}, taking that only {ASSUMED_RATE:.0%} of units "
        f"still resemble their origin."
    )
    return [Evidence("power", power, text, {"assumed_rate": ASSUMED_RATE})]


def _tokens(found: Findings) -> list[Evidence]:
    likeness = round(found.token_likeness, 4)
    if likeness < SAME_TOKENS or found.sharing.all_equal:
        return []
    text = f"The token embeddings have a cosine of {likeness:.2f}."
    return [Evidence("token-likeness", likeness, text)]


def _casts(found: Findings) -> list[Evidence]:
    if not (found.sharing.all_equal and found.sharing.is_cast):
        return []
    a, b = next(pair for pair in found.sharing.pairs if pair[0].dtype != pair[1].dtype)
    text = f"The values are equal once {a.dtype} and {b.dtype} are rounded alike."
    numbers = {"dtype_a": a.dtype, "dtype_b": b.dtype}
    return [Evidence("cast", f"{a.dtype} {b.dtype}", text, numbers)]


def _renames(found: Findings) -> list[Evidence]:
    n = len(found.new_names)
    if not n:
        return []
    text = f"{n} tensor names differ and stand for one another; names prove nothing."
    return [Evidence("renamed-tensors", n, text)]


def _change(found: Findings) -> list[Evidence]:
    if found.change is None or found.sharing.all_equal:
        return []
    change, n = found.change
    text = f"Over {n} matrices alike in form, the weights differ by {change:.1%}."
    return [Evidence("relative-change", round(change, 4), text, {"n_matrices": n})]


def _sameness(a: Sketch, b: Sketch, found: Findings) -> list[Evidence]:
    items = []
    if found.one_architecture:
        text = "Both have one architecture, which is no evidence of copied weights."
        items.append(Evidence("same-architecture", True, text))
    if a.tokenizer and a.tokenizer == b.tokenizer:
        text = "Both use one tokenizer, which is no evidence of copied weights."
        n = a.tokenizer.n_tokens
        items.append(Evidence("same-tokenizer", True, text, {"n_tokens": n}))
    return items


def _oddities(a: Sketch, b: Sketch) -> list[Evidence]:
    n = a.n_nan + a.n_inf + b.n_nan + b.n_inf
    if not n:
        return []
    text = f"{n} values are NaN or infinite and were left out of the arithmetic."
    numbers = {"n_a": a.n_nan + a.n_inf, "n_b": b.n_nan + b.n_inf}
    return [Evidence("non-finite", n, text, numbers)]


def _unread(sketch: Sketch) -> list[str]:
    notes = []
    n_unread = sketch.n_tensors - len(sketch.tensors)
    if n_unread:
        notes.append(f"{n_unread} smaller tensors are in one digest, not listed.")
    n_other = sum(not tensor.is_float for tensor in sketch.tensors)
    if n_other:
        notes.append(f"{n_other} tensors are not F32, F16 or BF16 and only hashed.")
    if sketch.n_nan + sketch.n_inf:
        notes.append(f"{sketch.n_nan + sketch.n_inf} values are NaN or infinite.")
    if sketch.units and sketch.units.n_not_understood:
        n = sketch.units.n_not_understood
        notes.append(f"{n} layers have no feed-forward part that shapes reveal.")
    return notes
