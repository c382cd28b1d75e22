"""Signed statements of really judged models, and the keys to check them with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.conf import settings as django_settings
from django.test import Client

from registry import signing
from registry.attest import Statement, read_envelope, read_keys, read_statement
from registry.models import Revision
from registry.vocabulary import Verdict
from tests.factories import make_model, make_revision, make_verification
from tests.pushing import ZOO, push, work

ROOT = Path(__file__).parents[3]
BASE, TUNED = ZOO / "small-1", ZOO / "small-1-tuned"
PUBLIC = django_settings.PUBLIC_URL


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> None:
    settings.STORAGE_DIR = tmp_path / "files"
    settings.SIGNING_DIR = tmp_path / "signing"


@pytest.fixture
def child() -> Revision:
    """Return a fine-tune whose declared base was confirmed."""
    push("acme/base", BASE, baimo_category="base")
    revision = push("acme/child", TUNED, base_model="acme/base")
    work()
    return revision


def signed(client: Client, address: str) -> Statement:
    """Return a served statement after checking it against the served keys."""
    answer = client.get(f"/api/v1/{address}/statement/")
    keys = client.get("/.well-known/baimo-signing-keys.json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/vnd.dsse.envelope.v1+json"
    envelope = read_envelope(answer.content)
    assert envelope.signer(read_keys(keys.content))
    statement = read_statement(envelope)
    schema = client.get(statement.predicate_type.removeprefix(PUBLIC)).json()
    jsonschema.validate(statement.predicate, schema)
    return statement


def test_it_is_about_the_weight_files_and_says_what_the_page_says(
    client: Client, child: Revision
) -> None:
    verification = child.verifications.get()
    base = child.declarations.get().parent
    assert base is not None

    said = signed(client, f"verifications/{verification.pk}")

    weights = dict(child.weight_files().values_list("path", "blob_id"))
    assert weights
    assert said.subject == weights
    assert said.predicate_type == f"{PUBLIC}/predicates/lineage-verdict/v1"
    predicate, comparison = said.predicate, verification.comparison
    assert predicate["verdict"] == "consistent"
    assert predicate["model"] == {
        "slug": "acme--child",
        "repo": "acme/child",
        "revision": child.commit_id,
    }
    assert predicate["declared"] == [
        {
            "id": "acme/base",
            "relation": "finetune",
            "slug": "acme--base",
            "repo": "acme/base",
        }
    ]
    assert predicate["compared_with"] == {
        "slug": "acme--base",
        "repo": "acme/base",
        "revision": base.head.commit_id,
        "files": dict(base.head.weight_files().values_list("path", "blob_id")),
    }
    for name in ("a", "b", "relation", "direction", "null", "p_value", "log10_p"):
        assert predicate["comparison"][name] == comparison[name]
    assert predicate["comparison"]["method"] == comparison["test"]
    assert predicate["limits"] == verification.limits
    assert predicate["engine"] == verification.engine
    assert predicate["sketch_format"] == "BAIMOSK/2"
    assert predicate["date"] == verification.created_at.isoformat()
    assert predicate["page"] == f"{PUBLIC}/verifications/{verification.pk}/"
    assert predicate["superseded_by"] is None
    address = predicate["current"].removeprefix(PUBLIC)
    assert client.get(address).json() == client.get(address).json()
    assert signed(client, "models/acme--child") == said


def test_the_files_compared_are_those_of_then_and_not_of_now(
    client: Client, child: Revision
) -> None:
    then = signed(client, "models/acme--child").predicate["compared_with"]
    push("acme/base", ZOO / "small-2", baimo_category="base")

    now = signed(client, f"verifications/{child.verifications.earliest('id').pk}")

    assert now.predicate["compared_with"] == then


def test_a_superseded_verdict_names_its_successor(client: Client) -> None:
    revision = make_revision(files={"model.safetensors": b"weights"})
    old = make_verification(revision=revision, verdict="inconclusive")
    before = signed(client, f"verifications/{old.pk}")
    new = make_verification(revision=revision)

    said = signed(client, f"verifications/{old.pk}").predicate

    assert before.predicate["superseded_by"] is None
    assert said["verdict"] == "inconclusive"
    assert said["superseded_by"] == {
        "page": f"{PUBLIC}/verifications/{new.pk}/",
        "statement": f"{PUBLIC}/api/v1/verifications/{new.pk}/statement/",
    }
    current = signed(client, f"models/{revision.model.slug}").predicate
    assert current["page"] == said["superseded_by"]["page"]


def test_without_weights_it_is_about_all_files(client: Client) -> None:
    revision = push("acme/empty", None, base_model="acme/base")

    said = signed(client, "models/acme--empty")

    assert said.predicate["verdict"] == "not-verifiable"
    assert said.predicate["comparison"] is None
    assert said.subject == dict(revision.files.values_list("path", "blob_id"))


def test_the_files_of_an_older_verdict_are_not_guessed(client: Client) -> None:
    """Verdicts from before the compared revision was kept."""
    revision = make_revision(files={"model.safetensors": b"weights"})
    make_verification(revision=revision, compared_with=make_model(slug="base"))

    said = signed(client, f"models/{revision.model.slug}").predicate

    assert said["compared_with"]["files"] is None
    assert said["compared_with"]["revision"] is None


@pytest.mark.parametrize(
    "address", ["verifications/999", "models/nobody", "models/unjudged", "models/bare"]
)
def test_where_there_is_nothing_to_sign_it_says_so(
    client: Client, address: str
) -> None:
    make_revision(
        model=make_model(slug="unjudged"), files={"model.safetensors": b"weights"}
    )
    make_verification(revision=make_revision(model=make_model(slug="bare")))

    answer = client.get(f"/api/v1/{address}/statement/")

    assert answer.status_code == 404
    assert answer.json()["detail"]


def test_the_served_keys_are_a_jwk_set_that_keeps_old_keys(client: Client) -> None:
    revision = make_revision(files={"model.safetensors": b"weights"})
    verification = make_verification(revision=revision)
    address = f"/api/v1/verifications/{verification.pk}/statement/"
    old = read_envelope(client.get(address).content)
    signing.rotate()

    answer = client.get("/.well-known/baimo-signing-keys.json")

    assert answer["Content-Type"] == "application/jwk-set+json"
    keys = read_keys(answer.content)
    new = read_envelope(client.get(address).content)
    assert len(keys) == 2
    assert old.signer(keys) != new.signer(keys)
    assert old.payload == new.payload


def test_the_command_of_the_page_checks_what_is_served(
    client: Client, child: Revision, tmp_path: Path
) -> None:
    page = client.get(f"/verifications/{child.verifications.get().pk}/")
    assert "Signed statement" in page.content.decode()
    assert "-m registry.attest verify statement.json" in page.content.decode()
    answer = client.get("/api/v1/models/acme--child/statement/")
    keys = client.get("/.well-known/baimo-signing-keys.json")
    (tmp_path / "statement.json").write_bytes(answer.content)
    (tmp_path / "keys.json").write_bytes(keys.content)
    altered = json.loads(answer.content) | {"payload": "e30="}
    (tmp_path / "altered.json").write_text(json.dumps(altered))

    good, bad = (
        _checked(tmp_path / name, tmp_path / "keys.json", TUNED)
        for name in ("statement.json", "altered.json")
    )

    assert (good.returncode, good.stderr) == (0, "")
    assert "acme--child" in good.stdout
    assert "are the same" in good.stdout
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "changed after signing" in bad.stderr


def _checked(
    statement: Path, keys: Path, folder: Path
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "registry.attest", "verify", str(statement)]
    return subprocess.run(
        [*command, "--key", str(keys), "--files", str(folder)],
        cwd=ROOT,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_schema_of_the_predicate_is_one_and_knows_every_verdict(
    client: Client,
) -> None:
    answer = client.get("/predicates/lineage-verdict/v1")

    assert answer["Content-Type"] == "application/schema+json"
    jsonschema.Draft202012Validator.check_schema(answer.json())
    assert answer.json()["properties"]["verdict"]["enum"] == list(Verdict)
