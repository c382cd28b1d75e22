"""Making and revoking the tokens of an organisation."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from registry.forms import TokenForm
from registry.models import Organization
from registry.permissions import can_revoke, scopes_for
from registry.services.organizations import revoke_token
from registry.views.organizations import organization_context
from registry.views.requests import SignedInRequest


@login_required
@require_POST
@never_cache
def create(request: SignedInRequest, slug: str) -> HttpResponse:
    """Make a token and show its secret, this once."""
    organization = get_object_or_404(Organization.objects.named(slug))
    scopes = scopes_for(request.user, organization)
    if not scopes:
        raise PermissionDenied
    form = TokenForm(request.POST, scopes=scopes)
    if not form.is_valid():
        context = organization_context(request, organization, form)
        return render(request, "registry/organization.html", context, status=422)
    token, key = form.create(user=request.user, organization=organization)
    context = {"organization": organization, "token": token, "key": key}
    return render(request, "registry/token.html", context)


@login_required
def revoke(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Ask whether a token shall be revoked, then revoke it."""
    organization = get_object_or_404(Organization.objects.named(slug))
    token = get_object_or_404(organization.api_tokens.filter(revoked_at=None), pk=pk)
    if not can_revoke(request.user, token):
        raise PermissionDenied
    if request.method != "POST":
        context = {"organization": organization, "token": token}
        return render(request, "registry/token_revoke.html", context)
    revoke_token(token, by=request.user)
    messages.success(request, _("The token is revoked."))
    return redirect(organization)
