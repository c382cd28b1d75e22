"""What lies beside weights, and stored sketches: damaged, absurd or no files at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.fingerprint import Sketch, SketchError, sketch_model
from registry.fingerprint.reading.folder import INDEX
from tests.unit.fingerprint import hostile
from tests.unit.fingerprint.hostile import (
    SOUND,
    Outcome,
    keeps_promise,
    make_model,
    run,
    run_all,
)
from tests.zoo.derive import ZOO

CONFIGS = ["config.json", "adapter_config.json", INDEX]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one model, in which each example writes one file."""
    shelf = tmp_path_factory.mktemp("shelf")
    make_model(shelf / "model")
    return shelf


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("good") / "good")


@pytest.fixture(scope="module")
def stored() -> bytes:
    return sketch_model(ZOO / "small-1").to_bytes()


@pytest.fixture(scope="module")
def kept(stored: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a sound sketch file, alone in its folder."""
    path = tmp_path_factory.mktemp("kept") / "kept.sketch"
    path.write_bytes(stored)
    return path


def with_file(shelf: Path, good: Path, name: str, data: bytes) -> dict[str, Outcome]:
    """Run all commands on the model with this file beside its weights."""
    path = shelf / "model" / name
    kept = path.read_bytes() if path.exists() else None
    path.write_bytes(data)
    try:
        return run_all(shelf / "model", good, shelf)
    finally:
        path.unlink() if kept is None else path.write_bytes(kept)


# JSON beside the weights --------------------------------------------------------

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),  # NaN and Infinity too, which are no JSON
    st.text(st.characters(), max_size=8),  # surrogates too
)
json_values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=8,
)
known_keys = st.sampled_from(
    [
        *("model_type", "architectures", "hidden_size", "rope_theta", "vocab_size"),
        *("weight_map", "metadata", "base_model_name_or_path", "r", "lora_alpha"),
        *("target_modules", "peft_type", "rank_pattern", "model", "added_tokens"),
    ]
)
shards = st.sampled_from(["a.safetensors", "../a.safetensors", "b.safetensors", ""])
indexes = st.fixed_dictionaries(
    {"weight_map": st.dictionaries(st.text(max_size=3), st.one_of(shards, plain))}
)
vocabularies = st.one_of(
    st.dictionaries(st.text(max_size=3), st.one_of(st.integers(), json_values)),
    st.lists(st.one_of(st.lists(plain, max_size=3), json_values), max_size=4),
)
tokenizers = st.fixed_dictionaries(
    {"model": st.one_of(json_values, st.fixed_dictionaries({"vocab": vocabularies}))},
    optional={"added_tokens": st.lists(json_values, max_size=3)},
)


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(
    st.sampled_from(CONFIGS),
    st.one_of(
        st.binary(max_size=60),
        json_values.map(as_bytes),
        st.dictionaries(known_keys, json_values).map(as_bytes),
        indexes.map(as_bytes),
    ),
)
def test_any_config_or_index_keeps_the_promise(
    shelf: Path, good: Path, name: str, data: bytes
) -> None:
    with_file(shelf, good, name, data)


@given(st.one_of(st.binary(max_size=60), tokenizers.map(as_bytes)))
def test_any_tokenizer_leaves_the_weights_readable(
    shelf: Path, good: Path, data: bytes
) -> None:
    outcomes = with_file(shelf, good, "tokenizer.json", data)

    assert outcomes["sketch"].status == outcomes["compare"].status == 0


HUGE = {
    "deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "just too deep": b'{"a":' + b"[" * 150 + b"]" * 150 + b"}",
    "an endless number": b'{"a":' + b"9" * 5_000 + b"}",
    "a number beyond float": b'{"rope_theta": 1e400}',
    "a negative number beyond float": b'{"rope_theta": [-1e400]}',
    "a number of many digits": b'{"a": 1e' + b"9" * 1_000_000 + b"}",
    "NaN": b'{"rope_theta": NaN}',
    "Infinity": b'{"rope_theta": -Infinity}',
    "many values": b'{"a":[' + b"0," * 2_000_001 + b"0]}",
    "many objects": b'{"a":[' + b"{},\n" * 1_000_000 + b"0]}",
    "the same key twice": b'{"a": 1, "a": 1}',
    "no object": b"[]",
    "empty": b"",
    "not UTF-8": b'{"\xff": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NUL": b'{"a": 1}\0',
}


@pytest.mark.parametrize("case", HUGE)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", INDEX])
def test_absurd_json_is_refused_by_name(
    name: str, case: str, shelf: Path, good: Path
) -> None:
    path = shelf / "model" / name
    kept = path.read_bytes() if path.exists() else None
    path.write_bytes(HUGE[case])

    outcome = run("diff", good, shelf / "model")

    hostile.is_refused(outcome, name)
    path.unlink() if kept is None else path.write_bytes(kept)


def test_a_config_as_deep_as_allowed_is_printed(shelf: Path, good: Path) -> None:
    outcomes = with_file(
        shelf, good, "config.json", b'{"a":' + b"[" * 99 + b"]" * 99 + b"}"
    )

    assert '"a": [null, [[' in outcomes["diff"].printed


def test_an_adapter_is_read_like_any_weights(shelf: Path, good: Path) -> None:
    folder = shelf / "adapter"
    folder.mkdir()
    config = {"peft_type": "LORA", "r": 2, "base_model_name_or_path": "x"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    names = [f"base_model.model.layers.0.q.lora_{side}.weight" for side in "AB"]
    data = hostile.tensors(
        (names[0], "F32", [2, 8], b"\x11\x22\x33\x3e\x41"),
        (names[1], "F32", [8, 2], b"\0"),
    )
    (folder / "adapter_model.safetensors").write_bytes(data)

    outcomes = run_all(folder, good, shelf)

    assert all(outcome.status == 0 for outcome in outcomes.values())
    shutil.rmtree(folder)


# Stored sketches ----------------------------------------------------------------


@given(st.data())
def test_a_damaged_sketch_keeps_the_promise(
    stored: bytes, kept: Path, data: st.DataObject
) -> None:
    made = bytearray(stored)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(0, 400), st.integers(0, len(made) - 1)))
        made[at] = data.draw(st.integers(0, 255))
    made = made[: data.draw(st.one_of(st.just(len(made)), st.integers(0, len(made))))]
    damaged = kept.with_name("damaged.sketch")
    damaged.write_bytes(made)

    for arguments in (["compare", damaged, kept], ["compare", damaged, damaged]):
        keeps_promise(run(*arguments))
    keeps_promise(run("identify", damaged, "--against", kept.parent))
    keeps_promise(run("matrix", kept.parent))
    hostile.is_refused(run("sketch", damaged, "-o", kept.with_name("made")))
    hostile.is_refused(run("diff", damaged, kept))


@given(st.binary(max_size=300), st.integers(0, 12))
def test_bytes_after_the_start_of_a_sketch_are_refused(
    stored: bytes, rest: bytes, kept: int
) -> None:
    with pytest.raises(SketchError) as refusal:
        Sketch.from_bytes(stored[:kept] + rest)

    assert str(refusal.value).isprintable()


# What is no file ----------------------------------------------------------------


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _long_loop(path: Path) -> None:
    (path.parent / "there").symlink_to(path)
    path.symlink_to(path.parent / "there")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _link_to_folder(path: Path) -> None:
    path.symlink_to(".")


def _link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


NO_FILES: list[Callable[[Path], None]] = [
    *(_loop, _long_loop, _dangling, _link_to_folder, _link_to_device),
    *(os.mkfifo, Path.mkdir),
]
PLACES = ["model.safetensors", "adapter_model.safetensors", INDEX, "config.json"]


@pytest.fixture
def spoiled(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with sound weights, a sketch beside it and nothing else."""
    folder = tmp_path / "shelf" / "spoiled"
    folder.mkdir(parents=True)
    (folder / "a.safetensors").write_bytes(SOUND)
    return folder


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("make", NO_FILES)
def test_what_is_no_file_is_refused_and_not_passed_over(
    make: Callable[[Path], None], place: str, spoiled: Path, good: Path
) -> None:
    make(spoiled / place)

    outcomes = run_all(spoiled, good, spoiled.parent)

    for command in ("sketch", "compare", "identify", "diff"):
        hostile.is_refused(outcomes[command], place)


@pytest.mark.parametrize("make", NO_FILES)
def test_a_tokenizer_that_is_no_file_is_refused_by_diff_alone(
    make: Callable[[Path], None], spoiled: Path, good: Path
) -> None:
    make(spoiled / "tokenizer.json")

    outcomes = run_all(spoiled, good, spoiled.parent)

    hostile.is_refused(outcomes["diff"], "tokenizer.json")
    assert outcomes["sketch"].status == outcomes["compare"].status == 0


@pytest.mark.parametrize("make", NO_FILES)
def test_a_shard_that_is_no_file_is_refused(
    make: Callable[[Path], None], spoiled: Path, good: Path
) -> None:
    (spoiled / INDEX).write_bytes(as_bytes({"weight_map": {"x": "b.safetensors"}}))
    make(spoiled / "b.safetensors")

    outcomes = run_all(spoiled, good, spoiled.parent)

    hostile.is_refused(outcomes["compare"], "b.safetensors")


@pytest.mark.parametrize("name", ["x", "x.safetensors"])
@pytest.mark.parametrize("make", [make for make in NO_FILES if make != _link_to_folder])
def test_a_model_that_is_no_file_is_refused(
    make: Callable[[Path], None], name: str, spoiled: Path, good: Path
) -> None:
    model = spoiled.parent / name
    make(model)

    outcomes = run_all(model, good, spoiled.parent)

    for command in ("sketch", "compare", "identify", "diff"):
        hostile.is_refused(outcomes[command])


def test_a_cache_of_links_to_files_is_a_model(tmp_path: Path, good: Path) -> None:
    blobs, model = tmp_path / "blobs", tmp_path / "snapshots" / "model"
    blobs.mkdir()
    model.mkdir(parents=True)
    for number, path in enumerate(sorted(good.iterdir())):
        shutil.copy(path, blobs / f"{number:064x}")
        (model / path.name).symlink_to(f"../../blobs/{number:064x}")
    (tmp_path / "snapshots" / "main").symlink_to("model")

    for folder in (model, tmp_path / "snapshots" / "main"):
        outcomes = run_all(folder, good, tmp_path / "snapshots")
        assert all(outcome.status == 0 for outcome in outcomes.values())
        (found,) = outcomes["diff"].lines()
        assert (found["config"], found["shapes"]) == ({}, [])
        assert found["tokenizer"]["id_agreement"] == 1.0
    assert sketch_model(model).to_bytes() == sketch_model(good).to_bytes()


def test_a_file_that_cannot_be_read_spoils_only_its_own_pairs(spoiled: Path) -> None:
    (spoiled.parent / "x").symlink_to("/proc/self/mem")  # its first byte is an error
    shutil.copytree(spoiled, spoiled.parent / "zoo")

    lines = run("matrix", spoiled.parent).lines()

    assert [(line["a"], line["b"]) for line in lines] == [
        *(("spoiled", "x"), ("spoiled", "zoo"), ("x", "zoo"))
    ]
    assert ["error" in line for line in lines] == [True, False, True]


def test_shards_that_repeat_a_tensor_are_refused(spoiled: Path, good: Path) -> None:
    shutil.copy(spoiled / "a.safetensors", spoiled / "b.safetensors")

    outcomes = run_all(spoiled, good, spoiled.parent)

    hostile.is_refused(outcomes["compare"], "a.safetensors and b.safetensors")


def test_names_on_disk_may_be_any_bytes(spoiled: Path, good: Path) -> None:
    for name in (b"\xff\xfe", "模型".encode(), b"a\nb", b"\x1b[31m", b"-x", b"a b"):
        path = spoiled.parent / os.fsdecode(name)
        spoiled.rename(path)

        outcomes = run_all(path, good, path.parent)
        assert all(outcome.status == 0 for outcome in outcomes.values())

        (path / "a.safetensors").rename(path / os.fsdecode(name + b".safetensors"))
        (path / os.fsdecode(name + b".safetensors")).write_bytes(SOUND[:-1])
        outcomes = run_all(path, good, path.parent)
        hostile.is_refused(outcomes["compare"], "truncated")
        shutil.rmtree(path)
        spoiled.mkdir()
        (spoiled / "a.safetensors").write_bytes(SOUND)
