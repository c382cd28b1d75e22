"""The one sentence that opens a model's page; it never outruns the verdict below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lineage.models import Declaration, Derivation, Verification
from lineage.sentences import (
    SAME_WEIGHTS,
    derived,
    found_relative,
    links,
    model_link,
    names_itself,
    strong_name,
)
from registry.models import RegisteredModel
from registry.templatetags.words import shown_team
from registry.vocabulary import (
    FROM_SCRATCH,
    WEIGHT_LAYERS,
    Kind,
    Layer,
    StatementKind,
    Verdict,
)

STATE_SENTENCES: Final[dict[str, Any]] = {
    "declared": _("Its makers declare it."),
    "cited": _("Sources say so."),
    "verified": _("Its makers declare it, and the weights confirm it."),
    "found": _("The weights show it; nobody declared it."),
}

# What is only claimed may never stand as the answer to what a model is.
UNPROVEN: Final = frozenset({"alleged", "disputed", "contradicted"})
# Verdicts after which what the makers declare cannot stand as what they did.
UNSETTLING: Final = frozenset(
    {
        Verdict.RENAMED_COPY,
        Verdict.UNDECLARED_BASE,
        Verdict.NOT_DERIVED_FROM_DECLARED,
    }
)


def answer(
    model: RegisteredModel,
    derivations: Sequence[Derivation],
    verification: Verification | None,
    declarations: Iterable[Declaration] = (),
) -> SafeString:
    """Return what the model really is, in one or two sentences.

    `derivations` are those of which the model is the child; what is only claimed,
    contested or contradicted never stands as the answer.
    """
    declared = list(declarations)
    if verification is not None:
        said = _by_verdict(model, derivations, verification, declared)
        if said:
            return said
        derivations = [d for d in derivations if d.state != StatementKind.FOUND]
    return _by_record(model, derivations, verification, declared)


def _by_verdict(
    model: RegisteredModel,
    derivations: Sequence[Derivation],
    verification: Verification,
    declared: Sequence[Declaration],
) -> SafeString | None:
    """Return the answer where the verdict itself gives it."""
    other, comparison = verification.compared_with, verification.comparison
    if verification.verdict in (Verdict.RENAMED_COPY, Verdict.UNDECLARED_BASE):
        if other is None or comparison is None:
            return None
        found = found_relative(model, other, comparison)
        return _sentences(found, _second(model, derivations, declared))
    if verification.verdict == Verdict.NOT_DERIVED_FROM_DECLARED:
        return _unsettled(model, [d for d in derivations if d.state in UNPROVEN])
    if verification.reason == "declares-itself":
        return _itself(model)
    relation = (comparison or {}).get("relation")
    is_consistent = verification.verdict == Verdict.CONSISTENT
    if is_consistent and other and relation in SAME_WEIGHTS:
        text = gettext(
            "{child} has the same weights as {parent}, which it declares as its base. "
            "Nothing was trained that the weights show."
        )
        return format_html(text, child=strong_name(model), parent=model_link(other))
    return None


def _by_record(
    model: RegisteredModel,
    derivations: Sequence[Derivation],
    verification: Verification | None,
    declared: Sequence[Declaration],
) -> SafeString:
    """Return the answer that makers and sources give."""
    firm = [d for d in derivations if d.state not in UNPROVEN]
    leading = _leading(model, firm)
    if leading:
        is_all = len(firm) == len(derivations)
        rest = gettext("Another claim about its origin is not settled.")
        descent = _descent(model, leading, verification)
        return format_html("{} {}", descent, "" if is_all else rest)
    unsettled = _leading(model, derivations)
    if unsettled:
        return _unsettled(model, unsettled)
    if any(names_itself(declaration, model) for declaration in declared):
        return _itself(model)
    unresolved = [d for d in declared if d.parent_id is None]
    if unresolved:
        text = gettext(
            "{child} declares {parents} as its base; nothing public is registered here "
            "under that name."
        )
        if all(d.layer == Layer.SERVICE for d in unresolved):
            text = gettext(
                "{child} is declared to stand on {parents}; nothing public is "
                "registered here under that name."
            )
        parents = gettext(", ").join(d.declared_id for d in unresolved)
        return format_html(text, child=strong_name(model), parents=parents)
    text = _alone(model, verification)
    return format_html(text, child=strong_name(model), team=_team(model))


def _second(
    model: RegisteredModel,
    derivations: Sequence[Derivation],
    declared: Sequence[Declaration],
) -> SafeString:
    """Return what the makers declare, as the second word after what was found."""
    if not declared:
        if model.category in FROM_SCRATCH:
            text = gettext("{team} declares training from scratch; that is not settled")
            return format_html(text, team=_team(model))
        return format_html("{}", gettext("It declares no base"))
    names = [_declared_name(declaration, model) for declaration in declared]
    confirmed = {
        derivation.parent_id
        for derivation in derivations
        if derivation.state == StatementKind.VERIFIED
    }
    is_confirmed = all(declaration.parent_id in confirmed for declaration in declared)
    text = (
        gettext("It declares {parents} as its base, and the weights confirm that")
        if is_confirmed
        else gettext("It declares {parents} as its base; that is not settled")
    )
    joined = format_html_join(gettext(", "), "{}", ((name,) for name in names))
    return format_html(text, parents=joined)


def _declared_name(declaration: Declaration, model: RegisteredModel) -> SafeString:
    if declaration.parent is not None:
        return model_link(declaration.parent)
    is_own = names_itself(declaration, model)
    name = gettext("itself") if is_own else declaration.declared_id
    return format_html("{}", name)


def _sentences(*sentences: SafeString) -> SafeString:
    """Return sentences that have no full stop yet, one after the other."""
    stop = gettext(". ")
    ended = format_html_join("", "{}{}", ((said, stop) for said in sentences))
    return SafeString(ended.rstrip())


def _leading(
    model: RegisteredModel, derivations: Sequence[Derivation]
) -> list[Derivation]:
    """Return the derivations that say what a model is: weights, then parts, service.

    Trained from scratch outranks outputs and ideas: what a base model learnt from
    others does not make it theirs.
    """
    layers = [Layer.WEIGHTS, Layer.COMPONENT, Layer.SERVICE]
    if model.category not in FROM_SCRATCH:
        layers.append(Layer.OUTPUTS)
    for layer in layers:
        of_layer = [d for d in derivations if d.layer == layer]
        if of_layer:
            return [d for d in of_layer if d.relation == of_layer[0].relation]
    return []


def _descent(
    model: RegisteredModel,
    leading: Sequence[Derivation],
    verification: Verification | None,
) -> SafeString:
    sentence = derived(leading[0].relation, model, [d.parent for d in leading])
    return format_html(
        "{}{}{}", sentence, gettext(". "), _saying(leading, verification)
    )


def _saying(leading: Sequence[Derivation], verification: Verification | None) -> str:
    """Return who says so; the weights count only in the verdict shown below."""
    states = {d.state for d in leading}
    state = states.pop() if len(states) == 1 else ""
    is_of_makers = state in (StatementKind.DECLARED, StatementKind.VERIFIED)
    if not is_of_makers or leading[0].layer not in WEIGHT_LAYERS:
        return str(STATE_SENTENCES.get(state, ""))
    if verification is None:
        return str(STATE_SENTENCES[StatementKind.DECLARED])
    if verification.verdict != Verdict.CONSISTENT or state == StatementKind.DECLARED:
        return gettext("Its makers declare it; the weights have not settled it.")
    if verification.reason == "base-confirmed-relation-differs":
        return gettext(
            "Its makers declare it; the weights confirm the base and show another "
            "relation."
        )
    return str(STATE_SENTENCES[StatementKind.VERIFIED])


def _unsettled(model: RegisteredModel, claims: Sequence[Derivation]) -> SafeString:
    denied = [d.parent for d in claims if d.state == StatementKind.CONTRADICTED]
    if not denied:
        text = gettext("What {child} comes from is contested.")
        return format_html(text, child=strong_name(model))
    text = gettext(
        "{child} declares {parents} as its base. The weights do not show it."
    )
    return format_html(text, child=strong_name(model), parents=links(denied))


def _itself(model: RegisteredModel) -> SafeString:
    text = gettext("The model card of {child} names the model itself as its base.")
    return format_html(text, child=strong_name(model))


def _alone(model: RegisteredModel, verification: Verification | None) -> str:
    """Return the sentence on an entry without a parent that made it."""
    verdict = verification.verdict if verification else ""
    if model.kind == Kind.PRODUCT:
        return gettext("{child} is a service of {team}; what runs it is not known.")
    if model.kind == Kind.TOOL:
        return gettext("{child} is a tool of {team}: it trains models and is none.")
    if model.category in FROM_SCRATCH:
        return _from_scratch(model, verdict)
    if model.category:
        return gettext("{child} is derived from a model that is not registered here.")
    if model.origin == RegisteredModel.Origin.HUB:
        return gettext(
            "{child} was imported from a public hub; its page there names no base."
        )
    return gettext("{team} registered {child} without saying what it comes from.")


def _from_scratch(model: RegisteredModel, verdict: str) -> str:
    """Return the sentence on a model declared, or known, to be nobody's child."""
    if verdict == Verdict.INDEPENDENT:
        return gettext(
            "{child} was trained from scratch by {team}, as declared. The weights show "
            "no relative in this register."
        )
    if verdict:
        return gettext(
            "{team} declares that {child} was trained from scratch. The verdict below "
            "says what the weights show."
        )
    if model.origin == RegisteredModel.Origin.TEAM:
        return gettext("{team} declares that {child} was trained from scratch.")
    return gettext("{child} was trained from scratch by {team}.")


def _team(model: RegisteredModel) -> str:
    team = model.organization
    return shown_team(team) if team else gettext("an unnamed team")
