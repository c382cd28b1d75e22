"""Claiming an organisation of the catalog, and following one's claim."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from registry.forms import ClaimForm, WordForm
from registry.mail import send_claim_contest, send_claim_news
from registry.models import Claim, Membership, Organization
from registry.permissions import can_decide, can_object, can_see_claim, is_moderator
from registry.services import claims as services
from registry.services.claims import ClaimClosed, ClaimRepeated, NotClaimable
from registry.views.requests import SignedInRequest

# What a moderator can do with a claim, and whether a word must go with it.
DECISIONS: Final = {
    "ask": (services.ask_back, True),
    "grant": (services.grant, False),
    "refuse": (services.refuse, True),
}


@login_required
def create(request: SignedInRequest, slug: str) -> HttpResponse:
    """Take a claim of an organisation; who has an open one is led to it."""
    organization = get_object_or_404(
        Organization.objects.named(slug).filter(is_catalog=True)
    )
    own = organization.claims.open().filter(claimant=request.user).first()
    if own is not None:
        return redirect(own)
    form = ClaimForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            claim = services.file_claim(
                organization, by=request.user, **form.cleaned_data
            )
        except (ClaimRepeated, NotClaimable):
            messages.info(request, _("You are an owner of it already."))
            return redirect(organization)
        send_claim_contest(claim, _address_of(request, claim))
        messages.success(
            request, _("Your claim is filed. A moderator will look at the evidence.")
        )
        return redirect(claim)
    owners = organization.memberships.filter(role=Membership.Role.OWNER)
    context = {
        "organization": organization,
        "form": form,
        "code": services.code_for(request.user, organization),
        "is_owner": owners.filter(user=request.user).exists(),
        "is_claimed": owners.exists(),
        "days": services.DAYS,
    }
    status = 422 if form.errors else 200
    return render(request, "registry/claim_new.html", context, status=status)


@login_required
def claim(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show how a claim stands to who made it and to moderators."""
    return _show(request, _seen(request, pk))


@login_required
@require_POST
def answer(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take what the claimant says to it."""
    found = _own(request, pk)
    form = _word(request.POST)
    if not form.is_valid():
        return _show(request, found, answer_form=form)
    try:
        services.answer(found, by=request.user, text=form.cleaned_data["text"])
    except ClaimClosed:
        _say_closed(request)
    else:
        messages.success(request, _("Your answer is with the moderators."))
    return redirect(found)


@login_required
@require_POST
def object_to(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take what an owner says of somebody else's claim."""
    found = _seen(request, pk)
    if not can_object(request.user, found):
        raise PermissionDenied
    form = _word(request.POST)
    if not form.is_valid():
        return _show(request, found, objection_form=form)
    try:
        services.object_to(found, by=request.user, text=form.cleaned_data["text"])
    except ClaimClosed:
        _say_closed(request)
    else:
        messages.success(request, _("The moderators will read it."))
    return redirect(found)


@login_required
def withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask whether a claim shall be taken back, then take it back."""
    found = _own(request, pk)
    if request.method != "POST":
        return render(request, "registry/claim_withdraw.html", {"claim": found})
    try:
        services.withdraw(found, by=request.user)
    except ClaimClosed:
        _say_closed(request)
    else:
        messages.success(request, _("The claim is withdrawn."))
    return redirect(found)


@login_required
@require_POST
def decide(request: SignedInRequest, pk: int) -> HttpResponse:
    """Grant or refuse a claim, or ask back; the claimant gets a letter."""
    found = _seen(request, pk)
    if not can_decide(request.user, found):
        raise PermissionDenied
    verb, needs_text = DECISIONS.get(request.POST.get("decision", ""), (None, False))
    if verb is None:
        raise Http404
    form = _word(request.POST)
    form.fields["text"].required = needs_text
    if not form.is_valid():
        return _show(request, found, decision_form=form)
    try:
        verb(found, by=request.user, text=form.cleaned_data["text"])
    except ClaimClosed:
        _say_closed(request)
    else:
        found.refresh_from_db()
        is_told = send_claim_news(found, _address_of(request, found))
        told = _("The claimant has a letter about it.") if is_told else ""
        messages.success(request, f"{_('Done.')} {told}".strip())
    return redirect(found)


def _seen(request: SignedInRequest, pk: int) -> Claim:
    """Return a claim that the reader may see; raises Http404 for every other."""
    claims = Claim.objects.select_related("organization", "claimant")
    found = get_object_or_404(claims, pk=pk)
    if not can_see_claim(request.user, found):
        raise Http404
    return found


def _own(request: SignedInRequest, pk: int) -> Claim:
    claims = Claim.objects.select_related("organization", "claimant")
    return get_object_or_404(claims, pk=pk, claimant=request.user)


def _show(
    request: SignedInRequest,
    found: Claim,
    answer_form: WordForm | None = None,
    decision_form: WordForm | None = None,
    objection_form: WordForm | None = None,
) -> HttpResponse:
    owners = found.organization.memberships.filter(role=Membership.Role.OWNER)
    wrong = answer_form or decision_form or objection_form
    is_own = found.claimant == request.user
    context: dict[str, Any] = {
        "claim": found,
        "notes": found.notes.select_related("author").order_by("id"),
        "code": services.code_for(found.claimant, found.organization),
        "owners": owners.exclude(user=found.claimant).select_related("user"),
        "is_own": is_own,
        # What shows that somebody belongs to it is for moderators, not for rivals.
        "sees_evidence": is_own or is_moderator(request.user),
        "can_object": can_object(request.user, found),
        "can_decide": can_decide(request.user, found),
        "answer_form": answer_form or WordForm(label=_("Your answer")),
        "objection_form": objection_form
        or WordForm(label=_("What do you know of it?")),
        "decision_form": decision_form or WordForm(label=_("What you tell them")),
    }
    status = 422 if wrong and wrong.errors else 200
    return render(request, "registry/claim.html", context, status=status)


def _word(data: Any) -> WordForm:
    return WordForm(data, label=_("What you tell them"))


def _address_of(request: HttpRequest, found: Claim | Organization) -> str:
    return request.build_absolute_uri(found.get_absolute_url())


def _say_closed(request: HttpRequest) -> None:
    messages.error(
        request,
        _("Nothing was changed: the claim does not wait for that word any more."),
    )
