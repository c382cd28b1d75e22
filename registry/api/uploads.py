"""Sending a model without the hub protocol: the upload page does, programs may.

Signed in by the page's cookie and its CSRF token, or by a token that may push.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError as Invalid
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import (
    APIException,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
)
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry import paths, storage, tasks
from registry.api import upload_shapes as shapes
from registry.api.auth import TokenAuthentication
from registry.card import CardInvalid, parse_card
from registry.declaration import front_matter, read_declaration
from registry.models import ApiToken, Job, Organization, RegisteredModel
from registry.parts import PartRefused, PartsBusy
from registry.permissions import can_push, sight_of
from registry.services import pushes
from registry.services.revisions import (
    Changes,
    CommitConflict,
    CommitRefused,
    NameTaken,
    check_wish,
    register_model,
)
from registry.services.uploads import (
    Delivery,
    QuotaExceeded,
    check_quota,
    part_bytes_for,
)
from registry.turns import takes_no_turn

# Thousands of files; the check of the CSRF token reads no more.
MAX_JSON_BYTES = 2 * 1024**2
STATUS_OF = {
    NameTaken: 409,
    CommitConflict: 409,
    QuotaExceeded: 413,
    CardInvalid: 422,
    CommitRefused: 422,
    PartRefused: 422,
    pushes.NotArrived: 422,
    storage.ContentMismatch: 422,
    storage.ContentMissing: 404,
    PartsBusy: 503,
    storage.DiskFull: 507,
}
SIZE = OpenApiParameter("size", int, required=True, description="of the whole file")
BYTES = {"application/octet-stream": OpenApiTypes.BINARY}


class Refusal(APIException):
    """A sentence of a service, and the status that says what kind it is."""

    def __init__(self, error: Exception, status_code: int) -> None:
        super().__init__(str(error))
        self.status_code = status_code
        # Answered as Retry-After.
        self.wait = 2 if status_code == 503 else None


class UploadView(APIView):
    """Whoever is signed in, by cookie or by token; each view asks who may push."""

    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a question that is longer than any needs to be."""
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
        if request.method == "POST" and announced > MAX_JSON_BYTES:
            raise Refusal(ValueError("the request is too large; split it"), 413)
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a refusal of a service with its sentence."""
        status = STATUS_OF.get(type(exc))
        return super().handle_exception(Refusal(exc, status) if status else exc)


def _user(request: Request) -> User:
    """Return who is signed in; raises NotAuthenticated."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def _token(request: Request) -> ApiToken | None:
    return request.auth if isinstance(request.auth, ApiToken) else None


def _require_pusher(request: Request, organization: Organization) -> None:
    """Raise PermissionDenied unless the organisation's models may be written."""
    if not can_push(request.user, organization, token=_token(request)):
        raise PermissionDenied(
            f"You may not push to {organization.slug}. Ask one of its owners, or use a "
            "token of it that may push."
        )


def _model(request: Request, slug: str) -> RegisteredModel:
    """Return a team's model that the reader may write.

    Raises NotFound, also where the reader does not see it, and PermissionDenied.
    """
    seen = sight_of(request.user, _token(request)).allows()
    found = RegisteredModel.objects.with_slug(slug).from_teams().filter(seen)
    model = found.select_related("organization", "head").first()
    if model is None or model.organization is None:
        raise NotFound(f"No team has registered {slug!r}.")
    _require_pusher(request, model.organization)
    return model


def _delivery(request: Request, slug: str, sha256: str) -> Delivery:
    storage.path_of(sha256)
    size = request.query_params.get("size", "")
    if not size.isdecimal() or int(size[:20]) > settings.MAX_FILE_BYTES:
        raise Refusal(ValueError("'size' must be the number of bytes of the file"), 422)
    return Delivery(_user(request), _model(request, slug), sha256, int(size))


def _valid(form: type[Any], request: Request) -> dict[str, Any]:
    """Return what the body says; raises ValidationError."""
    filled = form(data=request.data)
    filled.is_valid(raise_exception=True)
    values: dict[str, Any] = filled.validated_data
    return values


def _body(request: Request) -> Iterator[bytes]:
    # None where the body is empty.
    while request.stream and (chunk := request.stream.read(storage.CHUNK_BYTES)):
        yield chunk


class Names(UploadView):
    """Models that wait for their files."""

    @extend_schema(
        request=shapes.NameForm,
        responses={
            200: shapes.NamedShape,
            201: shapes.NamedShape,
        },
    )
    def post(self, request: Request) -> Response:
        """Register a name, to which files are sent next.

        An entry of that name to which nothing was pushed yet is returned with 200, so
        that an interrupted registration goes on; any other is refused with 409.
        """
        wish = _valid(shapes.NameForm, request)
        organization = Organization.objects.named(wish["organization"]).first()
        if organization is None:
            raise NotFound(f"There is no organisation {wish['organization']!r}.")
        _require_pusher(request, organization)
        try:
            model = register_model(
                organization=organization, name=wish["name"], private=wish["private"]
            )
            status = 201
        except Invalid as error:
            raise Refusal(ValueError(" ".join(error.messages)), 422) from error
        except NameTaken:
            in_repo = RegisteredModel.objects.in_repo(organization.slug, wish["name"])
            begun = in_repo.filter(head=None, removal=None).first()
            if begun is None:
                raise
            check_wish(begun, private=wish["private"])
            model, status = begun, 200
        return Response({"slug": model.slug, "id": model.repo_id}, status=status)


