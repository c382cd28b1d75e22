"""The hf command, as teams run it, against a real server."""

from __future__ import annotations

import filecmp
from pathlib import Path

import pytest

from tests.integration.hub.conftest import LiveRegister, weights

pytestmark = pytest.mark.processes


def test_whoami_names_the_person_and_the_team(live_register: LiveRegister) -> None:
    token = live_register.token("ann", "acme")

    ended = live_register.hf("auth", "whoami", token=token)

    assert ended.returncode == 0, ended.stderr
    assert "ann" in ended.stdout
    assert "acme" in ended.stdout


def test_a_pushed_folder_comes_back_byte_for_byte(
    live_register: LiveRegister, folder: Path, tmp_path: Path
) -> None:
    token = live_register.token("ann", "acme")
    back = tmp_path / "back"

    pushed = live_register.hf("upload", "acme/round", str(folder), token=token)
    pulled = live_register.hf(
        "download", "acme/round", "--local-dir", str(back), token=token
    )

    assert pushed.returncode == 0, pushed.stderr
    assert f"{live_register.url}/acme/round/commit/" in pushed.stdout
    assert pulled.returncode == 0, pulled.stderr
    names = [str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()]
    match, differing, missing = filecmp.cmpfiles(folder, back, names, shallow=False)
    assert (sorted(match), differing, missing) == (sorted(names), [], [])


def test_the_same_push_twice_makes_one_revision(
    live_register: LiveRegister, folder: Path
) -> None:
    token = live_register.token("ann", "acme")

    first = live_register.hf("upload", "acme/twice", str(folder), token=token)
    second = live_register.hf("upload", "acme/twice", str(folder), token=token)

    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout


def test_patterns_choose_what_is_pushed_and_deleted(
    live_register: LiveRegister, folder: Path
) -> None:
    token, repo = live_register.token("ann", "acme"), "acme/patterns"
    everything = ["upload", repo, str(folder)]
    live_register.hf(*everything, "--include=*.json", "--include=docs/*", token=token)
    assert live_register.api().list_repo_files(repo) == [
        "config.json",
        "docs/demo.html",
    ]

    ended = live_register.hf(
        *everything, "--include=*.safetensors", "--delete=docs/*", token=token
    )

    assert ended.returncode == 0, ended.stderr
    assert live_register.api().list_repo_files(repo) == [
        "config.json",
        "model.safetensors",
    ]


def test_one_file_is_pushed_and_fetched_alone_and_at_an_old_commit(
    live_register: LiveRegister, tmp_path: Path
) -> None:
    token, repo = live_register.token("ann", "acme"), "acme/single"
    file = tmp_path / "config.json"
    commits = []
    for content in ("{}", '{"model_type": "qwen2"}'):
        file.write_text(content)
        ended = live_register.hf("upload", repo, str(file), token=token)
        commits.append(ended.stdout.strip().rpartition("/")[2])
    options = ["--revision", commits[0], "--local-dir", str(tmp_path / "old")]

    ended = live_register.hf("download", repo, "config.json", *options, token=token)

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "old" / "config.json").read_text() == "{}"


def test_a_pickle_is_refused_with_the_way_to_convert_it(
    live_register: LiveRegister, folder: Path
) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")

    ended = live_register.hf(
        "upload", "acme/pickle", str(folder), token=live_register.token("ann", "acme")
    )

    assert ended.returncode != 0
    assert "pytorch_model.bin" in ended.stderr
    assert "can run any code when it is opened" in ended.stderr
    assert "safe_serialization=True" in ended.stderr
    assert live_register.api().list_repo_files("acme/pickle") == []


def test_a_gitignore_keeps_files_out_of_the_push(
    live_register: LiveRegister, folder: Path
) -> None:
    (folder / ".gitignore").write_text("*.bin\ndocs/\n")
    (folder / "optimizer.bin").write_bytes(b"\x80\x04.")

    ended = live_register.hf(
        "upload", "acme/ignored", str(folder), token=live_register.token("ann", "acme")
    )

    assert ended.returncode == 0, ended.stderr
    files = live_register.api().list_repo_files("acme/ignored")
    assert files == [".gitignore", "README.md", "config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--repo-type", "dataset"], "this register keeps models, no datasets"),
        (["--revision", "dev"], "push without --revision"),
        (["--create-pr"], "push without --create-pr"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused_in_a_sentence(
    live_register: LiveRegister, folder: Path, change: list[str], sentence: str
) -> None:
    ended = live_register.hf(
        "upload",
        "acme/wishes",
        str(folder),
        *change,
        token=live_register.token("ann", "acme"),
    )

    assert ended.returncode != 0
    assert sentence in ended.stderr


def test_a_broken_card_is_refused_before_anything_is_sent(
    live_register: LiveRegister, folder: Path
) -> None:
    (folder / "README.md").write_text("---\nlicense: [mit\n---\n")
    (folder / "model.safetensors").write_bytes(weights(2))
    before = live_register.stored_files()

    ended = live_register.hf(
        "upload", "acme/card", str(folder), token=live_register.token("ann", "acme")
    )

    assert ended.returncode != 0
    assert "no valid YAML" in ended.stderr
    assert live_register.stored_files() == before


def test_another_teams_name_is_refused(
    live_register: LiveRegister, folder: Path
) -> None:
    live_register.token("bob", "rivals")

    ended = live_register.hf(
        "upload", "rivals/mine", str(folder), token=live_register.token("ann", "acme")
    )

    assert ended.returncode != 0
    assert "belongs to acme and cannot write models of rivals" in ended.stderr
