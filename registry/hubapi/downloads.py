"""Contents of files: HEAD, GET, one range, and never anything that could run here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from registry import storage
from registry.hubapi.errors import HubError, NotServed, answers_errors
from registry.hubapi.lookup import find_file, find_model
from registry.models import RevisionFile
from registry.services import hubimports

# RFC 9110 §14.1.2, one range only: several would need a multipart answer, and a
# server may ignore them.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class RangeNotSatisfiable(HubError):
    """A range that begins behind the end of the file."""

    status = 416
    code = "RangeNotSatisfiable"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the file has {size_bytes} bytes")
        self.size_bytes = size_bytes

    def response(self) -> JsonResponse:
        """Return the answer with the size, so that the client can ask again."""
        response = super().response()
        response["Content-Range"] = f"bytes */{self.size_bytes}"
        return response


@require_safe
@answers_errors
def resolve(
    request: HttpRequest, *, team: str, name: str, revision: str, path: str
) -> HttpResponseBase:
    """Answer with a file's content, or with its headers alone."""
    file = find_file(find_model(request, team, name), revision, path)
    stored = storage.path_of(file.blob_id)
    elsewhere = None if stored.is_file() else hubimports.address_of(file)
    if elsewhere is not None:
        return _there(file, elsewhere)
    if not stored.is_file():
        raise NotServed(f"the content of {path!r} is not on this server any more")
    # Before the file is opened: nobody would close it behind a 304.
    known = get_conditional_response(request, etag=_etag(file))
    response = known or _content(request, file, stored)
    for header, value in _headers(file).items():
        response[header] = value
    return response


def _there(file: RevisionFile, address: str) -> HttpResponse:
    """Return the way to a file that a hub keeps, with its hash and size."""
    response = HttpResponse(status=302, headers={"Location": address})
    for header, value in _headers(file).items():
        response[header] = value
    return response


def _content(
    request: HttpRequest, file: RevisionFile, stored: Path
) -> HttpResponseBase:
    wanted = _range(request, file)
    start, end = wanted or (0, file.blob.size_bytes)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse()
    elif wanted is None:
        response = FileResponse(stored.open("rb"))
    else:
        response = StreamingHttpResponse(_slice(stored, start, end))
    if wanted is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{file.blob.size_bytes}"
    response["Content-Length"] = str(end - start)
    return response


def _range(request: HttpRequest, file: RevisionFile) -> tuple[int, int] | None:
    """Return the first byte and the one behind the last, or None for the whole file.

    Raises RangeNotSatisfiable. What is no single range is ignored, as the standard
    allows, and so is the range of a file that has changed since (If-Range).
    """
    size_bytes = file.blob.size_bytes
    match = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if match is None or request.headers.get("If-Range", _etag(file)) != _etag(file):
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if first:
        start, end = int(first), min(int(last or size_bytes), size_bytes - 1) + 1
    else:
        start, end = max(size_bytes - int(last), 0), size_bytes
    if first and last and int(first) > int(last):
        return None
    if start >= size_bytes or start >= end:
        raise RangeNotSatisfiable(size_bytes)
    return start, end


def _slice(stored: Path, start: int, end: int) -> Iterator[bytes]:
    with stored.open("rb") as content:
        content.seek(start)
        left = end - start
        while left and (chunk := content.read(min(left, storage.CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk


def _headers(file: RevisionFile) -> dict[str, str]:
    """Return what clients identify the content by, and what keeps browsers safe.

    A file of a model must never run as a page of this site, whatever it holds.
    """
    headers = {
        "ETag": _etag(file),
        "Accept-Ranges": "bytes",
        "X-Repo-Commit": file.revision.commit_id,
        "Content-Type": "application/octet-stream",
        "Content-Disposition": _disposition(file),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if file.is_lfs:
        headers["X-Linked-Etag"] = _etag(file)
        headers["X-Linked-Size"] = str(file.blob.size_bytes)
    else:
        headers["Content-Type"] = "text/plain; charset=utf-8"
    return headers


def _etag(file: RevisionFile) -> str:
    return f'"{file.blob_id if file.is_lfs else file.oid}"'


def _disposition(file: RevisionFile) -> str:
    name = file.path.rpartition("/")[2]
    return content_disposition_header(file.is_lfs, name) or "inline"
