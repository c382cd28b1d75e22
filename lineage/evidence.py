"""The engine's items of evidence as sentences in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

# A p-value above this is what chance gives now and then.
CHANCE_LOG10_P: Final = -2.0
# Units of strangers are alike by less than this.
CHANCE_SIMILARITY: Final = 0.2
# Shares of a layer's units from which it is surely the other's, and surely not.
OWN_SHARE: Final = 0.5
FOREIGN_SHARE: Final = 0.1
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

# One sentence per kind of evidence, filled from the item's own numbers.
SENTENCES: Final[dict[str, Any]] = {
    "equal-values": _("All {value} weight tensors hold equal values."),
    "shared-values": _(
        "{n_equal} weight matrices inside layers hold equal values, {value:.1%} of the "
        "weights there."
    ),
    "shared-embeddings": _(
        "{value} matrices outside the layers, such as embeddings, are equal."
    ),
    "reordered-rows": _("{value} matrices hold the same rows in another order."),
    "shared-rows": _(
        "Of {n_sampled} rows that stand for all, {value} are in both models."
    ),
    "matched-units": _(
        "{value} of {n_units} sampled feed-forward units in {n_layers} layers resemble "
        "the unit with the same number most; chance gives at most about "
        "{n_expected:.0f}."
    ),
    "matched-units-by-chance": _(
        "{value} of {n_units} sampled units resemble the unit with the same number "
        "most, about what chance gives ({n_expected:.0f}; {p})."
    ),
    "matched-units-free": _(
        "{value} of {n_units} units keep their number when they are matched by what no "
        "rotation or reordering changes; chance gives at most about {n_expected:.0f}."
    ),
    "matched-units-free-by-chance": _(
        "{value} of {n_units} units keep their number when they are matched by what no "
        "rotation or reordering changes, about what chance gives ({n_expected:.0f}; "
        "{p})."
    ),
    "agreeing-units": _(
        "{value} of {n_units} units find the same partner by what they read and by "
        "what they write, whatever their number; chance gives at most about "
        "{n_expected:.0f}."
    ),
    "agreeing-units-by-chance": _(
        "{value} of {n_units} units find the same partner by what they read and by "
        "what they write, about what chance gives ({n_expected:.0f}; {p})."
    ),
    "aligned-units": _(
        "Once a disguise is undone that was found from other layers, {value} of "
        "{n_units} units have the same partner by what they read and by what they "
        "write; chance gives at most about {n_expected:.0f}."
    ),
    "aligned-units-by-chance": _(
        "Undoing a disguise was tried with the weights themselves: {value} of "
        "{n_units} units then have one partner, about what chance gives "
        "({n_expected:.0f}; {p})."
    ),
    "unit-similarity": _(
        "The median cosine of units with the same number is {cosine}."
    ),
    "kept-directions": _(
        "{value:.0%} of the leading directions, which training makes, are kept, and "
        "{whole:.0%} of the weights as a whole. After a common random start alone the "
        "first is far less than the second."
    ),
    "form-upcycled": _(
        "One has {n_experts_a} experts in a layer, the other {n_experts_b}."
    ),
    "form-depth-changed": _("One has {n_layers_a} layers, the other {n_layers_b}."),
    "form-pruned": _(
        "One has {n_units_a} feed-forward units in a layer, the other {n_units_b}."
    ),
    "form-vocabulary-extended": _(
        "One has rows for {n_tokens_a} tokens, the other for {n_tokens_b}."
    ),
    "layer-map": _("{value} layers were matched one by one."),
    "layer-map-foreign": _(
        "{n_own} of {value} layers are like layers of the other model; the rest come "
        "from elsewhere."
    ),
    "power": _(
        "Had one been trained from the other, this test would have seen it with "
        "probability {value:.3f}, taking that only {assumed_rate:.0%} of units still "
        "resemble their origin."
    ),
    "power-near-one": _(
        "Had one been trained from the other, this test would have seen it with "
        "probability above 0.999, taking that only {assumed_rate:.0%} of units still "
        "resemble their origin."
    ),
    "only-rounding": _(
        "Of {n_weights} weights compared none differs by more than rounding explains."
    ),
    "only-rounding-left": _(
        "Once the disguise is undone the weights differ by {value:.2%} of their size, "
        "about what rounding leaves."
    ),
    "only-factors-left": _(
        "Each of the {value} matrices that differ is the other model's but for one "
        "factor per row and one per column, up to rounding. Such factors can be moved "
        "between matrices without changing what a model computes."
    ),
    "white-noise": _(
        "In all {n_matrices} matrices that differ, the difference is "
        "{relative_change:.2%} of the weights and looks like white noise: no direction "
        "of it stands out, and its size varies by {uneven:.1%} between matrices."
    ),
    "low-rank": _(
        "In all {n_matrices} matrices of layers that differ, the difference has rank "
        "{value} or less, as after merging a LoRA adapter; {n_equal} other tensors are "
        "equal."
    ),
    "step-function": _(
        "In {n_quantized} of the {n_matrices} matrices that differ, one model's "
        "weights are the other's, rounded to at most {n_levels:.0f} levels."
    ),
    "step-function-in-groups": _(
        "In {n_quantized} of the {n_matrices} matrices that differ, one model's "
        "weights are the other's, rounded to at most {n_levels:.0f} levels in each "
        "group of {group}."
    ),
    "zeros-on-one-side": _(
        "In the matrices that differ, {n_zeros} of {n_weights} weights ({share:.1%}) "
        "are exactly zero in one model only; {n_moved} other weights differ."
    ),
    "change-size": _(
        "The aligned weights differ by {value:.2%} of their size, their cosine is "
        "{cosine:.4f}, and {changed_share:.1%} of them changed."
    ),
    "side-of-change": _(
        "Of what separates the two, {value:.0%} lies on the side of the first and the "
        "rest on that of the second. A parent has next to none on its side; siblings "
        "that moved equally far have half each."
    ),
    "small-change": _(
        "A change of {value:.2%} is too small to tell a parent and its child from two "
        "children of one parent."
    ),
    "merge": _("{child} is met by {parents} together, and by no single model."),
    "other-form": _(
        "One has gated feed-forward units and the other has not; every change of "
        "weights that was measured keeps that form."
    ),
    "own-ways": _(
        "Seen from other models at hand, each has gone its own way from a third."
    ),
    "adapter-fit": _(
        "On the directions of {n_modules} adapted matrices this model has {value:.2f} "
        "times the energy that chance gives."
    ),
    "adapter-power": _(
        "On its true base the adapter would have been seen with probability "
        "{value:.3f}."
    ),
    "nothing-compared": _("No finite weights could be compared."),
    "cast": _("The values are equal once {dtype_a} and {dtype_b} are rounded alike."),
    "renamed-tensors": _(
        "{value} tensor names differ and stand for one another; names prove nothing."
    ),
    "relative-change": _(
        "Over {n_matrices} matrices alike in form, the weights differ by {value:.1%}."
    ),
    "relative-change-large": _(
        "Over {n_matrices} matrices alike in form, the weights differ by more than the "
        "weights themselves."
    ),
    "token-likeness": _("The token embeddings have a cosine of {value:.2f}."),
    "same-architecture": _(
        "Both have one architecture, which is no evidence of copied weights."
    ),
    "same-tokenizer": _(
        "Both use one tokenizer, which is no evidence of copied weights."
    ),
    "non-finite": _(
        "{value} values are NaN or infinite and were left out of the arithmetic."
    ),
    "corrected-p": _(
        "Nobody named this model beforehand: {p} for it alone was corrected for all "
        "{value} models that were compared."
    ),
}


def evidence_sentence(item: Mapping[str, Any]) -> str:
    """Return an item of evidence as a sentence in the reader's language.

    Raises KeyError, ValueError or TypeError for an item of unknown kind or with
    numbers missing.
    """
    sentence = str(SENTENCES[_kind(item)])
    return sentence.format(**{**item, **_readable(item)})


def in_order(
    evidence: Sequence[Mapping[str, Any]], is_related: bool
) -> list[Mapping[str, Any]]:
    """Return the items that a page shows; of kin, those that show nothing last.

    A disguise makes what was not undone look like chance. Where aligned weights say
    how much changed, the same in another basis says nothing.
    """
    kinds = {item["kind"] for item in evidence}
    shown = [
        item
        for item in evidence
        if not (item["kind"] == "relative-change" and "change-size" in kinds)
    ]
    return sorted(shown, key=_shows_nothing) if is_related else shown


def _shows_nothing(item: Mapping[str, Any]) -> bool:
    if item["kind"] == "unit-similarity":
        return bool(item["value"] < CHANCE_SIMILARITY)
    return bool(item.get("log10_p", -300) > CHANCE_LOG10_P)


def _kind(item: Mapping[str, Any]) -> str:
    """Return the kind of sentence; numbers at the edge of a scale have their own."""
    kind, value = str(item["kind"]), item["value"]
    by_chance = f"{kind}-by-chance"
    if by_chance in SENTENCES and item.get("log10_p", -300) > CHANCE_LOG10_P:
        return by_chance
    if kind == "power" and value >= 0.9995:
        return "power-near-one"
    if kind == "relative-change" and value > 1:
        return "relative-change-large"
    if kind == "form":
        return f"form-{value}"
    if kind == "step-function" and str(value).isdigit():
        return "step-function-in-groups"
    if kind == "layer-map" and 0 < _n_foreign(item) < value:
        return "layer-map-foreign"
    return kind


def _n_foreign(item: Mapping[str, Any]) -> int:
    """Return how many layers are not the other model's, 0 if that is not clear."""
    shares = [share for _, _, share in item["layers"]]
    if any(FOREIGN_SHARE < share < OWN_SHARE for share in shares):
        return 0
    return sum(share <= FOREIGN_SHARE for share in shares)


def _readable(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers that need more than a format: no "-0.00", p from its log."""
    kind = item["kind"]
    numbers: dict[str, Any] = {}
    if kind == "unit-similarity":
        numbers["cosine"] = f"{round(item['value'], 2) + 0.0:.2f}"
    if kind == "layer-map":
        numbers["n_own"] = item["value"] - _n_foreign(item)
    if kind == "corrected-p":
        numbers["p"] = p_text(item["log10_p_alone"])
    elif "log10_p" in item:
        numbers["p"] = p_text(item["log10_p"])
    return numbers


def p_text(log10_p: float) -> str:
    """Return "p = 0.32" or "p < 10⁻¹²": never smaller than it is."""
    if log10_p > -3:
        return f"p\u00a0=\u00a0{10**log10_p:.2g}"
    exponent = str(1 - math.ceil(-log10_p)).translate(_SUPERSCRIPTS)
    return f"p\u00a0<\u00a010{exponent}"
