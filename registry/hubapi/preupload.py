"""Before a push: is the card readable, and how does each file travel?"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from registry import storage, uploadrules
from registry.card import CardInvalid, parse_card
from registry.declaration import read_declaration
from registry.hubapi import bodies
from registry.hubapi.auth import require_pusher, require_token, sight_of_asker
from registry.hubapi.errors import TooLarge, answers_errors
from registry.hubapi.lookup import files_of, find_model, require_main, team_of
from registry.models import RegisteredModel, RevisionFile
from registry.naming import hint
from registry.services import pushes

# As many as the client asks about at a time.
MAX_FILES_A_REQUEST = 256
GITIGNORE = ".gitignore"
# Every line is tried on every file and every folder above it.
MAX_GITIGNORE_LINES = 100
MAX_GITIGNORE_BYTES = 64 * 1024


@csrf_exempt
@require_POST
@answers_errors
def validate_yaml(request: HttpRequest) -> HttpResponseBase:
    """Say before anything is sent whether the model card can be read."""
    require_token(request)
    body = bodies.read_json(request)
    try:
        card = parse_card(bodies.text(body, "content").encode())
        declared = read_declaration(card.metadata)
    except CardInvalid as error:
        problems = [{"message": f"README.md: {error}"}]
        return JsonResponse({"errors": problems, "warnings": []}, status=400)
    sight = sight_of_asker(request)
    hints = filter(None, (hint(base, sight) for base, _ in declared.bases))
    warnings = [{"message": message} for message in hints]
    return JsonResponse({"errors": [], "warnings": warnings})


@csrf_exempt
@require_POST
@answers_errors
def preupload(
    request: HttpRequest, *, team: str, name: str, revision: str
) -> HttpResponseBase:
    """Say how each file travels, and refuse here what the commit would refuse."""
    model = find_model(request, team, name)
    require_pusher(request, team_of(model))
    require_main(revision)
    body = bodies.read_json(request)
    files = bodies.objects(body, "files", at_most=MAX_FILES_A_REQUEST)
    gitignore = bodies.text(body, "gitIgnore", _stored_gitignore(model))
    if gitignore.count("\n") > MAX_GITIGNORE_LINES:
        raise TooLarge(f"{GITIGNORE} has more than {MAX_GITIGNORE_LINES} lines")
    names = [bodies.place(file) for file in files]
    known = {file.path: file for file in files_of(model.head).filter(path__in=names)}
    travels = [_travel(file, gitignore, known) for file in files]
    return JsonResponse({"files": travels})


def _travel(
    file: dict[str, Any], gitignore: str, known: dict[str, RevisionFile]
) -> dict[str, Any]:
    """Return how one file travels; raises HubError for one that may not at all."""
    path, size_bytes = bodies.place(file), bodies.size(file)
    if uploadrules.is_ignored(path, gitignore):
        return {"path": path, "uploadMode": "regular", "shouldIgnore": True}
    bodies.path(file)
    if size_bytes > settings.MAX_FILE_BYTES:
        raise TooLarge(f"{path} is larger than {settings.MAX_FILE_BYTES} bytes")
    is_large = pushes.is_large(path, size_bytes)
    mode = "lfs" if is_large else "regular"
    travel = {"path": path, "uploadMode": mode, "shouldIgnore": False}
    before = known.get(path)
    if before is not None and before.is_lfs == is_large:
        # With this the client leaves out what has not changed.
        travel["oid"] = before.blob_id if is_large else before.oid
    return travel


def _stored_gitignore(model: RegisteredModel) -> str:
    file = files_of(model.head).filter(path=GITIGNORE).first()
    if file is None or file.blob.size_bytes > MAX_GITIGNORE_BYTES:
        return ""
    return storage.path_of(file.blob_id).read_text(encoding="utf-8", errors="replace")
