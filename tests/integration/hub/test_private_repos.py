"""Private models and removals with the real client, against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from tests.integration.hub.conftest import LiveRegister

pytestmark = [
    pytest.mark.processes,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture
def own(live_register: LiveRegister) -> HfApi:
    return live_register.api(live_register.token("ann", "acme"))


@pytest.fixture
def owner(live_register: LiveRegister) -> HfApi:
    return live_register.api(live_register.token("ann", "acme", "admin"))


@pytest.fixture
def others(live_register: LiveRegister) -> list[HfApi]:
    """Return nobody's client and that of another team."""
    return [live_register.api(), live_register.api(live_register.token("eve", "evil"))]


def test_what_is_pushed_privately_is_there_for_its_own(
    live_register: LiveRegister, folder: Path, own: HfApi, others: list[HfApi]
) -> None:
    token = live_register.token("ann", "acme")
    pushed = live_register.hf(
        "upload", "acme/secret", str(folder), "--private", token=token
    )

    assert pushed.returncode == 0, pushed.stderr
    assert own.model_info("acme/secret").private is True
    assert "acme/secret" in {model.id for model in own.list_models(author="acme")}
    assert own.list_repo_refs("acme/secret").branches
    place = Path(own.snapshot_download("acme/secret", cache_dir=folder.parent / "own"))
    assert (place / "config.json").exists()
    for other in others:
        assert not [m for m in other.list_models() if m.id == "acme/secret"]
        for ask in (
            other.model_info,
            other.list_repo_files,
            other.list_repo_refs,
            other.list_repo_commits,
            lambda repo, api=other: list(api.list_repo_tree(repo)),
            lambda repo, api=other: api.get_paths_info(repo, ["config.json"]),
            lambda repo, api=other: api.upload_file(
                path_or_fileobj=b"x", path_in_repo="a.txt", repo_id=repo
            ),
            lambda repo, api=other: hf_hub_download(
                repo,
                "config.json",
                endpoint=api.endpoint,
                token=api.token,
                cache_dir=folder.parent / "other",
            ),
        ):
            with pytest.raises((RepositoryNotFoundError, HfHubHTTPError)) as refused:
                ask("acme/secret")
            assert refused.value.response.status_code in {401, 404}


def test_large_files_of_a_private_model_travel_as_usual(
    live_register: LiveRegister, folder: Path, own: HfApi
) -> None:
    own.create_repo("acme/large", private=True)

    own.upload_folder(repo_id="acme/large", folder_path=folder)

    assert "model.safetensors" in own.list_repo_files("acme/large")


def test_only_an_owner_hides_and_shows(
    folder: Path, own: HfApi, owner: HfApi, others: list[HfApi]
) -> None:
    own.create_repo("acme/shy")
    own.upload_folder(repo_id="acme/shy", folder_path=folder)
    anybody = others[0]
    with pytest.raises(HfHubHTTPError, match="only an owner of acme"):
        own.update_repo_settings("acme/shy", private=True)

    owner.update_repo_settings("acme/shy", private=True)
    with pytest.raises(RepositoryNotFoundError):
        anybody.model_info("acme/shy")
    owner.update_repo_settings("acme/shy", private=False)

    assert anybody.model_info("acme/shy").private is False
    with pytest.raises(HfHubHTTPError, match="nobody asks for access"):
        owner.update_repo_settings("acme/shy", gated="auto")


def test_what_nobody_builds_on_is_deleted_and_its_name_is_free(
    folder: Path, own: HfApi, owner: HfApi, others: list[HfApi]
) -> None:
    own.create_repo("acme/brief")
    own.upload_folder(repo_id="acme/brief", folder_path=folder)
    with pytest.raises(HfHubHTTPError, match="only an owner of acme"):
        own.delete_repo("acme/brief")
    with pytest.raises(RepositoryNotFoundError):
        others[1].delete_repo("acme/never-there")

    owner.delete_repo("acme/brief")

    assert not owner.repo_exists("acme/brief")
    owner.delete_repo("acme/brief", missing_ok=True)
    own.create_repo("acme/brief")
    own.upload_folder(repo_id="acme/brief", folder_path=folder)


def test_of_a_base_that_was_removed_the_client_says_so(
    folder: Path, own: HfApi, owner: HfApi, others: list[HfApi]
) -> None:
    for name in ("acme/stone", "acme/on-stone"):
        own.create_repo(name)
        own.upload_folder(repo_id=name, folder_path=folder)
    card = b"---\nbase_model: acme/stone\n---\n"
    own.upload_file(
        path_or_fileobj=card, path_in_repo="README.md", repo_id="acme/on-stone"
    )

    owner.delete_repo("acme/stone")

    with pytest.raises(RepositoryNotFoundError, match="was removed from this register"):
        snapshot_download(
            "acme/stone", endpoint=own.endpoint, cache_dir=folder.parent / "c"
        )
    with pytest.raises(HfHubHTTPError, match="take the name into use again"):
        own.create_repo("acme/stone", exist_ok=True)
