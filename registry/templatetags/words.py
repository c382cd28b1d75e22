"""How words, numbers and marks of the register are shown; sentences live in lineage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_noop, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from registry.countries import COUNTRIES
from registry.models import Organization, RegisteredModel
from registry.outbound import Why
from registry.vocabulary import (
    ARCHITECTURE_LABELS,
    CATEGORY_LABELS,
    CONFIDENCE_LABELS,
    KIND_LABELS,
    LAYER_LABELS,
    RELATION_LABELS,
    SHARE_LABELS,
    STATEMENT_LABELS,
    VERDICT_LABELS,
)

register = template.Library()

_LABELS: Final[dict[str, dict[str, str]]] = {
    "kind": {str(word): label for word, label in KIND_LABELS.items()},
    "category": {str(word): label for word, label in CATEGORY_LABELS.items()},
    "architecture": {str(word): label for word, label in ARCHITECTURE_LABELS.items()},
    "share": {str(word): label for word, label in SHARE_LABELS.items()},
    "layer": {str(word): label for word, label in LAYER_LABELS.items()},
    "relation": {str(word): label for word, label in RELATION_LABELS.items()}
    | {"finetune": gettext_noop("tuned or trained further from")},
    "state": {str(word): label for word, label in STATEMENT_LABELS.items()},
    "verdict": {str(word): label for word, label in VERDICT_LABELS.items()},
    "side": {
        "from-scratch": gettext_noop("Trained from scratch"),
        "derived": gettext_noop("Derived"),
    },
    "use": {
        "run-fp16": gettext_noop("Run, 16 bits"),
        "run-int8": gettext_noop("Run, int8"),
        "run-int4": gettext_noop("Run, int4"),
        "tune-full": gettext_noop("Fine-tune all of it"),
        "tune-lora": gettext_noop("Fine-tune, LoRA on 16 bits"),
        "tune-qlora": gettext_noop("Fine-tune, LoRA on int4"),
    },
    "confidence": {str(word): label for word, label in CONFIDENCE_LABELS.items()},
}

# Why nothing came of a request, a delivery or a webhook.
_FAILURES: Final = {
    Why.NO_ADDRESS.value: _("This is not a web address."),
    Why.SCHEME.value: _("The address must begin with https:// or http://."),
    Why.CREDENTIALS.value: _("The address must not hold a name or a password."),
    Why.PRIVATE.value: _(
        "This address is not public. Give one that the Internet can reach."
    ),
    Why.UNKNOWN_HOST.value: _("There is no host of this name."),
    Why.REFUSED.value: _("The connection was refused."),
    Why.CERTIFICATE.value: _("The certificate of the receiver is not valid."),
    Why.TIMEOUT.value: _("No answer in time."),
    Why.BROKEN.value: _("The connection broke, or the answer was not HTTP."),
    "switched-off": _("The webhook was switched off."),
    "gone": _("The receiver answered 410 Gone, so it wants nothing more."),
    "failing": _("Nothing could be delivered for three days."),
}

# What each mark means, for legends and for readers of the page aloud.
_STATE_MEANINGS: Final = {
    "declared": _("its makers say so"),
    "cited": _("a source says so"),
    "alleged": _("claimed in public, unproven"),
    "verified": _("declared, and the weights agree"),
    "contradicted": _("declared, and the weights disagree"),
    "found": _("seen in the weights, not declared"),
    "disputed": _("contested; both sides are shown"),
}

_FACT_LABELS: Final = {
    "name": _("Name"),
    "name_zh": _("Chinese name"),
    "organization": _("Organisation"),
    "family": _("Family"),
    "architecture": _("Architecture"),
    "released": _("Released"),
    "params": _("Parameters"),
    "params_active": _("Active parameters"),
    "sizes": _("Sizes"),
    "tokens": _("Training tokens"),
    "context": _("Context, tokens"),
    "modality": _("Modality"),
    "category": _("Category"),
    "contribution": _("Contribution"),
    "license": _("Licence"),
    "license_now": _("Licence today"),
    "open": _("Weights published"),
    "homepage": _("Home page"),
    "hf_repo": _("On the hub"),
    "arxiv": _("Paper"),
}

# Filters whose label is not that of the fact.
_FILTER_LABELS: Final = {
    "kind": _("Kind"),
    "category": _("What the makers did"),
    "verdict": _("Verdict"),
    "size": _("Parameters"),
    "country": _("Country"),
    "year": _("Year"),
}

_MODALITIES: Final = {
    "text": pgettext_lazy("modality", "text"),
    "image": pgettext_lazy("modality", "images"),
    "audio": pgettext_lazy("modality", "sound"),
    "video": pgettext_lazy("modality", "video"),
    "code": pgettext_lazy("modality", "code"),
}

# Units of large numbers as each language counts them.
_THOUSANDS: Final = ((10**12, " T"), (10**9, " B"), (10**6, " M"), (10**3, " k"))
_MYRIADS: Final = ((10**12, " 万亿"), (10**8, " 亿"), (10**4, " 万"))


_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

REMOVED_MARK: Final = " †"

# What is less than this share of the table's unit is shown in a unit of its own.
_SMALLEST_SHARE: Final = 0.01


@register.filter
def word(value: str, vocabulary: str) -> str:
    """Return the label of a word in the reader's language; an unknown word as it is."""
    label = _LABELS[vocabulary].get(str(value))
    return gettext(label) if label else str(value)


@register.filter
def state_meaning(state: str) -> str:
    """Return what a state says, in a few words; empty for an unknown one."""
    return str(_STATE_MEANINGS.get(str(state), ""))


