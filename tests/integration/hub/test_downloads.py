"""Reading files: what HTTP promises, and that nothing of a model can run here."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.test import Client

from registry import storage
from registry.models import RegisteredModel
from registry.services.revisions import AddedFile, Changes, commit_revision
from tests import factories
from tests.integration.hub.conftest import weights

PAGE = b"<script>alert(1)</script>"
WEIGHTS = weights(20)
SIZE = len(WEIGHTS)


@pytest.fixture
def model(db: None) -> RegisteredModel:
    """Return a pushed model: a page, a file with an odd name, and weights."""
    registered = factories.make_model()
    commit_revision(
        model=registered,
        author=None,
        changes=Changes(
            [
                _added("demo.html", PAGE),
                _added('模 型;"x.txt', b"odd"),
                _added("model.safetensors", WEIGHTS, is_lfs=True),
                _added("empty.txt", b""),
            ]
        ),
        summary="All",
    )
    registered.refresh_from_db()
    return registered


def _added(path: str, content: bytes, *, is_lfs: bool = False) -> AddedFile:
    oid = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    sha256 = storage.store_bytes(content)
    return AddedFile(path, sha256, len(content), oid, is_lfs)


def _body(answer: Any) -> bytes:
    """Return the streamed content, all of it, which also closes the file."""
    return b"".join(answer.streaming_content)


def _address(model: RegisteredModel, path: str, revision: str = "main") -> str:
    return f"/{model.repo_id}/resolve/{revision}/{path}"


def test_head_tells_what_a_client_needs_before_it_downloads(
    client: Client, model: RegisteredModel
) -> None:
    answer = client.head(_address(model, "model.safetensors"))

    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    assert model.head is not None
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer["ETag"] == answer["X-Linked-Etag"] == f'"{sha256}"'
    assert answer["X-Linked-Size"] == answer["Content-Length"] == str(SIZE)
    assert answer["X-Repo-Commit"] == model.head.commit_id
    assert answer["Accept-Ranges"] == "bytes"


def test_a_small_file_is_known_by_its_git_object_id(
    client: Client, model: RegisteredModel
) -> None:
    answer = client.head(_address(model, "demo.html"))

    oid = hashlib.sha1(b"blob 25" + bytes(1) + PAGE).hexdigest()
    assert answer["ETag"] == f'"{oid}"'
    assert "X-Linked-Etag" not in answer


def test_a_page_in_a_model_never_runs_as_a_page_of_this_site(
    client: Client, model: RegisteredModel
) -> None:
    for way in ("resolve", "raw"):
        answer = client.get(f"/{model.repo_id}/{way}/main/demo.html")

        assert _body(answer) == PAGE
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_a_name_cannot_break_out_of_its_header(
    client: Client, model: RegisteredModel
) -> None:
    answer = client.get(_address(model, "%E6%A8%A1%20%E5%9E%8B;%22x.txt"))

    assert _body(answer) == b"odd"
    assert answer["Content-Disposition"] == (
        "inline; filename*=utf-8''%E6%A8%A1%20%E5%9E%8B%3B%22x.txt"
    )


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=100-", 100, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        (f"bytes=5-{SIZE * 9}", 5, SIZE),
        (f"bytes=-{SIZE * 9}", 0, SIZE),
    ],
)
def test_a_range_is_answered_with_those_bytes(
    client: Client, model: RegisteredModel, asked: str, start: int, end: int
) -> None:
    answer = client.get(_address(model, "model.safetensors"), headers={"Range": asked})

    assert answer.status_code == 206
    assert _body(answer) == WEIGHTS[start:end]
    assert answer["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer["Content-Length"] == str(end - start)


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "bytes=9-3", "lines=1-2", "bytes=0-1,4-5", "x" * 999]
)
def test_what_is_no_single_range_is_answered_with_the_whole_file(
    client: Client, model: RegisteredModel, asked: str
) -> None:
    answer = client.get(_address(model, "model.safetensors"), headers={"Range": asked})

    assert answer.status_code == 200
    assert _body(answer) == WEIGHTS


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("model.safetensors", f"bytes={SIZE}-"),
        ("model.safetensors", "bytes=-0"),
        ("empty.txt", "bytes=0-5"),
    ],
)
def test_a_range_behind_the_end_is_refused_with_the_size(
    client: Client, model: RegisteredModel, path: str, asked: str
) -> None:
    answer = client.get(_address(model, path), headers={"Range": asked})

    assert answer.status_code == 416
    size = SIZE if path == "model.safetensors" else 0
    assert answer["Content-Range"] == f"bytes */{size}"


def test_a_range_of_a_file_that_changed_is_the_whole_new_file(
    client: Client, model: RegisteredModel
) -> None:
    headers = {"Range": "bytes=3-", "If-Range": '"of before"'}

    answer = client.get(_address(model, "model.safetensors"), headers=headers)

    assert answer.status_code == 200
    assert _body(answer) == WEIGHTS


def test_a_known_content_is_not_sent_again(
    client: Client, model: RegisteredModel
) -> None:
    etag = client.head(_address(model, "model.safetensors"))["ETag"]

    for known in (etag, f'"other", W/{etag}', "*"):
        answer = client.get(
            _address(model, "model.safetensors"), headers={"If-None-Match": known}
        )
        assert answer.status_code == 304
        assert answer["ETag"] == etag


def test_a_missing_file_names_the_commit_it_is_missing_from(
    client: Client, model: RegisteredModel
) -> None:
    answer = client.head(_address(model, "no.txt"))

    assert model.head is not None
    assert answer.status_code == 404
    assert answer["X-Error-Code"] == "EntryNotFound"
    assert answer["X-Repo-Commit"] == model.head.commit_id


@pytest.mark.parametrize("rest", ["", "/", "/tree/main", "/tree/main/a", "/commit/0a1"])
def test_an_address_that_the_client_prints_leads_to_the_models_page(
    client: Client, model: RegisteredModel, rest: str
) -> None:
    answer = client.get(f"/{model.repo_id}{rest}")

    assert answer.status_code == 302
    assert answer["Location"] == model.get_absolute_url()


def test_the_sites_own_addresses_are_no_models(client: Client, db: None) -> None:
    factories.make_model()

    answer = client.get("/models/nothing/tree/main")

    assert answer.status_code == 404
    assert "X-Error-Code" not in answer
