"""Findings as sentences that a reader understands, with their numbers beside."""

from __future__ import annotations

from typing import Final

from registry.fingerprint.comparison import Evidence
from registry.fingerprint.decide import ASSUMED_RATE, Decision, Findings
from registry.fingerprint.sketch import Sketch

CALIBRATED_PARAMS: Final = 232_832

LIMIT_SIZE: Final = (
    f"Calibrated on models of up to {CALIBRATED_PARAMS:,} parameters; larger ones "
    "have not been measured."
)
LIMIT_START: Final = (
    "Models trained apart from one and the same random start look related."
)
LIMIT_DISGUISE: Final = (
    "A copy whose units were permuted, rotated or rescaled is not recognised."
)
LIMIT_DISTILLED: Final = "Distillation leaves no trace that this comparison reads."
LIMIT_WORDS: Final = (
    "A lone pair does not tell parent from child or from sibling; merged, pruned, "
    "noised or quantized-and-restored copies are called fine-tuned."
)
LIMIT_VALUES: Final = "Equal values do not tell which model was first."


def collect_evidence(
    a: Sketch, b: Sketch, found: Findings, decision: Decision
) -> tuple[Evidence, ...]:
    """Return the items, the one that carries the decision first."""
    values, units = _values(found), _units(found)
    first, second = values, units
    if decision.carried_by == "units":
        first, second = units, values
    return (
        *_open_question(decision),
        *first,
        *second,
        *_power(found, decision),
        *_casts(found),
        *_renames(found),
        *_change(found),
        *_sameness(a, b, found),
        *_oddities(a, b),
    )


def collect_limits(
    a: Sketch, b: Sketch, found: Findings, decision: Decision
) -> tuple[str, ...]:
    """Return what this comparison could not see."""
    limits = []
    if decision.carried_by == "values":
        limits.append(LIMIT_VALUES)
    else:
        limits += [LIMIT_SIZE, LIMIT_START, LIMIT_DISGUISE, LIMIT_DISTILLED]
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
    return items


def _units(found: Findings) -> list[Evidence]:
    test = found.test
    if test is None:
        return []
    n_units = test.n_units * test.n_layers
    numbers = {
        "n_units": n_units,
        "n_layers": test.n_layers,
        "n_expected": test.n_layers,
        "n_tries": test.n_tries,
        "log10_p": round(test.log10_p, 3),
    }
    text = (
        f"{test.n_fixed} of {n_units} sampled feed-forward units in {test.n_layers} "
        f"layers resemble the unit with the same number most; chance gives at most "
        f"about {test.n_layers}."
    )
    similar = round(test.effect, 4)
    alike = f"The median cosine of units with the same number is {similar:.2f}."
    return [
        Evidence("matched-units", test.n_fixed, text, numbers),
        Evidence("unit-similarity", similar, alike),
        *_layers(found),
    ]


def _layers(found: Findings) -> list[Evidence]:
    test = found.test
    if test is None or test.same_depth:
        return []
    left, right = test.layers[0]
    text = f"Depths differ; layer {left} is most like layer {right} of the other."
    return [Evidence("layer-pair", left, text, {"layer_a": left, "layer_b": right})]


def _power(found: Findings, decision: Decision) -> list[Evidence]:
    if decision.related is not False:
        return []
    power = round(found.power, 6)
    text = (
        f"Had one been trained from the other, this test would have seen it with "
        f"probability {power:.3f}, taking that only {ASSUMED_RATE:.0%} of units "
        f"still resemble their origin."
    )
    return [Evidence("power", power, text, {"assumed_rate": ASSUMED_RATE})]


def _casts(found: Findings) -> list[Evidence]:
    if not (found.sharing.all_equal and found.sharing.is_cast):
        return []
    a, b = next(pair for pair in found.sharing.pairs if pair[0].dtype != pair[1].dtype)
    text = f"The values are equal once {a.dtype} and {b.dtype} are rounded alike."
    numbers = {"dtype_a": a.dtype, "dtype_b": b.dtype}
    return [Evidence("cast", f"{a.dtype} {b.dtype}", text, numbers)]


def _renames(found: Findings) -> list[Evidence]:
    n = len(found.renamed)
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
