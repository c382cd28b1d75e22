"""A verdict under its own lasting address, and a team's answer to it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lineage.dispute_forms import AnswerForm
from lineage.models import Verification
from lineage.services import hearings
from lineage.veils import veiled
from lineage.views.around import around_verdict
from lineage.views.model import declarations_of
from registry.permissions import can_push, sees_unpublished, sight_of
from registry.views.requests import SignedInRequest


def verification(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one verdict, and the newer one when it has been superseded."""
    return _page(request, find_verdict(request, pk))


@login_required
@require_POST
def answer(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a team's answer to a verdict that is not published yet."""
    found = find_verdict(request, pk)
    model = found.revision.model
    team = model.organization
    if team is None or not can_push(request.user, team, token=None):
        raise PermissionDenied
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        hearings.answer(found, form.cleaned_data["answer"], by=request.user)
    except hearings.NoHearing:
        said = _("The verdict is published already. You can contest it instead.")
        messages.error(request, said)
    else:
        messages.success(
            request, _("Your answer is kept. It will stand beside the verdict.")
        )
    return redirect(found)


def find_verdict(request: HttpRequest, pk: int) -> Verification:
    """Return a verdict; raises Http404 also where the reader may not see it yet."""
    seen = Verification.objects.visible_to(sight_of(request.user))
    found = get_object_or_404(seen.with_models(), pk=pk)
    model = found.revision.model
    if not found.is_public and not sees_unpublished(request.user, model):
        raise Http404
    return found


def _page(
    request: HttpRequest, found: Verification, form: AnswerForm | None = None
) -> HttpResponse:
    sight = sight_of(request.user)
    context = {
        "verification": veiled(found, sight),
        "model": found.revision.model,
        "declarations": declarations_of(found.revision, sight),
        "newer": found.superseding(),
        **around_verdict(found, request.user),
    }
    if form is not None:
        context["answer_form"] = form
    status = 422 if form is not None else 200
    return render(request, "lineage/verification.html", context, status=status)
