"""Registering a model and committing to it: what becomes of it, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from lineage.models import Declaration
from registry.models import Job, RegisteredModel, Revision
from registry.services.revisions import (
    Changes,
    CommitConflict,
    CommitRefused,
    NameTaken,
    commit_revision,
    register_model,
)
from tests.factories import make_catalog_model, make_model, make_organization
from tests.pushing import ZOO, added

WEIGHTS = (ZOO / "small-1" / "model.safetensors").read_bytes()


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> None:
    settings.STORAGE_DIR = tmp_path_factory.mktemp("files")


@pytest.fixture
def model() -> RegisteredModel:
    return register_model(organization=make_organization(slug="acme"), name="new")


def commit(
    model: RegisteredModel, *changes: Any, parent: str | None = None, **more: Any
) -> Revision:
    return commit_revision(
        model=model,
        author=None,
        changes=Changes(added=changes, **more),
        summary="a commit",
        parent_commit=parent,
    )


def paths(revision: Revision) -> list[str]:
    return sorted(revision.files.values_list("path", flat=True))


def test_a_registered_model_has_the_slug_of_its_team_and_name() -> None:
    team = make_organization(slug="Acme")

    model = register_model(organization=team, name="My-Model.v1")

    assert model.slug == "Acme--My-Model.v1"
    assert model.repo_id == "Acme/My-Model.v1"


@pytest.mark.parametrize("name", ["a--b", "", "-a", "a/b", "a b", "模型", "x" * 97])
def test_a_name_that_is_no_address_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        register_model(organization=make_organization(), name=name)


def test_a_name_is_taken_once_whatever_its_case() -> None:
    team = make_organization()
    register_model(organization=team, name="Model")

    with pytest.raises(NameTaken, match="already registered"):
        register_model(organization=team, name="model")


def test_weights_make_a_revision_and_one_job(model: RegisteredModel) -> None:
    revision = commit(model, added("model.safetensors", WEIGHTS))

    model.refresh_from_db()
    assert model.head == revision
    assert Job.objects.get().revision == revision


def test_a_revision_without_weights_has_no_job(model: RegisteredModel) -> None:
    commit(model, added("config.json", b"{}"))

    assert not Job.objects.exists()


def test_a_commit_keeps_what_it_does_not_name(model: RegisteredModel) -> None:
    commit(model, added("a/one", b"1"), added("a/two", b"2"), added("b", b"3"))

    second = commit(model, added("c", b"4"), deleted=["b"], deleted_folders=["a"])

    assert paths(second) == ["c"]
    assert second.parent is not None
    assert paths(second.parent) == ["a/one", "a/two", "b"]


def test_a_folder_is_deleted_whole_and_alone(model: RegisteredModel) -> None:
    commit(model, added("a/one", b"1"), added("ab", b"2"))

    assert paths(commit(model, deleted_folders=["a/"])) == ["ab"]


def test_a_stale_parent_is_a_conflict(model: RegisteredModel) -> None:
    first = commit(model, added("a", b"1"))
    commit(model, added("a", b"2"), parent=first.commit_id)

    with pytest.raises(CommitConflict, match="newer commit"):
        commit(model, added("a", b"3"), parent=first.commit_id)


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("model.safetensors", b"\xff" * 8 + b"{}", "header"),
        ("model.safetensors", WEIGHTS[:-1], "model.safetensors"),
        ("pytorch_model.bin", b"pickle", "can run any code"),
        ("../escape", b"x", "relative path"),
        (".git/config", b"x", "cannot be part"),
        ("README.md", b"---\nbase_model: [\n---\n", "no valid YAML"),
        ("README.md", b"---\na: &a [*a]\n---\n", "alias"),
        ("README.md", b"x" * (1024 * 1024 + 1), "larger than"),
        ("config.json/x.json", b"{}", "is a file"),
    ],
)
def test_a_bad_file_is_refused_and_nothing_changes(
    model: RegisteredModel, path: str, content: bytes, reason: str
) -> None:
    good = commit(model, added("config.json", b"{}"))

    with pytest.raises(CommitRefused, match=reason) as refused:
        commit(model, added(path, content))

    assert str(refused.value).startswith(path.removesuffix("/x.json"))
    model.refresh_from_db()
    assert model.head == good
    assert Revision.objects.count() == 1


def test_the_same_push_has_a_failed_job_done_again(model: RegisteredModel) -> None:
    first = commit(model, added("model.safetensors", WEIGHTS))
    Job.objects.update(state=Job.State.FAILED)

    second = commit(model, added("model.safetensors", WEIGHTS))

    assert second == first
    assert Job.objects.unfinished().get().revision == first


def test_the_last_card_of_a_commit_is_the_card(model: RegisteredModel) -> None:
    first, last = b"---\nlicense: mit\n---\n", b"---\nlicense: bsd\n---\n"

    revision = commit(model, added("README.md", first), added("README.md", last))

    assert revision.card == {"license": "bsd"}


def test_a_refused_commit_leaves_no_declaration(model: RegisteredModel) -> None:
    card = b"---\nbase_model: acme/base\n---\n"

    with pytest.raises(CommitRefused):
        commit(model, added("README.md", card), added("x.pt", b""))

    assert not Declaration.objects.exists()


def test_the_card_stays_until_it_is_replaced(model: RegisteredModel) -> None:
    commit(model, added("README.md", b"---\nbase_model: acme/base\n---\n"))

    second = commit(model, added("config.json", b"{}"))
    third = commit(model, added("README.md", b"# no front matter\n"))

    assert second.card == {"base_model": "acme/base"}
    assert second.declarations.get().declared_id == "acme/base"
    assert third.card == {}
    assert not third.declarations.exists()


def test_a_deleted_card_declares_nothing(model: RegisteredModel) -> None:
    commit(model, added("README.md", b"---\nbase_model: acme/base\n---\n"))

    second = commit(model, added("config.json", b"{}"), deleted=["README.md"])

    assert second.card == {}


def test_a_licence_takes_the_spelling_that_is_known(model: RegisteredModel) -> None:
    make_catalog_model(license="Apache-2.0")

    commit(model, added("README.md", b"---\nlicense: apache-2.0\n---\n"))

    model.refresh_from_db()
    assert model.license == "Apache-2.0"


def test_a_slug_belongs_to_one_entry_whoever_has_it() -> None:
    make_model(slug="acme--new")

    with pytest.raises(NameTaken):
        register_model(organization=make_organization(slug="ACME"), name="new")


def test_shards_are_kept_with_their_index(model: RegisteredModel) -> None:
    revision = commit(
        model,
        added("model-00001-of-00002.safetensors", WEIGHTS),
        added("model.safetensors.index.json", b"{}"),
    )

    assert [f.path for f in revision.weight_files()] == [
        "model-00001-of-00002.safetensors"
    ]
