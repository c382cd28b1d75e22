"""What its owners decide about a model: who sees it, and whether it stays."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from registry.forms import RemovalForm, VisibilityForm
from registry.models import RegisteredModel
from registry.permissions import can_administer, sight_of
from registry.services.removals import (
    AlreadyRemoved,
    remove_model,
    restore_model,
)
from registry.services.visibility import set_private
from registry.tasks import ring_later
from registry.views.requests import SignedInRequest


@login_required
@never_cache
def settings(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show who sees a model, and change it."""
    model = _administered(request, slug)
    asked = {"private": "yes" if model.private else "no"}
    form = VisibilityForm(request.POST or None, initial=asked)
    if request.method == "POST" and model.removal is None and form.is_valid():
        private = form.cleaned_data["private"] == "yes"
        ring_later(set_private(model, private, by=request.user))
        said = (
            _("The model is private now: only members of your organisation see it.")
            if private
            else _("The model is public now.")
        )
        messages.success(request, said)
        return redirect(model)
    status = 422 if form.errors else 200
    context = {"model": model, "form": form}
    return render(request, "registry/model_settings.html", context, status=status)


@login_required
@never_cache
def remove(request: SignedInRequest, slug: str) -> HttpResponse:
    """Say what a removal takes and leaves; remove when the name has been typed.

    Not whether others build on the model: some of them may be private.
    """
    model = _administered(request, slug)
    if model.removal is not None:
        return redirect(model)
    form = RemovalForm(request.POST or None, name=model.repo_id)
    if request.method == "POST" and form.is_valid():
        return _removed(request, model, form.cleaned_data["reason"])
    status = 422 if form.errors else 200
    context = {"model": model, "form": form}
    return render(request, "registry/model_remove.html", context, status=status)


@login_required
@require_POST
def restore(request: SignedInRequest, slug: str) -> HttpResponse:
    """Take the name of a removed model into use again."""
    model = _administered(request, slug)
    restore_model(model, by=request.user)
    messages.success(
        request, _("The name is in use again. Push the model to register it anew.")
    )
    return redirect(model)


def _removed(
    request: SignedInRequest, model: RegisteredModel, reason: str
) -> HttpResponse:
    team = model.organization
    try:
        leaves_stone = remove_model(model, by=request.user, reason=reason)
    except AlreadyRemoved:
        leaves_stone = True
    messages.success(request, _("The model is removed."))
    if leaves_stone or team is None:
        return redirect(model)
    return redirect(team)


def _administered(request: HttpRequest, slug: str) -> RegisteredModel:
    """Return the model; raises Http404 where it is not seen or no team's.

    Raises PermissionDenied for those who see it and do not own it.
    """
    seen = RegisteredModel.objects.filter(sight_of(request.user).allows())
    models = seen.select_related("organization", "removal__by")
    model = get_object_or_404(models.with_slug(slug))
    if model.organization is None or not model.repo_name:
        raise Http404
    if not can_administer(request.user, model.organization):
        raise PermissionDenied
    return model
