"""Which files a revision has: the tree, and information on single paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from registry.hubapi import shapes
from registry.hubapi.errors import EntryNotFound, TooLarge, answers_errors
from registry.hubapi.lists import link_next
from registry.hubapi.lookup import files_of, find_model, find_revision
from registry.models import RevisionFile

PAGE_SIZE = 1000
MAX_PATHS = 1000


@require_safe
@answers_errors
def tree(
    request: HttpRequest, *, team: str, name: str, revision: str, path: str = ""
) -> HttpResponseBase:
    """List a folder, or with `recursive` everything below it, by path."""
    model = find_model(request, team, name)
    found = find_revision(model, revision)
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    files = list(files_of(found).filter(path__startswith=prefix))
    if prefix and not files:
        raise EntryNotFound(
            f"{model.repo_id} has no folder {path!r} at {revision!r}",
            commit_id=found.commit_id if found else "",
        )
    recursive = request.GET.get("recursive", "").lower() in {"1", "true"}
    entries = _entries(files, prefix, recursive=recursive)
    after = request.GET.get("cursor", "")
    page = [entry for entry in entries if entry["path"] > after][: PAGE_SIZE + 1]
    response = JsonResponse(page[:PAGE_SIZE], safe=False)
    if len(page) > PAGE_SIZE:
        link_next(response, request, cursor=page[PAGE_SIZE - 1]["path"])
    if found is not None:
        response["X-Repo-Commit"] = found.commit_id
    return response


def _entries(
    files: list[RevisionFile], prefix: str, *, recursive: bool
) -> list[dict[str, Any]]:
    """Return files and folders by path; PostgreSQL may sort text otherwise."""
    folders = _folders(files, prefix)
    shown = folders if recursive else _children(folders, prefix)
    entries = [shapes.folder(folder, below) for folder, below in shown.items()]
    entries += [
        shapes.entry(file)
        for file in files
        if recursive or "/" not in file.path[len(prefix) :]
    ]
    return sorted(entries, key=lambda entry: str(entry["path"]))


def _folders(
    files: Iterable[RevisionFile], prefix: str
) -> dict[str, list[RevisionFile]]:
    """Return every folder below the prefix with all files below it."""
    folders: dict[str, list[RevisionFile]] = {}
    for file in files:
        parts = file.path[len(prefix) :].split("/")
        for n in range(1, len(parts)):
            folders.setdefault(prefix + "/".join(parts[:n]), []).append(file)
    return folders


def _children(
    folders: dict[str, list[RevisionFile]], prefix: str
) -> dict[str, list[RevisionFile]]:
    return {
        path: files for path, files in folders.items() if "/" not in path[len(prefix) :]
    }


@csrf_exempt
@require_POST
@answers_errors
def paths_info(
    request: HttpRequest, *, team: str, name: str, revision: str
) -> HttpResponseBase:
    """Describe the paths that were asked for and that are there."""
    model = find_model(request, team, name)
    wanted = {path.strip("/") for path in request.POST.getlist("paths")}
    if len(wanted) > MAX_PATHS:
        raise TooLarge(f"ask for at most {MAX_PATHS} paths at a time")
    entries = _entries(
        list(files_of(find_revision(model, revision))), "", recursive=True
    )
    return JsonResponse(
        [entry for entry in entries if entry["path"] in wanted], safe=False
    )
