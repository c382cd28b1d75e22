"""The forms of pages that lineage owns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.declaration import MAX_ID_LENGTH, plain_id, read_declaration
from registry.description import (
    MAX_ADDRESS,
    MAX_NAME,
    MAX_TEXT,
    MAX_TITLE,
    Description,
    Evidence,
    LinkInvalid,
    check_link,
    is_month,
    read_description,
)
from registry.models import Organization, Revision
from registry.services.registrations import (
    Registration,
    RegistrationRefused,
    usual_relation,
)
from registry.vocabulary import RELATION_LABELS, Category, Kind, Relation

MAX_PARENTS: Final = 20
MAX_LINES: Final = 10

# What an entry without weights is: a kind, and for models a category.
SORTS: Final[Mapping[str, tuple[Kind, Category | None]]] = {
    "prompt-wrapper": (Kind.MODEL, Category.PROMPT_WRAPPER),
    "api-reskin": (Kind.MODEL, Category.API_RESKIN),
    "product": (Kind.PRODUCT, None),
    "tool": (Kind.TOOL, None),
}
_SORT_LABELS: Final = [
    (
        "prompt-wrapper",
        _("A prompt wrapper: a system prompt, retrieval or tools in front of a model"),
    ),
    ("api-reskin", _("An API reskin: a model's API under another name")),
    ("product", _("A product or service that models power")),
    ("tool", _("A tool: it trains or serves models and is none")),
]
_RELATION_CHOICES: Final = [
    ("", _("as usual for what it is")),
    *(
        (relation.value, RELATION_LABELS[relation])
        for relation in (Relation.PROMPT_WRAPPER, Relation.API_RESKIN, Relation.POWERS)
    ),
]


class RegistrationForm(forms.Form):
    """An entry without weights, but for the models that it stands on."""

    organization = forms.ModelChoiceField(
        label=_("Under which organisation?"),
        queryset=Organization.objects.none(),
        empty_label=None,
    )
    sort = forms.ChoiceField(
        label=_("What is it?"), choices=_SORT_LABELS, widget=forms.RadioSelect
    )
    name = forms.CharField(label=_("What is it called?"), max_length=MAX_NAME)
    name_zh = forms.CharField(
        label=_("Its Chinese name, if it has one"), max_length=MAX_NAME, required=False
    )
    address = forms.CharField(
        label=_("Its name in addresses"),
        max_length=96,
        required=False,
        help_text=_(
            "Latin letters and digits. Left empty, it is made from the name. It cannot "
            "be changed."
        ),
    )
    contribution = forms.CharField(
        label=_("What did you do yourselves?"),
        max_length=MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("A few sentences: the prompt, the retrieval, the interface …"),
    )
    homepage = forms.CharField(
        label=_("Its home page"),
        max_length=MAX_ADDRESS,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    released = forms.CharField(
        label=_("Released in"),
        max_length=7,
        required=False,
        widget=forms.TextInput(attrs={"type": "month", "placeholder": "2026-11"}),
        help_text=_("Year and month. Left empty, it is this month."),
    )
    private = forms.BooleanField(
        label=_("Private: only our organisation sees it"),
        required=False,
        help_text=_("An owner makes it public later, on the page of its settings."),
    )
    # Where the entry stood when the form was opened.
    head = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, teams: QuerySet[Organization] | None, **kwargs: Any
    ) -> None:
        """Offer the teams; None where the entry has its team and address already."""
        super().__init__(*args, **kwargs | {"label_suffix": ""})
        if teams is None:
            for name in ("organization", "address", "private"):
                del self.fields[name]
        else:
            self.fields["organization"].queryset = teams  # type: ignore[attr-defined]

    def clean_homepage(self) -> str:
        """Return the address; raises ValidationError for what is no https link."""
        return _link(self.cleaned_data["homepage"])

    def clean_released(self) -> str:
        """Return the month; raises ValidationError for anything else."""
        month: str = self.cleaned_data["released"]
        if month and not is_month(month):
            raise ValidationError(_("Write the year and the month: 2026-11."))
        return month


class ParentForm(forms.Form):
    """A model that the entry stands on, and the pages that say so."""

    base = forms.CharField(
        label=_("It stands on"),
        max_length=MAX_ID_LENGTH,
        required=False,
        help_text=_("An id here, on a public hub, or a name of the catalog: gpt-4."),
    )
    relation = forms.ChoiceField(
        label=_("How"), choices=_RELATION_CHOICES, required=False
    )
    evidence = forms.CharField(
        label=_("Where does it say so?"),
        required=False,
        max_length=8000,
        widget=forms.Textarea(
            attrs={
                "rows": 2,
                "placeholder": "https://acme.example/about  About our assistant",
            }
        ),
        help_text=_(
            "A page on each line: its https address, a blank, its title. Not needed, "
            "but readers will believe it sooner."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"label_suffix": ""})

    def clean_evidence(self) -> list[tuple[str, str]]:
        """Return the pages as (address, title); raises ValidationError by line."""
        lines = self.cleaned_data["evidence"].splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        if len(lines) > MAX_LINES:
            raise ValidationError(_("Ten pages are enough for one model."))
        return [_page(number, line) for number, line in enumerate(lines, start=1)]

    def clean(self) -> dict[str, Any]:
        """Return what was given; a row that says something names its model."""
        given = self.cleaned_data
        if not given.get("base") and (given.get("evidence") or given.get("relation")):
            self.add_error("base", _("Name the model that it stands on."))
        return given


ParentForms = forms.formset_factory(
    ParentForm,
    extra=0,
    min_num=1,
    max_num=MAX_PARENTS,
    absolute_max=MAX_PARENTS,
    validate_max=True,
)


def registration_of(
    form: RegistrationForm, parents: Any, revision: Revision | None = None
) -> Registration | None:
    """Return what was registered, or None after adding what is wrong to the forms.

    Where no month was given, that of the earlier revision holds.
    """
    if not (form.is_valid() & parents.is_valid()):
        return None
    given = form.cleaned_data
    kind, category = SORTS[given["sort"]]
    rows = [row for row in parents.forms if row.cleaned_data.get("base")]
    usual = usual_relation(kind, category)
    entry = Registration(
        description=Description(
            kind=kind,
            name=given["name"],
            name_zh=given["name_zh"],
            released=given["released"],
            homepage=given["homepage"],
            contribution=given["contribution"],
            evidence=tuple(
                Evidence(row.cleaned_data["base"], url, title)
                for row in rows
                for url, title in row.cleaned_data["evidence"]
            ),
        ),
        category=category,
        bases=tuple(
            (row.cleaned_data["base"], Relation(row.cleaned_data["relation"] or usual))
            for row in rows
        ),
    )
    try:
        entry.check()
    except RegistrationRefused as error:
        # A browser always sends one row at least.
        row = (rows or parents.forms or [form])[error.row or 0]
        field = "relation" if error.field == "relation" else "base"
        row.add_error(field if field in row.fields else None, str(error))
        return None
    return entry


def initial_of(
    revision: Revision | None,
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Return the two forms' values for an entry as it stands."""
    if revision is None:
        return {}, []
    said = read_description(revision.card)
    declared = read_declaration(revision.card)
    sort = said.kind if said.kind != Kind.MODEL else declared.category or ""
    values = {
        "sort": sort if sort in SORTS else "",
        "name": revision.model.name,
        "name_zh": said.name_zh,
        "contribution": said.contribution,
        "homepage": said.homepage,
        "released": revision.model.released,
        "head": revision.commit_id,
    }
    rows = [
        {
            "base": base,
            "relation": relation,
            "evidence": "\n".join(
                f"{item.url} {item.title}"
                for item in said.evidence
                if plain_id(item.base) == base
            ),
        }
        for base, relation in declared.bases
    ]
    return values, rows


def typed(data: Mapping[str, str]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the two forms' values as they were typed, with one row more."""
    values = {name: data[name] for name in RegistrationForm.base_fields if name in data}
    count = data.get("parents-TOTAL_FORMS", "")[:4]
    n_rows = min(int(count) if count.isdecimal() else 0, MAX_PARENTS)
    rows: Sequence[dict[str, str]] = [
        {name: data.get(f"parents-{row}-{name}", "") for name in ParentForm.base_fields}
        for row in range(n_rows)
    ]
    return values, [*rows, {}]


def _page(number: int, line: str) -> tuple[str, str]:
    url, _blank, title = line.partition(" ")
    try:
        link = check_link(url)
    except LinkInvalid:
        said = gettext("Line %(n)s: begin with the page's address, https://…")
        raise ValidationError(said % {"n": number}) from None
    if not title.strip():
        said = gettext("Line %(n)s: write the page's title after its address.")
        raise ValidationError(said % {"n": number})
    return link, title.strip()[:MAX_TITLE]


def _link(address: str) -> str:
    try:
        return check_link(address) if address else ""
    except LinkInvalid:
        raise ValidationError(
            _("Give the whole address, beginning with https://.")
        ) from None
