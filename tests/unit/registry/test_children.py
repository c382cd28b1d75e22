"""Child processes: kept alive, ended in time, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from registry.management.children import Child, Supervisor


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Give the test run its own reactions to signals back."""
    kept = {number: signal.getsignal(number) for number in (2, 15)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def is_alive(pid: str) -> bool:
    """Return whether the process runs; a zombie only waits to be forgotten."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and ") Z " not in stat.read_text()


def note_and_sleep(path: Path) -> list[str]:
    """Return a program that writes down its pid and sleeps."""
    return ["sh", "-c", f"echo $$ >> {path}; exec sleep 60"]


def all_end(pids: list[str]) -> bool:
    """Return whether all processes are gone within a few seconds.

    The kernel reaps a killed grandchild in its own time.
    """
    deadline = time.monotonic() + 5
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(is_alive, pids))


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    with Supervisor() as supervisor:
        supervisor.start(Child("sleeper", note_and_sleep(pids)))
        supervisor.watch(lambda: len(lines_of(pids)) == 1, every=0.05)
        os.kill(int(lines_of(pids)[0]), signal.SIGKILL)
        supervisor.watch(lambda: len(lines_of(pids)) == 2, every=0.05)

    first, second = lines_of(pids)
    assert first != second


def test_a_child_that_keeps_dying_is_started_ever_later(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    child = Child("broken", ["sh", "-c", f"date +%s.%N >> {starts}; exit 1"])

    with Supervisor() as supervisor:
        supervisor.start(child)
        supervisor.watch(lambda: len(lines_of(starts)) == 3, every=0.05)

    times = [float(line) for line in lines_of(starts)]
    waits = [later - before for before, later in pairwise(times)]
    assert waits[0] >= 0.5
    assert waits[1] >= 1.0


def test_every_child_ends_with_its_supervisor(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    with Supervisor() as supervisor:
        for name in ("one", "two"):
            supervisor.start(Child(name, note_and_sleep(pids)))
        supervisor.watch(lambda: len(lines_of(pids)) == 2, every=0.05)

    assert all_end(lines_of(pids))


def test_a_deaf_child_is_killed_with_its_group_at_the_deadline(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    deaf = f"trap '' TERM; sleep 60 & echo $! >> {pids}; echo $$ >> {pids}; wait; wait"
    child = Child("deaf", ["bash", "-c", deaf])
    child.start()
    while len(lines_of(pids)) < 2:
        time.sleep(0.02)

    child.ask_to_end()
    child.end(deadline=time.monotonic() + 0.3)

    assert not child.is_alive
    assert all_end(lines_of(pids))


def test_servers_end_after_those_who_need_them(tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    program = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    time.sleep(float(sys.argv[2]))\n"
        f"    print(sys.argv[1], file=open({str(ends)!r}, 'a'))\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"print('ready', file=open({str(ends)!r} + '.ready', 'a'))\n"
        "signal.pause()\n"
    )
    ready = Path(f"{ends}.ready")

    with Supervisor() as supervisor:
        server = [*python(program), "server", "0"]
        supervisor.start(Child("server", server, is_server=True))
        supervisor.start(Child("client", [*python(program), "client", "0.3"]))
        supervisor.watch(lambda: len(lines_of(ready)) == 2, every=0.05)

    assert lines_of(ends) == ["client", "server"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_watch(number: signal.Signals) -> None:
    with Supervisor() as supervisor:
        n_calls = 0

        def do() -> None:
            nonlocal n_calls
            n_calls += 1
            os.kill(os.getpid(), number)

        assert supervisor.watch(do, every=0.01) is False

    assert n_calls == 1


def test_a_child_dies_with_a_killed_supervisor(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = (
        "from registry.management.children import Child, Supervisor\n"
        "with Supervisor() as supervisor:\n"
        f"    supervisor.start(Child('sleeper', {note_and_sleep(pids)!r}))\n"
        "    supervisor.watch(lambda: None, every=1)\n"
    )
    supervisor = subprocess.Popen(python(program))
    while not lines_of(pids):
        time.sleep(0.02)

    supervisor.kill()
    supervisor.wait()

    deadline = time.monotonic() + 5
    while is_alive(lines_of(pids)[0]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(lines_of(pids)[0])
