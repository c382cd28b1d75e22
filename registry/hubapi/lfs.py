"""Large files: the batch API of Git LFS says how each of them is to be sent.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from registry import storage
from registry.hubapi import bodies
from registry.hubapi.auth import require_pusher
from registry.hubapi.errors import HubError, TooLarge, Unprocessable, answers_errors
from registry.hubapi.lookup import find_model, team_of
from registry.hubapi.transfers import Addresses
from registry.models import RegisteredModel
from registry.services.uploads import Delivery, QuotaExceeded, check_quota

CONTENT_TYPE = "application/vnd.git-lfs+json"
MAX_OBJECTS = 1000
# The client's own word for files in parts; "basic" is one PUT for each.
BASIC, MULTIPART = "basic", "multipart"


@csrf_exempt
@require_POST
@answers_errors
def batch(request: HttpRequest, *, team: str, name: str) -> HttpResponseBase:
    """Say for each large file where to send it, or that it is here already."""
    model = find_model(request, team, name)
    token = require_pusher(request, team_of(model))
    body = bodies.read_json(request)
    if body.get("operation") != "upload":
        raise HubError("download large files from /team/model/resolve/main/…")
    transfers = body.get("transfers", [BASIC])
    if not isinstance(transfers, list) or BASIC not in transfers:
        raise HubError("only the transfers 'basic' and 'multipart' are spoken here")
    if body.get("hash_algo", "sha256") != "sha256":
        raise HubError("large files are named by their sha256 here")
    wanted = [
        Delivery(token.user, model, bodies.text(item, "oid"), bodies.size(item))
        for item in bodies.objects(body, "objects", at_most=MAX_OBJECTS)
    ]
    named = dict.fromkeys(wanted)
    missing = [item for item in named if not _problem(item) and not item.is_here]
    _check_room(model, missing)
    addresses = Addresses(request, model, token, MULTIPART in transfers)
    instructions = {item: _actions(item, addresses) for item in missing}
    return JsonResponse(
        {
            "transfer": MULTIPART if any(map(addresses.in_parts, missing)) else BASIC,
            "objects": [
                {"oid": item.sha256, "size": item.size_bytes}
                # With neither of both the client knows that the content is here.
                | (_problem(item) or instructions.get(item, {}))
                for item in wanted
            ],
        },
        content_type=CONTENT_TYPE,
    )


def _problem(item: Delivery) -> dict[str, Any]:
    """Return why nobody can send such a content, or nothing."""
    message = ""
    if item.size_bytes > settings.MAX_FILE_BYTES:
        message = f"larger than {settings.MAX_FILE_BYTES} bytes"
    try:
        storage.path_of(item.sha256)
    except storage.ContentMissing as error:
        message = str(error)
    return {"error": {"code": 422, "message": message}} if message else {}


def _check_room(model: RegisteredModel, missing: list[Delivery]) -> None:
    """Raise TooLarge or DiskFull before anything is sent in vain."""
    if not missing:
        return
    sizes = {item.sha256: item.size_bytes for item in missing}
    try:
        check_quota(team_of(model), sizes)
    except QuotaExceeded as error:
        raise TooLarge(f"{error}; nothing was sent") from error
    storage.check_room(sum(sizes.values()))


def _actions(item: Delivery, addresses: Addresses) -> dict[str, Any]:
    """Return where the client sends a content, and where it asks about it then."""
    return {
        "authenticated": True,
        "actions": {
            "upload": addresses.upload(item),
            "verify": {"href": addresses.verify(), "header": {}},
        },
    }


@csrf_exempt
@require_POST
@answers_errors
def verify(request: HttpRequest, *, team: str, name: str) -> HttpResponseBase:
    """Say whether a large file has arrived whole."""
    model = find_model(request, team, name)
    token = require_pusher(request, team_of(model))
    body = bodies.read_json(request)
    sha256, size_bytes = bodies.text(body, "oid"), bodies.size(body)
    item = Delivery(token.user, model, sha256, size_bytes)
    if _problem(item) or not item.is_whole:
        raise Unprocessable(f"{sha256} has not arrived whole; push again")
    return JsonResponse({})
