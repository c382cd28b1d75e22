"""Real processes that are killed: what was promised comes about all the same."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.integration.stack.running_site import (
    Site,
    answers,
    children_of,
    installed,
    is_alive,
    wait_for,
)

pytestmark = pytest.mark.processes
LEASE_SECONDS = 2
SAMPLE = Path(__file__).parents[3] / "registry" / "catalog" / "samples" / "oak"
JOB = (
    "SELECT j.state, j.attempts FROM registry_job j"
    " JOIN registry_revision r ON r.id = j.revision_id"
    " JOIN registry_registeredmodel m ON m.id = r.model_id WHERE m.slug = '{slug}'"
)
RESULTS = (
    "SELECT count(DISTINCT f.id), count(DISTINCT v.id) FROM registry_revision r"
    " JOIN registry_registeredmodel m ON m.id = r.model_id"
    " LEFT JOIN registry_fingerprint f ON f.revision_id = r.id"
    " LEFT JOIN lineage_verification v ON v.revision_id = r.id"
    " WHERE m.slug = '{slug}'"
)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site whose data outlive single tests."""
    folder = tmp_path_factory.mktemp("site")
    with installed(folder, {"JOB_LEASE_SECONDS": str(LEASE_SECONDS)}) as site:
        yield site


@pytest.fixture
def site(installation: Site) -> Site:
    """Return the site, running and with nothing to do."""
    if not installation.is_running:
        installation.start()
    installation.wait_until_idle()
    return installation


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a weight file that takes a second or more to read."""
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    shape, n_bytes = (3072, 4096), 3072 * 4096 * 2
    header = {
        f"model.layers.{layer}.mlp.up_proj.weight": {
            "dtype": "BF16",
            "shape": shape,
            "data_offsets": [layer * n_bytes, (layer + 1) * n_bytes],
        }
        for layer in range(20)
    }
    head = json.dumps(header).encode()
    random = np.random.default_rng(7)
    # Piece by piece, so that this process stays small: its children inherit its peak.
    with path.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for _ in header:
            values = random.standard_normal(shape, dtype=np.float32)
            file.write((values.view(np.uint32) >> 16).astype(np.uint16).tobytes())
    return path


@pytest.fixture
def large_model(tmp_path: Path, weights: Path) -> Path:
    """Return a model folder that no other test has, so that it is read anew."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / weights.name).symlink_to(weights)
    (folder / "config.json").write_text(json.dumps({"of": str(tmp_path)}))
    return folder


def freeze_worker_at_work(site: Site, slug: str) -> int:
    """Stop the worker in the middle of a model's job and return its pid.

    Not in the middle of a write: who stops there holds the database for everybody.
    """
    worker = wait_for(lambda: site.pid_of("registry.celery"))
    wait_for(lambda: site.rows(JOB.format(slug=slug)) == [("running", 1)])
    os.kill(worker, signal.SIGSTOP)
    while not site.can_write():
        os.kill(worker, signal.SIGCONT)
        time.sleep(0.01)
        os.kill(worker, signal.SIGSTOP)
    state = site.rows(JOB.format(slug=slug)), site.rows(RESULTS.format(slug=slug))
    if state != ([("running", 1)], [(0, 0)]):
        os.kill(worker, signal.SIGCONT)
    assert state == ([("running", 1)], [(0, 0)])
    return worker


def test_a_killed_worker_leaves_one_job_one_fingerprint_and_one_verdict(
    site: Site, large_model: Path
) -> None:
    site.push(large_model, "acme/killed-worker")
    worker = freeze_worker_at_work(site, "acme--killed-worker")

    os.kill(worker, signal.SIGKILL)
    site.wait_until_idle()

    assert site.rows(JOB.format(slug="acme--killed-worker")) == [("succeeded", 2)]
    assert site.rows(RESULTS.format(slug="acme--killed-worker")) == [(1, 1)]
    assert site.pid_of("registry.celery") != worker


def test_a_worker_that_was_only_slow_changes_nothing_any_more(
    site: Site, large_model: Path
) -> None:
    site.push(large_model, "acme/slow-worker")
    worker = freeze_worker_at_work(site, "acme--slow-worker")

    # A second worker takes the job over; the first then wakes and must give up.
    other = subprocess.Popen(
        [sys.executable, "-m", "celery", "--app", "registry.celery", "worker"],
        cwd=Path(__file__).parents[3],
        env=site.variables(),
    )
    try:
        wait_for(lambda: site.rows(JOB.format(slug="acme--slow-worker"))[0][1] == 2)
        os.kill(worker, signal.SIGCONT)
        site.wait_until_idle()
    finally:
        other.kill()
        other.wait()

    assert site.rows(JOB.format(slug="acme--slow-worker")) == [("succeeded", 2)]
    assert site.rows(RESULTS.format(slug="acme--slow-worker")) == [(1, 1)]


