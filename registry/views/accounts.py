"""Signing in and up, where django-allauth leaves something to say."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import get_rates
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from registry.limits import client_address
from registry.views.refusals import too_many, waiting


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's adapter, with our address of the client and our words."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return whom to count by address."""
        return client_address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raise ValidationError, with the time to wait, after too many failures."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            sentence = _(
                "Too many attempts failed, for this account or from your address. "
                "Try again in %(wait)s, or set a new password."
            )
            wait = waiting(_longest("login_failed"))
            raise ValidationError(sentence % {"wait": wait}) from error


def too_often(request: HttpRequest) -> HttpResponse:
    """Return the page for who signs in, up, or resets a password too often."""
    match = request.resolver_match
    name = match.url_name if match is not None else None
    return too_many(request, _longest((name or "").removeprefix("account_")))


def _longest(action: str) -> int:
    """Return after how many seconds an action is surely allowed again."""
    rates = get_rates(app="allauth.account", action=action)
    return max((int(rate.duration) for rate in rates), default=60)
