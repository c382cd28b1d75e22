"""The engine's items of evidence as sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

# A p-value above this is what chance gives now and then.
CHANCE_LOG10_P: Final = -2.0

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
    "matched-units": _(
        "{value} of {n_units} sampled feed-forward units in {n_layers} layers resemble "
        "the unit with the same number most; chance gives at most about {n_expected}."
    ),
    "matched-units-by-chance": _(
        "{value} of {n_units} sampled units resemble the unit with the same number "
        "most, about what chance gives ({n_expected}; {p})."
    ),
    "unit-similarity": _(
        "The median cosine of units with the same number is {cosine}."
    ),
    "layer-pair": _(
        "Depths differ; layer {layer_a} is most like layer {layer_b} of the other."
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
    "same-architecture": _(
        "Both have one architecture, which is no evidence of copied weights."
    ),
    "same-tokenizer": _(
        "Both use one tokenizer, which is no evidence of copied weights."
    ),
    "non-finite": _(
        "{value} values are NaN or infinite and were left out of the arithmetic."
    ),
}


def evidence_sentence(item: Mapping[str, Any]) -> str:
    """Return an item of evidence as a sentence in the reader's language.

    Raises KeyError, ValueError or TypeError for an item of unknown kind or with
    numbers missing.
    """
    sentence = str(SENTENCES[_kind(item)])
    return sentence.format(**item, **_readable(item))


def _kind(item: Mapping[str, Any]) -> str:
    """Return the kind of sentence; numbers at the edge of a scale have their own."""
    kind = str(item["kind"])
    if kind == "matched-units" and item.get("log10_p", -300) > CHANCE_LOG10_P:
        return "matched-units-by-chance"
    if kind == "power" and item["value"] >= 0.9995:
        return "power-near-one"
    if kind == "relative-change" and item["value"] > 1:
        return "relative-change-large"
    return kind


def _readable(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the numbers that need more than a format: no "-0.00", p from its log."""
    numbers = {}
    if item["kind"] == "unit-similarity":
        numbers["cosine"] = f"{round(item['value'], 2) + 0.0:.2f}"
    if "log10_p" in item:
        numbers["p"] = f"p\u00a0=\u00a0{10 ** item['log10_p']:.2g}"
    return numbers
