"""A private PostgreSQL and Redis in a folder: for `stack` and for the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

from registry.management.children import Child, Supervisor

DATABASE = "baimo"
POLL_SECONDS = 0.05
START_SECONDS = 60
# Faster by far, and nothing is lost when the data are thrown away anyway.
_NOT_DURABLE = ["-c", "fsync=off", "-c", "synchronous_commit=off"]


class ServerMissing(Exception):
    """A server program that is not installed; the text says how to install it."""


class ServerBroken(Exception):
    """A server that does not start."""


@contextmanager
def sockets() -> Iterator[Path]:
    """Yield a folder for sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="baimo-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def start(
    supervisor: Supervisor, folder: Path, run: Path, *, durable: bool
) -> dict[str, str]:
    """Start both servers and return DATABASE_URL and REDIS_URL once they answer.

    Data live in the folder, sockets in run. Raises ServerMissing and ServerBroken.
    """
    database_url = f"postgres://{DATABASE}@/{DATABASE}?host={run}"
    port = _free_port()
    redis_url = f"redis://127.0.0.1:{port}/0"
    cluster = folder / "postgres"
    supervisor.start(_postgres(cluster, run, durable=durable))
    supervisor.start(_redis(folder / "redis", port, durable=durable))
    _wait(supervisor, lambda: _answers_postgres(cluster, run), "PostgreSQL")
    _wait(supervisor, lambda: _answers_redis(redis_url), "Redis")
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url}


def _postgres(data: Path, run: Path, *, durable: bool) -> Child:
    programs = _programs()
    if os.geteuid() == 0:
        shutil.chown(run, "postgres")
    if not (data / "PG_VERSION").exists():
        _make_cluster(data, programs)
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(run)]
    # Every thread of web may hold a connection.
    command += ["-c", "max_connections=200"]
    command += ["-c", "listen_addresses=", "-c", "log_min_messages=fatal"]
    command += [] if durable else _NOT_DURABLE
    return Child(
        "postgres", _not_as_root(command), stop_signal=signal.SIGINT, is_server=True
    )


def _make_cluster(data: Path, programs: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(data, "postgres")
    command = [str(programs / "initdb"), "-D", str(data), "-U", DATABASE]
    command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    made = subprocess.run(_not_as_root(command), capture_output=True, text=True)
    if made.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise ServerBroken(f"initdb: {made.stderr.strip().splitlines()[-1]}")


def _not_as_root(command: Sequence[str]) -> list[str]:
    """Return the command for user postgres when we are root, which it refuses.

    It keeps root's right to reach a folder below another's home, and the order to
    die with us, which a change of user would clear.
    """
    if os.geteuid() != 0:
        return list(command)
    change = ["--reuid=postgres", "--regid=postgres", "--init-groups"]
    keep = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", *change, *keep, "--pdeathsig=KILL", *command]


def _redis(data: Path, port: int, *, durable: bool) -> Child:
    program = shutil.which("redis-server")
    if program is None:
        raise ServerMissing("Redis is missing: apt-get install redis-server")
    data.mkdir(parents=True, exist_ok=True)
    command = [program, "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(data), "--logfile", "redis.log"]
    command += ["--appendonly", "yes"] if durable else ["--save", ""]
    return Child("redis", command, is_server=True)


def _programs() -> Path:
    """Return the folder of the newest PostgreSQL; Debian keeps it off the PATH."""
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise ServerMissing("PostgreSQL is missing: apt-get install postgresql")
    return max(found, key=lambda path: (path.parent.name.isdigit(), path.parent.name))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(supervisor: Supervisor, answers: Callable[[], bool], name: str) -> None:
    tries = iter(range(int(START_SECONDS / POLL_SECONDS)))
    supervisor.watch(lambda: answers() or next(tries, None) is None, every=POLL_SECONDS)
    if not answers():
        raise ServerBroken(f"{name} does not answer")


def _answers_postgres(cluster: Path, run: Path) -> bool:
    """Return whether PostgreSQL answers, and make its database on the way."""
    # Its last line is the state; connecting earlier would fill the log.
    status = cluster / "postmaster.pid"
    if not status.exists() or "ready" not in status.read_text():
        return False
    try:
        with psycopg.connect(
            host=str(run), user=DATABASE, dbname="postgres", autocommit=True
        ) as connection:
            _make_database(connection)
    except psycopg.OperationalError:
        return False
    return True


def _make_database(connection: psycopg.Connection) -> None:
    query = "SELECT 1 FROM pg_database WHERE datname = %s"
    if connection.execute(query, [DATABASE]).fetchone() is None:
        connection.execute(f"CREATE DATABASE {DATABASE}")


def _answers_redis(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False
