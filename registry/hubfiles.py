"""A repository of a hub at one commit: what is in it, and the bytes of its files.

Every request, and every hop of a redirect, goes through `outbound`. No error ever
holds the token.
"""

from __future__ import annotations

import http.client
import json
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

from django.conf import settings
from django.utils.translation import gettext_noop

from registry import outbound
from registry.fingerprint import FingerprintError, Header, read_header

CHUNK_BYTES: Final = 1 << 20
LIST_LIMIT_BYTES: Final = 32 << 20
# Of one file; the headers of the largest shards today have about one.
HEADER_LIMIT_BYTES: Final = 16 << 20
MAX_FILES: Final = 5_000
MAX_REDIRECTS: Final = 5
TIMEOUT_SECONDS: Final = 20.0
# For a list, a header or a small file, while somebody waits.
DEADLINE_SECONDS: Final = 60.0
# Of connections in a row that bring nothing; each waits twice as long as the last.
MAX_FAILURES: Final = 5
FIRST_WAIT_SECONDS: Final = 0.5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REPO: Final = re.compile(r"[A-Za-z0-9_.-]{1,96}/[A-Za-z0-9_.-]{1,96}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")


# What people meet most; pages have these in their language.
GATED: Final = gettext_noop(
    "The repository is gated or private, or it is not there: the hub does not say "
    "which. If it is gated, ask for access on its page there, and give a token of the "
    "account that was let in."
)
TOKEN_REFUSED: Final = gettext_noop(
    "The hub does not let this token in. It must be one of an account that was given "
    "access on the repository's page there, and that may read gated repositories."
)
NO_REPOSITORY: Final = gettext_noop(
    "The hub has no repository of this name. Copy it from its page there; capital "
    "letters count."
)
NOT_AN_ID: Final = gettext_noop(
    "On a hub a model is called team/model; its page there has the name to copy."
)
NO_REVISION: Final = gettext_noop(
    "The repository has no such branch, tag or commit. The usual branch is main."
)
PRIVATE: Final = gettext_noop(
    "The repository is private on its hub, and importing it would publish it. Push it "
    "here instead."
)
NO_WEIGHTS: Final = gettext_noop(
    "The repository holds no .safetensors file, and no other format is read."
)
ONLY_PICKLES: Final = gettext_noop(
    "The weights of the repository are pickle files, which can run any code when they "
    "are opened and are not read. Convert them with save_pretrained(folder, "
    "safe_serialization=True) and push the folder here."
)
NO_ANSWER: Final = gettext_noop("The hub did not answer. Try again in a minute.")


class HubRefused(Exception):
    """What a hub does not give, or gives wrongly; the text says what to do."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository; `sha256` is what the hub states, if it does."""

    path: str
    size_bytes: int
    sha256: str | None


@dataclass(frozen=True)
class Snapshot:
    """A repository at a commit. `token` opens it where it is gated."""

    hub: str
    repo_id: str
    commit_id: str
    is_gated: bool
    files: tuple[HubFile, ...]
    token: str = field(default="", repr=False)

    def address_of(self, path: str) -> str:
        """Return where a file of this very commit is found."""
        return file_address(self.hub, self.repo_id, self.commit_id, path)


def file_address(hub: str, repo_id: str, commit_id: str, path: str) -> str:
    """Return where a hub serves a file of a commit."""
    return f"{hub}/{repo_id}/resolve/{commit_id}/{quote(path)}"


def find(hub: str, repo_id: str, revision: str, token: str = "") -> Snapshot:
    """Return what a branch, tag or commit of a repository means now.

    A repository that was renamed answers under its new name. Raises HubRefused.
    """
    hub = hub.rstrip("/")
    if hub not in settings.IMPORT_HUBS:
        allowed = ", ".join(settings.IMPORT_HUBS)
        raise HubRefused(f"models are imported from these hubs: {allowed}")
    if not _REPO.fullmatch(repo_id) or ".." in repo_id:
        raise HubRefused(NOT_AN_ID)
    if not revision or len(revision) > 200 or not revision.isprintable():
        raise HubRefused("name a branch, a tag or a commit as the revision")
    place = f"{hub}/api/models/{repo_id}/revision/{quote(revision, safe='')}"
    try:
        with _asked(
            f"{place}?blobs=true", token, deadline=DEADLINE_SECONDS
        ) as response:
            _check_status(response, token)
            data = response.read(LIST_LIMIT_BYTES + 1)
    except _LOST as error:
        raise HubRefused(NO_ANSWER) from error
    return _snapshot(hub, data, token)