def test_no_child_outlives_a_killed_supervisor_and_up_again_ends_the_job(
    site: Site, large_model: Path
) -> None:
    site.push(large_model, "acme/killed-supervisor")
    freeze_worker_at_work(site, "acme--killed-supervisor")
    children = children_of(site.pid)
    assert len(children) >= 3

    site.kill()
    wait_for(lambda: not any(map(is_alive, children)), seconds=5)
    site.start()
    site.wait_until_idle()

    assert site.rows(JOB.format(slug="acme--killed-supervisor")) == [("succeeded", 2)]
    assert site.rows(RESULTS.format(slug="acme--killed-supervisor")) == [(1, 1)]
    assert list((site.folder / "data" / "tmp").glob("baimo-*")) == []


@pytest.mark.parametrize("program", ["registry.wsgi", "registry.celery"])
def test_a_killed_child_is_started_again(site: Site, program: str) -> None:
    before = wait_for(lambda: site.pid_of(program))

    os.kill(before, signal.SIGKILL)

    wait_for(lambda: site.pid_of(program) not in {None, before})
    wait_for(lambda: answers(site.address))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_signal_ends_everything(site: Site, number: signal.Signals) -> None:
    children = children_of(site.pid)
    assert site.process is not None

    site.process.send_signal(number)

    assert site.process.wait(timeout=30) == 0
    assert not any(map(is_alive, children))
    assert "Traceback" not in site.log


def test_a_second_start_in_the_same_folder_is_refused(site: Site) -> None:
    second = site.manage("up", "--bind", "127.0.0.1:1", stderr=subprocess.PIPE)

    _, error = second.communicate(timeout=30)

    assert second.returncode == 1
    assert error.decode().strip().endswith("already.")


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stranger = Site(tmp_path, {}, port=port)
        process = stranger.manage("up", stderr=subprocess.PIPE)
        _, error = process.communicate(timeout=30)

    assert process.returncode == 1
    assert error.decode().startswith(f"CommandError: Cannot listen on 127.0.0.1:{port}")
    assert len(error.decode().strip().splitlines()) == 1


def test_what_a_killed_writer_left_in_the_queue_stops_nobody(
    tmp_path: Path, large_model: Path
) -> None:
    with installed(tmp_path, {"DATABASE_URL": "", "REDIS_URL": ""}) as site:
        queue = tmp_path / "data" / "queue"
        for folder in ("messages", "control"):
            (queue / folder).mkdir(parents=True)
        (queue / "messages" / "1_half.fingerprint.msg").write_text('{"body": "W1')
        (queue / "control" / "fingerprint.exchange").write_text("")
        site.start()
        site.push(large_model, "acme/after-the-mess")
        site.wait_until_idle()

        assert site.rows(JOB.format(slug="acme--after-the-mess")) == [("succeeded", 1)]


def test_a_job_whose_bell_nobody_heard_is_done_all_the_same(
    site: Site, large_model: Path
) -> None:
    without_broker = replace(
        site, environment=site.environment | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    )

    without_broker.push(large_model, "acme/unheard")
    site.wait_until_idle()

    assert site.rows(JOB.format(slug="acme--unheard")) == [("succeeded", 1)]


def sweep_twice(site: Site) -> list[str]:
    """Return the first two things that a sweeper says before it is ended."""
    with site.manage("sweep", "--every", "0.1", stderr=subprocess.PIPE) as sweeper:
        assert sweeper.stderr is not None
        lines = [json.loads(sweeper.stderr.readline()) for _ in range(2)]
        sweeper.terminate()
    assert sweeper.returncode == 0
    return [line["event"] for line in lines]


def test_the_sweeper_goes_on_while_the_database_is_away(tmp_path: Path) -> None:
    away = {"DATABASE_URL": "postgres://baimo@127.0.0.1:1/baimo"}

    assert sweep_twice(Site(tmp_path, away)) == ["database away", "database away"]


def test_the_sweeper_goes_on_while_the_broker_is_away(tmp_path: Path) -> None:
    site = Site(tmp_path, {"REDIS_URL": "redis://127.0.0.1:1/0"})
    assert site.manage("migrate", "--verbosity", "0").wait(timeout=60) == 0
    site.push(SAMPLE, "acme/waiting")

    assert sweep_twice(site) == ["bell not heard", "bell not heard"]

    assert site.rows("SELECT state, n_rings FROM registry_job") == [("queued", 0)]


def test_starting_again_changes_nothing(site: Site) -> None:
    counted = "SELECT count(*) FROM registry_revision"
    before = site.rows(counted)

    site.stop()
    site.start()

    assert site.rows(counted) == before
