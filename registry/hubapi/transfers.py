"""Sending a large file, whole or in parts, to addresses that a batch has signed.

Clients send no token to these addresses. The signature names the token that asked
for them, and that token must still be good at every single request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from registry import storage
from registry.hubapi import bodies
from registry.hubapi.errors import (
    Forbidden,
    HubError,
    TryLater,
    Unprocessable,
    answers_errors,
)
from registry.hubapi.lookup import team_of
from registry.models import ApiToken, RegisteredModel
from registry.parts import PartedUpload, PartRefused, PartsBusy
from registry.permissions import can_push
from registry.services.uploads import MAX_PARTS, Delivery, part_bytes_for
from registry.turns import takes_no_turn

SALT = "registry.hubapi.lfs"
# A batch names hundreds of files and the last one may wait for all the others.
SIGNATURE_SECONDS = 6 * 3600
# An unread body ends the connection. Where all of it fits into the buffers on the
# way, the client does not notice, and stumbles with its next request.
UNREAD_BYTES = 8 * 1024**2
# What a slow disk reads, hashes and writes.
SLOW_BYTES_PER_SECOND = 100 * 1024**2


@dataclass(frozen=True)
class Addresses:
    """Where the answer to a batch lets its client send contents of one model."""

    request: HttpRequest
    model: RegisteredModel
    token: ApiToken
    knows_parts: bool

    def in_parts(self, item: Delivery) -> bool:
        """Return whether a content is to be cut into parts."""
        return self.knows_parts and item.size_bytes > settings.PART_BYTES

    def upload(self, item: Delivery) -> dict[str, Any]:
        """Return the instruction that sends a content, as the client expects it."""
        if self.in_parts(item):
            part_bytes = part_bytes_for(item.size_bytes)
            href = self._signed("hub-lfs-parts", item, part_bytes)
            header = {"chunk_size": str(part_bytes)} | {
                str(number): href.replace("/parts?", f"/parts/{number}?")
                for number in item.in_parts(part_bytes).numbers
            }
        else:
            href, header = self._signed("hub-lfs-upload", item, 0), {}
        return {"href": href, "header": header, "expires_in": SIGNATURE_SECONDS}

    def verify(self) -> str:
        """Return where the client asks whether a content has arrived."""
        return self._absolute("hub-lfs-verify")

    def _signed(self, view: str, item: Delivery, part_bytes: int) -> str:
        signature = signing.dumps(
            {
                "token": self.token.pk,
                "to": self.model.pk,
                "sha256": item.sha256,
                "size": item.size_bytes,
                "part": part_bytes,
            },
            salt=SALT,
        )
        query = urlencode({"signature": signature})
        return f"{self._absolute(view, item.sha256)}?{query}"

    def _absolute(self, view: str, *further: str) -> str:
        path = reverse(view, args=[*self.model.repo_id.split("/"), *further])
        return self.request.build_absolute_uri(path)


def _read_signature(
    request: HttpRequest, team: str, name: str, sha256: str
) -> tuple[Delivery, int]:
    """Return what the signature allows to be sent, and the size of its parts or 0.

    Raises Forbidden for a signature that is not ours or is not for this, and when
    the token behind it may not push any more.
    """
    try:
        signed = signing.loads(
            request.GET.get("signature", ""), salt=SALT, max_age=SIGNATURE_SECONDS
        )
    except signing.BadSignature as error:
        raise Forbidden(
            "this upload address is not valid or has expired; push again"
        ) from error
    found = RegisteredModel.objects.in_repo(team, name).filter(removal=None)
    model = found.select_related("organization").filter(pk=signed["to"]).first()
    if model is None or signed["sha256"] != sha256:
        raise Forbidden("this upload address was given out for another file")
    token = (
        ApiToken.objects.valid(at=timezone.now())
        .select_related("user", "organization")
        .filter(pk=signed["token"])
        .first()
    )
    if token is None:
        raise Forbidden(
            "the token of this push has expired or was revoked. What has arrived is "
            "kept for a week: make a new token and push again"
        )
    if not can_push(token.user, team_of(model), token=token):
        raise Forbidden(
            f"you may not push to {team_of(model).slug} any more; ask an owner"
        )
    return Delivery(token.user, model, sha256, signed["size"]), signed["part"]


def _parted(
    request: HttpRequest, team: str, name: str, sha256: str
) -> tuple[Delivery, PartedUpload]:
    item, part_bytes = _read_signature(request, team, name, sha256)
    if not part_bytes:
        raise Forbidden("this upload address was given out for a file in one piece")
    return item, item.in_parts(part_bytes)


@csrf_exempt
@require_http_methods(["PUT"])
@answers_errors
def upload(
    request: HttpRequest, *, team: str, name: str, sha256: str
) -> HttpResponseBase:
    """Store a body whose place, hash and size the batch answer has signed."""
    item, part_bytes = _read_signature(request, team, name, sha256)
    if part_bytes:
        raise Forbidden("this upload address was given out for a file in parts")
    _check_announced(request, item.size_bytes)
    try:
        item.receive(_chunks(request))
    except storage.ContentMismatch as error:
        raise _not_kept(error) from error
    return JsonResponse({})


@csrf_exempt
@require_http_methods(["PUT"])
@answers_errors
def upload_part(
    request: HttpRequest, *, team: str, name: str, sha256: str, number: int
) -> HttpResponseBase:
    """Store one part and answer with its ETag.

    The body of a part that is there already is not read: whoever sends it hears the
    answer after the first bytes, so that a repeated push costs next to nothing.
    """
    item, parts = _parted(request, team, name, sha256)
    try:
        expected = parts.size_of(number)
        if parts.etag_of(number) is None:
            _check_announced(request, expected)
            parts.store(number, _chunks(request))
        elif _is_short(request):
            deque(_chunks(request), maxlen=0)
    except PartRefused as error:
        raise HubError(str(error)) from error
    except PartsBusy as error:
        raise _busy(item, error) from error
    return HttpResponse(headers={"ETag": parts.etag_of(number) or ""})


@takes_no_turn
@csrf_exempt
@require_POST
@answers_errors
def complete(
    request: HttpRequest, *, team: str, name: str, sha256: str
) -> HttpResponseBase:
    """Put the parts together and check the whole."""
    item, parts = _parted(request, team, name, sha256)
    body = bodies.read_json(request)
    if bodies.text(body, "oid") != sha256:
        raise HubError("'oid' names another file than the address")
    try:
        item.complete(parts, _etags(body))
    except PartRefused as error:
        raise Unprocessable(f"{error}; push again, the other parts are kept") from error
    except PartsBusy as error:
        raise _busy(item, error) from error
    except storage.ContentMismatch as error:
        raise _not_kept(error) from error
    return JsonResponse({})


def _etags(body: dict[str, Any]) -> dict[int, str]:
    """Return the ETag of each part that the client names, in whatever order."""
    named = [
        (bodies.size(part, "partNumber"), bodies.text(part, "etag"))
        for part in bodies.objects(body, "parts", at_most=MAX_PARTS)
    ]
    if len(dict(named)) < len(named):
        raise HubError("'parts' names a part twice")
    return dict(named)


def _check_announced(request: HttpRequest, size_bytes: int) -> None:
    announced = request.headers.get("Content-Length", "")
    if announced != str(size_bytes):
        raise HubError(
            f"expected a body of {size_bytes} bytes, announced were {announced or '?'}"
        )


def _is_short(request: HttpRequest) -> bool:
    announced = request.headers.get("Content-Length", "")
    return announced.isdecimal() and int(announced[:20]) <= UNREAD_BYTES


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(storage.CHUNK_BYTES):
        yield chunk


def _busy(item: Delivery, error: PartsBusy) -> TryLater:
    seconds = 1 + min(item.size_bytes // SLOW_BYTES_PER_SECOND, 600)
    return TryLater(str(error), seconds=seconds)


def _not_kept(error: storage.ContentMismatch) -> Unprocessable:
    return Unprocessable(
        f"{error}; nothing was kept. Push again, and check the file on your side"
    )
