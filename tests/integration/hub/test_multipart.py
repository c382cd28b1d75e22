"""Files in parts, as programs see them: resumed, mixed up, forged and raced."""

from __future__ import annotations

import hashlib
import json
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from registry import storage
from registry.models import ApiToken, Membership, RegisteredModel
from registry.parts import PartedUpload
from tests import factories
from tests.integration.hub.conftest import weights

PART = 64 * 1024
CONTENT = weights(40, size=200)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PARTS = [CONTENT[start : start + PART] for start in range(0, len(CONTENT), PART)]


@pytest.fixture(autouse=True)
def _small(settings: Any, tmp_path: Any) -> None:
    settings.PART_BYTES = PART
    settings.STORAGE_DIR = tmp_path / "files"


class Pusher:
    """Somebody who may push to a model, and the requests that a client makes."""

    def __init__(self, model: RegisteredModel) -> None:
        self.model, self.user = model, factories.make_user()
        assert model.organization is not None
        self.membership = factories.make_membership(
            organization=model.organization, user=self.user
        )
        self.token, self.key = factories.make_token(
            user=self.user, organization=model.organization
        )
        self.client = Client()

    def batch(self, content: bytes = CONTENT, **other: Any) -> dict[str, Any]:
        """Return the answer's one object."""
        answer = self._post(
            f"/{self.model.repo_id}.git/info/lfs/objects/batch",
            {
                "operation": "upload",
                "transfers": ["basic", "multipart"],
                "objects": [
                    {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
                ],
            }
            | other,
        )
        assert answer.status_code == 200, answer.content
        instruction: dict[str, Any] = answer.json()["objects"][0]
        return instruction

    def upload(self, content: bytes = CONTENT) -> dict[str, Any]:
        action: dict[str, Any] = self.batch(content)["actions"]["upload"]
        return action

    def put(self, address: str, content: bytes) -> HttpResponse:
        answer = Client().put(local(address), content, "application/octet-stream")
        return answer  # type: ignore[no-any-return]

    def put_all(self, upload: dict[str, Any], parts: list[bytes]) -> list[str]:
        """Send these parts and return their ETags."""
        answers = [
            self.put(upload["header"][str(number)], part)
            for number, part in enumerate(parts, 1)
        ]
        assert [answer.status_code for answer in answers] == [200] * len(parts)
        return [answer["ETag"] for answer in answers]

    def complete(
        self, upload: dict[str, Any], etags: list[str], **other: Any
    ) -> HttpResponse:
        named = [
            {"partNumber": number, "etag": etag} for number, etag in enumerate(etags, 1)
        ]
        body = {"oid": SHA256, "parts": named} | other
        return Client().post(  # type: ignore[no-any-return]
            local(upload["href"]), json.dumps(body), "application/vnd.git-lfs+json"
        )

    def commit(self, sha256: str = SHA256) -> HttpResponse:
        lines = [
            {"key": "header", "value": {"summary": "x"}},
            {"key": "lfsFile", "value": {"path": "m.safetensors", "oid": sha256}},
        ]
        return self.client.post(  # type: ignore[no-any-return]
            f"/api/models/{self.model.repo_id}/commit/main",
            "\n".join(json.dumps(line) for line in lines),
            "application/x-ndjson",
            headers={"Authorization": f"Bearer {self.key}"},
        )

    def _post(self, address: str, body: dict[str, Any]) -> HttpResponse:
        return self.client.post(  # type: ignore[no-any-return]
            address,
            json.dumps(body),
            "application/json",
            headers={"Authorization": f"Bearer {self.key}"},
        )


def local(address: str) -> str:
    """Return an absolute address without its host."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


@pytest.fixture
def pusher(db: None) -> Pusher:
    """Return somebody who may push to an empty model."""
    return Pusher(factories.make_model())


def test_a_file_in_parts_arrives_and_can_be_committed(pusher: Pusher) -> None:
    upload = pusher.upload()
    etags = pusher.put_all(upload, PARTS)

    done = pusher.complete(upload, etags)

    assert upload["header"]["chunk_size"] == str(PART)
    assert len(PARTS) == len(upload["header"]) - 1 == 3
    assert done.status_code == 200
    assert storage.path_of(SHA256).read_bytes() == CONTENT
    assert "actions" not in pusher.batch()
    assert pusher.commit().status_code == 200
    left = [path for path in (storage.root() / "parts").rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["lock"]


def test_a_file_of_one_part_goes_whole(pusher: Pusher) -> None:
    content = b"x" * PART
    upload = pusher.upload(content)

    assert upload["header"] == {}
    assert pusher.put(upload["href"], content).status_code == 200
    assert "actions" not in pusher.batch(content)


def test_a_client_that_knows_no_parts_sends_everything_whole(pusher: Pusher) -> None:
    upload = pusher.batch(CONTENT, transfers=["basic"])["actions"]["upload"]

    assert upload["header"] == {}
    assert pusher.put(upload["href"], CONTENT).status_code == 200


def test_parts_may_come_in_any_order(pusher: Pusher) -> None:
    upload = pusher.upload()
    header = upload["header"]

    etags = {n: pusher.put(header[str(n)], PARTS[n - 1])["ETag"] for n in (3, 1, 2)}
    named = [{"partNumber": number, "etag": etag} for number, etag in etags.items()]

    assert pusher.complete(upload, [], parts=named).status_code == 200
    assert storage.path_of(SHA256).read_bytes() == CONTENT


def test_a_part_that_is_there_answers_its_etag_and_is_not_stored_again(
    pusher: Pusher,
) -> None:
    first = pusher.put_all(pusher.upload(), PARTS[:2])
    before = {path: path.stat() for path in (storage.root() / "parts").rglob("?")}
    pusher.token, pusher.key = factories.make_token(
        user=pusher.user, organization=pusher.model.organization
    )

    again = pusher.upload()
    repeated = pusher.put_all(again, PARTS)

    assert repeated[:2] == first
    assert all(path.stat() == stat for path, stat in before.items())
    assert pusher.complete(again, repeated).status_code == 200


@pytest.mark.parametrize(
    ("number", "body", "reason"),
    [
        (1, PARTS[0] + b"x", "expected a body of 65536 bytes"),
        (1, PARTS[0][:-1], "expected a body of 65536 bytes"),
        (3, PARTS[0], "expected a body of"),
        (0, PARTS[0], "there is no part 0"),
        (4, b"", "the parts are 1 to 3"),
        (10**30, b"", "there is no part 1000"),
    ],
)
def test_a_part_of_another_size_or_number_is_refused(
    pusher: Pusher, number: int, body: bytes, reason: str
) -> None:
    address = pusher.upload()["header"]["1"].replace("/parts/1?", f"/parts/{number}?")

    answer = pusher.put(address, body)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert not list(storage.root().rglob("[0-9]"))


def test_a_body_that_is_shorter_than_it_says_leaves_no_part(pusher: Pusher) -> None:
    parts = PartedUpload("key", SHA256, len(CONTENT), PART)

    for chunks in ([PARTS[0][:-1]], [PARTS[0], b"x"]):
        with pytest.raises(storage.StorageError, match="part 1 has 65536 bytes"):
            parts.store(1, chunks)

    assert parts.etag_of(1) is None


def test_who_still_sends_when_the_content_is_whole_cannot_change_it(
    db: None,
) -> None:
    """A part that was sent again, because the answer to the first was lost."""
    parts = PartedUpload("key", SHA256, len(CONTENT), PART)

    def late() -> Iterator[bytes]:
        yield b"x" * 10
        for number in parts.numbers:
            parts.store(number, [PARTS[number - 1]])
        with parts.alone():
            parts.put_together()
            parts.forget()
        yield b"x" * (PART - 10)

    with pytest.raises(storage.StorageError, match="put together or forgotten"):
        parts.store(2, late())

    assert storage.path_of(SHA256).read_bytes() == CONTENT
    assert not parts.stored


def test_who_still_sends_hinders_nobody_between_two_chunks(db: None) -> None:
    parts = PartedUpload("key", SHA256, len(CONTENT), PART)

    def slow() -> Iterator[bytes]:
        yield PARTS[0][:10]
        with parts.alone():
            assert parts.stored == {}
        yield PARTS[0][10:]

    parts.store(1, slow())

    assert list(parts.stored) == [1]


def test_parts_of_which_the_file_is_gone_are_forgotten(pusher: Pusher) -> None:
    upload = pusher.upload()
    etags = pusher.put_all(upload, PARTS)
    (whole,) = (storage.root() / "parts").rglob("whole")
    whole.unlink()

    refused = pusher.complete(upload, etags)

    assert "part 1 is missing" in refused.json()["error"]
    assert pusher.complete(upload, pusher.put_all(upload, PARTS)).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        (lambda etags: [etags[0], '"0"', etags[2]], 422, "part 2 is another one"),
        (lambda etags: [etags[1], etags[0], etags[2]], 422, "part 1 is another one"),
        (lambda etags: etags[:2], 422, "part 3 is missing"),
        (lambda etags: [*etags, etags[0]], 422, "there is no part 4"),
    ],
)
def test_a_completion_that_names_other_parts_is_refused_and_the_parts_stay(
    pusher: Pusher, change: Any, status: int, reason: str
) -> None:
    upload = pusher.upload()
    etags = pusher.put_all(upload, PARTS)

    answer = pusher.complete(upload, change(etags))

    assert answer.status_code == status
    assert reason in answer.json()["error"]
    assert not storage.has(SHA256)
    assert pusher.complete(upload, etags).status_code == 200


@pytest.mark.parametrize(
    "other",
    [
        {"oid": "0" * 64},
        {"oid": 7},
        {"parts": None},
        {"parts": ["1"]},
        {"parts": [{"partNumber": "1", "etag": "x"}]},
        {"parts": [{"partNumber": -1, "etag": "x"}]},
        {"parts": [{"partNumber": True, "etag": "x"}]},
        {"parts": [{"partNumber": 1, "etag": "\ud800"}]},
        {"parts": [{"partNumber": 1, "etag": "x"}] * 2},
        {"parts": [{"partNumber": 1}]},
    ],
)
def test_a_completion_that_cannot_be_understood_is_refused(
    pusher: Pusher, other: dict[str, Any]
) -> None:
    upload = pusher.upload()

    assert pusher.complete(upload, [], **other).status_code == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe{}", b"[]", b'{"oid": "\xe9"}', '{"oid": 1}'.encode("utf-16")],
)
def test_a_completion_in_a_wrong_encoding_is_refused(
    pusher: Pusher, body: bytes
) -> None:
    address = local(pusher.upload()["href"])

    assert Client().post(address, body, "application/json").status_code == 400


def test_completing_twice_is_as_good_as_once(pusher: Pusher) -> None:
    upload = pusher.upload()
    etags = pusher.put_all(upload, PARTS)

    statuses = [pusher.complete(upload, etags).status_code for _ in range(2)]

    assert statuses == [200, 200]


def test_parts_that_make_another_content_are_forgotten(pusher: Pusher) -> None:
    upload = pusher.upload()
    etags = pusher.put_all(upload, [PARTS[1], PARTS[0], PARTS[2]])

    answer = pusher.complete(upload, etags)

    assert answer.status_code == 422
    assert "received 160" in answer.json()["error"]
    assert not storage.has(SHA256)
    assert pusher.complete(upload, pusher.put_all(upload, PARTS)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_completions_that_race_both_succeed(pusher: Pusher) -> None:
    upload = pusher.upload()
    etags = pusher.put_all(upload, PARTS)
    together = threading.Barrier(4)

    def complete(_: int) -> int:
        together.wait()
        try:
            return pusher.complete(upload, etags).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(complete, range(4)))

    assert statuses == [200] * 4
    assert storage.path_of(SHA256).read_bytes() == CONTENT


def test_while_parts_are_put_together_others_are_told_to_ask_again(
    pusher: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.parts.PATIENCE_SECONDS", 0.1)
    upload = pusher.upload()
    etags = pusher.put_all(upload, PARTS)
    (folder,) = (storage.root() / "parts").iterdir()

    with PartedUpload(folder.name, SHA256, len(CONTENT), PART).alone():
        (folder / "2").unlink()
        answers = [
            pusher.complete(upload, etags),
            pusher.put(upload["header"]["2"], PARTS[1]),
        ]

    assert [(busy.status_code, busy["Retry-After"]) for busy in answers] == [
        (503, "1")
    ] * 2
    etags = pusher.put_all(upload, PARTS)
    assert pusher.complete(upload, etags).status_code == 200


def test_the_parts_of_another_person_or_model_cannot_be_used(pusher: Pusher) -> None:
    colleague = Pusher(pusher.model)
    elsewhere = Pusher(factories.make_model(organization=pusher.model.organization))
    etags = pusher.put_all(pusher.upload(), PARTS)

    answers = [who.complete(who.upload(), etags) for who in (colleague, elsewhere)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("part 1 is missing" in answer.json()["error"] for answer in answers)


def test_an_address_is_good_for_its_own_model_and_content_only(
    pusher: Pusher,
) -> None:
    stranger = Pusher(factories.make_model())
    upload, whole = pusher.upload(), pusher.upload(b"small")
    part = upload["header"]["1"]
    forged = [
        part.replace(SHA256, "0" * 64),
        part.replace(pusher.model.repo_id, stranger.model.repo_id),
        part.partition("?")[0],
        f"{part}x",
        whole["href"].replace("?", "/parts/1?"),
        part.replace("/parts/1?", "?"),
    ]

    assert [pusher.put(address, PARTS[0]).status_code for address in forged] == [
        403
    ] * 6
    assert not list(storage.root().rglob("[0-9]"))


def test_who_knows_only_the_hash_of_what_is_not_public_has_to_send_it(
    pusher: Pusher,
) -> None:
    stranger = Pusher(factories.make_model())
    upload = pusher.upload()
    pusher.complete(upload, pusher.put_all(upload, PARTS))

    assert stranger.commit().status_code == 422
    assert "actions" in stranger.batch()
    named = {"oid": SHA256, "size": len(CONTENT)}
    address = f"/{stranger.model.repo_id}.git/info/lfs/objects/verify"
    assert stranger._post(address, named).status_code == 422


def test_what_is_public_needs_no_upload_by_anybody(pusher: Pusher) -> None:
    upload = pusher.upload()
    pusher.complete(upload, pusher.put_all(upload, PARTS))
    pusher.commit()
    other = Pusher(factories.make_model())

    assert other.batch() == {"oid": SHA256, "size": len(CONTENT)}
    assert other.commit().status_code == 200


def _expire(pusher: Pusher) -> None:
    past = timezone.now() - timedelta(seconds=1)
    ApiToken.objects.filter(pk=pusher.token.pk).update(expires_at=past)


def _revoke(pusher: Pusher) -> None:
    ApiToken.objects.filter(pk=pusher.token.pk).update(revoked_at=timezone.now())


def _leave(pusher: Pusher) -> None:
    pusher.membership.delete()


def _become_reader(pusher: Pusher) -> None:
    Membership.objects.filter(pk=pusher.membership.pk).update(role="reader")


def _be_blocked(pusher: Pusher) -> None:
    pusher.user.is_active = False
    pusher.user.save()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (_expire, "has expired or was revoked"),
        (_revoke, "has expired or was revoked"),
        (_be_blocked, "has expired or was revoked"),
        (_leave, "any more; ask an owner"),
        (_become_reader, "any more; ask an owner"),
    ],
)
def test_who_may_not_push_any_more_is_stopped_at_the_next_part(
    pusher: Pusher, happens: Any, reason: str
) -> None:
    upload, whole = pusher.upload(), pusher.upload(b"small")
    etags = pusher.put_all(upload, PARTS[:2])
    happens(pusher)

    answers = [
        pusher.put(upload["header"]["3"], PARTS[2]),
        pusher.put(upload["header"]["1"], PARTS[0]),
        pusher.put(whole["href"], b"small"),
        pusher.complete(upload, etags),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert all(reason in answer["X-Error-Message"] for answer in answers)


def test_a_file_of_very_many_parts_gets_larger_ones(
    pusher: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.services.uploads.MAX_PARTS", 2)

    header = pusher.upload()["header"]

    assert set(header) == {"chunk_size", "1", "2"}
    assert header["chunk_size"] == str(2 * PART)


def test_over_its_quota_an_organisation_is_told_before_it_sends(
    pusher: Pusher, settings: Any
) -> None:
    upload = pusher.upload()
    pusher.complete(upload, pusher.put_all(upload, PARTS))
    settings.ORGANIZATION_MAX_BYTES = len(CONTENT)
    pusher.commit()

    again = pusher.commit()
    address = f"/{pusher.model.repo_id}.git/info/lfs/objects/batch"
    more = {"oid": "0" * 64, "size": 1}
    refused = pusher._post(address, {"operation": "upload", "objects": [more]})

    assert again.status_code == 200
    assert refused.status_code == 413
    assert "may keep" in refused.json()["error"]


def test_a_commit_over_the_quota_is_refused(pusher: Pusher, settings: Any) -> None:
    upload = pusher.upload()
    pusher.complete(upload, pusher.put_all(upload, PARTS))
    settings.ORGANIZATION_MAX_BYTES = len(CONTENT) - 1

    refused = pusher.commit()

    assert refused.status_code == 413
    assert "nothing was committed" in refused.json()["error"]
    settings.ORGANIZATION_MAX_BYTES = 0
    assert pusher.commit().status_code == 200


def test_a_disk_without_room_is_said_and_nothing_is_lost(
    pusher: Pusher, settings: Any
) -> None:
    upload = pusher.upload()
    etags = pusher.put_all(upload, PARTS)
    settings.MIN_FREE_BYTES = 2**62
    address = f"/{pusher.model.repo_id}.git/info/lfs/objects/batch"
    named = {"oid": SHA256, "size": len(CONTENT)}

    full = pusher._post(address, {"operation": "upload", "objects": [named]})
    settings.MIN_FREE_BYTES = 0

    assert full.status_code == 507
    assert "room for 0 more bytes" in full["X-Error-Message"]
    assert pusher.complete(upload, etags).status_code == 200


def test_a_disk_that_fills_up_on_the_way_keeps_the_parts(pusher: Pusher) -> None:
    upload = pusher.upload()
    etags = pusher.put_all(upload, PARTS[:2])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * PART, hard))
    try:
        full = pusher.put(upload["header"]["3"], PARTS[2])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert full.status_code == 507
    assert "nothing that has arrived is lost" in full["X-Error-Message"]
    etags.append(pusher.put(upload["header"]["3"], PARTS[2])["ETag"])
    assert pusher.complete(upload, etags).status_code == 200
    assert storage.path_of(SHA256).read_bytes() == CONTENT


@pytest.mark.django_db(transaction=True)
def test_unfinished_uploads_are_swept_after_their_time(
    pusher: Pusher, settings: Any
) -> None:
    etags = pusher.put_all(pusher.upload(), PARTS)
    call_command("sweep")
    assert pusher.put_all(pusher.upload(), PARTS[:1]) == etags[:1]

    settings.UPLOADS_KEPT_DAYS = 0
    call_command("sweep")

    assert not list((storage.root() / "parts").iterdir())
