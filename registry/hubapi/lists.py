"""Lists of models, and pages of lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry.hubapi import shapes
from registry.hubapi.auth import sight_of_asker
from registry.hubapi.errors import HubError, answers_errors
from registry.models import RegisteredModel
from registry.models.registered import RegisteredModelQuerySet

PAGE_SIZE = 500
FILTERS = ("author", "search", "filter", "pipeline_tag", "sort")
PAGING = frozenset({"limit", "cursor", "direction"})
_NUMBER = re.compile(r"[0-9]{1,18}")
# They ask for more of each model; what we have is always there.
HARMLESS = frozenset({"full", "config", "cardData", "expand"})


@require_safe
@answers_errors
def list_models(request: HttpRequest) -> HttpResponseBase:
    """List pushed models, oldest first unless `sort` says otherwise."""
    unknown = set(request.GET) - set(FILTERS) - PAGING - HARMLESS
    if unknown:
        raise HubError(
            f"this list knows no {', '.join(sorted(unknown))}; it takes "
            f"{', '.join(FILTERS)} and limit. {reverse('schema')} describes a list "
            "with more filters"
        )
    seen = RegisteredModel.objects.filter(sight_of_asker(request).allows())
    models = seen.from_teams().filter(removal=None).exclude(repo_name="")
    if author := request.GET.get("author"):
        models = models.filter(organization__slug__lower=author.lower())
    models = models.searched(request.GET.get("search", ""))
    models = _sorted(models, request).select_related("organization", "head")
    limit = min(number(request, "limit", PAGE_SIZE), PAGE_SIZE)
    page = list(islice(_tagged(models, request, limit + 1), limit + 1))
    response = JsonResponse(
        [shapes.summary(model, model.head) for model in page[:limit]], safe=False
    )
    if len(page) > limit > 0:
        link_next(response, request, cursor=_cursor(page[limit - 1], request))
    return response


def _sorted(
    models: RegisteredModelQuerySet, request: HttpRequest
) -> RegisteredModelQuerySet:
    """Return the models behind the cursor in the order that was asked for."""
    match request.GET.get("sort"):
        case None:
            after = number(request, "cursor", 0)
            return models.filter(pk__gt=after).order_by("pk")
        case "createdAt":
            before = number(request, "cursor", 10**17)
            return models.filter(pk__lt=before).order_by("-pk")
        case "lastModified":
            return _by_change(models, request.GET.get("cursor"))
        case other:
            raise HubError(
                f"this list cannot be sorted by {other!a}, which is not counted here; "
                "sort by createdAt or lastModified, the newest first"
            )


def _by_change(
    models: RegisteredModelQuerySet, cursor: str | None
) -> RegisteredModelQuerySet:
    changed_at = Coalesce("head__created_at", "created_at")
    dated = models.annotate(changed_at=changed_at).order_by("-changed_at", "-pk")
    if cursor is None:
        return dated
    moment, _, key = cursor.partition("_")
    try:
        before = datetime.fromisoformat(moment)
    except ValueError:
        before = datetime.min
    if before.tzinfo is None or not _NUMBER.fullmatch(key):
        raise HubError("'cursor' must be the one that this list gave out")
    same = Q(changed_at=before, pk__lt=int(key))
    return dated.filter(Q(changed_at__lt=before) | same)


def _cursor(model: RegisteredModel, request: HttpRequest) -> str:
    if request.GET.get("sort") != "lastModified":
        return str(model.pk)
    changed_at = model.head.created_at if model.head else model.created_at
    return f"{changed_at.isoformat()}_{model.pk}"


def _tagged(
    models: RegisteredModelQuerySet, request: HttpRequest, at_most: int
) -> Iterable[RegisteredModel]:
    """Return the models that have every tag that was asked for.

    Tags are made from cards, which neither database can search in the same way.
    """
    wanted = {*request.GET.getlist("filter"), *request.GET.getlist("pipeline_tag")}
    if not wanted:
        return models[:at_most]
    return (
        model
        for model in models.exclude(head=None).iterator()
        if model.head and wanted <= set(shapes.tags(model.head.card))
    )


def link_next(
    response: HttpResponseBase, request: HttpRequest, *, cursor: object
) -> None:
    """Name the next page of a list in its Link header (RFC 8288)."""
    parameters = request.GET.copy()
    parameters["cursor"] = str(cursor)
    address = request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
    response["Link"] = f'<{address}>; rel="next"'


def number(request: HttpRequest, name: str, default: int) -> int:
    """Return a parameter that must be a whole number; raises HubError."""
    value = request.GET.get(name, str(default))
    if not _NUMBER.fullmatch(value):
        raise HubError(f"{name!r} must be a whole number")
    return int(value)
