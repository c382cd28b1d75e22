"""Time MLflow and Baimo side by side: mlflow_lists.py MLFLOW.

MLFLOW is the command of an environment of its own (`pip install mlflow`). Starts both
on SQLite, MLflow with one web process and Baimo as `manage.py up`, and registers the
same 1,000 models, three children each. In MLflow each is a registered model with one
version, whose tag `base_model` names the parent. Baimo's register holds its catalog
besides. One client, the two asked in turn. Prints a Markdown row per question:
median and 95th percentile in milliseconds of each, and MLflow's median over ours;
then what both take in memory (PSS) idle and afterwards.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench.lists import FILL, N_MODELS, REQUESTS  # noqa: E402
from tests.bench.memory import descendants_of, pss_mib  # noqa: E402

PORT = int(os.environ.get("PORT", "18500"))
MLFLOW_API = "/api/2.0/mlflow/"
START_SECONDS, SETTLE_SECONDS = 120, 20
N_LISTS, N_WALKS, N_OURS_PER_WALK = 200, 3, 40
LIST, DESCENDANTS = "list 100 of 1,000", "all 999 descendants"


class Client:
    """One connection to a server that answers in JSON."""

    def __init__(self, port: int, base: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._base = base
        self.n_requests = 0

    def ask(self, path: str, body: object = None) -> Any:
        """Return the answer to a GET, or to a POST where there is a body."""
        self.n_requests += 1
        method, content = "GET", None
        if body is not None:
            method, content = "POST", json.dumps(body)
        headers = {"Content-Type": "application/json"}
        self._connection.request(method, self._base + path, content, headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {text[:300]!r}")
        return json.loads(text) if text[:1] in b"{[" else text.decode()


def main(mlflow: str) -> None:
    """Start both, ask both, print the table."""
    with (
        tempfile.TemporaryDirectory() as theirs,
        tempfile.TemporaryDirectory() as ours,
        _serving(_mlflow_command(mlflow, theirs), theirs, {}) as mlflow_pid,
        _serving(_baimo_command(), ROOT, _baimo_env(ours)) as baimo_pid,
    ):
        _wait_for("MLflow", PORT, "/health")
        _wait_for("Baimo", PORT + 1, "/api/v1/models/")
        time.sleep(SETTLE_SECONDS)
        print(f"MLflow {Client(PORT).ask('/version')}; load {os.getloadavg()[0]:.1f}")
        pids = {"Baimo": baimo_pid, "MLflow": mlflow_pid}
        _print_memory("idle", pids)
        _fill_mlflow(Client(PORT, MLFLOW_API))
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", FILL],
            cwd=ROOT,
            env=os.environ | _baimo_env(ours),
            check=True,
        )
        _compare()
        _print_memory("after these requests", pids)
        print(f"load {os.getloadavg()[0]:.1f}")


def _mlflow_command(mlflow: str, folder: str) -> list[str]:
    return [
        *(mlflow, "server", "--host", "127.0.0.1", "--port", str(PORT)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", f"{folder}/artifacts"),
    ]


def _baimo_command() -> list[str]:
    return [sys.executable, "manage.py", "up", "--bind", f"127.0.0.1:{PORT + 1}"]


def _baimo_env(folder: str) -> dict[str, str]:
    return {"DATA_DIR": folder, "LOG_LEVEL": "ERROR"}


@contextmanager
def _serving(
    command: list[str], folder: str | Path, env: dict[str, str]
) -> Iterator[int]:
    """Run a server, with all that it starts, for as long as this lasts."""
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
    server = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | quiet | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _wait_for(name: str, port: int, path: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            Client(port).ask(path)
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{name} did not start")


def _fill_mlflow(server: Client) -> None:
    for number in range(N_MODELS):
        name = f"model-{number}"
        server.ask("registered-models/create", {"name": name})
        tags = [{"key": "relation", "value": "sft"}]
        if number:
            tags.append({"key": "base_model", "value": f"model-{(number - 1) // 3}"})
        version = {"name": name, "source": f"s3://models/{name}", "tags": tags}
        server.ask("model-versions/create", version)


def _compare() -> None:
    """Time both in turn and print the rows."""
    baimo, server = _connected()
    first_page = "registered-models/search?max_results=100"
    pairs = [
        (_ms(baimo.ask, REQUESTS[LIST]), _ms(server.ask, first_page))
        for _ in range(N_LISTS)
    ]
    _print_row(LIST, *zip(*pairs, strict=True))
    whole = REQUESTS["all 999 descendants"]
    found = baimo.ask(whole)["results"]
    assert len(found) == len(_descendants(server)) == len(_of_all(server)) == 999
    ours, walks, fetched = [], [], []
    for _ in range(N_WALKS):
        # Both hang up on a client that is idle while the other is asked.
        baimo, server = _connected()
        ours += [_ms(baimo.ask, whole) for _ in range(N_OURS_PER_WALK)]
        walks.append(_ms(_descendants, server))
        n_requests = server.n_requests
        fetched += [_ms(_of_all, server) for _ in range(N_OURS_PER_WALK // 4)]
    _print_row(f"{DESCENDANTS}: MLflow asked {n_requests:,} times", ours, walks)
    _print_row(f"{DESCENDANTS}: MLflow's versions all fetched", ours, fetched)


def _connected() -> tuple[Client, Client]:
    return Client(PORT + 1), Client(PORT, MLFLOW_API)


def _descendants(server: Client) -> set[str]:
    """Ask for the children of each model that was found."""
    found, waiting = set(), ["model-0"]
    while waiting:
        query = urlencode({"filter": f"tags.base_model = '{waiting.pop()}'"})
        answer = server.ask(f"model-versions/search?max_results=1000&{query}")
        names = [version["name"] for version in answer.get("model_versions", [])]
        found.update(names)
        waiting += names
    return found


def _of_all(server: Client) -> set[str]:
    """Fetch every version there is, and walk here."""
    answer = server.ask("model-versions/search?max_results=10000")
    children: dict[str, list[str]] = {}
    for version in answer["model_versions"]:
        for tag in version["tags"]:
            if tag["key"] == "base_model":
                children.setdefault(tag["value"], []).append(version["name"])
    found, waiting = set(), ["model-0"]
    while waiting:
        names = children.get(waiting.pop(), [])
        found.update(names)
        waiting += names
    return found


def _ms(ask: Callable[..., Any], *arguments: Any) -> float:
    started = time.perf_counter()
    ask(*arguments)
    return 1000 * (time.perf_counter() - started)


def _print_row(what: str, ours: Iterable[float], theirs: Iterable[float]) -> None:
    cells, medians = [], []
    for times in (list(ours), list(theirs)):
        medians.append(statistics.median(times))
        p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
        cells += [f"{medians[-1]:,.1f}", f"{p95:,.1f}"]
    ratio = medians[1] / medians[0]
    print(f"| {what} | {' | '.join(cells)} | {ratio:,.1f} |", flush=True)


def _print_memory(when: str, pids: dict[str, int]) -> None:
    for name, pid in pids.items():
        below = descendants_of(pid)
        total = sum(pss_mib(process) for process in below)
        print(f"{name}, {when}: {total:.0f} MiB in {len(below)} processes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
