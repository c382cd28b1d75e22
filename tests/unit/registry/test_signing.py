"""The register's own keys: made once, changed on purpose, never forgotten."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from registry import signing
from registry.attest import Unreadable, key_id, read_keys, sign

SEED = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.SIGNING_DIR = tmp_path / "signing"
    settings.SIGNING_KEY = ""
    return tmp_path / "signing"


def current() -> str:
    return key_id(signing.current_key().public_key())


def listed() -> list[str]:
    return [jwk["kid"] for jwk in signing.public_keys()["keys"]]


def test_a_key_is_made_once_and_only_its_owner_reads_it(folder: Path) -> None:
    first = current()

    assert current() == first
    assert listed() == [first]
    assert (folder / "private").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_processes_that_need_a_key_at_once_get_the_same(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: current(), range(16)))

    assert set(keys) == set(listed())
    assert len(listed()) == 1
    assert sorted(p.suffix for p in folder.iterdir()) == ["", ".json"]


def test_after_a_rotation_old_signatures_hold_and_the_new_key_signs() -> None:
    before = sign(b"{}", "text/plain", signing.current_key())

    after = sign(b"{}", "text/plain", signing.rotate())

    keys = read_keys(json.dumps(signing.public_keys()).encode())
    assert before.signer(keys) != after.signer(keys)
    assert listed() == [after.signer(keys), before.signer(keys)]
    assert current() == after.signer(keys)


def test_the_published_keys_hold_no_private_one(folder: Path) -> None:
    signing.current_key()
    secret = (folder / "private").read_text()

    assert secret not in json.dumps(signing.public_keys())
    assert all("d" not in jwk for jwk in signing.public_keys()["keys"])


def test_a_key_from_the_environment_signs_and_the_one_before_stays_listed(
    folder: Path, settings: Any
) -> None:
    settings.SIGNING_KEY = SEED
    first = current()
    settings.SIGNING_KEY = base64.b64encode(bytes(32)).decode()

    assert listed() == [current(), first]
    assert not (folder / "private").exists()


def test_a_key_that_is_none_is_said_so(settings: Any) -> None:
    settings.SIGNING_KEY = "too short"

    with pytest.raises(Unreadable):
        signing.current_key()


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("signing-key", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_command_makes_shows_and_changes_the_key() -> None:
    first = command()

    assert command() == first == current()
    second = command("--rotate")
    assert second == current() != first
    assert listed() == [second, first]


def test_the_command_changes_no_key_that_the_environment_gives(settings: Any) -> None:
    settings.SIGNING_KEY = SEED

    with pytest.raises(CommandError, match="comes from SIGNING_KEY"):
        command("--rotate")
    settings.SIGNING_KEY = "AAAA"
    with pytest.raises(CommandError, match="not 32 bytes"):
        command()
