"""The forms of hearings and disputes."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from lineage.models import Dispute
from lineage.services.rulings import NEEDED, STATES, Ruling
from registry.vocabulary import RELATION_LABELS, STATEMENT_LABELS, VERDICT_LABELS

MAX_EVIDENCE: Final = 10
TEXT_LENGTH: Final = 4000
_is_address = URLValidator(schemes=["http", "https"])


def _text(label: Any, help_text: Any = "") -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 6})
    return forms.CharField(
        label=label, help_text=help_text, max_length=TEXT_LENGTH, widget=area
    )


class LinesField(forms.CharField):
    """Addresses, one a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def clean(self, value: Any) -> list[str]:
        """Return the addresses; raises ValidationError for what is none."""
        lines = [line.strip() for line in super().clean(value).splitlines()]
        addresses = [line for line in lines if line]
        if len(addresses) > MAX_EVIDENCE:
            raise ValidationError(_("At most %(n)s links."), params={"n": MAX_EVIDENCE})
        for address in addresses:
            try:
                _is_address(address)
            except ValidationError as error:
                raise ValidationError(
                    _("“%(line)s” is no address. Write one link a line."),
                    params={"line": address[:80]},
                ) from error
        return addresses


class PlainForm(forms.Form):
    """A form whose labels are sentences of their own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"label_suffix": ""})


class AnswerForm(PlainForm):
    """What a team says of a verdict before it is published."""

    answer = _text(
        _("Your answer"), _("It will stand beside the verdict for everybody to read.")
    )


class SpeechForm(PlainForm):
    """What a side says in a dispute, and where its evidence stands."""

    text = _text(_("What do you say?"))
    evidence = LinesField(
        label=_("Evidence"),
        required=False,
        help_text=_("Links to papers, logs, commits or configurations, one a line."),
    )


class DisputeForm(SpeechForm):
    """Why somebody contests a thing."""

    text = _text(
        _("What is wrong, and why?"),
        _("Everybody can read it, under your name."),
    )


class DecisionForm(PlainForm):
    """A moderator's decision, its reasons, and what takes the contested thing's place.

    Only the fields of the thing that is contested are there.
    """

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=[("", "–"), *((word.value, word.label) for word in Dispute.DECISIONS)],
    )
    reasons = _text(_("Reasons"), _("Both sides and everybody else can read them."))
    verdict = forms.ChoiceField(
        label=_("The verdict that is right"),
        required=False,
        choices=[("", "–"), *((w.value, label) for w, label in VERDICT_LABELS.items())],
    )
    state = forms.ChoiceField(
        label=_("What the derivation is"),
        required=False,
        choices=[("", "–"), *((s.value, STATEMENT_LABELS[s]) for s in STATES)],
    )
    relation = forms.ChoiceField(
        label=_("The relation that is right"),
        required=False,
        choices=[
            ("", _("as it is")),
            *((r.value, label) for r, label in RELATION_LABELS.items()),
        ],
    )
    right = forms.CharField(
        label=_("What is right?"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    source = forms.URLField(
        label=_("Where does it say so?"),
        required=False,
        max_length=500,
        assume_scheme="https",
    )

    FIELDS: Final = {
        "verdict": ("verdict",),
        "edge": ("state", "relation"),
        "fact": ("right", "source"),
    }

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        for about, names in self.FIELDS.items():
            for name in names:
                if about != kind:
                    del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """Return the decision; raises ValidationError where nothing would follow."""
        given = super().clean() or {}
        if given.get("outcome") in Dispute.GRANTED:
            for name in NEEDED[self.kind]:
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, _("Say what takes its place."))
        return given

    @property
    def outcome_given(self) -> Dispute.State:
        """Return the decision of a valid form."""
        return Dispute.State(self.cleaned_data["outcome"])

    @property
    def ruling(self) -> Ruling:
        """Return what takes the place of the contested thing, from a valid form."""
        names = ("verdict", "state", "relation", "right", "source")
        return Ruling(**{n: self.cleaned_data.get(n, "") for n in names})
