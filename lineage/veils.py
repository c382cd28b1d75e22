"""What others may read of a verdict that rests on somebody's private models.

Verdicts are kept as they were given and name every model by its slug. Before one is
shown, here alone, the names that its reader must not learn give way to a few words,
and the names of its tensors to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext, override

from lineage.models import Declaration, Dispute, Verification
from registry.models import RegisteredModel
from registry.permissions import PUBLIC, Sight

# Only what a team has pushed can be private, and only its slug holds "--".
_PUSHED: Final = re.compile(r"[A-Za-z0-9._-]+--[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
# How a sentence of the evidence names a module.
_QUOTED: Final = re.compile(r""" \((['"]).*\1\)""")

Names = Mapping[str, str]


def veiled(verification: Verification, sight: Sight) -> Verification:
    """Return the verdict as someone may read it; the row itself is never saved.

    In place of a private model stands one without an address, whose name says so.
    """
    return veiled_all([verification], sight)[0]


def veiled_all(
    verifications: Iterable[Verification], sight: Sight
) -> list[Verification]:
    """Return verdicts as someone may read them."""
    shown = list(verifications)
    said = [[v.comparison, v.relatives, v.limits] for v in shown]
    hidden = _hidden_among(" ".join(_texts(said)), sight)
    for verification in shown:
        if hidden:
            _rename(verification, hidden)
        _hide_other(verification, sight)
    return shown


def veiled_disputes(disputes: Iterable[Dispute], sight: Sight) -> list[Dispute]:
    """Return disputes of which each names what its reader may know; never saved."""
    shown = list(disputes)
    for dispute in shown:
        if dispute.verification is not None:
            _hide_other(dispute.verification, sight)
    return shown


def _hide_other(verification: Verification, sight: Sight) -> None:
    other = verification.compared_with
    if other is not None and not sight.sees(other):
        verification.compared_with = nameless()
        verification.compared_revision = None
        if verification.comparison is not None:
            verification.comparison = _without_tensors(verification.comparison)


def _without_tensors(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """Return a comparison that names no tensor: names are their makers' words."""
    evidence = [
        {**item, "text": _QUOTED.sub("", str(item["text"]))}
        for item in comparison["evidence"]
    ]
    return {**comparison, "renamed": {}, "evidence": evidence}


def _rename(verification: Verification, hidden: Names) -> None:
    verification.comparison = _without(verification.comparison, hidden)
    verification.relatives = _without(verification.relatives, hidden)
    verification.limits = _without(verification.limits, hidden)


def declared(declarations: Iterable[Declaration], sight: Sight) -> list[Declaration]:
    """Return declarations of which no private base is known by more than its text.

    What makers write into a public card is their own word, and public with the card.
    """
    shown = list(declarations)
    for declaration in shown:
        if declaration.parent is not None and not sight.sees(declaration.parent):
            declaration.parent = None
    return shown


def sight_of_statement(model: RegisteredModel, sight: Sight) -> Sight:
    """Return what a signed statement may name: of a public model, what all may read.

    It is made to be passed on, and is the same whoever fetches it.
    """
    return sight if model.private else PUBLIC


def nameless() -> RegisteredModel:
    """Return what stands in the place of a model that its reader must not know."""
    return RegisteredModel(name=_words(), name_zh=_words_in("zh-hans"))


def _words() -> str:
    return gettext("a model that its organisation keeps private")


def _words_in(language: str) -> str:
    with override(language):
        return _words()


def _hidden_among(text: str, sight: Sight) -> Names:
    """Return the slugs in a text that must not be read, with what stands for them."""
    named = {slug.lower(): slug for slug in _PUSHED.findall(text)}
    if not named or sight.is_whole:
        return {}
    models = RegisteredModel.objects.filter(slug__lower__in=list(named))
    known = {model.slug.lower(): sight.sees(model) for model in models}
    return {
        slug: _words() if low in known else gettext("a model that was removed")
        for low, slug in named.items()
        if not known.get(low)
    }


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in JSON, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _without(value: Any, hidden: Names) -> Any:
    """Return JSON in which every hidden name gave way, in lists and sentences too."""
    if isinstance(value, str):
        return _PUSHED.sub(lambda found: hidden.get(found[0], found[0]), value)
    if isinstance(value, list):
        return [_without(item, hidden) for item in value]
    if isinstance(value, dict):
        return {key: _without(item, hidden) for key, item in value.items()}
    return value