@register.filter
def fact_label(name: str) -> str:
    """Return the label of a fact of an entry."""
    return str(_FACT_LABELS.get(name, name))


@register.filter
def contested_fact(name: str) -> str:
    """Return the label of what a correction or a dispute is about."""
    return str(_BESIDE_FACTS.get(name) or fact_label(name))


@register.filter
def filter_label(name: str) -> str:
    """Return the label of a filter of the catalog."""
    return str(_FILTER_LABELS.get(name) or fact_label(name))


@register.filter
def told(facts: Mapping[str, Any], name: str) -> str:
    """Return a text of the catalog in the reader's language, else in English."""
    chinese = facts.get(f"{name}_zh") if _is_chinese() else None
    return chinese or facts.get(name) or ""


@register.filter
def own_name(model: RegisteredModel) -> str:
    """Return the name a reader of the current language looks for."""
    return model.name_zh if _is_chinese() and model.name_zh else model.name


@register.filter
def shown_name(model: RegisteredModel) -> str:
    """Return the name under which other pages speak of it: a pushed one's with team.

    What was removed has its mark behind the name, wherever it is spoken of.
    """
    stone = REMOVED_MARK if model.removal_id else ""
    return f"{model.repo_id or own_name(model)}{stone}"


@register.filter
def shown_slug(slug: str) -> str:
    """Return a slug as shown_name spells it: only a pushed model's holds "--"."""
    return slug.replace("--", "/", 1)


@register.filter
def shown_team(team: Organization) -> str:
    """Return what a reader of the current language calls an organisation."""
    return team.name_zh if _is_chinese() and team.name_zh else team.title


@register.filter
def modality(name: str) -> str:
    """Return the label of a kind of input or output."""
    return str(_MODALITIES.get(name, name))


@register.filter
def country(code: str) -> str:
    """Return the name of a country; an unknown code as it is."""
    label = COUNTRIES.get(code)
    return gettext(label) if label else code


@register.filter
def large(number: int | None) -> str:
    """Return a count with three significant digits and its unit: "6.74 B"."""
    if number is None:
        return ""
    for size, unit in _MYRIADS if _is_chinese() else _THOUSANDS:
        if number >= size:
            return _significant(number / size) + unit
    return str(number)


@register.filter
def grouped(number: int) -> str:
    """Return a whole number with a comma after every three digits."""
    return f"{number:,}"


@register.filter
def power_of_ten(number: float) -> SafeString:
    """Return a large number as "5.48 × 10²³", marked up."""
    digits, _, exponent = f"{number:.2e}".partition("e")
    return format_html("{} × 10<sup>{}</sup>", digits, int(exponent))


@register.filter
def power_in_text(number: float) -> str:
    """Return a large number as "5.48 × 10²³" in plain characters, or as "10²³"."""
    digits, _, exponent = f"{number:.2e}".partition("e")
    power = "10" + str(int(exponent)).translate(_RAISED)
    return power if digits == "1.00" else f"{digits} × {power}"


@register.filter
def gigabytes(number: float) -> str:
    """Return an amount of memory with two significant digits, whole from 10 on."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


@register.filter
def params_in_unit(number: int | None) -> str:
    """Return a parameter count in the unit of the table's head, see params_unit.

    A small count carries a smaller unit: "222 k".
    """
    if number is None:
        return ""
    share = number / (10**8 if _is_chinese() else 10**9)
    return _significant(share) if share >= _SMALLEST_SHARE else large(number)


@register.simple_tag
def params_head(number: int | None) -> str:
    """Return what stands before a count that params_in_unit shows, on narrow screens.

    A small count names its unit itself.
    """
    label = gettext("Parameters")
    is_small = params_in_unit(number) == large(number)
    return label if is_small else f"{label}, {params_unit()}"


@register.simple_tag
def params_unit() -> str:
    """Return the unit in which tables count parameters: billions, or 亿."""
    return gettext("billions")


@register.simple_tag
def mark(state: str) -> SafeString:
    """Return the small drawing that stands for a state; the word stands beside it."""
    return format_html(
        '<svg class="mark mark--{0}" width="12" height="12" aria-hidden="true">'
        '<use href="#mark-{0}"/></svg>',
        state,
    )


@register.simple_tag
def shape(category: str) -> SafeString:
    """Return the small drawing that stands for a category (or for none)."""
    return format_html(
        '<svg class="shape shape--{0}" width="12" height="12" aria-hidden="true">'
        '<use href="#shape-{0}"/></svg>',
        category or "none",
    )


@register.simple_tag
def verdict_state(verdict: str) -> str:
    """Return the state whose mark a verdict carries."""
    return _VERDICT_STATES.get(str(verdict), "alleged")


_BESIDE_FACTS: Final = {
    "origin": _("Where it comes from"),
    "claims": _("Claims in circulation"),
    "other": _("Something else"),
}
_VERDICT_STATES: Final = {
    "consistent": "verified",
    "independent": "verified",
    "undeclared-base": "found",
    "renamed-copy": "found",
    "not-derived-from-declared": "contradicted",
    "inconclusive": "open",
    "not-verifiable": "open",
}


def _is_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def _significant(value: float) -> str:
    """Return a number with three significant digits and no empty decimals."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    rounded = f"{value:.3g}"
    return rounded if "e" not in rounded else f"{value:.9f}".rstrip("0")


@register.filter
def failure(why: str) -> str:
    """Return the sentence that says why nothing came of a request or a webhook."""
    return str(_FAILURES[why])


@register.filter
def in_own_words(error: str) -> str:
    """Return what ended a job in the reader's language, as far as it is known there."""
    return gettext(error) if error else ""
