"""Removing a model: what goes, what stays, and who may use its name again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from lineage.models import Verification
from lineage.services.disputes import Contested, open_dispute
from registry import storage
from registry.gitoid import of_content
from registry.models import (
    AuditEntry,
    Fingerprint,
    Job,
    RegisteredModel,
    Revision,
    RevisionFile,
)
from registry.permissions import can_read_content
from registry.services.organizations import create_organization
from registry.services.removals import (
    AlreadyRemoved,
    is_cited,
    remove_model,
    restore_model,
)
from registry.services.revisions import (
    AddedFile,
    Changes,
    CommitRefused,
    commit_revision,
    register_model,
)
from tests import factories
from tests.pushing import ZOO, push, work

Committed = Callable[..., Any]


@pytest.fixture(autouse=True)
def _store(settings: Any, tmp_path: Any) -> None:
    settings.STORAGE_DIR = tmp_path


@pytest.fixture
def owner(db: None) -> Any:
    person = factories.make_user(username="ann")
    create_organization(slug="acme", owner=person)
    return person


@pytest.fixture
def base(owner: Any) -> RegisteredModel:
    return push("acme/base", None, baimo_category="base").model


def contents_of(model: RegisteredModel) -> list[str]:
    files = RevisionFile.objects.filter(revision__model=model)
    return list(files.values_list("blob_id", flat=True))


def test_what_nobody_speaks_of_goes_without_a_trace(
    owner: Any, base: RegisteredModel, django_capture_on_commit_callbacks: Committed
) -> None:
    contents = contents_of(base)

    with django_capture_on_commit_callbacks(execute=True):
        assert not remove_model(base, by=owner)

    assert not any(storage.has(sha256) for sha256 in contents)
    assert not RegisteredModel.objects.with_slug("acme--base").exists()
    # The verdict on it cannot be deleted, and is about nobody now.
    gone = Verification.objects.get().revision
    assert (gone.card, gone.summary, gone.files.count()) == ({}, "", 0)
    assert (gone.model.name, gone.model.repo_id, gone.model.private) == ("", "", True)
    register_model(organization=owner.organizations.get(), name="base")


def test_an_empty_entry_is_deleted(owner: Any) -> None:
    model = register_model(organization=owner.organizations.get(), name="new")

    assert not remove_model(model, by=owner)

    assert not RegisteredModel.objects.exists()


def test_what_others_derive_from_leaves_its_stone(
    client: Client,
    owner: Any,
    base: RegisteredModel,
    django_capture_on_commit_callbacks: Committed,
) -> None:
    push("rival/child", None, base_model="acme/base")
    contents = contents_of(base)

    with django_capture_on_commit_callbacks(execute=True):
        assert remove_model(base, by=owner, reason="Trained on the wrong data.")

    assert not any(storage.has(sha256) for sha256 in contents)
    page = client.get("/models/acme--base/").content.decode()
    assert "by ann of acme" in page
    assert "Trained on the wrong data." in page
    found = client.get("/api/v1/models/acme--base/").json()
    assert found["removed"]["reason"] == "Trained on the wrong data."
    assert found["files"] == []
    assert found["verdict"] is not None
    lineage = client.get("/api/v1/models/rival--child/parents/").json()
    assert [(n["slug"], n.get("removed")) for n in lineage["results"]] == [
        ("acme--base", True)
    ]
    assert "acme--base" not in client.get("/models/").content.decode()
    assert client.get("/api/v1/models/").json()["total"] == 1
    assert "acme/base †" in client.get("/lineage/").content.decode()
    assert "acme/base †" in client.get("/models/rival--child/").content.decode()
    assert (
        b"removed"
        in client.get("/api/v1/lineage/graph/?focus=rival--child&as=dot").content
    )
    said = AuditEntry.objects.filter(action="model-removed").get()
    assert (said.actor, said.subject) == (owner, "acme/base")


def test_the_hub_says_that_it_was_removed(
    client: Client, owner: Any, base: RegisteredModel
) -> None:
    push("rival/child", None, base_model="acme/base")
    remove_model(base, by=owner)
    organization = owner.organizations.get()
    _, key = factories.make_token(user=owner, organization=organization)
    token = {"Authorization": f"Bearer {key}"}
    body = {"name": "base", "organization": "acme"}

    read = client.get("/api/models/acme/base")
    made = client.post(
        "/api/repos/create", body, content_type="application/json", headers=token
    )

    assert (read.status_code, read["X-Error-Code"]) == (404, "RepoNotFound")
    assert "was removed from this register" in read["X-Error-Message"]
    assert made.status_code == 400
    assert "take the name into use again" in made["X-Error-Message"]
    assert client.get("/acme/base/resolve/main/README.md").status_code == 404
    assert client.get("/acme/base").status_code == 302


def test_contents_that_others_hold_stay(
    owner: Any, django_capture_on_commit_callbacks: Committed
) -> None:
    first = push("acme/one", ZOO / "small-1", baimo_category="base").model
    push("rival/two", ZOO / "small-1", baimo_category="base")
    shared = set(contents_of(first))

    with django_capture_on_commit_callbacks(execute=True):
        remove_model(first, by=owner)

    gone = {sha256 for sha256 in shared if not storage.has(sha256)}
    assert len(gone) == 1  # its own card
    assert not can_read_content(first, gone.pop())


def test_a_copy_of_what_was_removed_is_still_found(owner: Any) -> None:
    first = push("acme/one", ZOO / "small-1", baimo_category="base").model
    push("rival/child", ZOO / "small-1-tuned", base_model="acme/one")
    work()
    remove_model(first, by=owner)

    copy = push("rival/copy", ZOO / "small-1", baimo_category="base").model
    work()

    verdict = Verification.objects.filter(revision__model=copy).latest("pk")
    assert (verdict.verdict, verdict.compared_with) == ("renamed-copy", first)
    assert Fingerprint.objects.filter(revision__model=first).exists()


def test_waiting_jobs_end(owner: Any) -> None:
    model = push("acme/one", ZOO / "small-1", baimo_category="base").model

    remove_model(model, by=owner)

    assert not Job.objects.unfinished().exists()


def test_its_owners_take_the_name_into_use_again(
    client: Client, owner: Any, base: RegisteredModel
) -> None:
    push("rival/child", None, base_model="acme/base")
    remove_model(base, by=owner)
    with pytest.raises(AlreadyRemoved):
        remove_model(base, by=owner)

    restore_model(base, by=owner)
    again = push("acme/base", None, baimo_category="base", license="mit")

    assert again.model.pk == base.pk
    assert again.parent is None
    assert client.get("/api/models/acme/base").json()["sha"] == again.commit_id
    assert client.get("/api/v1/models/acme--base/").json()["removed"] is None
    old = Revision.objects.filter(model=base).exclude(pk=again.pk).get()
    assert client.get(
        f"/api/models/acme/base/revision/{old.commit_id}"
    ).status_code == (404)
    assert "files removed" in client.get("/models/acme--base/history/").content.decode()


@pytest.mark.parametrize("how", ["declared", "compared", "kin"])
def test_what_verdicts_and_cards_name_is_cited(base: RegisteredModel, how: str) -> None:
    other = factories.make_revision()
    assert not is_cited(base)
    if how == "declared":
        other.declarations.create(
            position=0, declared_id="acme/base", relation="sft", parent=base
        )
    elif how == "compared":
        factories.make_verification(revision=other, compared_with=base)
    else:
        kin = [{"slug": base.slug, "explained": True, "comparison": {}}]
        factories.make_verification(revision=other, relatives=kin)

    assert is_cited(base)


@pytest.mark.parametrize("is_judged", [False, True])
def test_two_who_remove_at_once_do_not_trip(
    client: Client, owner: Any, base: RegisteredModel, is_judged: bool, monkeypatch: Any
) -> None:
    if is_judged:
        factories.make_verification(revision=base.head)
    stale = RegisteredModel.objects.select_related("organization").get(pk=base.pk)
    remove_model(base, by=owner)
    _, key = factories.make_token(
        user=owner, organization=stale.organization, scope="admin"
    )
    monkeypatch.setattr("registry.hubapi.repos.find_model", lambda *args: stale)

    answer = client.delete(
        "/api/repos/delete",
        {"organization": "acme", "name": "base"},
        "application/json",
        headers={"Authorization": f"Bearer {key}"},
    )

    assert (answer.status_code, answer["X-Error-Code"]) == (404, "RepoNotFound")
    with pytest.raises(AlreadyRemoved):
        remove_model(stale, by=owner)


def test_a_commit_whose_content_went_meanwhile_is_refused(
    base: RegisteredModel,
) -> None:
    sha256 = storage.store_bytes(b"{}")
    storage.remove(sha256)
    file = AddedFile("a.json", sha256, 2, of_content(b"{}"), is_lfs=False)

    with pytest.raises(CommitRefused, match="push again"):
        commit_revision(
            model=base, author=None, changes=Changes(added=[file]), summary="x"
        )


def test_a_page_removes_only_when_the_name_is_typed(
    client: Client, owner: Any, base: RegisteredModel
) -> None:
    client.force_login(owner)
    address = "/models/acme--base/remove/"

    wrong = client.post(address, {"confirmation": "base", "reason": "Typed already"})
    assert wrong.status_code == 422
    assert "Typed already" in wrong.content.decode()
    assert RegisteredModel.objects.filter(pk=base.pk, removal=None).exists()
    right = client.post(address, {"confirmation": "acme/base"})

    assert right.headers["Location"] == "/organizations/acme/"
    assert client.get("/models/acme--base/").status_code == 404


def test_nothing_is_committed_to_what_was_removed(
    owner: Any, base: RegisteredModel
) -> None:
    push("rival/child", None, base_model="acme/base")
    remove_model(base, by=owner)

    with pytest.raises(CommitRefused, match="take the name into use again"):
        push("acme/base", None, baimo_category="base", license="mit")


def test_what_was_said_of_it_stays_to_be_read(
    client: Client, owner: Any, base: RegisteredModel
) -> None:
    """A dispute and a signed statement outlive the files of the model."""
    work()
    verdict = Verification.objects.get(revision__model=base)
    dispute = open_dispute(
        Contested(model=base, verification=verdict),
        reason="It is not from scratch.",
        evidence=[],
        by=factories.make_user(),
    )

    assert remove_model(base, by=owner)

    page = client.get(f"/disputes/{dispute.pk}/").content.decode()
    assert "It is not from scratch." in page
    assert client.get(f"/api/v1/disputes/{dispute.pk}/").status_code == 200
    signed = client.get(f"/api/v1/verifications/{verdict.pk}/statement/")
    assert signed.status_code == 200
    assert "by ann of acme" in client.get("/models/acme--base/").content.decode()


def test_its_owners_find_what_was_removed(
    client: Client, owner: Any, base: RegisteredModel
) -> None:
    push("rival/child", None, base_model="acme/base")
    remove_model(base, by=owner, reason="Trained on the wrong data.")
    address = "/organizations/acme/"
    maintainer = factories.make_user()
    factories.make_membership(
        user=maintainer, organization=owner.organizations.get(), role="maintainer"
    )

    client.force_login(owner)
    page = client.get(address).content.decode()
    assert 'href="/models/acme--base/settings/"' in page
    assert "Trained on the wrong data." in page
    for person in (maintainer, factories.make_user()):
        client.force_login(person)
        assert "acme--base" not in client.get(address).content.decode()


def test_nothing_of_its_sources_is_left(owner: Any, base: RegisteredModel) -> None:
    base.sources.create(
        key="makers-x", title="X", url="https://example.org", checked="2026-01-01"
    )
    work()

    assert not remove_model(base, by=owner)

    gone = Verification.objects.get().revision.model
    assert (gone.slug, gone.sources.count()) == (f"gone--{gone.pk}", 0)
