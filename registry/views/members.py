"""Inviting people into an organisation, changing their roles, and leaving it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from registry import limits
from registry.forms import InvitationForm, RoleForm
from registry.mail import send_invitation
from registry.models import Organization
from registry.permissions import can_administer
from registry.services.members import (
    AlreadyMember,
    InvitationGone,
    LastOwner,
    accept_invitation,
    change_role,
    find_invitation,
    invite,
    remove_member,
    withdraw_invitation,
)
from registry.views.organizations import organization_context
from registry.views.refusals import too_many
from registry.views.requests import SignedInRequest

AUDIT_PAGE = 50


@login_required
@require_POST
@never_cache
def create(request: SignedInRequest, slug: str) -> HttpResponse:
    """Make an invitation and show its link, this once."""
    organization = administered(request, slug)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        context = organization_context(request, organization, invitation_form=form)
        return render(request, "registry/organization.html", context, status=422)
    standing = limits.count("invitation", f"user-{request.user.pk}")
    if standing is not None and standing.is_over:
        return too_many(request, standing.seconds)
    invitation, key = invite(organization, by=request.user, **form.cleaned_data)
    link = request.build_absolute_uri(reverse("registry:invitation", args=[key]))
    context = {
        "organization": organization,
        "invitation": invitation,
        "link": link,
        "is_sent": send_invitation(invitation, link),
    }
    return render(request, "registry/invitation_made.html", context)


@login_required
@never_cache
def invitation(request: SignedInRequest, key: str) -> HttpResponse:
    """Show what an invitation offers; take it on when asked to."""
    try:
        found = find_invitation(key)
        if request.method != "POST":
            context: dict[str, Any] = {"invitation": found}
            return render(request, "registry/invitation.html", context)
        accept_invitation(key, request.user)
    except InvitationGone:
        return render(request, "registry/invitation_gone.html", status=404)
    except AlreadyMember:
        messages.info(request, _("You belong to this organisation already."))
    else:
        messages.success(request, _("Welcome. You can push models of this team now."))
    return redirect(found.organization)


@login_required
@require_POST
def withdraw(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Make an invitation's link useless."""
    organization = administered(request, slug)
    open_ones = organization.invitations.open(at=timezone.now())
    withdraw_invitation(get_object_or_404(open_ones, pk=pk), by=request.user)
    messages.success(request, _("The invitation is withdrawn."))
    return redirect(organization)


@login_required
@require_POST
def role(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Give a member another role."""
    organization = administered(request, slug)
    membership = get_object_or_404(organization.memberships, pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("There is no such role."))
        return redirect(organization)
    try:
        change_role(membership, form.cleaned_data["role"], by=request.user)
    except LastOwner:
        _say_last_owner(request)
    else:
        messages.success(request, _("The role is changed."))
    return redirect(organization)


@login_required
def remove(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Ask whether a member shall go, then end the membership; anybody may leave."""
    organization = get_object_or_404(Organization.objects.named(slug))
    membership = get_object_or_404(
        organization.memberships.select_related("user"), pk=pk
    )
    is_own = membership.user == request.user
    if not is_own and not can_administer(request.user, organization):
        raise PermissionDenied
    if request.method != "POST":
        context = {
            "organization": organization,
            "membership": membership,
            "is_own": is_own,
        }
        return render(request, "registry/member_remove.html", context)
    try:
        remove_member(membership, by=request.user)
    except LastOwner:
        _say_last_owner(request)
    else:
        messages.success(request, _("The membership has ended."))
    return redirect(organization)


@login_required
def audit(request: SignedInRequest, slug: str) -> HttpResponse:
    """List who did what in an organisation, newest first, to its owners."""
    organization = administered(request, slug)
    entries = organization.audit_entries.select_related("actor").order_by("-id")
    page = Paginator(entries, AUDIT_PAGE).get_page(request.GET.get("page"))
    context = {"organization": organization, "page": page}
    return render(request, "registry/audit.html", context)


def administered(request: HttpRequest, slug: str) -> Organization:
    """Return the organisation; raises PermissionDenied for others than its owners."""
    organization = get_object_or_404(Organization.objects.named(slug))
    if not can_administer(request.user, organization):
        raise PermissionDenied
    return organization


def _say_last_owner(request: HttpRequest) -> None:
    said = _(
        "Nothing was changed, as nobody else is an owner. Make somebody one first."
    )
    messages.error(request, said)
