"""A sketch in the making: in pieces, from what stays, and from nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.fingerprint import Making, Readings, open_model, read_again, sketch_model

ZOO = Path(__file__).parents[2] / "zoo"
# Shapes leave open what of the squares is the FFN.
SQUARES = {f"layers.{n}.{k}.weight": (64, 64) for n in range(9) for k in "abcdef"}


def ignore(n: int) -> None:
    pass


@pytest.mark.parametrize("name", ["small-1", "mixtral-1", "classic-1", "bert-1"])
def test_tensors_may_be_read_in_any_order_and_wait_on_a_disk(name: str) -> None:
    files = open_model(ZOO / name)
    making = Making(files)
    tensors = files.tensors[::-1]

    readings = [making.read(tensors[at::3], ignore) for at in range(3)]
    stored = [Readings.from_bytes(read.to_bytes()) for read in readings]

    whole = sketch_model(ZOO / name).to_bytes()
    assert making.finished(readings).to_bytes() == whole
    assert making.finished(stored).to_bytes() == whole


@pytest.mark.parametrize("name", ["small-1", "mixtral-1", "classic-1", "bert-1"])
def test_nothing_else_is_read_a_second_time(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(ZOO / name, tmp_path / name)
    whole = sketch_model(folder).to_bytes()
    files = open_model(folder)
    making = Making(files)
    read = making.read(files.tensors, ignore)
    again = {tensor.name for tensor in read_again(files.tensors)}

    for tensor in files.tensors:
        if tensor.name not in again:
            with tensor.path.open("r+b") as file:
                file.seek(tensor.start)
                file.write(bytes(tensor.size_bytes))

    assert again < {tensor.name for tensor in files.tensors}
    assert making.finished([read]).to_bytes() == whole


def test_where_shapes_leave_it_open_all_is_needed_again(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    weights = {k: random.normal(size=s).astype("f4") for k, s in SQUARES.items()}
    save_file(weights, tmp_path / "model.safetensors")

    tensors = open_model(tmp_path).tensors

    assert read_again(tensors) == tensors


def test_without_layers_nothing_is_needed_again(tmp_path: Path) -> None:
    save_file({"x": np.ones((3, 4), np.float32)}, tmp_path / "model.safetensors")

    assert read_again(open_model(tmp_path).tensors) == ()
