"""Where answers go: closed, full or broken streams, interrupts, odd output paths."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from registry.fingerprint import cli
from tests.unit.fingerprint import hostile
from tests.unit.fingerprint.hostile import make_model, run

ROOT = Path(__file__).parents[3]
# By default Python writes at exit, which is when a broken stream makes noise.
BUFFERED = {key: os.environ[key] for key in os.environ if key != "PYTHONUNBUFFERED"}
PROGRAM = [sys.executable, "-m", "registry.fingerprint"]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    make_model(tmp_path / "shelf" / "model")
    make_model(tmp_path / "shelf" / "twin")
    return tmp_path / "shelf"


def start(*arguments: object, **streams: Any) -> subprocess.Popen[bytes]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=BUFFERED,
        # A shell in the background ignores the signal, and so would its children.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        **streams,
    )


def in_shell(command: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run the program as `"$@"` of a shell's command."""
    shell = ["bash", "-c", command, "bash", *PROGRAM, *map(str, arguments)]
    return subprocess.run(shell, cwd=ROOT, env=BUFFERED, capture_output=True)


@pytest.mark.parametrize("arguments", [["matrix"], ["--help"]])
def test_a_broken_pipe_is_quiet(arguments: Sequence[str], shelf: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    rest = [shelf] if arguments == ["matrix"] else []

    process = start(*arguments, *rest, stdout=writer)
    os.close(writer)

    assert process.communicate()[1] == b""
    assert process.returncode == cli.NO_READER


def test_a_full_disk_or_a_closed_stream_is_one_line(shelf: Path) -> None:
    full, closed = b"No space left", b"is closed"
    for arguments, redirected, reason in (
        (["matrix", shelf], ">/dev/full", full),
        (["--help"], ">/dev/full", full),
        (["matrix", shelf], ">&-", closed),
    ):
        done = in_shell(f'"$@" {redirected}', *arguments)

        assert done.returncode == 2
        assert reason in done.stderr
        assert done.stderr.count(b"\n") == 1


def test_a_closed_or_full_stderr_changes_no_status(shelf: Path) -> None:
    for redirected in ("2>/dev/full", "2>&-"):
        done = in_shell(f'"$@" {redirected}', "matrix", shelf / "absent")

        assert (done.returncode, done.stdout) == (2, b"")


def test_an_interrupt_is_quiet_and_leaves_nothing(shelf: Path) -> None:
    model, size = shelf / "long.safetensors", 8 << 30
    entry = {"dtype": "BF16", "shape": [size // 2], "data_offsets": [0, size]}
    head = hostile.weights({"x": entry})
    with model.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)
    before = sorted(shelf.iterdir())

    process = start("sketch", model, "-o", shelf / "sketch")
    opened, deadline = Path(f"/proc/{process.pid}/fd"), time.monotonic() + 60
    while model not in [_target(link) for link in _listed(opened)]:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == cli.INTERRUPTED
    assert sorted(shelf.iterdir()) == before


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def _target(link: Path) -> Path | None:
    try:
        return link.readlink()
    except FileNotFoundError:  # closed a moment ago
        return None


def test_an_interrupt_while_the_sketch_is_written_leaves_nothing(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    before = sorted(shelf.iterdir())

    outcome = run("sketch", shelf / "model", "-o", shelf / "sketch")

    assert outcome == hostile.Outcome(cli.INTERRUPTED, "", "")
    assert sorted(shelf.iterdir()) == before


def test_a_sketch_replaces_a_file_and_nothing_else(shelf: Path) -> None:
    model = shelf / "model"
    old, link, pipe = shelf / "old", shelf / "link", shelf / "pipe"
    old.write_text("an older sketch")
    link.symlink_to("/dev/null")
    os.mkfifo(pipe)

    for target in (shelf, link, pipe, "/dev/null"):
        hostile.is_refused(run("sketch", model, "-o", target), "not a regular file")
    for target in (shelf / "no" / "folder", old / "file"):
        hostile.is_refused(run("sketch", model, "-o", target), str(target))

    assert run("sketch", model, "-o", old).status == 0
    assert run("compare", old, model).status == 0
    assert link.is_symlink()
    assert pipe.is_fifo()
    assert not list(shelf.glob(".sketch-*"))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["compare", "a\nb"],
        ["compare", "a", "b", "c\nd\x1b[31m"],
        ["compare", "", "b"],
        ["compare", "a\0b", "b"],
        ["sketch", "a", "-o", ""],
        ["sketch", "a"],
        ["identify", "a"],
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        cli.main(arguments)

    printed = capsys.readouterr()
    assert (refusal.value.code, printed.out) == (2, "")
    assert printed.err.startswith("error: ")
    assert printed.err[:-1].isprintable()


def test_a_path_of_any_length_is_one_short_line() -> None:
    for path in ("x" * 100_000, "x/" * 5_000, "\x07" * 3_000):
        hostile.is_refused(run("compare", path, path))


def test_models_of_one_name_are_told_apart_by_their_endings(shelf: Path) -> None:
    (shelf / "model.safetensors").write_bytes(hostile.SOUND)

    lines = run("matrix", shelf).lines()
    (found,) = run("identify", shelf / "model", "--against", shelf).lines()

    names = ["model", "model.safetensors", "twin"]
    assert [(line["a"], line["b"]) for line in lines] == [
        (a, b) for a in names for b in names if a < b
    ]
    assert sorted(each["id"] for each in found["candidates"]) == names
