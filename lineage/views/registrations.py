"""Registering what has no weights, and describing it anew."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from lineage.forms import (
    ParentForms,
    RegistrationForm,
    initial_of,
    registration_of,
    typed,
)
from registry.declaration import MAX_ID_LENGTH
from registry.models import RegisteredModel, Revision
from registry.naming import resolve
from registry.permissions import Sight, can_push, may_push_to, sight_of
from registry.services.registrations import (
    address_from,
    describe_again,
    is_described_by_form,
    register,
)
from registry.services.revisions import CommitConflict, CommitRefused, NameTaken
from registry.views.requests import SignedInRequest

MAX_SUGGESTIONS: Final = 5
MAX_OPTIONS: Final = 12


@login_required
def new(request: SignedInRequest) -> HttpResponse:
    """Take a new entry without weights; what was typed stays where it is wrong."""
    teams = may_push_to(request.user).order_by("slug")
    if not teams:
        return render(request, "lineage/registration.html", {"has_no_team": True})
    if "add" in request.POST:
        values, rows = typed(request.POST)
        return _show(
            request,
            RegistrationForm(initial=values, teams=teams),
            ParentForms(initial=rows, prefix="parents"),
        )
    form = RegistrationForm(
        request.POST or None,
        initial={"organization": teams.filter(slug=request.GET.get("team")).first()},
        teams=teams,
    )
    parents = ParentForms(request.POST or None, prefix="parents")
    if request.method == "POST":
        revision = _registered(request, form, parents)
        if revision is not None:
            said = (
                _("Registered. Only members of your organisation see it.")
                if revision.model.private
                else _("Registered. Below is what everybody sees of it.")
            )
            messages.success(request, said)
            _say_unresolved(request, revision)
            return redirect(revision.model)
    return _show(request, form, parents)


@login_required
def edit(request: SignedInRequest, slug: str) -> HttpResponse:
    """Describe an entry without weights anew; what it was stays in its history."""
    seen = RegisteredModel.objects.filter(sight_of(request.user).allows())
    models = seen.select_related("organization", "head")
    model = get_object_or_404(models.from_teams().with_slug(slug), head__isnull=False)
    if model.organization is None or not can_push(
        request.user, model.organization, token=None
    ):
        raise PermissionDenied
    if not is_described_by_form(model):
        messages.info(request, _("Push its README.md to change what it declares."))
        return redirect(model)
    if "add" in request.POST:
        values, rows = typed(request.POST)
        form = RegistrationForm(initial=values, teams=None)
        return _show(request, form, ParentForms(initial=rows, prefix="parents"), model)
    values, rows = initial_of(model.head)
    form = RegistrationForm(request.POST or None, initial=values, teams=None)
    parents = ParentForms(request.POST or None, initial=rows, prefix="parents")
    if request.method == "POST":
        revision = _described(request, model, form, parents)
        if revision is not None:
            messages.success(
                request, _("Saved. The earlier version is in the history.")
            )
            _say_unresolved(request, revision)
            return redirect(model)
    return _show(request, form, parents, model)


def bases(request: HttpRequest) -> HttpResponse:
    """Offer the ids of entries whose names hold what was typed, whatever its field."""
    text = next(iter(request.GET.dict().values()), "")[:200]
    context = {"models": near(text, MAX_OPTIONS, sight_of(request.user))}
    return render(request, "lineage/_base_options.html", context)


def near(text: str, most: int, sight: Sight) -> list[RegisteredModel]:
    """Return listed entries that a text may mean, the closest name first."""
    if not text.strip():
        return []
    seen = RegisteredModel.objects.listed().filter(sight.allows())
    found: Any = seen.searched(text).by_name(text)
    return list(found.order_by("closeness", "name", "id")[:most])


def _registered(
    request: SignedInRequest, form: RegistrationForm, parents: Any
) -> Revision | None:
    """Return the revision, or None after adding what is wrong to the forms."""
    entry = registration_of(form, parents)
    if entry is None:
        return None
    given = form.cleaned_data
    address = given["address"] or address_from(given["name"])
    if not address:
        form.add_error("address", _("Write a name in Latin letters for the address."))
        return None
    try:
        return register(
            given["organization"],
            address=address,
            entry=entry,
            by=request.user,
            private=given["private"],
        )
    except ValidationError as error:
        form.add_error("address", error)
    except NameTaken:
        taken = _("%(team)s has an entry of this name already; choose another.")
        form.add_error("address", taken % {"team": given["organization"]})
    except CommitRefused as error:
        form.add_error(None, str(error))
    return None


def _described(
    request: SignedInRequest,
    model: RegisteredModel,
    form: RegistrationForm,
    parents: Any,
) -> Revision | None:
    """Return the new revision, or None after adding what is wrong to the forms."""
    entry = registration_of(form, parents)
    if entry is None:
        return None
    parent_commit = form.cleaned_data["head"]
    try:
        return describe_again(
            model, entry=entry, by=request.user, parent_commit=parent_commit or None
        )
    except CommitConflict:
        changed = _(
            "Somebody has changed this entry since you opened the form. Look at it in "
            "another window; what you typed is still here. Send again to put yours on "
            "top."
        )
        form.add_error(None, changed)
        head: Any = RegisteredModel.objects.get(pk=model.pk).head
        data: Any = form.data
        form.data = data = data.copy()
        data["head"] = head.commit_id
    except CommitRefused as error:
        form.add_error(None, str(error))
    return None


def _show(
    request: HttpRequest,
    form: RegistrationForm,
    parents: Any,
    model: RegisteredModel | None = None,
) -> HttpResponse:
    sight = sight_of(request.user)
    context = {
        "form": form,
        "parents": parents,
        "rows": [
            (row, _suggested(row["base"].value(), sight)) for row in parents.forms
        ],
        "model": model,
    }
    status = 422 if form.errors or parents.total_error_count() else 200
    return render(request, "lineage/registration.html", context, status=status)


def _suggested(declared_id: str | None, sight: Sight) -> list[RegisteredModel] | None:
    """Return what an unknown id may mean, or None for an id that is known."""
    asked = (declared_id or "").replace("\x00", "")[:MAX_ID_LENGTH].strip()
    if not asked or resolve(asked, sight) is not None:
        return None
    return near(asked, MAX_SUGGESTIONS, sight)


def _say_unresolved(request: HttpRequest, revision: Revision) -> None:
    for declaration in revision.declarations.filter(parent=None).order_by("position"):
        said = _("“%(id)s” is not registered here, so it stands as you wrote it.")
        said %= {"id": declaration.declared_id}
        likely = near(declaration.declared_id, MAX_SUGGESTIONS, sight_of(request.user))
        if likely:
            names = _(", ").join(model.slug for model in likely)
            said += " " + _("Did you mean one of these? %(ids)s") % {"ids": names}
        messages.warning(request, said)
