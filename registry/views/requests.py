"""What a view knows of its request once somebody has signed in."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest


class SignedInRequest(HttpRequest):
    """The request of a view behind `login_required`; for annotations only."""

    user: User
