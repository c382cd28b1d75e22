"""Large files on the wire: broken, forged and interrupted uploads."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import urllib.parse
from contextlib import closing
from typing import Any

import pytest
from huggingface_hub.errors import HfHubHTTPError

from tests.integration.hub.conftest import PART_BYTES, LiveRegister, weights

pytestmark = [
    pytest.mark.processes,
    # The library's own way of sending a file, which its HTTP client calls old.
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


def ask(
    register: LiveRegister,
    method: str,
    target: str,
    body: bytes | dict[str, Any],
    *,
    token: str = "",
) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of one plain request."""
    host = urllib.parse.urlsplit(register.url).netloc
    connection = http.client.HTTPConnection(host, timeout=20)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, target, body=content, headers=headers)
    with closing(connection), connection.getresponse() as answer:
        return answer.status, json.loads(answer.read())


def upload_target(
    register: LiveRegister,
    repo: str,
    content: bytes,
    *,
    token: str,
    transfer: str = "basic",
) -> str:
    """Register the model and return where the batch answer lets the content go."""
    register.api(token).create_repo(repo, exist_ok=True)
    named = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    _, answer = ask(
        register,
        "POST",
        f"/{repo}.git/info/lfs/objects/batch",
        {"operation": "upload", "transfers": ["basic", transfer], "objects": [named]},
        token=token,
    )
    href = answer["objects"][0]["actions"]["upload"]["href"]
    return str(href).removeprefix(register.url)


def test_other_bytes_than_announced_are_refused_and_leave_nothing(
    live_register: LiveRegister,
) -> None:
    content, token = weights(10), live_register.token("ann", "acme")
    target = upload_target(live_register, "acme/wrong", content, token=token)
    before = live_register.stored_files()

    status, answer = ask(live_register, "PUT", target, content[:-1] + b"?")

    assert status == 422
    assert "nothing was kept" in answer["error"]
    assert live_register.stored_files() == before


def test_another_size_than_announced_is_refused(live_register: LiveRegister) -> None:
    content, token = weights(11), live_register.token("ann", "acme")
    target = upload_target(live_register, "acme/size", content, token=token)

    status, answer = ask(live_register, "PUT", target, content + b"more")

    assert status == 400
    assert f"expected a body of {len(content)} bytes" in answer["error"]


def test_a_signature_opens_one_place_for_one_content(
    live_register: LiveRegister,
) -> None:
    content, token = weights(12), live_register.token("ann", "acme")
    target = upload_target(live_register, "acme/signed", content, token=token)
    other = hashlib.sha256(b"other").hexdigest()
    here = hashlib.sha256(content).hexdigest()
    before = live_register.stored_files()

    forged = [
        target.replace(here, other),
        target.partition("?")[0],
        f"{target}x",
        target.replace("signature=", "signature=e30."),
    ]

    assert [ask(live_register, "PUT", t, content)[0] for t in forged] == [403] * 4
    assert live_register.stored_files() == before
    assert ask(live_register, "PUT", target, content)[0] == 200


def test_a_push_that_was_cut_off_is_completed_by_repeating_it(
    live_register: LiveRegister,
) -> None:
    content, token = weights(13, size=512), live_register.token("ann", "acme")
    target = upload_target(live_register, "acme/cut", content, token=token)
    before = live_register.stored_files()

    address = urllib.parse.urlsplit(live_register.url)
    with socket.create_connection((address.hostname, address.port)) as wire:
        head = f"PUT {target} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        wire.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode())
        wire.sendall(content[: len(content) // 2])
        wire.shutdown(socket.SHUT_WR)
        wire.recv(4096)
    after_the_cut = live_register.stored_files()
    api = live_register.api(token)
    api.upload_file(
        path_or_fileobj=content, path_in_repo="model.safetensors", repo_id="acme/cut"
    )

    assert after_the_cut == before
    assert api.list_repo_files("acme/cut") == ["model.safetensors"]


def test_a_part_that_is_there_is_answered_before_its_body_has_come(
    live_register: LiveRegister,
) -> None:
    content, token = weights(15, size=200), live_register.token("ann", "acme")
    target = upload_target(
        live_register, "acme/early", content, token=token, transfer="multipart"
    ).replace("/parts?", "/parts/1?")
    first, _ = ask_raw(live_register, target, content[:PART_BYTES], PART_BYTES)

    again, etag = ask_raw(live_register, target, b"", 64 * 1024**2)

    assert (first, again) == (200, 200)
    assert etag


def ask_raw(
    register: LiveRegister, target: str, body: bytes, announced: int
) -> tuple[int, str]:
    """Return the status and the ETag of a PUT that may hold back its body."""
    host = urllib.parse.urlsplit(register.url).netloc
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.putrequest("PUT", target)
        connection.putheader("Content-Length", str(announced))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("ETag", "")


def test_a_commit_of_what_never_arrived_says_to_push_again(
    live_register: LiveRegister,
) -> None:
    token = live_register.token("ann", "acme")
    live_register.api(token).create_repo("acme/absent")
    large = {"path": "model.safetensors", "algo": "sha256", "oid": "ab" * 32, "size": 9}
    lines = [{"key": "header", "value": {"summary": "x"}}]
    lines.append({"key": "lfsFile", "value": large})
    body = "\n".join(json.dumps(line) for line in lines).encode()

    status, answer = ask(
        live_register, "POST", "/api/models/acme/absent/commit/main", body, token=token
    )

    assert status == 422
    assert "has not arrived here" in answer["error"]
    assert "Push again" in answer["error"]


def test_a_weight_file_with_a_broken_header_is_refused_whole(
    live_register: LiveRegister,
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/broken")

    with pytest.raises(HfHubHTTPError, match=r"model\.safetensors") as refusal:
        api.upload_file(
            path_or_fileobj=b"\xff" * 64,
            path_in_repo="model.safetensors",
            repo_id="acme/broken",
        )

    assert refusal.value.response.status_code == 400
    assert api.list_repo_files("acme/broken") == []


def test_content_that_is_here_already_is_not_asked_for_again(
    live_register: LiveRegister,
) -> None:
    content, token = weights(14), live_register.token("ann", "acme")
    target = upload_target(live_register, "acme/dedup", content, token=token)
    ask(live_register, "PUT", target, content)
    named = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    address = "/acme/dedup.git/info/lfs/objects"

    _, answer = ask(
        live_register,
        "POST",
        f"{address}/batch",
        {"operation": "upload", "objects": [named]},
        token=token,
    )
    whole = ask(live_register, "POST", f"{address}/verify", named, token=token)
    short = named | {"size": 1}
    torn = ask(live_register, "POST", f"{address}/verify", short, token=token)

    assert answer["objects"] == [named]
    assert (whole[0], torn[0]) == (200, 422)
