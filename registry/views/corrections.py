"""Readers' corrections of the facts of an entry."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from registry.facts import CORRECTABLE
from registry.forms import CorrectionForm
from registry.models import RegisteredModel
from registry.permissions import sight_of
from registry.templatetags.words import contested_fact

# So many waiting ones are enough for an editor to look at the whole entry.
MAX_WAITING: Final = 20


def correct(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a correction; what was typed stays in the form when something is amiss."""
    seen = RegisteredModel.objects.listed().filter(sight_of(request.user).allows())
    model = get_object_or_404(seen.with_slug(slug))
    facts = _facts()
    asked = {"fact": request.GET.get("fact", "")}
    form = CorrectionForm(request.POST or None, facts=facts, initial=asked)
    is_full = model.corrections.waiting().count() >= MAX_WAITING
    if request.method == "POST" and not is_full and form.is_valid():
        if not form.cleaned_data["website"]:
            form.instance.model = model
            form.save()
        messages.success(
            request, _("Thank you. An editor will compare it with the source.")
        )
        return redirect(model)
    status = 429 if is_full else 422 if form.errors else 200
    context = {"model": model, "form": form, "is_full": is_full}
    return render(request, "registry/correct.html", context, status=status)


def _facts() -> list[tuple[str, str]]:
    """Return what a reader may pick, with labels."""
    picked = [(name, contested_fact(name)) for name in CORRECTABLE]
    return [("", _("Choose a fact")), *picked]
