"""What programs do with HfApi, against a real server."""

from __future__ import annotations

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.integration.hub.conftest import LiveRegister, weights

pytestmark = [
    pytest.mark.processes,
    # The library's own way of sending a file, which its HTTP client calls old.
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def pushed(
    live_register: LiveRegister, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Return a model with two commits that the tests below only read."""
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/library")
    card = b"---\nlicense: mit\nbase_model: acme/base\n---\n"
    for path, content in (
        ("README.md", card),
        ("model.safetensors", weights(3)),
        ("a/b/c.txt", b"deep"),
    ):
        api.upload_file(
            path_or_fileobj=content, path_in_repo=path, repo_id="acme/library"
        )
    return "acme/library"


def test_model_info_tells_the_card_and_the_files(
    live_register: LiveRegister, pushed: str
) -> None:
    info = live_register.api().model_info("ACME/Library", files_metadata=True)

    assert info.id == pushed
    assert info.card_data.base_model == "acme/base"
    assert "license:mit" in info.tags
    sizes = {file.rfilename: file.size for file in info.siblings}
    assert sizes["a/b/c.txt"] == 4
    assert {file.rfilename: bool(file.lfs) for file in info.siblings} == {
        "README.md": False,
        "a/b/c.txt": False,
        "model.safetensors": True,
    }


def test_the_tree_lists_one_folder_or_everything(
    live_register: LiveRegister, pushed: str
) -> None:
    api = live_register.api()

    top = list(api.list_repo_tree(pushed))
    below = list(api.list_repo_tree(pushed, "a", recursive=True))
    some = api.get_paths_info(pushed, ["a/b", "README.md", "nothing"])

    assert [(type(e), e.path) for e in top] == [
        (RepoFile, "README.md"),
        (RepoFolder, "a"),
        (RepoFile, "model.safetensors"),
    ]
    assert [e.path for e in below] == ["a/b", "a/b/c.txt"]
    assert [e.path for e in some] == ["README.md", "a/b"]


def test_models_are_listed_by_author_page_by_page(live_register: LiveRegister) -> None:
    api = live_register.api(live_register.token("eve", "many"))
    names = [f"many/model-{number}" for number in range(3)]
    for name in names:
        api.create_repo(name)

    listed = [model.id for model in api.list_models(author="many")]
    found = [model.id for model in api.list_models(author="many", search="MODEL-1")]

    assert listed == names
    assert found == ["many/model-1"]


def test_a_second_download_comes_from_the_cache(
    live_register: LiveRegister, pushed: str, tmp_path: Path
) -> None:
    fetch = {"endpoint": live_register.url, "cache_dir": tmp_path, "token": False}

    first = Path(hf_hub_download(pushed, "model.safetensors", **fetch))
    inode = first.resolve().stat().st_ino
    second = Path(hf_hub_download(pushed, "model.safetensors", **fetch))

    assert first.read_bytes() == weights(3)
    assert second.resolve().stat().st_ino == inode


@pytest.mark.parametrize(
    ("repo", "path", "revision", "error"),
    [
        ("acme/library", "no-such-file.json", "main", EntryNotFoundError),
        ("acme/nothing", "config.json", "main", RepositoryNotFoundError),
        ("gpt2", "config.json", "main", RepositoryNotFoundError),
        ("acme/library", "README.md", "dev", RevisionNotFoundError),
        ("acme/library", "README.md", "0" * 40, RevisionNotFoundError),
    ],
)
def test_what_is_not_there_raises_the_error_that_libraries_expect(
    live_register: LiveRegister,
    pushed: str,
    tmp_path: Path,
    repo: str,
    path: str,
    revision: str,
    error: type[Exception],
) -> None:
    fetch = {"endpoint": live_register.url, "cache_dir": tmp_path, "token": False}

    with pytest.raises(error):
        hf_hub_download(repo, path, revision=revision, **fetch)


def test_creating_twice_is_a_conflict_unless_that_is_all_right(
    live_register: LiveRegister,
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/created")

    with pytest.raises(HfHubHTTPError, match="already registered") as refusal:
        api.create_repo("acme/Created")
    again = api.create_repo("acme/created", exist_ok=True)

    assert refusal.value.response.status_code == 409
    assert again.repo_id == "acme/created"


def test_files_are_deleted_only_when_they_are_there(
    live_register: LiveRegister,
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/deleting")
    for path in ("keep.txt", "old/1.txt", "old/2.txt"):
        api.upload_file(
            path_or_fileobj=b"x", path_in_repo=path, repo_id="acme/deleting"
        )

    api.delete_folder("old", "acme/deleting")
    with pytest.raises(EntryNotFoundError):
        api.delete_file("old/1.txt", "acme/deleting")

    assert api.list_repo_files("acme/deleting") == ["keep.txt"]


def test_of_two_writers_with_one_parent_commit_one_is_refused(
    live_register: LiveRegister,
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/race")
    start = api.upload_file(
        path_or_fileobj=b"0", path_in_repo="0.txt", repo_id="acme/race"
    )

    def write(number: int) -> int:
        try:
            api.create_commit(
                "acme/race",
                [CommitOperationAdd(f"{number}.txt", str(number).encode())],
                commit_message=f"Writer {number}",
                parent_commit=start.oid,
            )
        except HfHubHTTPError as error:
            return error.response.status_code
        return 200

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(write, [1, 2]))

    assert statuses == [200, 412]
    assert len(api.list_repo_files("acme/race")) == 2


def test_of_many_different_pushes_at_once_all_land_and_no_file_is_lost(
    live_register: LiveRegister,
) -> None:
    token = live_register.token("ann", "acme")
    api = live_register.api(token)
    api.create_repo("acme/busy")
    contents = {f"part-{n}.safetensors": weights(100 + n) for n in range(6)}
    together = Barrier(len(contents))

    def write(path: str) -> str:
        own = live_register.api(token)
        together.wait(timeout=30)
        made = own.create_commit(
            "acme/busy",
            [
                CommitOperationAdd(path, contents[path]),
                CommitOperationAdd("last.txt", path.encode()),
            ],
            commit_message=path,
        )
        return str(made.oid)

    with ThreadPoolExecutor(len(contents)) as pool:
        made = set(pool.map(write, contents))

    commits = api.list_repo_commits("acme/busy")
    assert {commit.commit_id for commit in commits} == made
    assert len(made) == len(contents)
    assert set(api.list_repo_files("acme/busy")) == {*contents, "last.txt"}
    for path, content in contents.items():
        with urllib.request.urlopen(
            f"{live_register.url}/acme/busy/resolve/main/{path}"
        ) as answer:
            assert answer.read() == content
    with urllib.request.urlopen(
        f"{live_register.url}/acme/busy/resolve/main/last.txt"
    ) as answer:
        assert answer.read().decode() == commits[0].title


def test_a_stale_parent_commit_is_refused_also_in_short_form(
    live_register: LiveRegister,
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/stale")
    first, second = (
        api.upload_file(path_or_fileobj=c, path_in_repo="a", repo_id="acme/stale")
        for c in (b"1", b"2")
    )
    deletion = [CommitOperationDelete("a")]

    with pytest.raises(HfHubHTTPError) as refusal:
        api.create_commit(
            "acme/stale", deletion, commit_message="no", parent_commit=first.oid
        )
    made = api.create_commit(
        "acme/stale", deletion, commit_message="yes", parent_commit=second.oid[:7]
    )

    assert refusal.value.response.status_code == 412
    assert api.model_info("acme/stale").sha == made.oid
