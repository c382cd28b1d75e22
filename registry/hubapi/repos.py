"""Accounts, models and lists of models; files and commits have their own rooms."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from registry.hubapi import bodies, shapes
from registry.hubapi.auth import require_owner, require_pusher, require_token
from registry.hubapi.errors import (
    Conflict,
    Forbidden,
    HubError,
    NotServed,
    RepoNotFound,
    answers_errors,
)
from registry.hubapi.lookup import (
    existing_revision,
    files_of,
    find_entry,
    find_model,
    removed_sentence,
    team_of,
)
from registry.models import Organization, RegisteredModel
from registry.services.removals import AlreadyRemoved, remove_model
from registry.services.revisions import NameTaken, register_model
from registry.services.visibility import set_private
from registry.tasks import ring_later


@require_safe
@answers_errors
def whoami(request: HttpRequest) -> HttpResponseBase:
    """Answer with the token's user and organisation."""
    return JsonResponse(shapes.user(require_token(request)))


@csrf_exempt
@require_POST
@answers_errors
def create(request: HttpRequest) -> HttpResponseBase:
    """Register an empty model; without a team, under the token's organisation."""
    token = require_token(request)
    body = bodies.read_json(request)
    _check_wishes(body)
    team = bodies.text(body, "organization", token.organization.slug)
    organization = Organization.objects.named(team).first()
    if organization is None:
        raise Forbidden(f"there is no organisation {team!a} here; create it first")
    require_pusher(request, organization)
    name = bodies.text(body, "name")
    private = bool(_wished_private(body))
    try:
        model = register_model(organization=organization, name=name, private=private)
    except ValidationError as error:
        raise HubError(f"{name!r} cannot be a name: {' '.join(error.messages)}") from (
            error
        )
    except NameTaken as error:
        model = find_entry(request, organization.slug, name)
        if model.removal is not None:
            raise HubError(removed_sentence(model)) from error
        raise Conflict(str(error), **_address(request, model)) from error
    return JsonResponse(_address(request, model))


def _check_wishes(body: dict[str, Any]) -> None:
    """Raise HubError when the caller wants what would silently not be so."""
    kind = bodies.text(body, "type", "model")
    if kind != "model":
        raise HubError(f"this register keeps models, no {kind}s")
    _wished_private(body)


def _wished_private(body: dict[str, Any]) -> bool | None:
    """Return whether the caller wants a model private; None where nothing is said."""
    wished = body.get("visibility")
    if wished is None and isinstance(body.get("private"), bool | None):
        return body.get("private")
    if wished not in {"public", "private"}:
        raise HubError("a model is 'public' or 'private' here")
    return bool(wished == "private")


def _address(request: HttpRequest, model: RegisteredModel) -> dict[str, str]:
    path = reverse("hub-model", args=model.repo_id.split("/"))
    return {
        "url": request.build_absolute_uri(path),
        "name": model.repo_id,
        "id": str(model.pk),
    }


@require_safe
@answers_errors
def model_info(request: HttpRequest, *, team: str, name: str) -> HttpResponseBase:
    """Answer with a model at its head, which may be none yet."""
    model = find_model(request, team, name)
    with_sizes = "blobs" in request.GET
    files = files_of(model.head)
    return JsonResponse(shapes.details(model, model.head, files, with_sizes=with_sizes))


@require_safe
@answers_errors
def revision_info(
    request: HttpRequest, *, team: str, name: str, revision: str
) -> HttpResponseBase:
    """Answer with a model at one of its revisions."""
    model = find_model(request, team, name)
    found = existing_revision(model, revision)
    with_sizes = "blobs" in request.GET
    files = files_of(found)
    return JsonResponse(shapes.details(model, found, files, with_sizes=with_sizes))


@csrf_exempt
@require_http_methods(["PUT"])
@answers_errors
def update_settings(request: HttpRequest, *, team: str, name: str) -> HttpResponseBase:
    """Hide a model from all but its organisation, or show it to everybody."""
    model = find_model(request, team, name)
    token = require_owner(request, team_of(model))
    body = bodies.read_json(request)
    if body.get("gated"):
        raise HubError(
            "nobody asks for access here: a model is public, or private to its "
            "organisation"
        )
    private = _wished_private(body)
    if private is not None:
        ring_later(set_private(model, private, by=token.user))
    return JsonResponse({"private": model.private})


@csrf_exempt
@require_http_methods(["DELETE"])
@answers_errors
def delete(request: HttpRequest) -> HttpResponseBase:
    """Remove a model; where others build on it or speak of it, its lineage stays."""
    token = require_token(request)
    body = bodies.read_json(request)
    if bodies.text(body, "type", "model") != "model":
        raise HubError("this register keeps models only")
    team = bodies.text(body, "organization", token.organization.slug)
    model = find_model(request, team, bodies.text(body, "name"))
    require_owner(request, team_of(model))
    try:
        remove_model(model, by=token.user)
    except AlreadyRemoved as error:
        raise RepoNotFound(f"{error} was removed from this register") from error
    return HttpResponse()


@csrf_exempt
@answers_errors
def models_only(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
    """Refuse everything about data sets and spaces."""
    raise NotServed("this register keeps models only, no data sets and no spaces")


@csrf_exempt
@answers_errors
def not_kept(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
    """Refuse to change what the register keeps for good: names and revisions."""
    require_token(request)
    raise Forbidden(
        "a register keeps what was registered: models are not moved and their "
        "revisions not squashed. Push a new revision, or remove the model"
    )


@csrf_exempt
@answers_errors
def one_line(
    request: HttpRequest, *, team: str, name: str, branch: str
) -> HttpResponseBase:
    """Refuse branches: a model has one line of revisions, called main."""
    if branch == "main":
        raise Conflict("the branch 'main' exists already")
    raise Forbidden("a model has one line of revisions here; push without --revision")


@csrf_exempt
@answers_errors
def no_discussions(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
    """Refuse discussions and pull requests."""
    raise NotServed(
        "this register has no discussions and no pull requests; push to 'main', and "
        "say on the model's page what is wrong there"
    )


def no_xet(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
    """Refuse the chunk protocol where its client looks: in the address.

    That client prints the address that refused it, and nothing of the answer.
    """
    return redirect("hub-no-xet")


@csrf_exempt
@answers_errors
def not_served(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
    """Refuse what of the protocol is not spoken here, in its own shape."""
    raise NotServed(f"this register does not serve {request.path}")


@csrf_exempt
@answers_errors
def without_team(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
    """Answer for names like 'gpt2', which only one hub gives out."""
    raise RepoNotFound("models are called team/model here")
