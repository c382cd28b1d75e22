"""Sketches that a team pushes instead of its weights."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from lineage.badges import badge_of
from lineage.models import Derivation, Verification
from registry.fingerprint import Sketch
from registry.fingerprint.cli import main
from registry.models import RegisteredModel, Revision, SelfAttestation
from registry.services.revisions import CommitRefused
from tests.factories import make_organization, make_token, make_user
from tests.pushing import ZOO, push, work


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> None:
    settings.STORAGE_DIR = tmp_path / "files"


def sketched(folder: Path, model: str, *options: str) -> Path:
    """Return a folder with nothing but the sketch of a trained model."""
    folder = folder / model
    folder.mkdir()
    out = folder / "model.sketch"
    assert main(["sketch", str(ZOO / model), "-o", str(out), *options]) == 0
    return folder


def push_sketch(tmp_path: Path, repo_id: str, model: str, **card: Any) -> Revision:
    return push(repo_id, sketched(tmp_path, model, "--hashes"), **card)


def verdict_on(revision: Revision) -> Verification:
    return Verification.objects.filter(revision=revision).latest("pk")


def base_and_sketch(tmp_path: Path) -> tuple[Revision, Revision]:
    base = push("kin/base", ZOO / "small-1", baimo_category="base")
    work()
    card = {"base_model": "kin/base"}
    mine = push_sketch(tmp_path, "team/mine", "small-1-tuned", **card)
    work()
    return base, mine


def test_a_sketch_is_judged_and_says_whose_it_is(
    tmp_path: Path, client: Client
) -> None:
    base, mine = base_and_sketch(tmp_path)

    verdict = verdict_on(mine)
    assert verdict.verdict == "consistent"
    assert verdict.is_self_attested
    sentence = "The team computed this sketch; the register has not seen the bytes."
    assert sentence in verdict.limits
    assert sentence in client.get(mine.model.get_absolute_url()).text
    assert badge_of(mine.model).words.endswith("(self-attested)")
    api = client.get(f"/api/v1/models/{mine.model.slug}/").json()
    assert api["verdict"]["sketch_by"] == "team"
    edge = Derivation.objects.get(child=mine.model, parent=base.model)
    assert edge.state == "declared"


def test_weights_that_agree_confirm_it(tmp_path: Path) -> None:
    _, mine = base_and_sketch(tmp_path)

    push("other/same", ZOO / "small-1-tuned", base_model="kin/base")
    work()

    assert SelfAttestation.objects.get().confirmed_at
    assert not verdict_on(mine).is_self_attested
    assert badge_of(mine.model).words == "declared base verified"
    assert Derivation.objects.get(child=mine.model).state == "verified"


def test_a_sketch_of_weights_that_are_here_is_confirmed_at_once(tmp_path: Path) -> None:
    push("other/same", ZOO / "small-1-tuned", base_model="kin/base")
    work()

    _, mine = base_and_sketch(tmp_path)

    assert not verdict_on(mine).is_self_attested


def test_weights_that_disagree_are_told_calmly(tmp_path: Path, client: Client) -> None:
    folder = sketched(tmp_path, "small-1-tuned", "--hashes")
    path = folder / "model.sketch"
    claimed = Sketch.from_bytes(path.read_bytes())
    (tmp_path / "b").mkdir()
    other = sketched(tmp_path / "b", "small-1", "--hashes") / "model.sketch"
    forged = replace(Sketch.from_bytes(other.read_bytes()), files=claimed.files)
    path.write_bytes(forged.to_bytes())
    mine = push("team/mine", folder, baimo_category="base")
    work()

    push("other/same", ZOO / "small-1-tuned")
    work()

    assert SelfAttestation.objects.get().contradicted_at
    assert verdict_on(mine).is_self_attested
    assert "give another sketch" in client.get(mine.model.get_absolute_url()).text


def test_a_sketch_alone_accuses_nobody(tmp_path: Path) -> None:
    push_sketch(tmp_path, "team/mine", "small-1", baimo_category="base")
    work()

    theirs = push("other/tuned", ZOO / "small-1-tuned", baimo_category="base")
    work()

    verdict = verdict_on(theirs)
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "only-self-attested")
    assert not Derivation.objects.filter(child=theirs.model).exists()

    push("team/mine", ZOO / "small-1", baimo_category="base")
    work()
    push("another/seen", ZOO / "small-1", baimo_category="base")
    work()
    assert SelfAttestation.objects.get().confirmed_at


def test_a_declared_base_known_by_a_sketch_alone_contradicts_nobody(
    tmp_path: Path,
) -> None:
    push_sketch(tmp_path, "team/mine", "small-1", baimo_category="base")
    work()

    theirs = push("other/far", ZOO / "qwen-1", base_model="team/mine")
    work()

    assert verdict_on(theirs).verdict == "inconclusive"


def test_a_sketch_without_hashes_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CommitRefused, match="--hashes"):
        push("team/mine", sketched(tmp_path, "small-1"))


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04pickle", b"BAIMOSK\x02" + b"\xff" * 8, b"x" * 300_000]
)
def test_what_is_no_sketch_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.sketch").write_bytes(content)

    with pytest.raises(CommitRefused):
        push("team/mine", tmp_path / "m")


def test_two_sketches_are_refused(tmp_path: Path) -> None:
    folder = sketched(tmp_path, "small-1", "--hashes")
    (folder / "b.sketch").write_bytes((folder / "model.sketch").read_bytes())

    with pytest.raises(CommitRefused, match="one sketch"):
        push("team/mine", folder)


def test_a_sketch_by_one_request(tmp_path: Path, client: Client) -> None:
    user = make_user()
    team = make_organization(owner=user)
    _, key = make_token(user=user, organization=team)
    sketch = sketched(tmp_path, "small-1", "--hashes") / "model.sketch"

    def post(content: bytes, wish: dict[str, Any] | None = None, **headers: str) -> Any:
        wanted = {
            "organization": team.slug,
            "name": "mine",
            "card": "---\nbaimo_category: base\n---\n",
            "sketch": base64.b64encode(content).decode(),
        } | (wish or {})
        return client.post(
            "/api/v1/registrations/sketches/",
            json.dumps(wanted),
            content_type="application/json",
            headers=headers,
        )

    assert post(sketch.read_bytes()).status_code == 401
    wrong = post(b"no sketch", Authorization=f"Bearer {key}")
    assert (wrong.status_code, "not a sketch" in wrong.text) == (422, True)
    made = post(sketch.read_bytes(), Authorization=f"Bearer {key}")
    assert made.status_code == 202
    work()
    job = client.get(f"/api/v1/jobs/{made.json()['job']['id']}/").json()
    assert job["state"] == "succeeded"
    assert SelfAttestation.objects.count() == 1
    key_of_team = {"Authorization": f"Bearer {key}"}
    late = post(sketch.read_bytes(), {"private": True}, **key_of_team)
    assert (late.status_code, "is public" in late.text) == (422, True)
    shy = {"private": True, "name": "shy"}
    assert post(sketch.read_bytes(), shy, **key_of_team).status_code == 202
    assert RegisteredModel.objects.get(repo_name="shy").private
