"""Who may not do what, and what cannot be understood; never an error of ours."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from registry.models import ApiToken, Job, Membership, RegisteredModel, Revision
from registry.services.uploads import Delivery
from tests import factories
from tests.integration.hub.conftest import weights

COMMIT = b'{"key": "header", "value": {"summary": "x"}}\n'
REPO = "acme/model"
ENDPOINTS = {
    "create": ("/api/repos/create", b'{"name": "new", "organization": "acme"}'),
    "preupload": (f"/api/models/{REPO}/preupload/main", b'{"files": []}'),
    "commit": (f"/api/models/{REPO}/commit/main", COMMIT),
    "batch": (
        f"/{REPO}.git/info/lfs/objects/batch",
        b'{"operation": "upload", "objects": []}',
    ),
    "tag": (f"/api/models/{REPO}/tag/main", b'{"tag": "v1"}'),
    "verify": (f"/{REPO}.git/info/lfs/objects/verify", b'{"oid": "a", "size": 1}'),
}


@pytest.fixture
def model(db: None) -> RegisteredModel:
    """Return acme/model, which nobody has pushed to yet."""
    organization = factories.make_organization(slug="acme")
    return factories.make_model(
        organization=organization, slug="acme--model", repo_name="model"
    )


@pytest.fixture
def key(model: RegisteredModel) -> str:
    """Return the secret of a token that may push to acme."""
    return _key(model, role=Membership.Role.OWNER, scope="push")


def _key(model: RegisteredModel, *, role: str, scope: str) -> str:
    user = factories.make_user()
    organization = model.organization
    assert organization is not None
    factories.make_membership(organization=organization, user=user, role=role)
    return factories.make_token(user=user, organization=organization, scope=scope)[1]


def _post(client: Client, address: str, body: bytes, key: str = "") -> HttpResponse:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = client.post(address, body, "application/json", headers=headers)
    assert answer.status_code < 500, answer.content
    return answer


def _lines(*operations: tuple[str, dict[str, Any]]) -> bytes:
    lines = [{"key": key, "value": value} for key, value in operations]
    return COMMIT + "\n".join(json.dumps(line) for line in lines).encode()


def _file(path: str, content: bytes = b"x") -> tuple[str, dict[str, Any]]:
    text = base64.b64encode(content).decode()
    return "file", {"path": path, "content": text, "encoding": "base64"}


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("key", ["", "baimo_wrong", "é\x00"])
def test_writing_without_a_valid_token_is_401(
    client: Client, model: RegisteredModel, name: str, key: str
) -> None:
    answer = _post(client, *ENDPOINTS[name], key)

    assert answer.status_code == 401
    assert answer["X-Error-Message"] == "Invalid credentials in Authorization header"
    assert answer["X-Error-Code"] == "InvalidToken"


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_token_of_another_team_is_403(
    client: Client, model: RegisteredModel, name: str
) -> None:
    stranger = factories.make_model()
    key = _key(stranger, role=Membership.Role.OWNER, scope="push")

    answer = _post(client, *ENDPOINTS[name], key)

    assert answer.status_code == 403
    assert "cannot write models of acme" in answer["X-Error-Message"]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    ("role", "scope", "reason"),
    [
        (Membership.Role.OWNER, ApiToken.Scope.READ, "this token may only read"),
        (Membership.Role.READER, ApiToken.Scope.PUSH, "does not allow pushing"),
    ],
)
def test_a_token_that_may_only_read_is_403(
    client: Client,
    model: RegisteredModel,
    name: str,
    role: str,
    scope: str,
    reason: str,
) -> None:
    key = _key(model, role=role, scope=scope)

    answer = _post(client, *ENDPOINTS[name], key)

    assert answer.status_code == 403
    assert reason in answer["X-Error-Message"]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"no json",
        b'"\xff"',
        b"[" * 100_000,
        b"{}",
        b'{"key": 3, "value": {}}',
        b'{"name": "\\ud800", "files": 3, "objects": {}, "oid": [], "size": -1}',
        b'{"name": ["x"], "files": [{"path": "a\\u0000"}], "operation": 1}',
        b'{"operation": "upload", "transfers": 1, "objects": []}',
        b'{"files": [{"path": "a", "size": 1e400}], "oid": "a", "size": true}',
        b'{"files": [{"path": "a", "size": 99999999999999999999999999}]}',
    ],
)
def test_a_body_that_is_not_understood_is_refused(
    client: Client, model: RegisteredModel, key: str, name: str, body: bytes
) -> None:
    answer = _post(client, ENDPOINTS[name][0], body, key)

    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "./a",
        "a\\b",
        ".git/config",
        "",
        "line\nbreak",
        "x" * 500,
        "\ud800",
        "weights.PT",
    ],
)
@pytest.mark.parametrize("operation", ["file", "lfsFile", "preupload"])
def test_a_hostile_path_is_refused_and_nothing_is_committed(
    client: Client, model: RegisteredModel, key: str, path: str, operation: str
) -> None:
    body = {"files": [{"path": path, "size": 3}]}
    value = {"path": path, "oid": "ab" * 32, "size": 3, "content": "eHh4"}
    content = {
        "preupload": json.dumps(body).encode(),
        "file": _lines(("file", value)),
        "lfsFile": _lines(("lfsFile", value)),
    }[operation]
    endpoint = "preupload" if operation == "preupload" else "commit"

    answer = _post(client, ENDPOINTS[endpoint][0], content, key)

    assert answer.status_code in {400, 422}
    assert not Revision.objects.exists()


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        ([], "holds no file"),
        ([("file", {"path": "a", "content": "?", "encoding": "base64"})], "not base64"),
        ([("file", {"path": "a", "content": "", "encoding": "rot13"})], "only base64"),
        ([("copyFile", {"path": "a"})], "unknown operation"),
        ([("deletedFile", {"path": "a"})], "doesn't exist"),
        ([("deletedFolder", {"path": "a/"})], "doesn't exist"),
        ([_file("README.md", b"---\na: &a [*a]\n---\n")], "README.md"),
        ([_file("README.md", b"---\n[]\n---\n")], "README.md"),
        ([_file("README.md", b"\xff\xfe")], "README.md"),
        ([("lfsFile", {"path": "a", "oid": "../../etc/passwd"})], "has not arrived"),
    ],
)
def test_a_commit_that_cannot_be_registered_says_why(
    client: Client,
    model: RegisteredModel,
    key: str,
    operations: list[tuple[str, dict[str, Any]]],
    reason: str,
) -> None:
    answer = _post(client, ENDPOINTS["commit"][0], _lines(*operations), key)

    assert 400 <= answer.status_code < 500
    assert reason in answer.json()["error"]
    assert not Revision.objects.exists()


@pytest.mark.parametrize(
    "card",
    [
        b'---\na: "\\0"\n---\n',
        b'---\na: "\\ud800"\n---\n',
        b"---\na: 0x" + b"f" * 9000 + b"\n---\n",
        b"---\na: .nan\nb: 2026-11-21\n? [1, 2]\n: c\n---\n",
        b"---\na: " + b"[" * 5000 + b"\n---\n",
    ],
)
def test_a_strange_card_is_committed_or_refused_but_never_an_error(
    client: Client, model: RegisteredModel, key: str, card: bytes
) -> None:
    answer = _post(
        client, ENDPOINTS["commit"][0], _lines(_file("README.md", card)), key
    )

    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le"])
def test_a_card_in_another_encoding_is_refused_and_says_which_is_meant(
    client: Client, model: RegisteredModel, key: str, encoding: str
) -> None:
    content = "---\nbase_model: acme/café\n---\n".encode(encoding)

    answer = _post(
        client, ENDPOINTS["commit"][0], _lines(_file("README.md", content)), key
    )

    assert answer.status_code == 400
    assert answer.json()["error"] == (
        "README.md: README.md is not UTF-8 text; save it in that encoding; "
        "nothing was committed"
    )
    assert not Revision.objects.exists()


HUGE = "x" * 100_000


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("base_model", HUGE, "base_model is longer than 200 letters"),
        ("base_model", [HUGE] * 2, "base_model is longer than 200 letters"),
        ("base_model_relation", HUGE, "base_model_relation"),
        ("baimo_name", HUGE, "baimo_name"),
        ("baimo_contribution", HUGE, "baimo_contribution"),
        ("baimo_homepage", f"https://example.org/{HUGE}", "baimo_homepage"),
    ],
)
def test_a_huge_field_that_would_be_shown_is_refused_in_a_short_sentence(
    client: Client,
    model: RegisteredModel,
    key: str,
    field: str,
    value: object,
    reason: str,
) -> None:
    card = {"base_model": "acme/base", field: value}
    content = f"---\n{json.dumps(card)}\n---\n".encode()

    answer = _post(
        client, ENDPOINTS["commit"][0], _lines(_file("README.md", content)), key
    )

    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert len(answer.json()["error"]) < 500
    assert not Revision.objects.exists()


def test_a_refusal_that_names_something_huge_still_fits_into_a_header(
    client: Client, model: RegisteredModel, key: str
) -> None:
    answer = _post(client, ENDPOINTS["commit"][0], _lines((HUGE, {})), key)

    assert answer.status_code == 400
    assert answer["X-Error-Message"].startswith("unknown operation 'xxx")
    assert len(answer["X-Error-Message"]) == len(answer.json()["error"]) == 2000


@pytest.mark.parametrize("field", ["license", "tags", "description", "language", "x"])
def test_a_huge_field_that_says_nothing_to_the_register_swells_no_page(
    client: Client, model: RegisteredModel, key: str, field: str
) -> None:
    content = f"---\n{field}: {HUGE}\n---\n# A model\n".encode()

    answer = _post(
        client, ENDPOINTS["commit"][0], _lines(_file("README.md", content)), key
    )

    assert answer.status_code == 200
    assert Revision.objects.get().card == {field: HUGE}
    for address in ("/models/acme--model/", "/models/acme--model/history/", "/models/"):
        page = client.get(address)
        assert page.status_code == 200
        assert len(page.content) < 60_000, address


def test_a_huge_text_of_a_card_is_cut_on_the_page(
    client: Client, model: RegisteredModel, key: str, settings: Any, tmp_path: Path
) -> None:
    settings.STORAGE_DIR = tmp_path
    content = ("---\nlicense: mit\n---\n" + "word " * 150_000).encode()

    answer = _post(
        client, ENDPOINTS["commit"][0], _lines(_file("README.md", content)), key
    )

    assert answer.status_code == 200
    page = client.get("/models/acme--model/").content
    assert 100_000 < len(page) < 160_000


def test_a_huge_description_of_a_commit_is_cut(
    client: Client, model: RegisteredModel, key: str
) -> None:
    header = {"summary": HUGE, "description": HUGE}
    lines = [{"key": "header", "value": header}]
    lines += [{"key": "file", "value": _file("a")[1]}]
    body = "\n".join(json.dumps(line) for line in lines).encode()

    answer = _post(client, ENDPOINTS["commit"][0], body, key)

    assert answer.status_code == 200
    (said,) = client.get("/api/models/acme/model/commits/main").json()
    assert (len(said["title"]), len(said["message"])) == (200, 20_000)


def test_a_file_inside_the_commit_has_a_limit(
    client: Client, model: RegisteredModel, key: str, settings: Any
) -> None:
    settings.MAX_INLINE_BYTES = 1000

    slightly = _post(
        client, ENDPOINTS["commit"][0], _lines(_file("a", b"x" * 1001)), key
    )
    vastly = _post(
        client, ENDPOINTS["commit"][0], _lines(_file("a", b"x" * 100_000)), key
    )

    assert (slightly.status_code, vastly.status_code) == (413, 413)


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a--b", "-a", "a\n", "x" * 97, "ü", "..", "a/b", "\x00"],
)
def test_a_name_that_is_no_address_is_refused(
    client: Client, model: RegisteredModel, key: str, name: str
) -> None:
    body = json.dumps({"name": name, "organization": "acme"}).encode()

    answer = _post(client, "/api/repos/create", body, key)

    assert answer.status_code == 400


def test_a_card_is_judged_before_the_push(
    client: Client, model: RegisteredModel, key: str
) -> None:
    texts = ["---\nlicense: mit\n---\n", "---\nlicense: [\n---\n"]
    bodies = [json.dumps({"content": text}).encode() for text in texts]

    good, bad = (_post(client, "/api/validate-yaml", body, key) for body in bodies)

    assert (good.status_code, good.json()) == (200, {"errors": [], "warnings": []})
    assert bad.status_code == 400
    assert "no valid YAML" in bad.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/models?filter=gguf", 200),
        ("/api/models?limit=x", 400),
        ("/api/models?limit=0", 200),
        ("/api/models?search=%00", 400),
        ("/api/models/gpt2", 404),
        ("/api/models/acme/nothing", 404),
        ("/api/models/acme/model/revision/main", 404),
        ("/api/models/acme/model/revision/refs%2Fpr%2F1", 404),
        ("/api/models/acme/model/tree/main", 200),
        ("/api/models/acme/model/tree/main/a%00b", 400),
        ("/api/datasets/acme/data", 404),
        ("/api/never-heard-of", 404),
        ("/acme/model/resolve/main/a%00", 400),
    ],
)
def test_reading_is_answered_in_json_whatever_is_asked(
    client: Client, model: RegisteredModel, address: str, status: int
) -> None:
    answer = client.get(address)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"


def test_a_model_is_not_deleted_with_a_token_that_may_only_push(
    client: Client, model: RegisteredModel, key: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    team, name = model.repo_id.split("/")
    body = json.dumps({"name": name, "organization": team})

    answer = client.delete("/api/repos/delete", body, headers=headers)

    assert answer.status_code == 403
    assert RegisteredModel.objects.filter(pk=model.pk).exists()


def test_without_a_team_a_model_goes_to_the_tokens_team(
    client: Client, model: RegisteredModel, key: str
) -> None:
    body = b'{"name": "alone", "organization": null}'

    answer = _post(client, "/api/repos/create", body, key)

    assert answer.json()["name"] == "acme/alone"


def test_a_push_of_weights_rings_for_a_worker_again_when_it_is_repeated(
    client: Client,
    model: RegisteredModel,
    key: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    content = weights(30)
    sha256, author = hashlib.sha256(content).hexdigest(), User.objects.get()
    Delivery(author, model, sha256, len(content)).receive([content])
    value = {"path": "model.safetensors", "oid": sha256}
    body = _lines(("lfsFile", value))

    for n_rings in (1, 2):
        with django_capture_on_commit_callbacks(execute=True):
            answer = _post(client, ENDPOINTS["commit"][0], body, key)

        job = Job.objects.get()
        assert job.revision.commit_id == answer.json()["commitOid"]
        assert (job.kind, job.n_rings) == (Job.Kind.FINGERPRINT, n_rings)


@pytest.mark.parametrize(
    "query",
    [
        "sort=lastModified&cursor=x",
        "sort=lastModified&cursor=_1",
        "sort=lastModified&cursor=2026-01-01T00:00:00_1",
        "sort=lastModified&cursor=2026-01-01T00:00:00%2B00:00_",
        "sort=lastModified&cursor=2026-01-01T00:00:00%2B00:00_9999999999999999999",
        "sort=createdAt&cursor=-1",
        "sort=createdAt&cursor=%C2%B2",
        "sort=%FF",
        "limit=all",
        "gated=true",
    ],
)
def test_a_list_that_cannot_be_made_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/api/models?{query}").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"tag": "\xe9"}',
        b"{}",
        b'{"tag": 1}',
        b'{"tag": ""}',
        b'{"tag": "v1", "message": 1}',
        b'{"tag": "\\u0000"}',
        b'{"tag": "\\ud800"}',
        b'{"tag": "v1\\n"}',
    ],
)
def test_a_tag_that_cannot_be_understood_is_refused(
    client: Client, model: RegisteredModel, key: str, body: bytes
) -> None:
    factories.make_revision(model=model)

    answer = _post(client, f"/api/models/{REPO}/tag/main", body, key)

    assert answer.status_code == 400
    assert not model.tags.exists()


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30])
def test_a_list_of_commits_takes_its_own_cursors_only(
    client: Client, model: RegisteredModel, cursor: str
) -> None:
    factories.make_revision(model=model)

    answer = client.get(f"/api/models/{REPO}/commits/main?cursor={cursor}")

    assert answer.status_code == 400