def stream(
    snapshot: Snapshot,
    file: HubFile,
    *,
    start: int = 0,
    end: int | None = None,
    deadline: float | None = None,
) -> Iterator[bytes]:
    """Yield a file's bytes from `start` to `end`; a lost connection is taken up again.

    `deadline` ends each connection, and then progress excuses no failure. Before
    each wait an empty piece is yielded, so that the caller can stop. Raises
    HubRefused when the hub gives up, changes the file, ignores where to begin, or
    has another size than it listed.
    """
    at, failures, etag = start, 0, None
    end = file.size_bytes if end is None else min(end, file.size_bytes)
    while at < end:
        before = at
        try:
            wanted = {"Range": f"bytes={at}-{end - 1}"}
            address = snapshot.address_of(file.path)
            with _asked(address, snapshot.token, wanted, deadline=deadline) as response:
                etag = _check_part(response, snapshot, file, at, etag)
                while at < end and (chunk := response.read(min(CHUNK_BYTES, end - at))):
                    at += len(chunk)
                    yield chunk
        except _LOST as error:
            why = _reason(error)
        else:
            why = "the connection ended early"
        is_getting_on = at > before and deadline is None
        failures = 0 if is_getting_on else failures + 1
        if failures > MAX_FAILURES:
            raise HubRefused(f"{file.path}: the hub stopped answering ({why})")
        if at < end:
            yield b""
            time.sleep(FIRST_WAIT_SECONDS * 2**failures)


