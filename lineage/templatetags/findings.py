"""How verdicts and the engine's findings read: p-values, evidence, limits."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from lineage import layermap, sentences
from lineage.evidence import CHANCE_LOG10_P, evidence_sentence, in_order
from lineage.models import Declaration, Derivation, Verification
from registry.description import Evidence, read_description
from registry.fingerprint.compare import TEST_VALUES
from registry.models import RegisteredModel
from registry.models.registered import SLUG_PATTERN
from registry.naming import suggest
from registry.templatetags.words import shown_slug

register = template.Library()

_ENGINE_RELATIONS: Final[dict[str, Any]] = {
    "identical": _("identical"),
    "renamed": _("identical, with other names"),
    "permuted": _("identical, in another order or basis"),
    "noised": _("a copy with noise added"),
    "cast": _("the same values in another number format"),
    "quantized": _("quantized"),
    "adapter": _("an adapter"),
    "lora-merged": _("fine-tuned by a merged adapter"),
    "fine-tuned": _("fine-tuned"),
    "continued-pretraining": _("continued pre-training"),
    "vocabulary-extended": _("vocabulary extended"),
    "pruned": _("pruned"),
    "upcycled": _("turned into a mixture of experts"),
    "merged": _("merged"),
    "depth-changed": _("layers added or removed"),
    "siblings": _("siblings with a common ancestor"),
    "embeddings-only": _("only the embeddings are shared"),
    "common-initialisation": _("the same random start, trained apart"),
    "same-architecture": _("the same architecture, trained apart"),
    "unrelated": _("unrelated"),
    "inconclusive": _("inconclusive"),
}

MOST_NAMES: Final = 200
_NUMBER: Final = re.compile(r"(?<![A-Za-z])[0-9][0-9,]*")
NAMING_LIMITS: Final = (
    gettext_noop("Not comparable, and so not excluded: #."),
    gettext_noop(
        "The weights do not say which of the two came first; # was registered here "
        "earlier."
    ),
    gettext_noop("Too large to read again, and so compared by sketches alone: #."),
    gettext_noop("Not readable again, and so compared by sketches alone: #."),
    gettext_noop("Compared with sketches that their own teams computed: #."),
)
ENGINE_LIMITS: Final = (
    gettext_noop(
        "Children of the true base are not told from it: an adapter fits them as well."
    ),
    gettext_noop(
        "Measured on low-rank adapters of small models; larger ones have not been "
        "measured."
    ),
    gettext_noop(
        "Calibrated on models of up to # parameters; larger ones have not been "
        "measured."
    ),
    gettext_noop(
        "From sketches alone, training from one and the same random start is told from "
        "descent only by units that any basis shows alike."
    ),
    gettext_noop(
        "From sketches alone, a copy that was permuted or rotated and then trained for "
        "long is not recognised; the weights of both models would show it."
    ),
    gettext_noop(
        "A copy of other depth or width that was permuted or rotated is not recognised."
    ),
    gettext_noop("Distillation leaves no trace that this comparison reads."),
    gettext_noop(
        "A lone pair does not tell which of the two came first, and fine-tuning from "
        "continued pre-training only by the size of the change."
    ),
    gettext_noop("Equal values do not tell which model was first."),
    gettext_noop("# smaller tensors are in one digest, not listed."),
    gettext_noop("# tensors are not F32, F16 or BF16 and only hashed."),
    gettext_noop("# values are NaN or infinite."),
    gettext_noop("# layers have no feed-forward part that shapes reveal."),
)
REVISION_LIMITS: Final = (
    gettext_noop("There is no config.json; structure was read from the tensors."),
    gettext_noop("# values of this model are NaN or infinite."),
)

OPEN_QUESTIONS: Final = (
    gettext_noop("Too few outputs could be compared to see a base if it were one."),
    gettext_noop("The adapter's directions are neither clear of chance nor within it."),
    gettext_noop("A model with the same random start would fit the adapter as well."),
    gettext_noop("Embeddings that both bases share would fit the adapter as well."),
    gettext_noop("The adapter holds no pair of LoRA matrices."),
    gettext_noop("The unit test is neither clear of chance nor within it."),
    gettext_noop("A few weight matrices are equal, too few to speak for the model."),
    gettext_noop(
        "All norms agree as in a disguised copy, and no disguise could be undone."
    ),
    gettext_noop(
        "The units have a common start; whether also common training, the weights of "
        "both models would tell."
    ),
    gettext_noop(
        "What training made is kept by less than in a descendant and by more than "
        "after a common random start."
    ),
    gettext_noop(
        "No tokens or positions show how to turn one model into the other, and what no "
        "turn changes is too little to find every copy of such feed-forward blocks."
    ),
    gettext_noop("Too few units could be compared to see a descent if there were one."),
    gettext_noop(
        "The weights cannot be compared: no feed-forward units were found from tensor "
        "shapes."
    ),
    gettext_noop(
        "The weights cannot be compared: one has gated feed-forward units and the "
        "other has not."
    ),
)

ENGINE_TESTS: Final = (
    gettext_noop("energy of the model's outputs on the adapter's directions"),
    gettext_noop(
        "trained on another model: which of its units and coordinates are which has "
        "nothing to do with the adapter's"
    ),
    gettext_noop("labels and partners of matched feed-forward units"),
    gettext_noop(
        "trained apart: the order of units in one model says nothing about their order "
        "in the other, and what a unit reads and writes name its partner independently"
    ),
    gettext_noop("equal values by SHA-256 of tensors and rows"),
    gettext_noop("different contents that share a 128-bit digest by chance"),
)


@register.filter
def reason(verification: Verification) -> SafeString:
    """Return why the verdict is what it is."""
    return sentences.reason(verification)


@register.filter
def linked(model: RegisteredModel) -> SafeString:
    """Return a link to a model's page; what must not be known has a name alone."""
    return sentences.model_link(model)


