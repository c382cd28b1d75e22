"""A real site in processes of its own, for tests that kill some of them."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

ROOT = Path(__file__).parents[3]
PUSH = Path(__file__).parent / "push.py"


class TooSlow(AssertionError):
    """What a test waited for did not come about."""


def wait_for(condition: Callable[[], Any], *, seconds: float = 60) -> Any:
    """Return the condition's first true value; raises TooSlow."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise TooSlow(f"not within {seconds} s")


def children_of(pid: int) -> dict[int, str]:
    """Return pid and command line of every process below this one."""
    found: dict[int, str] = {}
    parents = {pid}
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it ended while we looked
        if parent in parents:
            parents.add(int(folder.name))
            found[int(folder.name)] = command
    return found


def is_alive(pid: int) -> bool:
    """Return whether the process runs; one that only waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def free_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(address: str) -> bool:
    """Return whether an address is served."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@dataclass
class Site:
    """One installation of Baimo in a folder, with a database and a queue."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1/models/"

    def variables(self) -> dict[str, str]:
        """Return the environment of every process of the site."""
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        own = {"DATA_DIR": str(self.folder / "data"), "PORT": str(self.port)}
        return kept | own | self.environment

    def manage(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a management command and return its process."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.variables(),
            **options,
        )

    def start(self, command: str = "up") -> None:
        """Start the site and return when it says where it is."""
        with (self.folder / "log").open("wb") as log:
            process = self.manage(command, stdout=log, stderr=subprocess.STDOUT)
        self.process = process
        wait_for(lambda: "Baimo is at" in self.log or process.poll() is not None)
        assert process.poll() is None, self.log

    def stop(self) -> int:
        """End the site as Ctrl-C does and return its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """Kill only the supervising process, as nothing can prevent."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=30)

    def pid_of(self, program: str) -> int | None:
        """Return the child whose command line names the program, if it is there."""
        children = children_of(self.pid).items()
        return next((pid for pid, line in children if program in line), None)

    def push(self, folder: Path, repo_id: str) -> None:
        """Register a folder's files, as a push does."""
        command = [sys.executable, str(PUSH), str(folder), repo_id]
        subprocess.run(command, env=self.variables(), check=True)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a query on the site's database finds."""
        if url := self.environment.get("DATABASE_URL"):
            with psycopg.connect(url, autocommit=True) as connection:
                return connection.execute(sql).fetchall()
        path = self.folder / "data" / "baimo.sqlite3"
        with closing(sqlite3.connect(path, timeout=20)) as file:
            return file.execute(sql).fetchall()

    def can_write(self) -> bool:
        """Return whether no process stands in the middle of a write."""
        touch = "UPDATE registry_job SET progress = progress"
        try:
            if url := self.environment.get("DATABASE_URL"):
                with psycopg.connect(url, options="-c lock_timeout=200") as connection:
                    connection.execute(touch)
                    connection.rollback()
            else:
                path = self.folder / "data" / "baimo.sqlite3"
                with closing(sqlite3.connect(path, timeout=0.2)) as file:
                    file.execute(touch)
                    file.rollback()
        except (sqlite3.OperationalError, psycopg.errors.LockNotAvailable):
            return False
        return True

    def wait_until_idle(self, *, seconds: float = 90) -> None:
        """Wait until no job waits or runs."""
        unfinished = (
            "SELECT count(*) FROM registry_job WHERE state IN ('queued', 'running')"
        )
        wait_for(lambda: self.rows(unfinished) == [(0,)], seconds=seconds)


@contextmanager
def installed(folder: Path, environment: dict[str, str]) -> Iterator[Site]:
    """Yield a site on the servers that the tests run on, or on none."""
    servers = {}
    if "DATABASE_URL" in os.environ and "DATABASE_URL" not in environment:
        servers = _own_servers(folder)
    site = Site(folder, environment | servers)
    try:
        yield site
    finally:
        if site.is_running:
            site.stop()
        if servers:
            _run_sql(f'DROP DATABASE "{folder.name}" WITH (FORCE)')


def _own_servers(folder: Path) -> dict[str, str]:
    """Return addresses of a new database and of an empty queue."""
    _run_sql(f'CREATE DATABASE "{folder.name}"')
    queue = os.environ["REDIS_URL"].rpartition("/")[0] + "/1"
    with redis.Redis.from_url(queue) as client:
        client.flushdb()
    before, _, query = os.environ["DATABASE_URL"].partition("?")
    database = f"{before.rpartition('/')[0]}/{folder.name}?{query}"
    return {"DATABASE_URL": database, "REDIS_URL": queue}


def _run_sql(sql: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql)
