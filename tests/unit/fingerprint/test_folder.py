"""Which files a model folder may consist of."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from registry.fingerprint import FingerprintError, read_header
from registry.fingerprint.errors import BrokenIndex, BrokenJson, NoWeights, UnsafeFormat
from registry.fingerprint.reading import folder
from registry.fingerprint.reading.folder import INDEX, open_model
from tests.zoo import derive
from tests.zoo.derive import ZOO


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    return derive.make_shards(derive.read(ZOO / "small-1"), tmp_path / "model", 3)


def write_index(model: Path, weight_map: Any) -> None:
    (model / INDEX).write_text(json.dumps({"weight_map": weight_map}))


def test_a_sharded_model_has_the_tensors_of_the_whole_one(shards: Path) -> None:
    found = open_model(shards)

    whole = read_header(ZOO / "small-1" / "model.safetensors").tensors
    assert [t.name for t in found.tensors] == sorted(t.name for t in whole)
    assert found.name == "model"


def test_one_file_is_a_model_without_config() -> None:
    found = open_model(ZOO / "small-1" / "model.safetensors")

    assert found.config == {}
    assert found.tokenizer is None


def test_shards_may_be_links_to_content_addressed_files(
    shards: Path, tmp_path: Path
) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for i, shard in enumerate(sorted(shards.glob("*.safetensors"))):
        shard.rename(blobs / f"{i:064x}")
        shard.symlink_to(blobs / f"{i:064x}")

    assert len(open_model(shards).tensors) == 38


@pytest.mark.parametrize(
    "name",
    [
        "../model-00001-of-00003.safetensors",
        "/etc/passwd.safetensors",
        "a/b.safetensors",
        "a\\b.safetensors",
        "..safetensors",
        "x\u0000.safetensors",
        "config.json",
        "absent.safetensors",
        "x" * 300 + ".safetensors",
        7,
        None,
    ],
)
def test_an_index_that_points_elsewhere_is_refused(shards: Path, name: Any) -> None:
    write_index(shards, {"a": name})

    with pytest.raises(BrokenIndex) as refusal:
        open_model(shards)

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("weight_map", [None, [], {}, "x", 3])
def test_an_index_without_a_map_is_refused(shards: Path, weight_map: Any) -> None:
    write_index(shards, weight_map)

    with pytest.raises(BrokenIndex, match="weight_map"):
        open_model(shards)


def test_a_tensor_that_its_shard_lacks_is_refused(shards: Path) -> None:
    first = sorted(shards.glob("*.safetensors"))[0].name
    write_index(shards, {"no.such.tensor": first})

    with pytest.raises(BrokenIndex, match="lacks"):
        open_model(shards)


def test_a_missing_shard_is_refused(shards: Path) -> None:
    sorted(shards.glob("*.safetensors"))[1].unlink()

    with pytest.raises(BrokenIndex, match="missing"):
        open_model(shards)


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    tensors = derive.read(ZOO / "small-1")
    for name in ("a", "b"):
        derive.save(tensors, tmp_path / f"{name}.safetensors")

    with pytest.raises(BrokenIndex, match=r"is in a\.safetensors and b\.safetensors"):
        open_model(tmp_path)


@pytest.mark.parametrize("with_index", [True, False])
def test_a_model_of_more_tensors_than_any_real_one_is_refused(
    with_index: bool, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_index:
        (shards / INDEX).unlink()
    monkeypatch.setattr(folder, "MAX_TENSORS", 38)
    assert len(open_model(shards).tensors) == 38
    monkeypatch.setattr(folder, "MAX_TENSORS", 37)

    with pytest.raises(BrokenIndex, match="more than 37 tensors"):
        open_model(shards)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "x.ckpt", "x.pkl"])
def test_a_pickle_is_refused_saying_why_and_how_to_convert(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04")

    for path in (tmp_path, tmp_path / name):
        with pytest.raises(UnsafeFormat, match=r"run code.*safe_serialization=True"):
            open_model(path)


def test_other_kinds_of_path_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    os.mkfifo(tmp_path / "pipe.safetensors")

    with pytest.raises(UnsafeFormat):
        open_model(tmp_path / "x.gguf")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "pipe.safetensors"):
        with pytest.raises(NoWeights):
            open_model(path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 100_000]
)
def test_a_broken_config_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    model = derive.make(derive.read(ZOO / "small-1"), tmp_path / "m")
    (model / "config.json").write_text(text)

    with pytest.raises(BrokenJson, match=r"config\.json"):
        open_model(model)


def test_a_model_without_a_single_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes((2).to_bytes(8, "little") + b"{}")

    with pytest.raises(FingerprintError, match="holds no weights"):
        open_model(tmp_path)
