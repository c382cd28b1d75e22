"""The forms of pages that registry owns."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from registry import card, outbound
from registry.declaration import (
    DEFAULT_RELATION,
    MAX_BASES,
    front_matter,
    read_declaration,
)
from registry.fingerprint import (
    ENGINE,
    SKETCH_LIMIT_BYTES,
    OtherEngine,
    Sketch,
    SketchError,
)
from registry.models import (
    ApiToken,
    Correction,
    Membership,
    Organization,
    Webhook,
)
from registry.models.webhooks import Event
from registry.services.organizations import create_organization, create_token
from registry.services.webhooks import (
    MAX_WEBHOOKS,
    TooManyWebhooks,
    change_webhook,
    create_webhook,
)
from registry.templatetags.words import failure
from registry.vocabulary import (
    CATEGORY_LABELS,
    FROM_SCRATCH,
    RELATION_LABELS,
    RELATIONS_BY_LAYER,
    Layer,
)

# A new webhook with its secret, or None where the form says what is wrong.
Created = tuple[Webhook, str] | None

# Whether a model is private.
SEEN_BY = [("no", _("Everybody")), ("yes", _("Only our organisation"))]
# What the weights of a model can come from, the hub's own word first.
RELATIONS: dict[str, str | Promise] = {
    DEFAULT_RELATION: _("fine-tuned, in whatever way, from"),
    **{
        relation.value: RELATION_LABELS[relation]
        for layer in (Layer.WEIGHTS, Layer.COMPONENT, Layer.OUTPUTS)
        for relation in RELATIONS_BY_LAYER[layer]
    },
}
SCRATCH = {word.value: CATEGORY_LABELS[word] for word in sorted(FROM_SCRATCH)}
DERIVED = {
    word.value: label
    for word, label in CATEGORY_LABELS.items()
    if word not in FROM_SCRATCH
}
EXPIRIES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("a year"))]


class OrganizationForm(forms.Form):
    """A new organisation; what its name must be like is the model's to say."""

    slug = forms.CharField(
        label=_("Name"),
        max_length=96,
        help_text=_("Part of every address: acme/my-model. It cannot be changed."),
    )
    name = forms.CharField(
        label=_("Display name"),
        max_length=200,
        required=False,
        help_text=_("Shown on pages. You may leave it empty."),
    )

    def create(self, *, owner: User) -> Organization | None:
        """Return the organisation, or None after adding what is wrong to the form."""
        try:
            return create_organization(**self.cleaned_data, owner=owner)
        except ValidationError as error:
            self.add_error(None, error)
            return None


class CorrectionForm(forms.ModelForm):  # type: ignore[type-arg]  # no subscript
    """What is wrong with one fact of an entry, and where the right value stands."""

    fact = forms.ChoiceField(label=_("Which fact is wrong?"))
    source = forms.URLField(
        label=_("Where does it say so?"),
        max_length=500,
        assume_scheme="https",
        help_text=_("The address of a paper, model card, licence or article."),
    )
    # People do not see this field; programs that fill in everything do.
    website = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Correction
        fields = ("fact", "right", "source", "email")
        labels = {
            "right": _("What is right?"),
            "email": _("Your e-mail, if we may ask back"),
        }
        help_texts = {
            "email": _("Seen by the editors only. You may leave it empty."),
        }
        widgets = {"right": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, facts: list[tuple[str, str]], **kwargs: Any) -> None:
        # The labels are questions.
        super().__init__(*args, **kwargs | {"label_suffix": ""})
        self.fields["fact"].choices = facts  # type: ignore[attr-defined]


class ClaimForm(forms.Form):
    """Why an organisation is somebody's; one good reason is enough."""

    link = forms.URLField(
        label=_("A page that shows the code"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=_(
            "On the organisation's own site, or its page on a hub. You may take the "
            "code away once it is decided."
        ),
    )
    email = forms.EmailField(
        label=_("Your address at the organisation"),
        required=False,
        help_text=_("We may write to it. Only moderators see it."),
    )
    text = forms.CharField(
        label=_("Who are you there?"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Your part in it, and whatever else shows that you belong to it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"label_suffix": ""})

    def clean(self) -> dict[str, Any]:
        """Return what was given; a claim without any evidence cannot be decided."""
        if not self.errors and not any(self.cleaned_data.values()):
            raise ValidationError(_("Give one of the three, or better two."))
        return self.cleaned_data


class WordForm(forms.Form):
    """What somebody says; the view decides whether it may stay empty."""

    # One form has several buttons, and not all of them need a word.
    use_required_attribute = False

    text = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, label: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"label_suffix": ""})
        self.fields["text"].label = label


