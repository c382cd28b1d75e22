"""The sentences that pages say about models, derivations and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from lineage.models import Declaration, Derivation, Verification
from registry.models import RegisteredModel
from registry.templatetags.words import shown_name, shown_team
from registry.vocabulary import (
    FROM_SCRATCH,
    WEIGHT_LAYERS,
    Kind,
    Layer,
    StatementKind,
    Verdict,
)

# "{child}" and "{parents}" are links; a sentence has no full stop, see answer().
RELATION_SENTENCES: Final[dict[str, Any]] = {
    "continued-pretraining": _("{child} continues the pre-training of {parents}"),
    "sft": _("{child} is a fine-tune of {parents}"),
    "preference-tuned": _("{child} is {parents}, tuned to preferences"),
    "adapter": _("{child} is an adapter for {parents}"),
    "merge": _("{child} is a merge of {parents}"),
    "quantized": _("{child} is {parents} in another precision or format"),
    "pruned": _("{child} is {parents} with weights removed"),
    "upscaled": _("{child} is {parents} made deeper"),
    "upcycled": _("{child} is {parents} turned into a mixture of experts"),
    "vocabulary-extended": _("{child} is {parents} with a larger vocabulary"),
    "reskin": _("{child} has the weights of {parents} under another name"),
    "contains": _("{child} contains {parents}"),
    "distilled": _("{child} was trained on the outputs of {parents}"),
    "synthetic-data": _("{child} was trained on text written by {parents}"),
    "prompt-wrapper": _("{child} is a prompt in front of {parents}"),
    "api-reskin": _("{child} offers the API of {parents} under another name"),
    "powers": _("{child} runs on {parents}"),
    "same-architecture": _("{child} has the architecture of {parents}"),
    "influenced-by": _("{child} follows ideas of {parents}"),
    "takes-part": _("{child} takes a part of its design from {parents}"),
    "same-tokenizer": _("{child} uses the tokenizer of {parents}"),
    "extended-tokenizer": _("{child} extends the tokenizer of {parents}"),
}

STATE_SENTENCES: Final[dict[str, Any]] = {
    "declared": _("Its makers declare it."),
    "cited": _("Sources say so."),
    "verified": _("Its makers declare it, and the weights confirm it."),
    "found": _("The weights show it; nobody declared it."),
}

# What is only claimed may never stand as the answer to what a model is.
UNPROVEN: Final = frozenset({"alleged", "disputed", "contradicted"})
_OPEN_CLAIMS: Final = gettext_noop("Another claim about its origin is not settled.")

HEDGES: Final[dict[str, Any]] = {
    "alleged": _("Claimed in public and unproven: {claim}"),
    "disputed": _("Contested: {claim}"),
    "contradicted": _("Declared, but not seen in the weights: {claim}"),
}

REASON_SENTENCES: Final[dict[str, Any]] = {
    "copy-of-undeclared": _(
        "The weights equal those of {other}, which is not declared as a base. Naming "
        "it in the model card, or showing that {other} came later, would settle it."
    ),
    "related-to-undeclared": _(
        "The weights share training history with {other}, which is not declared as a "
        "base. Naming it in the model card, or showing a common ancestor or the "
        "opposite direction, would settle it."
    ),
    "declared-base-not-found": _(
        "The weights do not show descent from the declared base {other}. A correction "
        "of the declaration, or the intermediate checkpoints, would settle it."
    ),
    "declared-base-not-registered": _(
        "The declared base {other} is not registered here, so there was nothing to "
        "compare with. Registering it would settle it."
    ),
    "declared-base-without-weights": _(
        "The register holds no weights of the declared base {other}. Pushing them "
        "would settle it."
    ),
    "declares-itself": _(
        "The model card names this very model as its base. Naming the model it comes "
        "from, or none, would settle it."
    ),
    "declaration-circular": _(
        "The model card names {other} as the base, and {other} is on record as coming "
        "from this model. A correction of one of the two would settle it."
    ),
    "direction-reversed": _(
        "The weights are related to those of {other}, but show that {other} comes from "
        "this model and not the reverse. A correction of the declaration would settle "
        "it."
    ),
    "comparison-inconclusive": _(
        "The comparison with the declared base {other} allows no conclusion. Weights "
        "in a form that the engine can compare would settle it."
    ),
    "declared-base-confirmed": _("The weights confirm the declared base {other}."),
    "base-confirmed-relation-differs": _(
        "The weights confirm the declared base {other}; the relation they show is "
        "another than the one declared. Correcting the relation in the model card "
        "would settle it."
    ),
    "nothing-declared": _(
        "No base is declared and no relative was found. Declaring a base, or "
        "baimo_category: base for training from scratch, would settle it."
    ),
    "nothing-comparable": _(
        "No registered model could be compared with this one, so training from scratch "
        "can be neither confirmed nor excluded. More registered models of its kind "
        "would settle it."
    ),
    "nothing-found": _(
        "Declared as trained from scratch; none of the registered models that could be "
        "compared shares its weights. The nearest is {other}."
    ),
    "no-weights": _(
        "This revision holds no safetensors weights, so nothing could be compared. "
        "Pushing them would settle it."
    ),
}


def model_link(model: RegisteredModel) -> SafeString:
    """Return a link to a model's page, by the name the reader knows."""
    return format_html(
        '<a href="{}">{}</a>', model.get_absolute_url(), shown_name(model)
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
    firm = [d for d in derivations if d.state not in UNPROVEN]
    leading = _leading(model, firm)
    if leading:
        is_all = len(firm) == len(derivations)
        descent = _descent(model, leading, verification)
        return format_html("{} {}", descent, "" if is_all else gettext(_OPEN_CLAIMS))
    unsettled = _leading(model, derivations)
    if unsettled:
        return _unsettled(model, unsettled)
    unresolved = [d.declared_id for d in declarations if d.parent_id is None]
    if unresolved:
        text = gettext("{child} declares {parents} as its base, not registered here.")
        return format_html(text, child=_name(model), parents=", ".join(unresolved))
    text = _alone(model, verification)
    return format_html(text, child=_name(model), team=_team(model))


def reason(verification: Verification) -> SafeString:
    """Return why the verdict is what it is, and what would settle an open one."""
    sentence = REASON_SENTENCES.get(verification.reason)
    if sentence is None:
        return SafeString("")
    return format_html(str(sentence), other=_other(verification))


def relation_text(derivation: Derivation) -> SafeString:
    """Return a derivation as a sentence with links, hedged where it is not settled."""
    sentence = _sentence(derivation.relation, derivation.child, [derivation.parent])
    hedge = HEDGES.get(derivation.state)
    return format_html(str(hedge), claim=sentence) if hedge else sentence


def _leading(
    model: RegisteredModel, derivations: Sequence[Derivation]
) -> list[Derivation]:
    """Return the derivations that say what a model is: weights, then parts, service.

    Trained from scratch outranks outputs and ideas: what a base model learnt from
    others does not make it theirs.
    """
    layers: list[frozenset[Layer]] = [
        frozenset({Layer.WEIGHTS}),
        frozenset({Layer.COMPONENT}),
        frozenset({Layer.SERVICE}),
    ]
    if model.category not in FROM_SCRATCH:
        layers += [frozenset({Layer.OUTPUTS})]
    for layer in layers:
        of_layer = [d for d in derivations if d.layer in layer]
        if of_layer:
            return [d for d in of_layer if d.relation == of_layer[0].relation]
    return []


def _descent(
    model: RegisteredModel,
    leading: Sequence[Derivation],
    verification: Verification | None,
) -> SafeString:
    sentence = _sentence(leading[0].relation, model, [d.parent for d in leading])
    states = {d.state for d in leading}
    state = states.pop() if len(states) == 1 else ""
    saying = STATE_SENTENCES.get(state, "")
    is_open = state == "declared" and verification is not None
    if is_open and leading[0].layer in WEIGHT_LAYERS:
        saying = gettext("Its makers declare it; the weights have not settled it.")
    return format_html("{}{}{}", sentence, gettext(". "), saying)


def _unsettled(model: RegisteredModel, claims: Sequence[Derivation]) -> SafeString:
    denied = [d.parent for d in claims if d.state == StatementKind.CONTRADICTED]
    if not denied:
        text = gettext("What {child} comes from is contested.")
        return format_html(text, child=_name(model))
    text = gettext(
        "{child} declares {parents} as its base. The weights do not show it."
    )
    return format_html(text, child=_name(model), parents=_links(denied))


def _name(model: RegisteredModel) -> SafeString:
    return format_html("<strong>{}</strong>", shown_name(model))


def _sentence(
    relation: str, child: RegisteredModel, parents: Sequence[RegisteredModel]
) -> SafeString:
    text = str(RELATION_SENTENCES[relation])
    return format_html(text, child=_name(child), parents=_links(parents))


def _links(models: Iterable[RegisteredModel]) -> SafeString:
    return format_html_join(gettext(", "), "{}", ((model_link(m),) for m in models))


def _alone(model: RegisteredModel, verification: Verification | None) -> str:
    """Return the sentence on an entry without a parent that made it."""
    verdict = verification.verdict if verification else ""
    if model.kind == Kind.PRODUCT:
        return gettext("{child} is a service of {team}; what runs it is not known.")
    if model.kind == Kind.TOOL:
        return gettext("{child} is a tool of {team}: it trains models and is none.")
    if model.category in FROM_SCRATCH and verdict == Verdict.INDEPENDENT:
        return gettext(
            "{child} was trained from scratch by {team}, as declared. The weights show "
            "no relative in this register."
        )
    if model.category in FROM_SCRATCH and verification is not None:
        return gettext(
            "{team} declares that {child} was trained from scratch. The verdict below "
            "says what the weights show."
        )
    if model.category in FROM_SCRATCH:
        return gettext("{child} was trained from scratch by {team}.")
    if model.category:
        return gettext("{child} is derived from a model that is not registered here.")
    return gettext("{team} registered {child} without saying what it comes from.")


def _team(model: RegisteredModel) -> str:
    team = model.organization
    return shown_team(team) if team else gettext("an unnamed team")


def _other(verification: Verification) -> SafeString | str:
    if verification.compared_with is not None:
        return model_link(verification.compared_with)
    declared = verification.revision.declarations.filter(parent=None).first()
    return declared.declared_id if declared else ""
