"""python -m registry.attest verify: what it says and how it ends."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.attest import (
    PAYLOAD_TYPE,
    PREDICATE_PATH,
    Statement,
    public_jwk,
    sign,
    statement_bytes,
)
from registry.attest.cli import main

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
WEIGHTS = {"model.safetensors": b"weights", "part/b.safetensors": b"more"}
SAID = {
    "verdict": "consistent",
    "date": "2026-11-25T00:00:00+00:00",
    "model": {"slug": "acme--child", "revision": "0123456789abcdef"},
    "compared_with": {"slug": "acme--base"},
    "superseded_by": None,
    "current": "https://baimo.example/api/v1/models/acme--child/statement/",
}


def statement(**changes: Any) -> Statement:
    values: dict[str, Any] = {
        "subject": {n: hashlib.sha256(b).hexdigest() for n, b in WEIGHTS.items()},
        "predicate_type": "https://baimo.example" + PREDICATE_PATH,
        "predicate": SAID,
    }
    return Statement(**values | changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in WEIGHTS.items():
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "model"


def verify(
    tmp_path: Path,
    *further: str,
    payload: bytes | None = None,
    kind: str = PAYLOAD_TYPE,
    trusted: Ed25519PrivateKey = KEY,
) -> int:
    """Sign a payload with KEY and return how the command ends that checks it."""
    signed = sign(payload or statement_bytes(statement()), kind, KEY)
    (tmp_path / "statement.json").write_text(json.dumps(signed.to_json()))
    jwk = public_jwk(trusted.public_key())
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [jwk]}))
    files = [str(tmp_path / "statement.json"), "--key", str(tmp_path / "keys.json")]
    return main(["verify", *files, *further])


def test_a_statement_is_the_same_bytes_in_any_order() -> None:
    turned = statement(
        subject=dict(reversed(statement().subject.items())),
        predicate=dict(reversed(SAID.items())),
    )

    assert statement_bytes(turned) == statement_bytes(statement())
    assert list(json.loads(statement_bytes(turned))) == [
        "_type",
        "predicate",
        "predicateType",
        "subject",
    ]


def test_no_statement_holds_nan() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        statement_bytes(statement(predicate={"p_value": float("nan")}))


def test_what_holds_is_told_in_sentences(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(tmp_path, "--files", str(folder)) == 0

    out, err = capsys.readouterr()
    assert err == ""
    assert "The signature holds" in out
    assert "https://baimo.example said on 2026-11-25 of acme--child at revision " in out
    assert "consistent, compared with acme--base." in out
    assert "models/acme--child/statement/" in out
    assert f"2 files, and those in {folder} are the same" in out


def test_without_a_folder_it_says_that_no_file_was_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(tmp_path) == 0

    assert "2 files, which were not checked" in capsys.readouterr().out


def test_a_superseded_verdict_names_the_newer_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = SAID | {"superseded_by": {"page": "https://baimo.example/verifications/9/"}}

    assert verify(tmp_path, payload=statement_bytes(statement(predicate=newer))) == 0

    assert "Superseded by https://baimo.example/verif" in capsys.readouterr().out


def test_another_key_refutes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(tmp_path, trusted=OTHER) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Not verified. Signed with another key")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "model.safetensors").write_bytes(b"other"), "is not the file"),
        (lambda f: (f / "model.safetensors").unlink(), "is not in the folder"),
        (lambda f: (f / "x.safetensors").write_bytes(b""), "does not speak of x.safe"),
    ],
    ids=["changed", "missing", "further"],
)
def test_other_files_refute(
    tmp_path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Any,
    said: str,
) -> None:
    spoil(folder)

    assert verify(tmp_path, "--files", str(folder)) == 1

    assert said in capsys.readouterr().err


def test_what_a_client_keeps_in_hidden_folders_is_no_weight_of_the_model(
    tmp_path: Path, folder: Path
) -> None:
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x.safetensors").write_bytes(b"half a download")

    assert verify(tmp_path, "--files", str(folder)) == 0


UNKNOWN = statement(predicate_type="https://slsa.dev/provenance/v1")
OUTSIDE = statement(subject={"../model.safetensors": "00" * 32})
NAMELESS = b'{"_type": "https://in-toto.io/Statement/v1", "predicateType": "%s", %s}'


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (statement_bytes(UNKNOWN), "unknown kind: 'https://slsa.dev/provenance/v1'"),
        (statement_bytes(OUTSIDE), "outside a folder"),
        (statement_bytes(statement(subject={})), "names no file"),
        (b"{}", "not an in-toto statement"),
        (b"not json", "not JSON"),
        (
            NAMELESS % (PREDICATE_PATH.encode(), b'"predicate": {}, "subject": [{}]'),
            "without its SHA-256",
        ),
    ],
)
def test_a_signed_thing_of_another_kind_is_not_taken_for_a_statement(
    tmp_path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    payload: bytes,
    said: str,
) -> None:
    assert verify(tmp_path, "--files", str(folder), payload=payload) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Nothing was checked.")
    assert said in err


def test_a_payload_of_another_type_is_not_taken_for_a_statement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(tmp_path, kind="text/plain") == 2

    assert "'text/plain', not a statement" in capsys.readouterr().err


def test_files_that_are_not_there_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "nowhere")

    assert main(["verify", nowhere, "--key", nowhere]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert verify(tmp_path, "--files", nowhere) == 2
    assert "is not a folder" in capsys.readouterr().err
