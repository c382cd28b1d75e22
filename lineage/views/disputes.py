"""Disputes: the list, one with its history, opening, answering and deciding."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lineage.dispute_forms import DecisionForm, DisputeForm, SpeechForm
from lineage.models import Derivation, Dispute
from lineage.services import disputes as service
from lineage.services.derivations import CycleRefused
from lineage.services.disputes import Contested, DisputeRefused
from lineage.veils import veiled, veiled_disputes
from lineage.views.verification import find_verdict
from registry.facts import CORRECTABLE
from registry.models import RegisteredModel
from registry.permissions import (
    can_answer_dispute,
    can_decide_dispute,
    is_moderator,
    sees_unpublished,
    sight_of,
)
from registry.views.requests import SignedInRequest

PER_PAGE: Final = 30


def disputes(request: HttpRequest) -> HttpResponse:
    """List disputes, newest first; filters by state, kind and model."""
    asked = {name: request.GET.get(name, "") for name in ("state", "about", "model")}
    sight = sight_of(request.user)
    found = Dispute.objects.on_public().visible_to(sight).with_things()
    if asked["state"] in Dispute.State.values:
        found = found.filter(state=asked["state"])
    if asked["about"] in Dispute.ABOUT:
        found = found.filter(Dispute.ABOUT[asked["about"]])
    if asked["model"].isprintable() and asked["model"]:
        found = found.filter(model__slug__lower=asked["model"].lower())
    page = Paginator(found.order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    page.object_list = veiled_disputes(page.object_list, sight)
    kept = urlencode({name: value for name, value in asked.items() if value})
    context = {
        "page": page,
        "asked": asked,
        "is_filtered": bool(kept),
        "address": f"?{kept}&" if kept else "?",
        "states": Dispute.State.choices,
        "moderates": is_moderator(request.user),
    }
    return render(request, "lineage/disputes.html", context)


@login_required
def contest(request: SignedInRequest) -> HttpResponse:
    """Open a dispute on the fact, edge or verdict that the address names."""
    try:
        thing = _thing(request)
    except DisputeRefused as refused:
        messages.error(request, str(refused))
        return redirect("lineage:disputes")
    form = DisputeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            opened = service.open_dispute(
                thing,
                reason=form.cleaned_data["text"],
                evidence=form.cleaned_data["evidence"],
                by=request.user,
            )
        except service.AlreadyContested as refused:
            messages.info(request, _("You contest this already."))
            return redirect(refused.dispute)
        except DisputeRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The dispute is open."))
            return redirect(opened)
    if thing.verification is not None:
        veiled(thing.verification, sight_of(request.user))
    status = 422 if form.errors else 200
    context = {"form": form, "thing": thing, "model": thing.model}
    return render(request, "lineage/contest.html", context, status=status)


def dispute(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a dispute with everything that was said, and what its reader can do."""
    return _page(request, _find(request, pk))


@login_required
@require_POST
def speak(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let the other side answer, or a side that has spoken add something."""
    found = _find(request, pk)
    may_answer = _may_answer(request, found)
    if not may_answer and request.user != found.opened_by:
        raise PermissionDenied
    form = SpeechForm(request.POST)
    if not form.is_valid():
        return _page(request, found, speech=form)
    is_answer = may_answer and found.state == Dispute.State.OPEN
    say = service.answer if is_answer else service.add
    try:
        say(found, by=request.user, **form.cleaned_data)
    except DisputeRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("It is added to the dispute."))
    return redirect(found)


@login_required
def withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask, then take a dispute back."""
    found = _find(request, pk)
    if request.user != found.opened_by:
        raise PermissionDenied
    if request.method != "POST":
        veiled_disputes([found], sight_of(request.user))
        context = {"dispute": found, "model": found.model}
        return render(request, "lineage/dispute_withdraw.html", context)
    try:
        service.withdraw(found, by=request.user)
    except DisputeRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The dispute is taken back."))
    return redirect(found)


@login_required
@require_POST
def decide(request: SignedInRequest, pk: int) -> HttpResponse:
    """Decide a dispute, with reasons."""
    found = _find(request, pk)
    if not _may_decide(request, found):
        raise PermissionDenied
    form = DecisionForm(request.POST, kind=found.kind)
    if not form.is_valid():
        return _page(request, found, decision=form)
    try:
        service.decide(
            found,
            form.outcome_given,
            reasons=form.cleaned_data["reasons"],
            ruling=form.ruling,
            by=request.user,
        )
    except service.NotYet as refused:
        form.add_error("outcome", str(refused))
        return _page(request, found, decision=form)
    except CycleRefused:
        form.add_error(
            None, _("That would make a model descend from itself. Choose another.")
        )
        return _page(request, found, decision=form)
    except DisputeRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The dispute is decided."))
    return redirect(found)


def _find(request: HttpRequest, pk: int) -> Dispute:
    """Return a dispute; raises Http404 where what it contests is not seen, or not yet.

    For a page, `veils` takes out what its reader must not know.
    """
    seen = Dispute.objects.visible_to(sight_of(request.user))
    found = get_object_or_404(seen.with_things(), pk=pk)
    verification = found.verification
    is_public = verification is None or verification.is_public
    if not is_public and not sees_unpublished(request.user, found.model):
        raise Http404
    return found


def _thing(request: HttpRequest) -> Contested:
    """Return what the address names; raises Http404 and NotContestable."""
    asked = {name: request.GET.get(name, "") for name in ("verdict", "edge", "fact")}
    sight = sight_of(request.user)
    if _is_id(asked["verdict"]):
        return service.thing_of_verdict(find_verdict(request, int(asked["verdict"])))
    if _is_id(asked["edge"]):
        edges = Derivation.objects.visible_to(sight).with_ends()
        edges = edges.select_related("child__head")
        return service.thing_of_edge(get_object_or_404(edges, pk=int(asked["edge"])))
    seen = RegisteredModel.objects.filter(sight.allows())
    models = seen.select_related("organization")
    slug = request.GET.get("model", "")
    model = get_object_or_404(models.with_slug(slug)) if slug.isprintable() else None
    if model is None or asked["fact"] not in CORRECTABLE:
        raise Http404
    return Contested(model=model, fact=asked["fact"])


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _page(
    request: HttpRequest,
    found: Dispute,
    speech: SpeechForm | None = None,
    decision: DecisionForm | None = None,
) -> HttpResponse:
    may_answer = found.is_undecided and _may_answer(request, found)
    is_opener = found.is_undecided and request.user == found.opened_by
    may_decide = found.is_undecided and _may_decide(request, found)
    other_side, is_ripe = found.other_side(), service.is_ripe(found)
    veiled_disputes([found], sight_of(request.user))
    context: dict[str, Any] = {
        "dispute": found,
        "model": found.model,
        "events": found.events.select_related("author").order_by("id"),
        "other_side": other_side,
        "is_answer": may_answer and found.state == Dispute.State.OPEN,
        "is_opener": is_opener,
        "speech": speech or (SpeechForm() if may_answer or is_opener else None),
        "decision": decision or (DecisionForm(kind=found.kind) if may_decide else None),
        "is_ripe": is_ripe,
    }
    status = 422 if speech or decision else 200
    return render(request, "lineage/dispute.html", context, status=status)


def _may_answer(request: HttpRequest, found: Dispute) -> bool:
    return request.user.is_authenticated and can_answer_dispute(
        request.user, opener=found.opened_by, other_side=found.other_side()
    )


def _may_decide(request: HttpRequest, found: Dispute) -> bool:
    return can_decide_dispute(request.user, opener=found.opened_by, model=found.model)
