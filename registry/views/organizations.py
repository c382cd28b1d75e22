"""Pages of organisations."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.forms import InvitationForm, OrganizationForm, TokenForm
from registry.models import Correction, Membership, Organization
from registry.permissions import (
    can_administer,
    can_push,
    is_member,
    is_moderator,
    scopes_for,
    sight_of,
)
from registry.views.requests import SignedInRequest

PAGE_SIZE = 50


@login_required
def organizations(request: SignedInRequest) -> HttpResponse:
    """List the reader's organisations and create new ones."""
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        created = form.create(owner=request.user)
        if created is not None:
            messages.success(
                request, _("The organisation is ready. Make a token next.")
            )
            return redirect(created)
    seen = sight_of(request.user).allows("models")
    mine = Organization.objects.of_member(request.user).with_n_models(seen)
    claims = request.user.claims.select_related("organization")
    context = {
        "form": form,
        "organizations": mine.order_by("slug"),
        "claims": claims.order_by("-id"),
        "is_moderator": is_moderator(request.user),
    }
    status = 422 if form.errors else 200
    return render(request, "registry/organizations.html", context, status=status)


def organization(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an organisation's models; members and tokens to those who may see them."""
    found = get_object_or_404(Organization.objects.named(slug))
    if found.slug != slug:
        return redirect(found, permanent=True)
    context = organization_context(request, found)
    return render(request, "registry/organization.html", context)


def organization_context(
    request: HttpRequest,
    found: Organization,
    form: TokenForm | None = None,
    invitation_form: InvitationForm | None = None,
) -> dict[str, Any]:
    """Return what the organisation's page shows to this reader."""
    seen = found.models.filter(sight_of(request.user).allows(), removal=None)
    models = seen.order_by("name", "id").select_related("organization")
    context: dict[str, Any] = {
        "organization": found,
        "page": Paginator(models, PAGE_SIZE).get_page(request.GET.get("page")),
        "is_member": is_member(request.user, found),
        "can_administer": can_administer(request.user, found),
    }
    if found.is_catalog:
        context |= _claimed(request, found)
    if can_push(request.user, found, token=None):
        waiting = Correction.objects.waiting().filter(model__organization=found)
        context["to_answer"] = waiting.select_related("model").order_by("id")
    if context["is_member"]:
        members = found.memberships.select_related("user")
        context["members"] = members.order_by("user__username")
        tokens = found.api_tokens.filter(revoked_at=None).select_related("user")
        if not context["can_administer"]:
            tokens = tokens.filter(user__username=request.user.get_username())
        context["tokens"] = tokens.order_by("-id")
        scopes = scopes_for(request.user, found)
        context["form"] = form or TokenForm(scopes=scopes)
    if context["can_administer"]:
        invitations = found.invitations.open(at=timezone.now())
        context["invitations"] = invitations.order_by("-id")
        context["invitation_form"] = invitation_form or InvitationForm()
        context["roles"] = Membership.Role.choices
        removed = found.models.exclude(removal=None).select_related("removal__by")
        context["removed"] = removed.order_by("-removal__at")[:PAGE_SIZE]
    return context


def _claimed(request: HttpRequest, found: Organization) -> dict[str, Any]:
    """Return whether people act for an organisation of the catalog, and who asks to."""
    owners = found.memberships.filter(role=Membership.Role.OWNER)
    is_known = request.user.is_authenticated
    own = found.claims.open().filter(claimant=request.user.pk) if is_known else None
    return {"is_claimed": owners.exists(), "own_claim": own and own.first()}
