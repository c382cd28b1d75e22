"""One page for all that waits for a moderator, and decisions on corrections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from registry import moderation as queues
from registry.forms import WordForm
from registry.mail import send_correction_decided
from registry.models import Claim, Correction
from registry.moderation import Section
from registry.permissions import can_answer, is_moderator, sight_of
from registry.templatetags.words import fact_label
from registry.views.requests import SignedInRequest

MOST: Final = 50
View = Callable[..., HttpResponse]


def for_moderators(view: View) -> View:
    """Return the view, which asks visitors to sign in and is not there for others."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_moderator(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@for_moderators
def moderation(request: HttpRequest) -> HttpResponse:
    """Show every queue."""
    sections = (*OWN, *queues.sections())
    shown = [(section.template, section.context()) for section in sections]
    return render(request, "registry/moderation.html", {"sections": shown})


@for_moderators
def correction(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide on a reader's correction."""
    corrections = Correction.objects.select_related("model", "answered_by")
    found = get_object_or_404(corrections, pk=pk)
    states = {"taken": Correction.State.TAKEN, "declined": Correction.State.DECLINED}
    state = states.get(request.POST.get("decision", ""))
    label = _("Why, for who sent it")
    form = WordForm(request.POST or None, label=label)
    form.fields["text"].required = state == Correction.State.DECLINED
    if state is not None and form.is_valid():
        waiting = Correction.objects.waiting().filter(pk=pk)
        if waiting.update(state=state, reason=form.cleaned_data["text"]):
            found.refresh_from_db()
            page = request.build_absolute_uri(found.model.get_absolute_url())
            send_correction_decided(found, page)
            messages.success(request, _("Done."))
        else:
            messages.error(request, _("Somebody has decided on it already."))
        return redirect("registry:moderation")
    context = {"correction": found, "fact": fact_label(found.fact), "form": form}
    status = 422 if form.errors else 200
    return render(request, "registry/correction.html", context, status=status)


@login_required
def answer(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take what an entry's organisation says to a correction of it."""
    seen = Correction.objects.filter(sight_of(request.user).allows("model"))
    corrections = seen.select_related("model__organization")
    found = get_object_or_404(corrections, pk=pk)
    if not can_answer(request.user, found):
        raise PermissionDenied
    form = WordForm(
        request.POST or None,
        label=_("What do you say to it?"),
        initial={"text": found.answer},
    )
    if request.method == "POST" and form.is_valid():
        said = {"answer": form.cleaned_data["text"], "answered_by": request.user}
        if Correction.objects.waiting().filter(pk=pk).update(**said):
            messages.success(request, _("The editors will read your answer with it."))
        else:
            messages.error(request, _("Somebody has decided on it already."))
        return redirect(found.model.organization or found.model)
    context = {"correction": found, "fact": fact_label(found.fact), "form": form}
    status = 422 if form.errors else 200
    return render(request, "registry/correction_answer.html", context, status=status)


def _claims() -> Mapping[str, Any]:
    waiting = Claim.objects.waiting().select_related("organization", "claimant")
    asked = Claim.objects.filter(state=Claim.State.ASKED)
    return {
        "claims": waiting[:MOST],
        "n_claims": waiting.count(),
        "asked": asked.select_related("organization", "claimant").order_by("due_at"),
    }


def _corrections() -> Mapping[str, Any]:
    waiting = Correction.objects.waiting().select_related("model").order_by("id")
    return {"corrections": waiting[:MOST], "n_corrections": waiting.count()}


OWN: Final = (
    Section("registry/_claims_queue.html", _claims),
    Section("registry/_corrections_queue.html", _corrections),
)