class HubImportForm(forms.Form):
    """A repository of a hub, and under which name it is registered here."""

    organization = forms.ModelChoiceField(
        Organization.objects.none(), label=_("Organisation"), to_field_name="slug"
    )
    hub = forms.ChoiceField(label=_("Hub"))
    repo = forms.CharField(
        label=_("Repository"),
        max_length=200,
        help_text=_("As the hub writes it: team/model."),
    )
    revision = forms.CharField(
        label=_("Revision"),
        max_length=200,
        initial="main",
        help_text=_("A branch, a tag or a commit. What it means now is kept."),
    )
    name = forms.CharField(
        label=_("Name here"),
        max_length=96,
        required=False,
        help_text=_("Left empty, as on the hub."),
    )
    token = forms.CharField(
        label=_("Token of the hub"),
        max_length=500,
        required=False,
        # The form comes back once, to show what was found.
        widget=forms.PasswordInput(
            render_value=True, attrs={"autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_(
            "Only for a gated repository. Kept encrypted until the weights are read, "
            "then removed."
        ),
    )
    private = forms.ChoiceField(
        label=_("Who sees the model"),
        choices=[
            ("", _("Everybody; if the repository is gated, only our organisation")),
            *SEEN_BY,
        ],
        required=False,
        help_text=_("An owner changes it later, on the page of the model's settings."),
    )
    keep_copy = forms.BooleanField(
        label=_("Keep a copy of the weights here"),
        required=False,
        help_text=_("It counts against your quota, and later verdicts can read it."),
    )

    def __init__(
        self, *args: Any, teams: Sequence[Organization], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        organization: Any = self.fields["organization"]
        organization.queryset = Organization.objects.filter(
            pk__in=[team.pk for team in teams]
        ).order_by("slug")
        organization.empty_label = None
        hub: Any = self.fields["hub"]
        hub.choices = [(h, h.partition("//")[2]) for h in settings.IMPORT_HUBS]


class SketchForm(forms.Form):
    """A sketch that a team computed, the card of its model, and what it declares.

    What was sent stays in hidden fields, so that nobody chooses it twice.
    """

    organization = forms.ModelChoiceField(
        Organization.objects.none(), label=_("Organisation"), to_field_name="slug"
    )
    name = forms.CharField(
        label=_("Model"),
        max_length=96,
        help_text=_("Part of every address: acme/my-model. It cannot be changed."),
    )
    sketch = forms.FileField(
        label=_("Sketch"),
        required=False,
        allow_empty_file=True,
        help_text=_("The file that the command has written, 256 KiB at most."),
    )
    kept_sketch = forms.CharField(required=False, widget=forms.HiddenInput)
    card = forms.FileField(
        label="README.md",
        required=False,
        allow_empty_file=True,
        help_text=_("The model card. Left out, a new one is written."),
    )
    kept_card = forms.CharField(required=False, widget=forms.HiddenInput)
    origin = forms.ChoiceField(
        choices=[(word, word) for word in ("base", "scratch", "card")], initial="base"
    )
    private = forms.ChoiceField(
        label=_("Who sees the model"),
        choices=SEEN_BY,
        required=False,
        help_text=_("An owner changes it later, on the page of the model's settings."),
    )
    relation = forms.ChoiceField(
        label=_("It is"), choices=[*RELATIONS.items()], required=False
    )
    bases = forms.CharField(
        label=_("Base"),
        max_length=2000,
        required=False,
        help_text=_(
            "A model of this register, or its id on a public hub, such as "
            "meta-llama/Llama-2-7b-hf. Several, for a merge, with commas between them."
        ),
    )
    scratch = forms.ChoiceField(
        label=_("Category"), choices=[*SCRATCH.items()], required=False
    )
    replace = forms.BooleanField(
        label=_("Replace the files of the model that has this name"), required=False
    )

    def __init__(self, data: Any, files: Any, *, teams: Sequence[Organization]) -> None:
        self._sent: Any = data.copy() if data else None
        super().__init__(self._sent, files)
        organization: Any = self.fields["organization"]
        organization.queryset = Organization.objects.filter(
            pk__in=[team.pk for team in teams]
        ).order_by("slug")
        organization.empty_label = None

    def clean(self) -> dict[str, Any]:
        """Return what was given, with the bytes of sketch and card as they will be."""
        given: dict[str, Any] = self.cleaned_data
        given["sketch"] = self._kept("sketch")
        given["card"] = self._kept("card")
        try:
            self._check_sketch(given["sketch"])
        except ValidationError as error:
            self.add_error("sketch", error)
            self._sent["kept_sketch"] = ""
        if given.get("origin") == "base" and not self._bases():
            self.add_error("bases", _("Name the base, or choose another answer."))
        elif not self.errors:
            self._write_card()
        return given

    @property
    def described(self) -> Sketch | None:
        """Return the sketch that was sent, if it is one."""
        try:
            return Sketch.from_bytes(self.cleaned_data.get("sketch") or b"")
        except SketchError:
            return None

    def _kept(self, name: str) -> bytes:
        """Return what is sent in a field now or was before, and keep it."""
        sent = self.cleaned_data.get(name)
        if sent is not None:
            content: bytes = sent.read()
        else:
            content = _from_base64(self.cleaned_data.get(f"kept_{name}") or "")
        self._sent[f"kept_{name}"] = base64.b64encode(content).decode()
        return content

    def _check_sketch(self, content: bytes) -> None:
        """Raise ValidationError for what cannot be registered as a sketch."""
        if not content:
            raise ValidationError(_("Choose the file that the command has written."))
        try:
            sketch = Sketch.from_bytes(content[: SKETCH_LIMIT_BYTES + 1])
        except OtherEngine:
            raise ValidationError(
                _(
                    "This sketch was made by another version of the engine than this "
                    "register's, %(engine)s. Make it again with the program of this "
                    "register."
                ),
                params={"engine": ENGINE},
            ) from None
        except SketchError:
            raise ValidationError(
                _(
                    "This is not a sketch, or it is damaged. Choose the file that the "
                    "command has written; the weights themselves are not sent here."
                )
            ) from None
        if not sketch.files:
            raise ValidationError(
                _(
                    "This sketch does not name its weight files. Make it again with "
                    "--hashes, as the command above does."
                )
            )

    def _bases(self) -> list[str]:
        named = (self.cleaned_data.get("bases") or "").replace("，", ",").split(",")
        return [name for text in named if (name := text.strip())]

    def _write_card(self) -> None:
        """Put the declaration into the card, or add what is wrong with it."""
        given = self.cleaned_data
        before = given["card"] or f"# {given['name']}\n".encode()
        bases = self._bases() if given["origin"] == "base" else []
        category = None
        if given["origin"] == "scratch":
            category = given["scratch"] or next(iter(SCRATCH))
        if len(bases) > MAX_BASES:
            self.add_error("bases", _("These are too many."))
            return
        try:
            if given["origin"] != "card":
                relation = given["relation"] or DEFAULT_RELATION
                fields = front_matter(bases, relation, category)
                before = card.amended(before, fields)
            read_declaration(card.parse_card(before).metadata)
        except card.CardInvalid as error:
            self.add_error("card", str(error))
        given["card"] = before


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


class TokenForm(forms.Form):
    """A new token of an organisation."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("What will use it, for example: laptop, training cluster."),
    )
    scope = forms.ChoiceField(label=_("What it may do"))
    expires = forms.ChoiceField(
        label=_("Valid for"), choices=[*EXPIRIES, ("", _("no end"))], required=False
    )

    def __init__(
        self, *args: Any, scopes: Sequence[ApiToken.Scope], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["scope"]
        chosen.choices = [(scope.value, scope.label) for scope in scopes]
        if ApiToken.Scope.PUSH in scopes:
            chosen.initial = ApiToken.Scope.PUSH.value

    def create(self, *, user: User, organization: Organization) -> tuple[ApiToken, str]:
        """Return the token and its secret."""
        given: dict[str, Any] = self.cleaned_data
        days = int(given["expires"] or 0)
        return create_token(
            user=user,
            organization=organization,
            name=given["name"],
            scope=given["scope"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )


class InvitationForm(forms.Form):
    """Whom an owner invites, and as what."""

    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("Where the link is sent. Left empty, you pass it on yourself."),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Membership.Role.choices,
        initial=Membership.Role.MAINTAINER,
    )


class RoleForm(forms.Form):
    """Another role for a member."""

    role = forms.ChoiceField(label=_("Role"), choices=Membership.Role.choices)


class WebhookForm(forms.Form):
    """Where an organisation's programs are told what happened, and of what."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text=_("Gets a POST request with JSON for every event."),
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=Event.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[Event.PUSH_COMMITTED, Event.VERDICT_PUBLISHED],
    )

    def create(self, organization: Organization, *, by: User) -> Created:
        """Return the webhook and its secret, or None after saying what is wrong."""
        try:
            return create_webhook(organization, by=by, **self.cleaned_data)
        except outbound.Refused as error:
            self.add_error("url", failure(error.why))
        except TooManyWebhooks:
            said = _("An organisation has %(n)s webhooks at most. Remove one first.")
            self.add_error(None, said % {"n": MAX_WEBHOOKS})
        return None


class WebhookChangeForm(WebhookForm):
    """The same of a webhook that exists, which can also be switched off."""

    is_active = forms.BooleanField(label=_("Switched on"), required=False)

    def change(self, webhook: Webhook, *, by: User) -> bool:
        """Change the webhook, or say what is wrong; return whether it was changed."""
        try:
            change_webhook(webhook, by=by, **self.cleaned_data)
        except outbound.Refused as error:
            self.add_error("url", failure(error.why))
            return False
        return True


class VisibilityForm(forms.Form):
    """Who sees a model."""

    private = forms.ChoiceField(
        label=_("Who sees the model"),
        choices=SEEN_BY,
        widget=forms.RadioSelect,
    )


class RemovalForm(forms.Form):
    """The name of what is to be removed, typed, and why."""

    confirmation = forms.CharField(max_length=200)
    reason = forms.CharField(
        label=_("Why?"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Shown where its name still stands. You may leave it empty."),
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"label_suffix": ""})
        self.name = name
        typed = self.fields["confirmation"]
        typed.label = _("Type “%(name)s” to confirm") % {"name": name}
        typed.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean_confirmation(self) -> str:
        """Return the name; raises ValidationError for any other."""
        typed: str = self.cleaned_data["confirmation"]
        if typed.strip() != self.name:
            raise ValidationError(_("This is not the name of the model."))
        return typed
