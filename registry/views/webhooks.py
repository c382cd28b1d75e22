"""Webhooks of an organisation and the log of what was sent to them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from registry import tasks
from registry.forms import WebhookChangeForm, WebhookForm
from registry.models import Delivery, Organization, Webhook
from registry.services.webhooks import (
    remove_webhook,
    renew_secret,
    send_test,
)
from registry.services.webhooks import replay as replay_delivery
from registry.views.members import administered
from registry.views.requests import SignedInRequest

LOG_PAGE = 25


@login_required
@never_cache
def webhooks(request: SignedInRequest, slug: str) -> HttpResponse:
    """List an organisation's webhooks; add one and show its secret, this once."""
    organization = administered(request, slug)
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.create(organization, by=request.user)
        if made is not None:
            return _shown_once(request, *made)
    context = {
        "organization": organization,
        "webhooks": organization.webhooks.order_by("id"),
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "registry/webhooks.html", context, status=status)


@login_required
def webhook(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Show a webhook with its log, and change it."""
    organization, found = _administered(request, slug, pk)
    given = {"url": found.url, "events": found.events, "is_active": found.is_active}
    form = WebhookChangeForm(request.POST or None, initial=given)
    if request.method == "POST" and form.is_valid():
        if form.change(found, by=request.user):
            messages.success(request, _("The webhook is changed."))
            return redirect(found)
        found.refresh_from_db()
    log = found.deliveries.order_by("-created_at", "id")
    page = Paginator(log, LOG_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "organization": organization,
        "webhook": found,
        "form": form,
        "page": page,
    }
    status = 422 if form.errors else 200
    return render(request, "registry/webhook.html", context, status=status)


@login_required
@require_POST
@never_cache
def secret(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Make a new secret and show it, this once."""
    _, found = _administered(request, slug, pk)
    return _shown_once(request, found, renew_secret(found, by=request.user))


@login_required
@require_POST
def test(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Send a test event and show what comes of it."""
    _, found = _administered(request, slug, pk)
    return _sent(found, send_test(found))


@login_required
def remove(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Ask whether a webhook shall go, then remove it with its log."""
    organization, found = _administered(request, slug, pk)
    if request.method != "POST":
        context = {"organization": organization, "webhook": found}
        return render(request, "registry/webhook_remove.html", context)
    remove_webhook(found, by=request.user)
    messages.success(request, _("The webhook is removed."))
    return redirect("registry:webhooks", organization.slug)


@login_required
def delivery(
    request: SignedInRequest, slug: str, hook: int, pk: uuid.UUID
) -> HttpResponse:
    """Show what was sent, what came back and when it is tried again."""
    organization, webhook = _administered(request, slug, hook)
    found = get_object_or_404(webhook.deliveries, pk=pk)
    context = {
        "organization": organization,
        "webhook": webhook,
        "delivery": found,
        "payload": json.dumps(json.loads(found.payload), indent=2, ensure_ascii=False),
    }
    return render(request, "registry/delivery.html", context)


@login_required
@require_POST
def replay(
    request: SignedInRequest, slug: str, hook: int, pk: uuid.UUID
) -> HttpResponse:
    """Send an event once more."""
    _, webhook = _administered(request, slug, hook)
    found = get_object_or_404(webhook.deliveries, pk=pk)
    return _sent(webhook, replay_delivery(found))


def _administered(
    request: SignedInRequest, slug: str, pk: int
) -> tuple[Organization, Webhook]:
    organization = administered(request, slug)
    return organization, get_object_or_404(organization.webhooks, pk=pk)


def _sent(webhook: Webhook, sent: Delivery) -> HttpResponse:
    tasks.ring_for_delivery(sent)
    return redirect("registry:delivery", webhook.organization.slug, webhook.pk, sent.pk)


def _shown_once(
    request: SignedInRequest, webhook: Webhook, secret: str
) -> HttpResponse:
    context = {
        "organization": webhook.organization,
        "webhook": webhook,
        "secret": secret,
        "is_renewed": bool(webhook.old_salt),
    }
    return render(request, "registry/webhook_secret.html", context)