def without_waiting(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces, and an empty one for every second in which none has come.

    They are fetched by a thread of their own. Whoever stops asking waits for nothing,
    and the thread ends with what it is waiting for.
    """
    arrived: Queue[bytes | Exception | None] = Queue(maxsize=2)
    is_over = threading.Event()

    def put(item: bytes | Exception | None) -> None:
        while not is_over.is_set():
            with suppress(Full):
                arrived.put(item, timeout=1.0)
                return

    def fetch() -> None:
        try:
            for piece in pieces:
                put(piece)
                if is_over.is_set():
                    return
            put(None)
        except Exception as error:
            put(error)

    threading.Thread(target=fetch, daemon=True).start()
    try:
        while True:
            try:
                item = arrived.get(timeout=1.0)
            except Empty:
                item = b""
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        is_over.set()


def header_of(snapshot: Snapshot, file: HubFile) -> Header:
    """Return the checked header of a safetensors file, of which little more is read.

    Raises HubRefused, also for a header that breaks the format.
    """
    with tempfile.TemporaryDirectory(prefix="baimo-") as folder:
        path = Path(folder) / "header.safetensors"
        write_outline(snapshot, file, path)
        try:
            return read_header(path, name=file.path)
        except FingerprintError as error:
            raise HubRefused(str(error)) from error


def write_outline(snapshot: Snapshot, file: HubFile, path: Path) -> None:
    """Write the header of a safetensors file, as long as it and otherwise a hole.

    The hole takes no room on the disk. Raises HubRefused.
    """
    new = path.with_suffix(".new")
    with new.open("wb") as sparse:
        sparse.truncate(file.size_bytes)
        length = int.from_bytes(_first_bytes(snapshot, file, 8), "little")
        if length > HEADER_LIMIT_BYTES:
            raise HubRefused(f"{file.path}: its header has {length:,} bytes")
        sparse.write(_first_bytes(snapshot, file, 8 + length))
    new.replace(path)


def header_bytes(path: Path) -> bytes:
    """Return the header of a safetensors file on the disk, as it is written there."""
    with path.open("rb") as file:
        length = file.read(8)
        return length + file.read(int.from_bytes(length, "little"))


def content_of(snapshot: Snapshot, file: HubFile) -> bytes:
    """Return a small file; raises HubRefused."""
    return _first_bytes(snapshot, file, file.size_bytes)


def _first_bytes(snapshot: Snapshot, file: HubFile, n: int) -> bytes:
    return b"".join(stream(snapshot, file, end=n, deadline=DEADLINE_SECONDS))


_LOST: Final = (outbound.Unreachable, OSError, http.client.HTTPException)


@contextmanager
def _asked(
    address: str,
    token: str,
    headers: dict[str, str] | None = None,
    *,
    deadline: float | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer after all redirects; the token goes to the first host alone."""
    own = {"User-Agent": "baimo", "Accept-Encoding": "identity", **(headers or {})}
    origin = urlsplit(address)[:2]
    for _ in range(MAX_REDIRECTS + 1):
        sent = dict(own)
        if token and urlsplit(address)[:2] == origin:
            sent["Authorization"] = f"Bearer {token}"
        try:
            with outbound.request(
                "GET",
                address,
                headers=sent,
                timeout=TIMEOUT_SECONDS,
                deadline=deadline,
                private=settings.OUTBOUND_PRIVATE_NETWORKS,
            ) as response:
                target = response.headers.get("Location")
                if response.status not in _REDIRECTS or not target:
                    yield response
                    return
                address = urljoin(address, target)
        except outbound.Refused as error:
            host = urlsplit(address).hostname
            raise HubRefused(f"{host} must not be asked ({error.why})") from error
    raise HubRefused("the hub redirects in a circle")


def _check_status(response: http.client.HTTPResponse, token: str) -> None:
    """Raise HubRefused for an answer that holds nothing, by its status and code.

    The code is the hub's own header; others that speak its protocol may have none.
    """
    status, code = response.status, response.headers.get("X-Error-Code", "")
    if status in (401, 403):
        raise HubRefused(TOKEN_REFUSED if token else GATED)
    if status == 404:
        raise HubRefused(NO_REVISION if code == "RevisionNotFound" else NO_REPOSITORY)
    if status >= 500:
        raise HubRefused(NO_ANSWER)
    if status != 200:
        raise HubRefused(f"the hub answered {status}")


def _check_part(
    response: http.client.HTTPResponse,
    snapshot: Snapshot,
    file: HubFile,
    at: int,
    etag: str | None,
) -> str | None:
    """Return the entity tag of an answer that holds the file from `at` on."""
    if response.status in (429, 500, 502, 503, 504):
        raise http.client.HTTPException(f"status {response.status}")
    if response.status in (401, 403):
        _check_status(response, snapshot.token)
    if response.status not in (200, 206):
        raise HubRefused(f"{file.path}: the hub answered {response.status}")
    size = response.headers.get("Content-Length")
    if response.status == 206:
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != at:
            raise HubRefused(f"{file.path}: the hub sent another part than asked for")
        size = match[2]
    elif at:
        raise HubRefused(f"{file.path}: the hub cannot go on within a file")
    if size is not None and size != str(file.size_bytes):
        raise HubRefused(
            f"{file.path}: the hub listed {file.size_bytes:,} bytes and serves "
            f"{str(size)[:20]}"
        )
    found = response.headers.get("ETag")
    if etag and found != etag:
        raise HubRefused(f"{file.path}: the file changed while it was read")
    return found


def _snapshot(hub: str, data: bytes, token: str) -> Snapshot:
    try:
        if len(data) > LIST_LIMIT_BYTES:
            raise ValueError("too long")
        told = json.loads(data)
        repo_id, commit_id = str(told["id"]), str(told["sha"])
        files = tuple(_file(item) for item in told["siblings"])
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as e:
        raise HubRefused(f"{hub} does not answer as a hub does") from e
    if not _REPO.fullmatch(repo_id) or not _COMMIT.fullmatch(commit_id):
        raise HubRefused(f"{hub} does not answer as a hub does")
    if told.get("private"):
        raise HubRefused(PRIVATE)
    if len(files) > MAX_FILES:
        raise HubRefused(f"{repo_id} has more than {MAX_FILES:,} files")
    return Snapshot(hub, repo_id, commit_id, bool(told.get("gated")), files, token)


def _file(item: Any) -> HubFile:
    path, large = item["rfilename"], item.get("lfs") or {}
    size = large.get("size", item["size"])
    sha256 = large.get("sha256")
    if not isinstance(path, str) or type(size) is not int or size < 0:
        raise ValueError("not a file")
    if sha256 is not None and not _SHA256.fullmatch(str(sha256)):
        raise ValueError("not a sha256")
    return HubFile(path, size, sha256)


def _reason(error: Exception) -> str:
    if isinstance(error, outbound.Failed):
        return str(error.why)
    return type(error).__name__
