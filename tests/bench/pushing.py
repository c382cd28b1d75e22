"""Time pushes with the real client, over loopback, to a site of its own.

    python -m tests.bench.pushing one [MEGABYTES] [RUNS]   # beside cp and sha256sum
    python -m tests.bench.pushing teams [TEAMS]            # all at once, with lists

Each starts the site with web, worker and sweeper in a scratch folder, prints Markdown
rows and the load of the machine, and stops it again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from tests.integration.stack.running_site import Site, children_of, installed

MEGABYTE = 10**6
HF = Path(sys.executable).with_name("hf")
LIST = "/api/v1/models/?limit=100"
# What each team pushes besides its weights.
SMALL_FILES = {"config.json": b'{"model_type": "llama"}', "notes.txt": b"notes\n"}
TEAM_BYTES = 2 * MEGABYTE


def main(what: str, *numbers: str) -> None:
    """Measure one of the two and print its rows."""
    measure = {"one": one, "teams": teams}[what]
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
    print("| copy s | sha256sum s | push s | ratio | web's peak MiB |")
    ratios = []
    for run in range(runs):
        folder = scratch / f"model-{run}"
        weights = _write_weights(folder, megabytes * MEGABYTE)
        copied = _seconds("cp", str(weights), str(scratch / "copy"))
        hashed = _seconds("sha256sum", str(weights))
        (scratch / "copy").unlink()
        memory = _peak_of_web(site)
        pushed = _seconds(*_upload(f"bench/m{run}", folder), env=_client(site, token))
        ratios.append(pushed / (copied + hashed))
        print(
            f"| {copied:.2f} | {hashed:.2f} | {pushed:.2f} | {ratios[-1]:.2f} "
            f"| {memory:.0f} {_peak_of_web(site):.0f} |"
        )
        shutil.rmtree(folder)
        site.wait_until_idle()
    print(f"median ratio {statistics.median(ratios):.2f}")


def teams(site: Site, scratch: Path, n_teams: int = 50) -> None:
    """Let all teams push at once from threads, and ask for a list all the while."""
    made = site.manage("shell", "-v0", "-c", _MAKE.format(n=n_teams), stdout=-1)
    tokens = made.communicate()[0].decode().split()
    folders = [scratch / f"team{n}" for n in range(n_teams)]
    for folder in folders:
        _write_weights(folder, TEAM_BYTES)
        for name, content in SMALL_FILES.items():
            (folder / name).write_bytes(content)
    waits, end = multiprocessing.Queue(), multiprocessing.Event()
    prober = multiprocessing.Process(target=_probe, args=(site.port, waits, end))
    prober.start()
    started = time.perf_counter()
    with ThreadPoolExecutor(n_teams) as pool:
        jobs = [
            pool.submit(_push_as_team, site, n, tokens[n], folders[n])
            for n in range(n_teams)
        ]
        failures = [str(e) for job in jobs if (e := job.exception()) is not None]
    seconds = time.perf_counter() - started
    end.set()
    times = waits.get()
    prober.join()
    site.wait_until_idle()
    lost = sum(_lost(site, n, folder) for n, folder in enumerate(folders))
    p95 = statistics.quantiles(times, n=20)[-1]
    print("| teams | all pushed after s | errors | lost files | list p50 ms | p95 ms |")
    print(
        f"| {n_teams} | {seconds:.1f} | {len(failures)} | {lost} "
        f"| {statistics.median(times):.1f} | {p95:.1f} | ({len(times)} lists)"
    )
    print(*failures[:3], sep="\n")


_MAKE = """
from django.contrib.auth.models import User
from registry.services.organizations import create_organization, create_token
for n in range({n}):
    user = User.objects.create_user(f"user{{n}}")
    team = create_organization(slug=f"team{{n}}", owner=user)
    print(create_token(user=user, organization=team, name="x", scope="push")[1])
"""


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


def _probe(port: int, waits: Any, end: Any) -> None:
    """Ask for a list ten times a second; put all times into the queue at the end."""
    times = []
    while not end.wait(0.1):
        started = time.perf_counter()
        with urllib.request.urlopen(_url(port, LIST)) as answer:
            json.load(answer)
        times.append(1000 * (time.perf_counter() - started))
    waits.put(times)


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
    path = folder / "model.safetensors"
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        while end > 0:
            end -= file.write(os.urandom(min(end, 16 * MEGABYTE)))
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
    os.environ["HF_HUB_DISABLE_XET"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    main(*sys.argv[1:])
