"""The sentences that pages say about derivations and verdicts; see also answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lineage.models import Declaration, Derivation, Verification
from registry.models import RegisteredModel
from registry.templatetags.words import own_name, shown_name
from registry.vocabulary import ENGINE_RELATIONS, StatementKind

# "{child}" and "{parents}" are links; a sentence has no full stop.
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

# Words of the engine for weights that are the other's, value by value.
SAME_WEIGHTS: Final = frozenset({"identical", "renamed", "permuted"})

HEDGES: Final[dict[str, Any]] = {
    "alleged": _("Claimed in public and unproven: {claim}"),
    "disputed": _("Contested: {claim}"),
    "contradicted": _("Declared, but not seen in the weights: {claim}"),
}

REASON_SENTENCES: Final[dict[str, Any]] = {
    "decided-by-moderator": _(
        "A moderator has settled a dispute by this verdict, in place of the one that "
        "the comparison gave."
    ),
    "copy-of-undeclared": _(
        "The weights are a copy of those of {other}, which is not declared as a base. "
        "Naming it in the model card, or showing that {other} came later, would settle "
        "it."
    ),
    "related-to-undeclared": _(
        "The weights share training history with {other}, which is not declared as a "
        "base. Naming it in the model card, or showing a common ancestor or the "
        "opposite direction, would settle it."
    ),
    "only-self-attested": _(
        "Only a sketch that the team of {other} computed itself speaks for or against "
        "this origin. The register has not seen those weights, and such a sketch says "
        "nothing against others; their weights would settle it."
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
    "declared-base-is-sibling": _(
        "The weights share training history with the declared base {other}, as two "
        "models with a common ancestor and not as parent and child. Naming that "
        "ancestor would settle it."
    ),
    "comparison-inconclusive": _(
        "The comparison with the declared base {other} allows no conclusion. Weights "
        "in a form that the engine can compare would settle it."
    ),
    "declared-base-same-start": _(
        "The weights have the same random start as the declared base {other} and show "
        "no training in common with it. A correction of the declaration, or the "
        "checkpoint that training began from, would settle it."
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
    "relative-undecided": _(
        "Declared as trained from scratch. Something is common with {other}, too "
        "little or too unclear to speak of descent and too much to exclude it. The "
        "weights of both in a form that can be read again would settle it."
    ),
    "nothing-found": _(
        "Declared as trained from scratch; none of the registered models that could be "
        "compared shares its weights. The nearest is {other}."
    ),
    "relation-not-in-weights": _(
        "What is declared to come from {other} is not its weights, so these weights "
        "can neither confirm nor deny it. Declaring a base of the weights too, if "
        "there is one, would settle more."
    ),
    "service-declared": _(
        "It is declared to work through somebody else's model, so there are no weights "
        "of its own to read. A word of that model's provider would settle it."
    ),
    "no-model": _(
        "This is no model itself, so there are no weights to read. Naming the models "
        "behind it, with a page that says so, would settle what can be settled."
    ),
    "no-weights": _(
        "This revision holds no safetensors weights, so nothing could be compared. "
        "Pushing them would settle it."
    ),
}


def model_link(model: RegisteredModel) -> SafeString:
    """Return a link to a model's page, by the name the reader knows.

    What stands in the place of a private model has a name and no page.
    """
    if model.pk is None:
        return format_html("{}", shown_name(model))
    return format_html(
        '<a href="{}">{}</a>', model.get_absolute_url(), shown_name(model)
    )


def links(models: Iterable[RegisteredModel]) -> SafeString:
    """Return links to several models, in their order."""
    return format_html_join(gettext(", "), "{}", ((model_link(m),) for m in models))


def strong_name(model: RegisteredModel) -> SafeString:
    """Return the name of the model that a sentence is about."""
    return format_html("<strong>{}</strong>", own_name(model))


def names_itself(declaration: Declaration, model: RegisteredModel) -> bool:
    """Return whether a model card names its own model as the base."""
    own = {model.slug.lower(), model.repo_id.lower()}
    return declaration.parent_id is None and declaration.declared_id.lower() in own


def derived(
    relation: str, child: RegisteredModel, parents: Iterable[RegisteredModel]
) -> SafeString:
    """Return that a child comes from its parents, without a full stop."""
    text = str(RELATION_SENTENCES[relation])
    return format_html(text, child=strong_name(child), parents=links(parents))


def found_relative(
    child: RegisteredModel, parent: RegisteredModel, comparison: Mapping[str, Any]
) -> SafeString:
    """Return what a comparison says of an undeclared relative, without a full stop.

    Where the weights show no direction, the sentence claims none.
    """
    relations = ENGINE_RELATIONS.get(str(comparison["relation"]), ())
    if comparison["relation"] in SAME_WEIGHTS:
        text = gettext(
            "{child} has the same weights as {parent}, registered here earlier"
        )
    elif comparison["relation"] == "noised":
        text = gettext(
            "{child} has the weights of {parent}, registered here earlier, with noise "
            "added"
        )
    elif comparison["direction"] is None or not relations:
        text = gettext(
            "{child} shares training history with {parent}; which came first, the "
            "weights do not say"
        )
    else:
        return derived(relations[0], child, [parent])
    return format_html(text, child=strong_name(child), parent=model_link(parent))


def reason(verification: Verification) -> SafeString:
    """Return why the verdict is what it is, and what would settle an open one."""
    sentence = REASON_SENTENCES.get(verification.reason)
    if sentence is None:
        return SafeString("")
    return format_html(str(sentence), other=_other(verification))


def relation_text(derivation: Derivation) -> SafeString:
    """Return a derivation as a sentence with links, hedged where it is not settled."""
    child, parent = derivation.child, derivation.parent
    if derivation.state == StatementKind.FOUND:
        comparison = _finding(derivation)
        if comparison is not None:
            return found_relative(child, parent, comparison)
    sentence = derived(derivation.relation, child, [parent])
    hedge = HEDGES.get(derivation.state)
    return format_html(str(hedge), claim=sentence) if hedge else sentence


def _finding(derivation: Derivation) -> Mapping[str, Any] | None:
    """Return the latest comparison by which the weights showed a derivation."""
    said = sorted(derivation.statements.all(), key=lambda s: s.pk, reverse=True)
    for statement in said:
        verification = statement.verification
        for relative in verification.relatives if verification else ():
            if relative["slug"] == derivation.parent.slug:
                comparison: Mapping[str, Any] = relative["comparison"]
                return comparison
    return None


def _other(verification: Verification) -> SafeString | str:
    if verification.compared_with is not None:
        return model_link(verification.compared_with)
    declarations = verification.revision.declarations.with_parents()
    declared = declarations.filter(parent=None).first() or declarations.first()
    if declared is None:
        return ""
    return model_link(declared.parent) if declared.parent else declared.declared_id
