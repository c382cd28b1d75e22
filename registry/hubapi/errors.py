"""Refusals of the hub protocol, in the shape that hub clients print."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.http.request import UnreadablePostError

from registry.storage import DiskFull

View = Callable[..., HttpResponseBase]

# Clients give up on a header that is much longer, and then say nothing of it.
MAX_MESSAGE = 2000


class HubError(Exception):
    """A request that is refused; the text tells a person why and what to do."""

    status = 400
    code = "BadRequest"

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message[:MAX_MESSAGE]
        # Further members of the JSON answer.
        self.extra = extra

    def headline(self) -> str:
        """Return what goes into the X-Error-Message header."""
        return self.message

    def response(self) -> JsonResponse:
        """Return the answer: JSON for people, headers for clients."""
        response = JsonResponse(
            {"error": self.message, **self.extra}, status=self.status
        )
        response["X-Error-Code"] = self.code
        # Headers are ASCII; any other text stands in the body alone.
        if self.headline().isascii() and self.headline().isprintable():
            response["X-Error-Message"] = self.headline()
        return response


class NotAuthenticated(HubError):
    """No token, or one that is not valid."""

    status = 401
    code = "InvalidToken"

    def headline(self) -> str:
        # With any other words the client reports an unknown repository instead.
        return "Invalid credentials in Authorization header"


class Forbidden(HubError):
    """The token is valid, but not for this."""

    status = 403
    code = "Forbidden"


class RepoNotFound(HubError):
    """No model of that name."""

    status = 404
    code = "RepoNotFound"


class RevisionNotFound(HubError):
    """The model has no such revision."""

    status = 404
    code = "RevisionNotFound"


class EntryNotFound(HubError):
    """The revision has no such file. Clients remember this per commit."""

    status = 404
    code = "EntryNotFound"

    def __init__(self, message: str, *, commit_id: str = "") -> None:
        super().__init__(message)
        self.commit_id = commit_id

    def response(self) -> JsonResponse:
        """Return the answer with the commit that was looked into."""
        response = super().response()
        if self.commit_id:
            response["X-Repo-Commit"] = self.commit_id
        return response


class NotServed(HubError):
    """A part of the protocol that this register does not have."""

    status = 404
    code = "NotServed"


class Conflict(HubError):
    """What is to be made exists already."""

    status = 409
    code = "Conflict"


class StaleParent(HubError):
    """Somebody else committed first."""

    status = 412
    code = "StaleParent"


class TooLarge(HubError):
    """More than the limit."""

    status = 413
    code = "TooLarge"


class Unprocessable(HubError):
    """Understood, but it cannot be registered."""

    status = 422
    code = "Unprocessable"


class TooManyRequests(HubError):
    """More requests than are answered; clients wait as Retry-After says."""

    status = 429
    code = "TooManyRequests"


class TryLater(HubError):
    """Not now; clients wait so many seconds and ask again."""

    status = 503
    code = "TryLater"

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds

    def response(self) -> JsonResponse:
        """Return the answer with the time to wait."""
        response = super().response()
        response["Retry-After"] = str(self.seconds)
        return response


class NoRoom(HubError):
    """The disk is full. What has arrived stays."""

    status = 507
    code = "NoRoom"


def answers_errors(view: View) -> View:
    """Return the view with every anticipated refusal turned into its answer."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, **kwargs)
        except HubError as error:
            return error.response()
        except DiskFull as error:
            return NoRoom(
                f"{error}; nothing that has arrived is lost. Push again when there is "
                "room"
            ).response()
        except RequestDataTooBig:
            return TooLarge("the request is too large").response()
        except (SuspiciousOperation, UnreadablePostError):
            return HubError("the request could not be read; send it again").response()

    return wrapped
