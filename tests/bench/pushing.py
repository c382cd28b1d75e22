"""Time pushes with the real client, over loopback, to a site of its own.

    python -m tests.bench.pushing one [MEGABYTES] [RUNS]   # beside cp and sha256sum
    python -m tests.bench.pushing teams [TEAMS]            # all at once, with lists
    python -m tests.bench.pushing resumed [MEGABYTES]      # killed half-way, repeated

Each starts the site with web, worker and sweeper in a scratch folder, prints Markdown
rows and the load of the machine, and stops it again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import cycle, islice
from pathlib import Path

from huggingface_hub import HfApi, constants
from huggingface_hub.utils import disable_progress_bars

from tests.integration.stack.running_site import (
    Site,
    children_of,
    installed,
    wait_for,
)

MEGABYTE = 10**6
HF = Path(sys.executable).with_name("hf")
LIST = "/api/v1/models/?limit=100"
ZOO = Path(__file__).parents[1] / "zoo"
WEIGHTS = "model.safetensors"
# For all jobs of one run to end.
PATIENCE_SECONDS = 1200


def main(what: str, *numbers: str) -> None:
    """Measure one of these and print its rows."""
    measure = {"one": one, "teams": teams, "resumed": resumed}[what]
    with (
        tempfile.TemporaryDirectory(prefix="baimo-bench-") as scratch,
        installed(Path(scratch) / "site", {"LOG_LEVEL": "ERROR"}) as site,
    ):
        site.folder.mkdir()
        site.start()
        site.wait_until_idle()
        before = os.getloadavg()[0]
        measure(site, Path(scratch), *map(int, numbers))
        print(f"load before: {before:.1f}, after: {os.getloadavg()[0]:.1f}")


def one(site: Site, scratch: Path, megabytes: int = 1000, runs: int = 3) -> None:
    """Push a file of fresh content each time; copy and hash it beside that."""
    token = _token(site, "bench")
    print("| copy s | and synced | sha256sum s | push s | ratio | web's peak MiB |")
    ratios = []
    for run in range(runs):
        folder = scratch / f"model-{run}"
        weights = _write_weights(folder, megabytes * MEGABYTE)
        copied = _seconds("cp", str(weights), str(scratch / "copy"))
        synced = copied + _seconds("sync", str(scratch / "copy"))
        hashed = _seconds("sha256sum", str(weights))
        (scratch / "copy").unlink()
        memory = _peak_of_web(site)
        pushed = _seconds(*_upload(f"bench/m{run}", folder), env=_client(site, token))
        ratios.append(pushed / (copied + hashed))
        print(
            f"| {copied:.2f} | {synced:.2f} | {hashed:.2f} | {pushed:.2f} "
            f"| {ratios[-1]:.2f} | {memory:.0f} {_peak_of_web(site):.0f} |"
        )
        shutil.rmtree(folder)
        site.wait_until_idle()
    print(f"median ratio {statistics.median(ratios):.2f}")


def teams(site: Site, scratch: Path, n_teams: int = 50) -> None:
    """Let all teams push at once from threads, and ask for a list all the while."""
    made = site.manage("shell", "-v0", "-c", _MAKE.format(n=n_teams), stdout=-1)
    tokens = made.communicate()[0].decode().split()
    models = islice(cycle(sorted(ZOO.glob(f"*/{WEIGHTS}"))), n_teams)
    folders = [
        _trained(weights.parent, scratch / f"team{number}", number)
        for number, weights in enumerate(models)
    ]
    end = scratch / "end"
    with ProcessPoolExecutor(1) as prober:
        probes = prober.submit(_probe, site.port, end)
        try:
            started = time.perf_counter()
            failures = _push_all(site, tokens, folders)
            pushed = time.perf_counter()
            site.wait_until_idle(seconds=PATIENCE_SECONDS)
            judged = time.perf_counter()
        finally:
            end.touch()
        times, unanswered = probes.result()
    lost = sum(_lost(site, n, folder) for n, folder in enumerate(folders))
    errors = len(failures) + unanswered
    print("| until | after s | errors | lost files | lists | p50 ms | p95 ms |")
    for what, moment in (("all pushed", pushed), ("all judged", judged)):
        asked = [took for at, took in times if started <= at < moment]
        p95 = statistics.quantiles(asked, n=20)[-1]
        print(
            f"| {what} | {moment - started:.1f} | {errors} | {lost} | {len(asked)} "
            f"| {statistics.median(asked):.1f} | {p95:.1f} |"
        )
    print(*failures[:3], sep="\n")


def resumed(site: Site, scratch: Path, megabytes: int = 300) -> None:
    """Kill a client in mid-file, push again, and count what went over the wire."""
    token = _token(site, "bench")
    weights = _write_weights(scratch / "model", megabytes * MEGABYTE)
    size = weights.stat().st_size
    with closing(Wire(site.port)) as wire:
        client = _client(site, token) | {"HF_ENDPOINT": wire.address}
        command = _upload("bench/resumed", weights.parent)
        first = subprocess.Popen(command, env=client, stderr=subprocess.DEVNULL)
        wait_for(lambda: wire.sent > 0.6 * size)
        first.kill()
        first.wait()
        before = wire.sent
        _seconds(*command, env=client)
        again = wire.sent - size
    print("| file MB | sent before the kill | in all | sent again MB |")
    print(
        f"| {size / MEGABYTE:.1f} | {before / MEGABYTE:.1f} "
        f"| {(size + again) / MEGABYTE:.1f} | {again / MEGABYTE:.1f} |"
    )


class Wire:
    """A way to the site that counts the bytes that it hands to the server."""

    # Little is under way at any time, so that the count is of what the server takes.
    BUFFER_BYTES = 64 * 1024

    def __init__(self, port: int) -> None:
        self.sent = 0
        self._port = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.BUFFER_BYTES)
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let nobody else in."""
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                server.setsockopt(
                    socket.SOL_SOCKET, socket.SO_SNDBUF, self.BUFFER_BYTES
                )
                for ends in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(
        self, source: socket.socket, target: socket.socket, is_counted: bool
    ) -> None:
        """Hand on what one end says until it or the other one is gone."""
        with suppress(OSError):
            while chunk := source.recv(self.BUFFER_BYTES):
                target.sendall(chunk)
                self.sent += len(chunk) if is_counted else 0
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            # What is unread makes this a reset: the other end stops sending.
            end.close()