@register.filter
def linked_slug(slug: str) -> SafeString:
    """Return a link to the page of a slug; words in place of one as they are."""
    if not re.fullmatch(SLUG_PATTERN, slug):
        return format_html("{}", slug)
    address = reverse("lineage:model", args=[slug])
    return format_html('<a href="{}">{}</a>', address, shown_slug(slug))


@register.filter
def relation_text(derivation: Derivation) -> SafeString:
    """Return a derivation as a sentence with links."""
    return sentences.relation_text(derivation)


@register.filter
def names(declaration: Declaration, model: RegisteredModel) -> bool:
    """Return whether a model card names its own model as the base."""
    return sentences.names_itself(declaration, model)


@register.filter
def engine_relation(word: str) -> str:
    """Return the engine's relation word in the reader's language."""
    return str(_ENGINE_RELATIONS.get(word, word))


@register.filter
def evidence_in_order(comparison: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the evidence to show, what speaks for the finding first."""
    return in_order(comparison["evidence"], bool(comparison["related"]))


@register.filter
def evidence_text(item: Mapping[str, Any]) -> str:
    """Return an item of evidence as a sentence; a kind unknown here in English."""
    try:
        return evidence_sentence(item)
    except (KeyError, ValueError, TypeError):
        return _with_numbers(str(item.get("text", "")))


@register.filter
def layer_map(comparison: Mapping[str, Any]) -> layermap.LayerMap | None:
    """Return the drawing of which layer resembles which, where that is known."""
    try:
        return layermap.layer_map(comparison["evidence"])
    except (KeyError, ValueError, TypeError):
        return None


@register.filter
def percent(share: float) -> str:
    """Return a share as whole per cent."""
    return f"{share:.0%}"


@register.filter
def first_names(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return as many renamed tensors as a page lists."""
    return _renamed(comparison)[:MOST_NAMES]


@register.filter
def n_names_left_out(comparison: Mapping[str, Any]) -> int:
    """Return how many renamed tensors a page does not list."""
    return max(0, len(_renamed(comparison)) - MOST_NAMES)


def _renamed(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the names that differ; a layer that moved keeps its pattern."""
    return [pair for pair in comparison["renamed"].items() if pair[0] != pair[1]]


@register.filter
def n_scanned(comparison: Mapping[str, Any]) -> int:
    """Return for how many comparisons p was corrected; 0 for a base declared."""
    items = comparison["evidence"]
    return next((i["value"] for i in items if i["kind"] == "corrected-p"), 0)


@register.filter
def n_comparable(verification: Verification) -> int | None:
    """Return how many registered models could be compared; None if not recorded."""
    before, after = NAMING_LIMITS[0].split("#")
    for limit in verification.limits:
        if limit.startswith(before):
            names = limit.removeprefix(before).removesuffix(after).split(", ")
            is_open = (verification.comparison or {}).get("related", 0) is None
            return max(verification.n_compared - len(names) - is_open, 0)
    return None


@register.filter
def shown_relatives(verification: Verification) -> list[dict[str, Any]]:
    """Return the relatives found, without models whose own verdict is not public yet.

    A team is heard before anything against it can be read, here as well.
    """
    relatives: list[dict[str, Any]] = verification.relatives
    if len(relatives) < 2:
        return relatives
    slugs = [relative["slug"] for relative in relatives]
    waiting = RegisteredModel.objects.filter(
        slug__in=slugs, revisions__verifications__hearing__end=""
    )
    hidden = set(waiting.values_list("slug", flat=True))
    return [relative for relative in relatives if relative["slug"] not in hidden]


@register.filter
def repeat_commands(verification: Verification) -> str:
    """Return the lines that repeat a comparison; empty where files are not here."""
    own, other = verification.revision.model, verification.compared_with
    if other is None or not (own.repo_id and other.repo_id):
        return ""
    if own.removal_id or other.removal_id:
        return ""
    lines = [
        f"HF_ENDPOINT={settings.PUBLIC_URL} HF_HUB_DISABLE_XET=1 \\\n"
        f"  .venv/bin/hf download {model.repo_id} --local-dir var/compare/{model.slug}"
        for model in (other, own)
    ]
    folders = f"var/compare/{other.slug} var/compare/{own.slug}"
    lines.append(f".venv/bin/python -m registry.fingerprint compare {folders} --json")
    return "\n".join(lines)


@register.filter
def evidence_given(verification: Verification) -> tuple[Evidence, ...]:
    """Return the pages that the judged revision names for what it declares."""
    return read_description(verification.revision.card).evidence


@register.filter
def statement_commands(verification: Verification) -> str:
    """Return the lines that fetch a verdict's signed statement and check it."""
    statement = reverse("api-statement", args=[verification.pk])
    return "\n".join(
        [
            f"curl -o statement.json {settings.PUBLIC_URL}{statement}",
            f"curl -o keys.json {settings.PUBLIC_URL}{reverse('signing-keys')}",
            ".venv/bin/python -m registry.attest verify statement.json "
            "--key keys.json --files MODEL",
        ]
    )


@register.filter
def engine_text(text: str) -> str:
    """Return the name of a test or of its null hypothesis in the reader's language."""
    return gettext(text) if text else ""


@register.filter
def limit_text(limit: str) -> str:
    """Return a limit in the reader's language, where it is one that we know.

    The engine's sentences are looked up with "#" in place of their numbers, ours
    with "#" in place of the models they name.
    """
    for pattern in NAMING_LIMITS:
        before, after = pattern.split("#")
        if limit.startswith(before) and limit.endswith(after):
            names = limit.removeprefix(before).removesuffix(after)
            shown = ", ".join(shown_slug(name) for name in names.split(", "))
            return gettext(pattern).replace("#", shown)
    return _with_numbers(limit)


def _with_numbers(text: str) -> str:
    """Return a sentence of the engine translated with "#" in place of its numbers."""
    sentence = gettext(_NUMBER.sub("#", text)) if text else ""
    for number in _NUMBER.findall(text):
        sentence = sentence.replace("#", number, 1)
    return sentence


@register.filter
def chance(comparison: Mapping[str, Any]) -> SafeString:
    """Return a comparison's p-value in words: what would be seen how rarely."""
    log10_p = comparison["log10_p"]
    if log10_p is None:
        return SafeString("")
    if comparison["test"] == TEST_VALUES:
        text = gettext(
            "If the values differed, their digests would agree like this less than "
            "once in {times}."
        )
        return format_html(text, times=_power_of_ten(_exponent(log10_p)))
    if log10_p > CHANCE_LOG10_P:
        text = gettext(
            "If these models had been trained apart, as many matching units would be "
            "seen in {share} of such comparisons."
        )
        return format_html(text, share=f"{10**log10_p:.0%}")
    text = gettext(
        "If these models had been trained apart, so many matching units would be seen "
        "less than once in {times}."
    )
    return format_html(text, times=_power_of_ten(_exponent(log10_p)))


@register.filter
def per_mille(share: float) -> str:
    """Return a share as per cent with one digit behind the point."""
    return f"{share:.1%}"


@register.filter
def thousands(number: int) -> str:
    """Return a count with separators."""
    return f"{number:,}"


@register.filter
def p_value(log10_p: float | None) -> SafeString:
    """Return "p < 10⁻¹²", or the plain number where it is not small."""
    if log10_p is None:
        return SafeString("")
    if log10_p > -3:
        return format_html("p = {}", f"{10**log10_p:.3g}")
    return format_html("p &lt; 10<sup>−{}</sup>", _exponent(log10_p))


def _exponent(log10_p: float) -> int:
    """Return the largest whole n for which p is truly less than ten to the minus n."""
    return math.ceil(-log10_p) - 1


def _power_of_ten(exponent: int) -> SafeString:
    if exponent <= 6:
        return format_html("{}", f"{10**exponent:,}")
    return format_html("10<sup>{}</sup>", exponent)


@register.filter
def suggestions(declaration: Declaration) -> list[str]:
    """Return ids that an unresolved declaration may have meant."""
    return suggest(declaration.declared_id)
