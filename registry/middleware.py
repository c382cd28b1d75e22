"""What every request passes: security headers, one log line, limits of how often."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from registry import limits
from registry.bearer import token_of
from registry.hubapi.errors import TooManyRequests
from registry.limits import Standing
from registry.turns import Turns, needs_turn
from registry.views.refusals import too_many

log = structlog.get_logger("baimo.request")
View = Callable[[HttpRequest], HttpResponse]

# Everything comes from this server, and no script or style stands in a page.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class SecurityHeadersMiddleware:
    """Send the content security policy with every answer."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response


class RefuseNulMiddleware:
    """Refuse addresses with a NUL: no database text can hold one."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return JsonResponse({"detail": "An address cannot hold NUL."}, status=400)
        return self.get_response(request)


class PersonalAnswersMiddleware:
    """Keep what somebody gets who is known out of caches that others share."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["Authorization"])
        if "Authorization" in request.headers or settings.SESSION_COOKIE_NAME in (
            request.COOKIES
        ):
            patch_cache_control(response, private=True)
        return response


class RequestLogMiddleware:
    """Give every request an id, return it in a header and log the request once."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response.headers["X-Request-Id"] = request_id
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round(1000 * (time.perf_counter() - started), 1),
        )
        return response


class RateLimitMiddleware:
    """Count requests to the API and the hub protocol, and what is sent to pages.

    Pages are read without limit: they are what search engines and people come for.
    """

    # Unread, a body this short stays in the buffers on the way, and the client
    # stumbles over it with its next request.
    SHORT_BYTES = 8 * 1024**2

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        standing: Standing | None = getattr(request, "standing", None)
        if standing is not None:
            for name, value in standing.headers().items():
                response.headers.setdefault(name, value)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: Any,
        kwargs: Any,
    ) -> HttpResponse | None:
        """Return a refusal in the shape that the asked room has, or None."""
        is_hub = view.__module__.startswith("registry.hubapi.")
        is_program = is_hub or request.path.startswith("/api/")
        policy = _policy(request, view, is_program=is_program)
        if policy is None:
            return None
        standing = limits.count(policy, _who(request, is_program=is_program))
        request.standing = standing  # type: ignore[attr-defined]  # for __call__
        if standing is None or not standing.is_over:
            return None
        self._drain(request)
        if is_hub:
            return TooManyRequests(_sentence(standing)).response()
        if is_program:
            return JsonResponse({"detail": _sentence(standing)}, status=429)
        return too_many(request, standing.seconds)

    def _drain(self, request: HttpRequest) -> None:
        announced = request.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced[:20]) <= self.SHORT_BYTES:
            while request.read(64 * 1024):
                pass


class TurnsMiddleware:
    """Let writers take turns, once it is known that they may ask and for what."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response
        self._turns = Turns()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            if getattr(request, "has_turn", False):
                self._turns.give_back()

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: Any,
        kwargs: Any,
    ) -> None:
        """Wait for a turn where the view needs one."""
        if needs_turn(request.method or "", view):
            request.has_turn = self._turns.take()  # type: ignore[attr-defined]  # for __call__


def _policy(
    request: HttpRequest, view: Callable[..., object], *, is_program: bool
) -> str | None:
    is_read = request.method in ("GET", "HEAD", "OPTIONS")
    if limits.is_costly(view):
        return "costly"
    if is_program:
        return "read" if is_read else "write"
    return None if is_read else "form"


def _who(request: HttpRequest, *, is_program: bool) -> str:
    """Return whom to count: the person who signed in or whose token it is, or where.

    A token that is not valid counts for nothing, or everybody could make up another
    one for every request.
    """
    token = token_of(request) if is_program else None
    user = token.user if token is not None else None if is_program else request.user
    if user is not None and user.is_authenticated:
        return f"user-{user.pk}"
    return limits.client_address(request)


def _sentence(standing: Standing) -> str:
    return (
        f"Too many requests: {standing.quota} in {standing.window} seconds are "
        f"answered. Try again in {standing.seconds} seconds."
    )
