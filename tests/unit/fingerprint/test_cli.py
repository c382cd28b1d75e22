"""The commands: exit status, one line on bad input, the promised JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from registry.fingerprint.cli import main
from tests.zoo import derive
from tests.zoo.derive import ZOO

NUMBER = {"type": ["number", "null"]}
TEXT = {"type": "string"}
COMPARISON = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("a", "b", "related", "relation", "relation_set", "direction", "p_value"),
        *("log10_p", "test", "null", "effect", "renamed", "parents", "evidence"),
        *("limits", "engine", "seconds"),
    ],
    "properties": {
        "a": TEXT,
        "b": TEXT,
        "related": {"type": ["boolean", "null"]},
        "relation": TEXT,
        "relation_set": {"type": "array", "items": TEXT, "minItems": 1},
        "direction": {"enum": ["a->b", "b->a", None]},
        "p_value": {"type": ["number", "null"], "minimum": 1e-300, "maximum": 1},
        "log10_p": {"type": ["number", "null"], "minimum": -300, "maximum": 0},
        "test": TEXT,
        "null": TEXT,
        "effect": NUMBER,
        "renamed": {"type": "object", "additionalProperties": TEXT},
        "parents": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "weight"],
                "properties": {"id": TEXT, "weight": NUMBER},
            },
        },
        "evidence": {
            "type": "array",
            "items": {"type": "object", "required": ["kind", "value", "text"]},
        },
        "limits": {"type": "array", "items": TEXT},
        "engine": {"pattern": "^[a-z]+/[0-9]+$"},
        "seconds": {"type": "number"},
    },
}


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[Any]:
    assert main([str(argument) for argument in arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    for name in ("small-1", "small-1-tuned", "small-2"):
        derive.make(derive.read(ZOO / name), folder / name)
    return folder


@pytest.mark.parametrize("other", ["small-1", "small-1-tuned", "small-2", "wide-1"])
def test_compare_prints_the_promised_object(
    other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = run(capsys, "compare", ZOO / "small-1", ZOO / other, "--json")

    jsonschema.validate(found, COMPARISON)
    assert (found["a"], found["b"]) == ("small-1", other)


def test_compare_takes_sketches_files_and_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sketch = tmp_path / "kept.sketch"
    (told,) = run(capsys, "sketch", ZOO / "small-1", "-o", sketch)
    file = ZOO / "small-1-tuned" / "model.safetensors"

    (found,) = run(capsys, "compare", sketch, file, "--json")

    assert told["size_bytes"] == sketch.stat().st_size
    assert (found["a"], found["b"], found["related"]) == ("kept", "model", True)


def test_matrix_prints_every_pair_once_and_goes_on_after_a_broken_model(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shelf / "broken").mkdir()
    (shelf / "broken" / "model.safetensors").write_bytes(b"x")
    (shelf / "notes").mkdir()
    (shelf / "notes.txt").write_text("no model")

    found = run(capsys, "matrix", shelf, "--json")

    names = ["broken", "small-1", "small-1-tuned", "small-2"]
    pairs = [(a, b) for a in names for b in names if a < b]
    assert [(line["a"], line["b"]) for line in found] == pairs
    assert all("truncated" in line["error"] for line in found[:3])
    for line in found[3:]:
        jsonschema.validate(line, COMPARISON)


def test_identify_puts_the_relative_first_with_a_corrected_p_value(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = ZOO / "small-1-more"

    (found,) = run(capsys, "identify", query, "--against", shelf, "--json")
    (single,) = run(capsys, "compare", query, shelf / "small-1", "--json")

    assert (found["query"], found["n_compared"]) == ("small-1-more", 3)
    assert [c["related"] for c in found["candidates"]] == [True, True, False]
    assert found["merge_of"] == []
    p = {c["id"]: c["p_value"] for c in found["candidates"]}
    assert p["small-1"] == pytest.approx(3 * single["p_value"])
    assert set(found["candidates"][0]) == {
        *("id", "related", "relation", "p_value", "effect")
    }


def test_identify_lists_at_most_ten(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(11):
        derive.make(derive.read(ZOO / "small-3"), shelf / f"copy-{i}")

    (found,) = run(capsys, "identify", ZOO / "small-3", "--against", shelf)

    assert found["n_compared"] == 14
    assert len(found["candidates"]) == 10
    assert {c["relation"] for c in found["candidates"]} == {"identical"}


def test_diff_lists_names_shapes_config_and_tokenizer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ZOO / "small-1"
    renamed = derive.rename(derive.read(base), {"input_layernorm": "ln1"})
    extra = derive.stored(np.ones((2, 3), np.float32), "F32")
    other = derive.make(renamed | {"extra": extra}, tmp_path / "other", like=base)
    config = json.loads((other / "config.json").read_text()) | {"rope_theta": 5e5}
    (other / "config.json").write_text(json.dumps(config))
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    tokenizer["added_tokens"].append({"id": 384, "content": "<new>"})
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))

    (found,) = run(capsys, "diff", base, other, "--json")

    assert found["names"] == {
        "renamed": {},
        "only_a": ["model.layers.*.input_layernorm.weight"],
        "only_b": ["extra", "model.layers.*.ln1.weight"],
    }
    assert found["config"] == {"rope_theta": [10000.0, 5e5]}
    assert found["tokenizer"] == {"id_agreement": 1.0, "extends": "b"}
    assert found["shapes"] == []


def test_diff_of_unlike_models_lists_shapes_by_pattern(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (found,) = run(capsys, "diff", ZOO / "small-1", ZOO / "wide-1", "--json")

    norm = {"name": "model.norm.weight", "a": [64], "b": [48]}
    assert norm in found["shapes"]
    assert len(found["shapes"]) == 11
    assert found["names"]["only_b"] == ["lm_head.weight"]


BAD = ["absent", "empty", "pickle", "text.safetensors", "cut", "config", "sketch"]


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    folder = tmp_path / "bad"
    (folder / "empty").mkdir(parents=True)
    (folder / "pickle").mkdir()
    (folder / "pickle" / "pytorch_model.bin").write_bytes(b"\x80")
    (folder / "text.safetensors").write_text("hello, this is no model at all")
    cut = derive.make(derive.read(ZOO / "small-1"), folder / "cut")
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    broken = derive.make(derive.read(ZOO / "small-1"), folder / "config")
    (broken / "config.json").write_text("{")
    (folder / "sketch").write_bytes(b"BAIMOSK\x01\xff\xff\xff\xff")
    return folder


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["sketch", "compare", "identify", "diff"])
def test_bad_input_ends_with_status_2_one_line_and_nothing_written(
    command: str, name: str, bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, target = str(bad / name), bad / "out"
    rest = {
        "sketch": ["-o", str(target)],
        "compare": [str(ZOO / "small-1")],
        "identify": ["--against", str(ZOO)],
        "diff": [str(ZOO / "small-1")],
    }[command]

    status = main([command, model, *rest])

    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert not target.exists()
    assert not list(bad.glob(".sketch-*"))


def test_matrix_and_identify_refuse_what_is_no_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments in (
        ["matrix", "nowhere"],
        ["identify", ZOO / "small-1", "--against", "x"],
    ):
        assert main([str(argument) for argument in arguments]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_an_output_folder_that_is_missing_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "no" / "such" / "file"

    assert main(["sketch", str(ZOO / "small-1"), "-o", str(target)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_module_runs_without_django() -> None:
    code = (
        "import sys, registry.fingerprint.cli as c; "
        f"c.main(['compare', {str(ZOO / 'small-1')!r}, {str(ZOO / 'small-2')!r}]); "
        "assert not {'django', 'celery', 'torch', 'safetensors'} & set(sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ZOO.parents[1]
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["relation"] == "same-architecture"
