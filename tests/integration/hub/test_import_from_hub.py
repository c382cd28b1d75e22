"""Importing from a hub over its protocol; the hub is a register of our own."""

from __future__ import annotations

import fcntl
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lineage.models import Derivation
from registry import hub
from registry.models import RegisteredModel, UnfinishedImport
from tests.integration.hub.conftest import LiveRegister

pytestmark = [
    pytest.mark.processes,
    pytest.mark.django_db,
    # The library's own way of sending a file, which its HTTP client calls old.
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def family(live_register: LiveRegister) -> str:
    """Return the address of a hub with a base and what was made from it."""
    api = live_register.api(live_register.token("ann", "kin"))
    for name, card in (("base", ""), ("child", "base_model: kin/base\nlicense: mit")):
        api.create_repo(f"kin/{name}")
        api.upload_file(
            path_or_fileobj=f"---\n{card}\n---\n".encode(),
            path_in_repo="README.md",
            repo_id=f"kin/{name}",
        )
    return live_register.url


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """Return where lists of hubs wait for their import."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "imports"


def run(address: str) -> str:
    out = StringIO()
    call_command("hub", "import", address, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_hub_becomes_entries_and_edges(family: str, folder: Path) -> None:
    run(f"{family}/")

    edge = Derivation.objects.get(child__name="kin/child")
    assert (edge.parent.name, edge.relation) == ("kin/base", "sft")
    assert edge.child.license == "mit"
    assert edge.child.sources.get().url == f"{family}/kin/child"
    assert [path.suffix for path in folder.iterdir()] == [".lock"]
    assert "0 models new" in run(family)


def test_a_list_that_waits_is_not_asked_for_again(
    family: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lineage.management.commands.hub.import_dump", die)
        with pytest.raises(CommandError, match="goes on from here") as stopped:
            run(family)
    assert stopped.value.returncode == 130
    monkeypatch.setattr(hub, "_rows", die)

    run(family)

    assert RegisteredModel.objects.from_hub().filter(name="kin/child").exists()
    assert not UnfinishedImport.objects.exists()


def test_a_second_import_from_one_hub_is_refused(family: str, folder: Path) -> None:
    run(family)
    (lock,) = folder.iterdir()

    with lock.open("w") as file, pytest.raises(CommandError) as refused:
        fcntl.flock(file, fcntl.LOCK_EX)
        run(family)

    assert refused.value.returncode == 2


def test_a_list_that_breaks_off_leaves_no_dump(
    family: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(CommandError) as refused:
        run(family)

    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
    assert not list(folder.glob("*.jsonl"))
