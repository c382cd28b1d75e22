"""Everything that teams do with the client besides one plain push."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import CommitOperationCopy, HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError
from huggingface_hub.utils import paginate
from safetensors.numpy import save_file

from tests.integration.hub.conftest import BIN, PART_BYTES, LiveRegister, weights

pytestmark = [
    pytest.mark.processes,
    # The library's own way of sending a file, which its HTTP client calls old.
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]
CARD = """---
base_model: acme/base
license: {license}
pipeline_tag: text-generation
tags: [tiny]
---
"""


def test_a_folder_of_several_parts_goes_up_and_comes_back(
    live_register: LiveRegister, folder: Path, tmp_path: Path
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    large = weights(50, size=400)
    (folder / "model.safetensors").write_bytes(large)
    api.create_repo("acme/parts")

    api.upload_folder(repo_id="acme/parts", folder_path=folder)
    fetched = snapshot_download(
        "acme/parts", endpoint=live_register.url, cache_dir=tmp_path / "cache"
    )

    assert len(large) > 4 * PART_BYTES
    assert (Path(fetched) / "model.safetensors").read_bytes() == large
    assert (Path(fetched) / "docs" / "demo.html").read_bytes().startswith(b"<script>")


def test_a_push_that_was_killed_goes_on_after_its_last_part(
    live_register: LiveRegister, folder: Path
) -> None:
    token = live_register.token("ann", "acme")
    content = weights(51, size=2000)
    (folder / "model.safetensors").write_bytes(content)
    parts = live_register.data_dir / "files" / "parts"
    known = set(parts.glob("*/*"))
    environment = os.environ | {
        "HF_ENDPOINT": live_register.url,
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(live_register.data_dir / "hf-home"),
    }
    command = [BIN / "hf", "upload", "acme/killed", folder]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as client:
        while len(set(parts.glob("*/*")) - known) < 10 and client.poll() is None:
            time.sleep(0.005)
        client.send_signal(signal.SIGKILL)
    kept = {path: path.stat().st_ino for path in set(parts.glob("*/*")) - known}
    watched = Watch(parts, kept)

    with watched:
        again = live_register.hf("upload", "acme/killed", str(folder), token=token)

    assert client.returncode == -signal.SIGKILL
    assert 10 <= len(kept) < len(content) // PART_BYTES
    assert again.returncode == 0, again.stderr
    assert "Retry" not in again.stderr
    assert watched.rewritten == []
    assert "model.safetensors" in live_register.api().list_repo_files("acme/killed")


class Watch:
    """Looks all the time whether parts that were there are written again."""

    def __init__(self, parts: Path, kept: dict[Path, int]) -> None:
        self.kept, self.rewritten = kept, list[Path]()
        self._end, self._thread = threading.Event(), threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.002):
            for path, inode in self.kept.items():
                try:
                    if path.stat().st_ino != inode:
                        self.rewritten.append(path)
                except FileNotFoundError:
                    continue


def test_a_pushed_folder_may_take_files_away(
    live_register: LiveRegister, folder: Path
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/away")
    api.upload_folder(repo_id="acme/away", folder_path=folder)

    api.upload_folder(
        repo_id="acme/away",
        folder_path=folder,
        allow_patterns="*.json",
        delete_patterns="docs/*",
    )
    api.create_commit(
        "acme/away",
        [CommitOperationCopy("model.safetensors", "copy.safetensors")],
        commit_message="Copy",
    )
    api.delete_files("acme/away", ["config*"])

    assert api.list_repo_files("acme/away") == [
        "README.md",
        "copy.safetensors",
        "model.safetensors",
    ]


def test_revisions_are_listed_and_tagged(live_register: LiveRegister) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/tagged")
    first, second = (
        api.upload_file(
            path_or_fileobj=content,
            path_in_repo="a.txt",
            repo_id="acme/tagged",
            commit_message=f"Write {content.decode()}",
        ).oid
        for content in (b"1", b"2")
    )

    api.create_tag("acme/tagged", tag="v1.0", revision=first, tag_message="The first")
    api.create_tag("acme/tagged", tag="v2.0")
    api.create_tag("acme/tagged", tag="v2.0", exist_ok=True)
    refs = api.list_repo_refs("acme/tagged", include_pull_requests=True)
    commits = api.list_repo_commits("acme/tagged")
    old = api.hf_hub_download("acme/tagged", "a.txt", revision="v1.0")

    assert [(ref.name, ref.target_commit) for ref in refs.branches] == [
        ("main", second)
    ]
    assert {ref.name: ref.target_commit for ref in refs.tags} == {
        "v1.0": first,
        "v2.0": second,
    }
    assert [(one.commit_id, one.title, one.authors) for one in commits] == [
        (second, "Write 2", ["ann"]),
        (first, "Write 1", ["ann"]),
    ]
    assert len(api.list_repo_commits("acme/tagged", revision="v1.0")) == 1
    assert Path(old).read_bytes() == b"1"
    assert api.model_info("acme/tagged", revision="v1.0").sha == first
    assert [e.path for e in api.list_repo_tree("acme/tagged", revision="v1.0")]


def test_the_command_line_tags_and_lists(live_register: LiveRegister) -> None:
    token = live_register.token("ann", "acme")
    api = live_register.api(token)
    api.create_repo("acme/command")
    api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id="acme/command")

    answers = [
        live_register.hf(*command.split(), token=token)
        for command in (
            "repos tag create acme/command v1",
            "repos tag list acme/command",
            "models ls --author acme --search command --format json",
            "repos tag delete acme/command v1 --yes",
        )
    ]

    assert [answer.returncode for answer in answers] == [0] * 4, answers
    assert "v1" in answers[1].stdout
    assert "acme/command" in answers[2].stdout
    assert api.list_repo_refs("acme/command").tags == []


def test_tags_are_refused_in_a_sentence_and_may_be_taken_away(
    live_register: LiveRegister,
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/untagged")
    with pytest.raises(RevisionNotFoundError):
        api.create_tag("acme/untagged", tag="v1")
    api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id="acme/untagged")
    api.create_tag("acme/untagged", tag="v1")

    for name, reason in (
        ("v1", "exists already"),
        ("main", "cannot be a tag"),
        ("ab" * 20, "cannot be a tag"),
        ("a/b", "cannot be a tag"),
        ("标签", "cannot be a tag"),
        ("x" * 101, "cannot be a tag"),
    ):
        with pytest.raises(HfHubHTTPError, match=reason):
            api.create_tag("acme/untagged", tag=name)
    stranger = live_register.api(live_register.token("eve", "many"))
    with pytest.raises(HfHubHTTPError, match="cannot write models of acme"):
        stranger.create_tag("acme/untagged", tag="v2")
    with pytest.raises(HfHubHTTPError, match="cannot write models of acme"):
        stranger.delete_tag("acme/untagged", tag="v1")

    api.delete_tag("acme/untagged", tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag("acme/untagged", tag="v1")
    assert api.list_repo_refs("acme/untagged").tags == []


def test_a_wrapper_is_pushed_as_its_card_alone(live_register: LiveRegister) -> None:
    api = live_register.api(live_register.token("wim", "wrapco"))
    api.create_repo("wrapco/chat")

    api.upload_file(
        path_or_fileobj=b"---\nbaimo_category: prompt-wrapper\n"
        b"base_model: openai/gpt-9\n---\n# Chat\n",
        path_in_repo="README.md",
        repo_id="wrapco/chat",
    )

    address = f"{live_register.url}/api/v1/models/wrapco--chat/"
    entry = json.load(urllib.request.urlopen(address))
    assert entry["category"] == "prompt-wrapper"
    assert entry["declared"] == [
        {
            "id": "openai/gpt-9",
            "slug": None,
            "relation": "prompt-wrapper",
            "suggestions": [],
        }
    ]
    assert entry["verdict"]["verdict"] == "not-verifiable"
    assert entry["verdict"]["reason"] == "service-declared"


def test_models_are_filtered_and_sorted(live_register: LiveRegister) -> None:
    api = live_register.api(live_register.token("sue", "sorted"))
    for name, license_name in (("one", "mit"), ("two", "apache-2.0"), ("three", "mit")):
        api.create_repo(f"sorted/{name}")
        api.upload_file(
            path_or_fileobj=CARD.format(license=license_name).encode(),
            path_in_repo="README.md",
            repo_id=f"sorted/{name}",
        )
    api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="sorted/two")

    def names(**wanted: object) -> list[str]:
        found = api.list_models(author="sorted", **wanted)  # type: ignore[arg-type]
        return [model.id.removeprefix("sorted/") for model in found]

    assert names() == ["one", "two", "three"]
    assert names(sort="created_at") == ["three", "two", "one"]
    assert names(sort="last_modified") == ["two", "three", "one"]
    assert names(sort="last_modified", limit=1) == ["two"]
    assert names(search="TWO") == ["two"]
    assert names(filter="license:mit") == ["one", "three"]
    assert names(filter=["license:mit", "tiny"], sort="created_at") == ["three", "one"]
    assert names(filter="base_model:acme/base", pipeline_tag="text-generation") == [
        "one",
        "two",
        "three",
    ]
    assert names(filter="license:mit", pipeline_tag="fill-mask") == []
    with pytest.raises(HfHubHTTPError, match="sort by createdAt or lastModified"):
        names(sort="downloads")
    with pytest.raises(HfHubHTTPError, match="knows no num_parameters"):
        names(num_parameters="min:1B")


def test_a_list_is_walked_page_by_page_in_every_order(
    live_register: LiveRegister,
) -> None:
    api = live_register.api(live_register.token("pam", "paged"))
    for number in range(3):
        api.create_repo(f"paged/m{number}")
        api.upload_file(
            path_or_fileobj=b"---\nlicense: mit\n---\n",
            path_in_repo="README.md",
            repo_id=f"paged/m{number}",
        )
    for query in ({}, {"sort": "createdAt"}, {"sort": "lastModified"}):
        for tags in ({}, {"filter": ["license:mit", "license:mit"]}):
            wanted = {"author": "paged", "limit": 1, **query, **tags}
            pages = paginate(f"{live_register.url}/api/models", wanted, {})
            found = [model["id"] for model in pages]

            assert sorted(found) == ["paged/m0", "paged/m1", "paged/m2"]
            assert (found == sorted(found)) == (not query)


def test_remote_metadata_of_weights_is_read_by_ranges(
    live_register: LiveRegister, tmp_path: Path
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/remote")
    path = tmp_path / "model.safetensors"
    tensors = {f"layers.{n}.weight": np.zeros((64, 64), np.float16) for n in range(40)}
    save_file(tensors, path, metadata={"format": "pt"})
    api.upload_file(path_or_fileobj=path, path_in_repo=path.name, repo_id="acme/remote")

    metadata = api.get_safetensors_metadata("acme/remote")

    assert not metadata.sharded
    assert metadata.parameter_count == {"F16": 40 * 64 * 64}
    assert set(metadata.weight_map) == set(tensors)


def test_the_same_folder_pushed_by_two_at_once_is_one_model(
    live_register: LiveRegister, folder: Path
) -> None:
    (folder / "model.safetensors").write_bytes(weights(52, size=300))
    live_register.api(live_register.token("ann", "acme")).create_repo("acme/together")

    tokens = [live_register.token(user, "acme") for user in ("ann", "bob")]
    together = threading.Barrier(2)

    def push(token: str) -> str:
        api = live_register.api(token)
        together.wait()
        return str(api.upload_folder(repo_id="acme/together", folder_path=folder).oid)

    with ThreadPoolExecutor(2) as pool:
        commits = set(pool.map(push, tokens))

    api = live_register.api()
    assert len(api.list_repo_commits("acme/together")) == len(commits) == 1
    assert len(api.list_repo_files("acme/together")) == 4


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (
            lambda api: api.create_repo(
                "acme/s", repo_type="space", space_sdk="gradio"
            ),
            "no space",
        ),
        (lambda api: api.create_repo("acme/d", repo_type="dataset"), "no dataset"),
        (lambda api: api.space_info("acme/s"), "models only"),
        (lambda api: api.dataset_info("acme/s"), "models only"),
        (lambda api: list(api.list_datasets()), "models only"),
        (lambda api: list(api.list_spaces()), "models only"),
        (lambda api: list(api.get_repo_discussions("acme/x")), "no discussions"),
        (lambda api: api.create_pull_request("acme/x", title="t"), "no discussions"),
        (
            lambda api: api.create_branch("acme/x", branch="dev"),
            "one line of revisions",
        ),
        (lambda api: api.super_squash_history("acme/x"), "keeps what was registered"),
        (lambda api: api.move_repo("acme/x", "acme/y"), "keeps what was registered"),
    ],
)
def test_what_is_not_served_is_said_in_a_sentence(
    live_register: LiveRegister, ask: Callable[[HfApi], object], reason: str
) -> None:
    api = live_register.api(live_register.token("ann", "acme"))

    with pytest.raises(HfHubHTTPError, match=reason):
        ask(api)


@pytest.mark.torch
def test_transformers_reads_config_tokenizer_and_weights_from_here(
    live_register: LiveRegister, tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?")
    )
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    folder = tmp_path / "llama"
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="?"
    ).save_pretrained(folder)
    api = live_register.api(live_register.token("ann", "acme"))
    api.create_repo("acme/llama")
    api.upload_folder(repo_id="acme/llama", folder_path=folder)
    read = """if True:
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
        print(AutoConfig.from_pretrained("acme/llama").hidden_size)
        print(AutoTokenizer.from_pretrained("acme/llama")("b a")["input_ids"])
        print(AutoModelForCausalLM.from_pretrained("acme/llama").num_parameters())
    """

    answer = subprocess.run(
        [sys.executable, "-c", read],
        env=os.environ
        | {
            "HF_ENDPOINT": live_register.url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert answer.stdout.split("\n")[:2] == ["32", "[1, 0]"], answer.stderr
