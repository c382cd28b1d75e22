"""Names of revisions: the one line, its commits, and tags."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from registry.hubapi import bodies, shapes
from registry.hubapi.auth import require_pusher
from registry.hubapi.errors import Conflict, HubError, RevisionNotFound, answers_errors
from registry.hubapi.lists import link_next, number
from registry.hubapi.lookup import MAIN, existing_revision, find_model, team_of
from registry.services.tags import TagExists, TagRefused, tag_revision

COMMITS_A_PAGE = 500


@require_safe
@answers_errors
def refs(request: HttpRequest, *, team: str, name: str) -> HttpResponseBase:
    """List the line of revisions and all tags."""
    model = find_model(request, team, name)
    tags = model.tags.order_by("name").values_list("name", "revision__commit_id")
    main = [] if model.head is None else [_ref("heads", MAIN, model.head.commit_id)]
    answer: dict[str, Any] = {
        "branches": main,
        "converts": [],
        "tags": [_ref("tags", tag, commit_id) for tag, commit_id in tags],
    }
    if request.GET.get("include_prs"):
        answer["pullRequests"] = []
    return JsonResponse(answer)


def _ref(kind: str, name: str, commit_id: str) -> dict[str, str]:
    return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit_id}


@require_safe
@answers_errors
def commits(
    request: HttpRequest, *, team: str, name: str, revision: str
) -> HttpResponseBase:
    """List a revision and those before it, newest first."""
    newest = existing_revision(find_model(request, team, name), revision)
    line = newest.model.revisions.filter(pk__lte=number(request, "cursor", newest.pk))
    line = line.filter(pk__lte=newest.pk).select_related("author").order_by("-pk")
    page = list(line[: COMMITS_A_PAGE + 1])
    response = JsonResponse(
        [shapes.commit(one) for one in page[:COMMITS_A_PAGE]], safe=False
    )
    if len(page) > COMMITS_A_PAGE:
        link_next(response, request, cursor=page[COMMITS_A_PAGE].pk)
    return response


@csrf_exempt
@require_http_methods(["POST", "DELETE"])
@answers_errors
def tag(request: HttpRequest, *, team: str, name: str, ref: str) -> HttpResponseBase:
    """Give a revision a name, or take a tag away; revisions themselves stay."""
    model = find_model(request, team, name)
    token = require_pusher(request, team_of(model))
    if request.method == "DELETE":
        n_deleted, _ = model.tags.filter(name=ref).delete()
        if not n_deleted:
            raise RevisionNotFound(f"{model.repo_id} has no tag {ref!r}")
        return HttpResponse()
    body = bodies.read_json(request)
    try:
        tag_revision(
            existing_revision(model, ref),
            name=bodies.text(body, "tag"),
            author=token.user,
            message=bodies.text(body, "message", ""),
        )
    except TagRefused as error:
        raise HubError(str(error)) from error
    except TagExists as error:
        raise Conflict(str(error)) from error
    return HttpResponse()