class Plan(UploadView):
    """What of some files has to be sent, and how."""

    @extend_schema(request=shapes.PlanForm, responses=shapes.PlanShape)
    def post(self, request: Request) -> Response:
        """Say for each file what hinders it, whether it is here, and what is missing.

        Whole files go to `uploads/{slug}/{sha256}/`, parts below it, from 1, and then
        `complete/`. `card` is a README.md whose declaration is read.
        """
        wish = _valid(shapes.PlanForm, request)
        model = _model(request, wish["model"]) if "model" in wish else None
        files = [_travel(file, model, request) for file in wish["files"]]
        if model is not None:
            _check_room(model, wish["files"], files)
        card = _read_card(wish["card"]) if "card" in wish else None
        return Response({"files": files, "card": card})


def _travel(
    file: dict[str, Any], model: RegisteredModel | None, request: Request
) -> dict[str, Any]:
    path, size_bytes, sha256 = file["path"], file["size"], file.get("sha256")
    travel = {
        "path": path,
        "problem": _problem(path, size_bytes),
        "is_large": pushes.is_large(path, size_bytes),
        "is_here": False,
        "part_bytes": 0,
        "parts": [],
    }
    if travel["problem"] or sha256 is None or model is None:
        return travel
    item = Delivery(_user(request), model, sha256, size_bytes)
    travel["is_here"] = item.is_whole
    if size_bytes > settings.PART_BYTES and not item.is_whole:
        travel["part_bytes"] = part_bytes_for(size_bytes)
        travel["parts"] = list(item.in_parts(travel["part_bytes"]).stored)
    return travel


def _problem(path: str, size_bytes: int) -> dict[str, str] | None:
    """Return why a file cannot be registered, or None."""
    try:
        paths.check(path)
    except paths.PickleRefused as error:
        return {"code": "pickle", "detail": str(error)}
    except paths.PathRefused as error:
        return {"code": "name", "detail": str(error)}
    if size_bytes > settings.MAX_FILE_BYTES:
        detail = f"larger than {settings.MAX_FILE_BYTES} bytes"
        return {"code": "size", "detail": detail}
    return None


def _check_room(
    model: RegisteredModel, files: list[dict[str, Any]], travels: list[dict[str, Any]]
) -> None:
    """Raise QuotaExceeded or DiskFull before anything is sent in vain."""
    sizes = {
        file["sha256"]: file["size"]
        for file, travel in zip(files, travels, strict=True)
        if "sha256" in file and not travel["is_here"] and not travel["problem"]
    }
    if sizes and model.organization is not None:
        check_quota(model.organization, sizes)
        storage.check_room(sum(sizes.values()))


def _read_card(text: str) -> dict[str, Any]:
    try:
        declared = read_declaration(parse_card(text.encode()).metadata)
    except CardInvalid as error:
        return {"bases": [], "category": None, "problem": str(error)}
    bases = [{"id": name, "relation": relation} for name, relation in declared.bases]
    return {"bases": bases, "category": declared.category, "problem": None}


class Whole(UploadView):
    """A content of a model on its way."""

    @extend_schema(request=BYTES, responses={204: None}, parameters=[SIZE])
    def put(self, request: Request, slug: str, sha256: str) -> Response:
        """Store a content in one piece."""
        item = _delivery(request, slug, sha256)
        item.receive(_body(request))
        return Response(status=204)

    @extend_schema(responses={204: None}, parameters=[SIZE])
    def delete(self, request: Request, slug: str, sha256: str) -> Response:
        """Forget the parts that have arrived, as nobody will go on with them."""
        item = _delivery(request, slug, sha256)
        parts = item.in_parts(part_bytes_for(item.size_bytes))
        with parts.alone():
            parts.forget()
        return Response(status=204)


class Part(UploadView):
    """A part of a content."""

    @extend_schema(request=BYTES, responses={204: None}, parameters=[SIZE])
    def put(self, request: Request, slug: str, sha256: str, number: int) -> Response:
        """Store a part; one that is here already stays."""
        item = _delivery(request, slug, sha256)
        item.in_parts(part_bytes_for(item.size_bytes)).store(number, _body(request))
        return Response(status=204)


@takes_no_turn
class Complete(UploadView):
    """The end of a content that came in parts."""

    @extend_schema(request=None, responses={204: None}, parameters=[SIZE])
    def post(self, request: Request, slug: str, sha256: str) -> Response:
        """Put the parts together and check the whole; repeating it is harmless.

        503 says that somebody else is doing it: ask again.
        """
        item = _delivery(request, slug, sha256)
        parts = item.in_parts(part_bytes_for(item.size_bytes))
        item.complete(parts, parts.stored)
        return Response(status=204)


class Commit(UploadView):
    """The end of an upload."""

    @extend_schema(request=shapes.CommitForm, responses={201: shapes.CommitShape})
    def post(self, request: Request, slug: str) -> Response:
        """Commit files that have arrived: replace those of their names, keep others."""
        model = _model(request, slug)
        wish = _valid(shapes.CommitForm, request)
        added = [
            pushes.arrived_file(
                file["path"], file["sha256"], model=model, author=_user(request)
            )
            for file in wish["files"]
        ]
        if wish["declaration"] is not None:
            fields = front_matter(**wish["declaration"])
            card = pushes.card_file(fields, model=model, added=added)
            added = [*(file for file in added if file.path != card.path), card]
        if not added:
            raise Refusal(ValueError("the commit holds no file"), 422)
        made = pushes.commit_push(
            model=model,
            author=_user(request),
            changes=Changes(added),
            summary=wish["summary"],
            description=wish["description"],
        )
        tasks.ring_for(made)
        job = made.jobs.filter(kind=Job.Kind.FINGERPRINT).order_by("-created_at")
        answer = {
            "slug": model.slug,
            "commit": made.commit_id,
            "job": job.values_list("pk", flat=True).first(),
        }
        return Response(answer, status=201)