_MAKE = """
from django.contrib.auth.models import User
from registry.services.organizations import create_organization, create_token
for n in range({n}):
    user = User.objects.create_user(f"user{{n}}")
    team = create_organization(slug=f"team{{n}}", owner=user)
    print(create_token(user=user, organization=team, name="x", scope="push")[1])
"""


def _trained(source: Path, folder: Path, number: int) -> Path:
    """Return a folder with a trained model whose bytes no other team has."""
    shutil.copytree(source, folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    content = (folder / WEIGHTS).read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end]) | {"__metadata__": {"team": str(number)}}
    written = json.dumps(header).encode()
    (folder / WEIGHTS).write_bytes(
        len(written).to_bytes(8, "little") + written + content[end:]
    )
    return folder


def _push_all(site: Site, tokens: list[str], folders: list[Path]) -> list[str]:
    """Return why pushes failed, after all have ended."""
    with ThreadPoolExecutor(len(folders)) as pool:
        jobs = [
            pool.submit(_push_as_team, site, n, tokens[n], folder)
            for n, folder in enumerate(folders)
        ]
    return [repr(e) for job in jobs if (e := job.exception()) is not None]


def _push_as_team(site: Site, number: int, token: str, folder: Path) -> None:
    api = HfApi(endpoint=f"http://127.0.0.1:{site.port}", token=token)
    repo_id = f"team{number}/model"
    api.create_repo(repo_id)
    api.upload_folder(repo_id=repo_id, folder_path=folder)


def _lost(site: Site, number: int, folder: Path) -> int:
    """Return how many of a team's files the register serves not at all or otherwise."""
    lost = 0
    for path in folder.iterdir():
        address = f"/team{number}/model/resolve/main/{path.name}"
        try:
            with urllib.request.urlopen(_url(site.port, address)) as answer:
                served = hashlib.file_digest(answer, "sha256").digest()
        except OSError:
            served = b""
        with path.open("rb") as file:
            lost += served != hashlib.file_digest(file, "sha256").digest()
    return lost


def _probe(port: int, end: Path) -> tuple[list[tuple[float, float]], int]:
    """Ask for a list ten times a second until a file is there.

    Returns when each was asked for and the milliseconds it took, and how many failed.
    """
    times, failed = [], 0
    while not end.exists():
        started = time.perf_counter()
        try:
            with urllib.request.urlopen(_url(port, LIST)) as answer:
                json.load(answer)
            times.append((started, 1000 * (time.perf_counter() - started)))
        except OSError:
            failed += 1
        time.sleep(0.1)
    return times, failed


def _url(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}{path}"


def _write_weights(folder: Path, size: int) -> Path:
    """Return a safetensors file of one matrix of noise, and a card beside it."""
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    rows = size // 2 // 1000
    end = rows * 2000
    tensor = {"dtype": "BF16", "shape": [rows, 1000], "data_offsets": [0, end]}
    header = json.dumps({"model.embed_tokens.weight": tensor}).encode()
    path = folder / WEIGHTS
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        while end > 0:
            end -= file.write(os.urandom(min(end, 16 * MEGABYTE)))
        # Or the push would wait for the disk to take this file too.
        file.flush()
        os.fsync(file.fileno())
    return path


def _token(site: Site, team: str) -> str:
    command = site.manage("token", "bench", "--organization", team, stdout=-1)
    return command.communicate()[0].decode().strip()


def _client(site: Site, token: str) -> dict[str, str]:
    return os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{site.port}",
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HOME": str(site.folder / "hf-home"),
    }


def _upload(repo_id: str, folder: Path) -> list[str]:
    return [str(HF), "upload", repo_id, str(folder)]


def _seconds(*command: str, env: dict[str, str] | None = None) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _peak_of_web(site: Site) -> float:
    """Return the most memory that a web process has ever had, in MiB."""
    peaks = [0.0]
    for pid, command in children_of(site.pid).items():
        if "gunicorn" in command:
            status = Path(f"/proc/{pid}/status").read_text()
            peaks.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)
    return max(peaks)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    # The environment has been read when the library was imported.
    constants.HF_HUB_DISABLE_XET = True
    disable_progress_bars()
    main(*sys.argv[1:])
