"""Large files: the batch API of Git LFS and its plain uploads.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from registry import storage
from registry.hubapi import bodies
from registry.hubapi.auth import require_pusher
from registry.hubapi.errors import (
    Forbidden,
    HubError,
    Unprocessable,
    answers_errors,
)
from registry.hubapi.lookup import find_model, team_of
from registry.models import RegisteredModel

CONTENT_TYPE = "application/vnd.git-lfs+json"
MAX_OBJECTS = 1000
SALT = "registry.hubapi.lfs"
# A batch names hundreds of files and the last one may wait for all the others.
SIGNATURE_SECONDS = 6 * 3600


@csrf_exempt
@require_POST
@answers_errors
def batch(request: HttpRequest, *, team: str, name: str) -> HttpResponseBase:
    """Say for each large file where to send it, or that it is here already."""
    model = find_model(team, name)
    require_pusher(request, team_of(model))
    body = bodies.read_json(request)
    if body.get("operation") != "upload":
        raise HubError("download large files from /team/model/resolve/main/…")
    transfers = body.get("transfers", ["basic"])
    if not isinstance(transfers, list) or "basic" not in transfers:
        raise HubError("only the transfer 'basic' is spoken here")
    if body.get("hash_algo", "sha256") != "sha256":
        raise HubError("large files are named by their sha256 here")
    wanted = bodies.objects(body, "objects", at_most=MAX_OBJECTS)
    instructions = [_instruction(request, model, item) for item in wanted]
    return JsonResponse(
        {"transfer": "basic", "objects": instructions}, content_type=CONTENT_TYPE
    )


def _instruction(
    request: HttpRequest, model: RegisteredModel, item: dict[str, Any]
) -> dict[str, Any]:
    sha256, size_bytes = bodies.text(item, "oid"), bodies.size(item)
    named: dict[str, Any] = {"oid": sha256, "size": size_bytes}
    if size_bytes > settings.MAX_FILE_BYTES:
        message = f"larger than {settings.MAX_FILE_BYTES} bytes"
        return named | {"error": {"code": 422, "message": message}}
    try:
        stored = storage.has(sha256)
    except storage.ContentMissing as error:
        return named | {"error": {"code": 422, "message": str(error)}}
    # Without actions the client knows that the content is here.
    if stored:
        return named
    return named | {
        "authenticated": True,
        "actions": _actions(request, model, sha256, size_bytes),
    }


def _actions(
    request: HttpRequest, model: RegisteredModel, sha256: str, size_bytes: int
) -> dict[str, Any]:
    address = partial(_address, request, model)
    signature = signing.dumps(_signed(model, sha256, size_bytes), salt=SALT)
    query = urlencode({"signature": signature})
    return {
        "upload": {
            "href": f"{address('hub-lfs-upload', sha256)}?{query}",
            "header": {},
            "expires_in": SIGNATURE_SECONDS,
        },
        "verify": {"href": address("hub-lfs-verify"), "header": {}},
    }


def _signed(model: RegisteredModel, sha256: str, size_bytes: int) -> dict[str, Any]:
    return {"to": team_of(model).pk, "sha256": sha256, "size": size_bytes}


def _address(
    request: HttpRequest, model: RegisteredModel, view: str, *further: str
) -> str:
    path = reverse(view, args=[*model.repo_id.split("/"), *further])
    return request.build_absolute_uri(path)


@csrf_exempt
@require_http_methods(["PUT"])
@answers_errors
def upload(
    request: HttpRequest, *, team: str, name: str, sha256: str
) -> HttpResponseBase:
    """Store a body whose place, hash and size the batch answer has signed."""
    model = find_model(team, name)
    size_bytes = _allowed_size(request, model, sha256)
    announced = request.headers.get("Content-Length", "")
    if announced != str(size_bytes):
        raise HubError(
            f"expected a body of {size_bytes} bytes, announced were {announced or '?'}"
        )
    try:
        storage.store(_chunks(request), sha256=sha256, size_bytes=size_bytes)
    except storage.ContentMismatch as error:
        raise Unprocessable(
            f"{error}; nothing was kept. Push again, and check the file on your side"
        ) from error
    return JsonResponse({})


def _allowed_size(request: HttpRequest, model: RegisteredModel, sha256: str) -> int:
    """Return the size that the signature allows; raises Forbidden."""
    try:
        signed = signing.loads(
            request.GET.get("signature", ""), salt=SALT, max_age=SIGNATURE_SECONDS
        )
    except signing.BadSignature as error:
        raise Forbidden(
            "this upload address is not valid or has expired; push again"
        ) from error
    size_bytes: int = signed["size"]
    if signed != _signed(model, sha256, size_bytes):
        raise Forbidden("this upload address was given out for another file")
    return size_bytes


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(storage.CHUNK_BYTES):
        yield chunk


@csrf_exempt
@require_POST
@answers_errors
def verify(request: HttpRequest, *, team: str, name: str) -> HttpResponseBase:
    """Say whether a large file has arrived whole."""
    require_pusher(request, team_of(find_model(team, name)))
    body = bodies.read_json(request)
    sha256, size_bytes = bodies.text(body, "oid"), bodies.size(body)
    try:
        is_whole = storage.path_of(sha256).stat().st_size == size_bytes
    except (storage.ContentMissing, FileNotFoundError):
        is_whole = False
    if not is_whole:
        raise Unprocessable(f"{sha256} has not arrived whole; push again")
    return JsonResponse({})
