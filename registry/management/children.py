"""Child processes that are restarted when they die and never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Self

import structlog

log = structlog.get_logger("baimo.children")

LOOK_EVERY_SECONDS = 0.25
STEADY_SECONDS = 10.0
LONGEST_BACK_OFF_SECONDS = 30.0
GRACE_SECONDS = 8.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Child:
    """A process to keep alive: what to run, and the signal that ends it well.

    Others need a server to end well themselves, so that it ends after them.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    is_server: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started_at: float = field(default=0.0, repr=False)
    _not_before: float = field(default=0.0, repr=False)
    _n_quick_deaths: int = field(default=0, repr=False)

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process in a group of its own, which Ctrl-C does not reach."""
        self._started_at = time.monotonic()
        self._process = _spawn(self.command, self.environment)

    def keep_alive(self) -> None:
        """Start a dead process again, ever later when it keeps dying at once."""
        if self.is_alive:
            return
        if self._process is not None:
            self._bury(self._process)
        if time.monotonic() >= self._not_before:
            self.start()

    def ask_to_end(self) -> None:
        """Send the stop signal to a living process."""
        if self._process is not None and self.is_alive:
            self._process.send_signal(self.stop_signal)

    def end(self, *, deadline: float) -> None:
        """Wait for the process until the deadline, then kill its whole group."""
        if self._process is None:
            return
        try:
            self._process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            log.warning("child killed", child=self.name)
        _kill_group(self._process)
        self._process.wait()

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        log.warning("child died", child=self.name, status=process.returncode)
        _kill_group(process)
        now = time.monotonic()
        is_quick = now - self._started_at < STEADY_SECONDS
        self._n_quick_deaths = self._n_quick_deaths + 1 if is_quick else 0
        wait = min(2.0 ** (self._n_quick_deaths - 2), LONGEST_BACK_OFF_SECONDS)
        self._not_before = now + wait
        self._process = None


class Supervisor:
    """Keeps children alive until SIGTERM or SIGINT, then ends them."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._is_asked_to_stop = threading.Event()

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for are_servers in (False, True):
            leaving = [c for c in self._children if c.is_server is are_servers]
            for child in leaving:
                child.ask_to_end()
            deadline = time.monotonic() + GRACE_SECONDS
            for child in leaving:
                child.end(deadline=deadline)

    def start(self, child: Child) -> None:
        """Start a child and keep it alive from now on."""
        self._children.append(child)
        child.start()

    def watch(self, do: Callable[[], object], *, every: float) -> bool:
        """Keep the children alive and call do() every so many seconds.

        Returns True as soon as do() returns something true, and False when the
        supervisor was asked to stop.
        """
        next_at = time.monotonic()
        while not self._is_asked_to_stop.wait(min(every, LOOK_EVERY_SECONDS)):
            for child in self._children:
                child.keep_alive()
            if time.monotonic() >= next_at:
                next_at = time.monotonic() + every
                if do():
                    return True
        return False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._is_asked_to_stop.set()


def run_to_end(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return the exit status of a command that Ctrl-C does not cut off."""
    return _spawn(command, environment).wait()


def _spawn(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),
    )


def _die_with(parent: int) -> Callable[[], None]:
    """Return what a child runs before its program: it dies when the parent does."""

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the kernel knew what we want.
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
