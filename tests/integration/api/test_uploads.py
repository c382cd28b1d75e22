"""Sending a model as the upload page does, and as programs may: nothing is trusted."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from registry import storage
from registry.models import Job, Membership, Organization, RegisteredModel, Removal
from tests import factories
from tests.integration.hub.conftest import weights

PART = 64 * 1024
WEIGHTS = weights(41, size=200)
README = b"---\nlicense: mit  # ours\n---\n# My model\n"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def _small(settings: Any, tmp_path: Any) -> None:
    settings.PART_BYTES = PART
    settings.STORAGE_DIR = tmp_path / "files"


class Sender:
    """A browser that is signed in, with the requests that the upload page makes."""

    def __init__(self, user: User, organization: Organization) -> None:
        self.user, self.organization = user, organization
        self.client = Client(enforce_csrf_checks=True)
        self.client.force_login(user)
        self.client.get("/register/")
        self.slug = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.client.cookies["csrftoken"].value}

    def post(self, address: str, body: Any = None) -> HttpResponse:
        answer = self.client.post(
            f"/api/v1/{address}", body, "application/json", headers=self.headers
        )
        return answer  # type: ignore[no-any-return]

    def put(self, address: str, content: bytes) -> HttpResponse:
        answer = self.client.put(
            f"/api/v1/uploads/{self.slug}/{address}",
            content,
            "application/octet-stream",
            headers=self.headers,
        )
        return answer  # type: ignore[no-any-return]

    def register(self, name: str = "m") -> HttpResponse:
        wish = {"organization": self.organization.slug, "name": name}
        answer = self.post("uploads/models/", wish)
        self.slug = answer.json().get("slug", self.slug)
        return answer

    def plan(self, *files: tuple[str, bytes], **more: Any) -> HttpResponse:
        named = [{"path": p, "size": len(c), "sha256": sha(c)} for p, c in files]
        return self.post("uploads/", {"model": self.slug, "files": named} | more)

    def whole(self, content: bytes) -> HttpResponse:
        return self.put(f"{sha(content)}/?size={len(content)}", content)

    def part(self, number: int, content: bytes = WEIGHTS) -> HttpResponse:
        piece = content[(number - 1) * PART : number * PART]
        where = f"{sha(content)}/parts/{number}/?size={len(content)}"
        return self.put(where, piece)

    def complete(self, content: bytes = WEIGHTS) -> HttpResponse:
        where = f"uploads/{self.slug}/{sha(content)}/complete/?size={len(content)}"
        return self.post(where)

    def commit(self, *files: tuple[str, bytes], **more: Any) -> HttpResponse:
        named = [{"path": path, "sha256": sha(content)} for path, content in files]
        address = f"uploads/{self.slug}/commit/"
        return self.post(address, {"summary": "First", "files": named} | more)


@pytest.fixture
def sender(db: None) -> Sender:
    """Return the maintainer of a team that has registered a name."""
    user, team = factories.make_user(), factories.make_organization(slug="acme")
    factories.make_membership(
        user=user, organization=team, role=Membership.Role.MAINTAINER
    )
    sender = Sender(user, team)
    assert sender.register().status_code == 201
    return sender


def test_a_folder_is_sent_and_committed(sender: Sender) -> None:
    files = [("README.md", README), ("model.safetensors", WEIGHTS), ("empty", b"")]
    plan = sender.plan(*files).json()["files"]
    sent = [sender.whole(README), sender.whole(b"")]
    sent += [sender.part(number) for number in (2, 1, 3)]
    sent += [sender.complete()]

    answer = sender.commit(
        *files, declaration={"bases": ["llama"], "relation": "finetune"}
    )

    assert [file["is_large"] for file in plan] == [False, True, False]
    assert [file["part_bytes"] for file in plan] == [0, PART, 0]
    assert [done.status_code for done in sent] == [204] * 6
    assert answer.status_code == 201
    model = RegisteredModel.objects.get(slug="acme--m")
    assert model.head is not None
    assert answer.json() == {
        "slug": "acme--m",
        "commit": model.head.commit_id,
        "job": str(Job.objects.get().pk),
    }
    kept = {file.path: file for file in model.head.files.all()}
    assert {path: file.is_lfs for path, file in kept.items()} == {
        "README.md": False,
        "empty": False,
        "model.safetensors": True,
    }
    assert model.head.card == {
        "license": "mit",
        "base_model": "llama",
        "base_model_relation": "finetune",
    }
    card = storage.path_of(kept["README.md"].blob_id).read_text()
    assert card.startswith("---\nlicense: mit  # ours\nbase_model: llama\n")
    assert card.endswith("---\n# My model\n")


def test_what_is_here_is_said_and_parts_are_not_sent_twice(sender: Sender) -> None:
    sender.whole(README)
    sender.part(2)

    readme, model = sender.plan(
        ("README.md", README), ("m.safetensors", WEIGHTS)
    ).json()["files"]

    assert (readme["is_here"], readme["part_bytes"]) == (True, 0)
    assert (model["is_here"], model["parts"]) == (False, [2])


def test_a_part_that_is_missing_is_named(sender: Sender) -> None:
    sender.part(1)

    refused = sender.complete()

    assert refused.status_code == 422
    assert refused.json()["detail"] == "part 2 is missing"


def test_a_file_that_changed_on_its_way_is_refused(sender: Sender) -> None:
    for number in (1, 2, 3):
        sender.part(number)
    (whole,) = (storage.root() / "parts").rglob("whole")
    with whole.open("r+b") as file:
        file.write(b"x" * PART)

    refused = sender.complete()

    assert refused.status_code == 422
    assert "announced" in refused.json()["detail"]
    assert not storage.has(sha(WEIGHTS))
    other = sender.put(f"{sha(README)}/?size={len(README)}", b"y" * len(README))
    assert other.status_code == 422


def test_cancelling_forgets_the_parts(sender: Sender) -> None:
    sender.part(1)
    where = f"/api/v1/uploads/{sender.slug}/{sha(WEIGHTS)}/?size={len(WEIGHTS)}"

    gone = sender.client.delete(where, headers=sender.headers)

    assert gone.status_code == 204
    plan = sender.plan(("m.safetensors", WEIGHTS)).json()
    assert plan["files"][0]["parts"] == []


@pytest.mark.parametrize(
    ("path", "code", "word"),
    [
        ("pytorch_model.bin", "pickle", "safetensors"),
        ("../secret", "name", "relative path"),
        ("", "name", "empty"),
        ("a\tb", "name", "control"),
        (".git/config", "name", "'.git'"),
    ],
)
def test_what_the_register_refuses_is_said_before_anything_is_sent(
    sender: Sender, path: str, code: str, word: str
) -> None:
    answer = sender.plan((path, b"x"))

    (file,) = answer.json()["files"]
    assert file["problem"]["code"] == code
    assert word in file["problem"]["detail"]
    assert not file["is_here"]


def test_a_file_over_the_limit_is_named(sender: Sender, settings: Any) -> None:
    settings.MAX_FILE_BYTES = 10

    (file,) = sender.plan(("a", b"x" * 11)).json()["files"]

    assert file["problem"]["code"] == "size"
    assert sender.whole(b"x" * 11).status_code == 422


def test_over_the_quota_nothing_is_sent(sender: Sender, settings: Any) -> None:
    settings.ORGANIZATION_MAX_BYTES = 100

    refused = sender.plan(("m.safetensors", WEIGHTS))
    unhashed = sender.post(
        "uploads/",
        {"model": sender.slug, "files": [{"path": "a", "size": 10**6}]},
    )

    assert refused.status_code == 413
    assert "acme may keep 100 bytes" in refused.json()["detail"]
    assert unhashed.status_code == 200


def test_a_full_disk_is_said(sender: Sender, settings: Any) -> None:
    settings.MIN_FREE_BYTES = 2**62

    assert sender.plan(("a", b"x")).status_code == 507


def test_a_card_is_read_before_anything_is_sent(sender: Sender) -> None:
    declared = sender.plan(card="---\nbase_model: [a/b, c/d]\n---\n").json()["card"]
    broken = sender.plan(card="---\nbase_model: [\n---\n").json()["card"]

    assert [base["id"] for base in declared["bases"]] == ["a/b", "c/d"]
    assert declared["category"] == "sft"
    assert "no valid YAML" in broken["problem"]
    assert sender.plan().json()["card"] is None


def test_a_name_that_waits_for_its_files_is_gone_on_with(sender: Sender) -> None:
    again = sender.register()
    sender.whole(README)
    sender.commit(("README.md", README))
    taken = sender.register()

    assert (again.status_code, again.json()["slug"]) == (200, "acme--m")
    assert taken.status_code == 409
    assert "already registered" in taken.json()["detail"]


@pytest.mark.parametrize("name", ["", "a b", "-a", "a--b", "a/b"])
def test_a_name_that_is_no_address_is_refused(sender: Sender, name: str) -> None:
    assert sender.register(name).status_code == 422


def test_a_card_is_made_or_kept_as_was_chosen(sender: Sender) -> None:
    sender.whole(b"notes")
    scratch = {"bases": [], "category": "base"}
    sender.commit(("notes.txt", b"notes"), declaration=scratch)
    model = RegisteredModel.objects.get()
    assert model.head is not None
    card = model.head.files.get(path="README.md").blob_id
    assert storage.path_of(card).read_text() == "---\nbaimo_category: base\n---\n# m\n"

    sender.commit(declaration={"bases": ["a/b", "c/d"], "relation": "merge"})

    model.refresh_from_db()
    assert model.head.card == {
        "base_model": ["a/b", "c/d"],
        "base_model_relation": "merge",
    }
    assert model.head.files.filter(path="notes.txt").exists()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"declaration": {"bases": [], "relation": "banana"}}, 422),
        ({"declaration": {"bases": ["x" * 300]}}, 422),
        ({"summary": ""}, 422),
        ({"files": []}, 422),
        ({"files": [{"path": "a", "sha256": "0" * 64}]}, 422),
        ({"files": [{"path": "a", "sha256": "../../x"}]}, 422),
        ({"files": "a"}, 422),
    ],
)
def test_a_commit_that_cannot_be_is_refused(
    sender: Sender, more: dict[str, Any], status: int
) -> None:
    refused = sender.commit(**more)

    assert refused.status_code == status
    assert not RegisteredModel.objects.exclude(head=None).exists()


def test_bytes_that_are_no_weights_are_refused_at_the_end(sender: Sender) -> None:
    sender.whole(b"no weights")

    refused = sender.commit(("model.safetensors", b"no weights"))

    assert refused.status_code == 422
    assert "model.safetensors" in refused.json()["detail"]


def test_a_question_that_is_too_long_is_not_read(sender: Sender) -> None:
    assert sender.plan(card="x" * 9_000_000).status_code == 413


ADDRESSES = [
    ("post", "uploads/models/", {"organization": "acme", "name": "n"}),
    ("post", "uploads/", {"model": "acme--m", "files": []}),
    ("put", f"uploads/acme--m/{sha(b'')}/?size=0", None),
    ("put", f"uploads/acme--m/{sha(WEIGHTS)}/parts/1/?size={len(WEIGHTS)}", None),
    ("post", f"uploads/acme--m/{sha(b'')}/complete/?size=0", None),
    ("delete", f"uploads/acme--m/{sha(b'')}/?size=0", None),
    ("post", "uploads/acme--m/commit/", {"summary": "x", "files": []}),
]


def ask(client: Client, case: tuple[str, str, Any], **headers: str) -> int:
    method, address, body = case
    answer = client.generic(
        method.upper(),
        f"/api/v1/{address}",
        "" if body is None else json.dumps(body),
        "application/json" if method == "post" else "application/octet-stream",
        headers=headers,
    )
    return int(answer.status_code)


@pytest.mark.parametrize("case", ADDRESSES, ids=lambda case: case[1][:30])
def test_only_who_may_push_gets_in(sender: Sender, case: tuple[str, str, Any]) -> None:
    reader, stranger = Client(), Client()
    person = factories.make_user()
    factories.make_membership(
        user=person, organization=sender.organization, role=Membership.Role.READER
    )
    reader.force_login(person)
    stranger.force_login(factories.make_user())
    other = factories.make_organization(owner=sender.user)
    _, foreign = factories.make_token(user=sender.user, organization=other)
    _, reading = factories.make_token(
        user=sender.user, organization=sender.organization, scope="read"
    )
    _, pushing = factories.make_token(
        user=sender.user, organization=sender.organization
    )

    assert ask(Client(), case) == 401
    assert ask(reader, case) == 403
    assert ask(stranger, case) == 403
    # The cookie alone, as another site could make a browser send it.
    assert ask(sender.client, case) == 403
    assert ask(Client(), case, Authorization=f"Bearer {foreign}") == 403
    assert ask(Client(), case, Authorization=f"Bearer {reading}") == 403
    assert ask(Client(), case, Authorization="Bearer no-token") == 401
    assert ask(Client(), case, Authorization=f"Bearer {pushing}") not in {401, 403}


@pytest.mark.parametrize("slug", ["no-such", "llama"])
def test_only_what_a_team_registered_takes_files(sender: Sender, slug: str) -> None:
    factories.make_catalog_model(slug="llama")

    assert sender.post("uploads/", {"model": slug, "files": []}).status_code == 404
    sender.slug = slug
    assert sender.whole(b"x").status_code == 404


def test_what_somebody_else_has_sent_has_to_be_sent_again(sender: Sender) -> None:
    sender.whole(b"theirs")
    other = factories.make_organization()
    person = factories.make_user()
    factories.make_membership(user=person, organization=other)
    second = Sender(person, other)
    second.register()

    assert not second.plan(("a", b"theirs")).json()["files"][0]["is_here"]
    assert second.commit(("a", b"theirs")).status_code == 422


def named(sender: Sender, name: str, **wish: Any) -> Any:
    body = {"organization": sender.organization.slug, "name": name} | wish
    return sender.post("uploads/models/", body)


def test_a_name_is_private_from_the_first_moment(sender: Sender) -> None:
    assert named(sender, "secret", private=True).status_code == 201

    assert RegisteredModel.objects.get(slug="acme--secret").private
    assert not RegisteredModel.objects.get(slug=sender.slug).private
    # Going on with it, whatever is said then, does not show it.
    assert named(sender, "secret").status_code == 200
    assert RegisteredModel.objects.get(slug="acme--secret").private


def test_what_shall_be_private_does_not_go_to_a_public_name(sender: Sender) -> None:
    answer = named(sender, "m", private=True)

    assert answer.status_code == 422
    assert "acme/m is public" in answer.json()["detail"]


def test_a_removed_name_takes_no_files(sender: Sender) -> None:
    model = RegisteredModel.objects.get(slug=sender.slug)
    Removal.objects.create(model=model, by=sender.user)
    RegisteredModel.objects.update(removal=Removal.objects.get())

    assert named(sender, "m").status_code == 409
    assert sender.client.get(f"/models/{sender.slug}/upload/").status_code == 404


@pytest.mark.parametrize("role", ["none", "reader"])
def test_who_does_not_see_it_hears_that_it_is_not_there(
    sender: Sender, role: str
) -> None:
    RegisteredModel.objects.update(private=True)
    user = factories.make_user()
    if role == "reader":
        factories.make_membership(
            user=user, organization=sender.organization, role=role
        )
    other = Sender(user, sender.organization)
    other.slug = sender.slug
    answers = [
        other.plan(("config.json", b"{}")),
        other.whole(b"{}"),
        other.part(1),
        other.complete(),
        other.commit(("config.json", b"{}")),
        other.client.get(f"/models/{sender.slug}/upload/"),
    ]

    expected = 404 if role == "none" else 403
    assert {answer.status_code for answer in answers} == {expected}
