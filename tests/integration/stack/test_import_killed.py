"""An import that is killed, in a process of its own, and started again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench import hub_dump

ROOT = Path(__file__).resolve().parents[3]
N_MODELS = 6000

pytestmark = pytest.mark.processes


def test_kill_9_costs_a_batch_at_most(tmp_path: Path) -> None:
    dump = tmp_path / "dump.jsonl"
    hub_dump.write(N_MODELS, dump)
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "only for tests",
    }
    manage = [sys.executable, "manage.py"]
    command = [*manage, "hub", "import", str(dump)]
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=environment, check=True)

    with subprocess.Popen(command, cwd=ROOT, env=environment) as importer:
        _wait_until_some_are_in(tmp_path / "baimo.sqlite3")
        importer.kill()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )

    assert f"{N_MODELS:,} rows: {N_MODELS:,} models new, 0 updated, 0 un" in done.stdout
    with sqlite3.connect(tmp_path / "baimo.sqlite3") as database:
        (n_models,) = database.execute(
            "SELECT count(*) FROM registry_registeredmodel"
        ).fetchone()
        (n_silent,) = database.execute(
            "SELECT count(*) FROM lineage_derivation d WHERE 1 <> "
            "(SELECT count(*) FROM lineage_statement WHERE derivation_id = d.id)"
        ).fetchone()
    database.close()
    assert (n_models, n_silent) == (N_MODELS, 0)


def _wait_until_some_are_in(path: Path) -> None:
    for _ in range(1200):
        with sqlite3.connect(path) as database:
            (n_positions,) = database.execute(
                "SELECT count(*) FROM registry_unfinishedimport"
            ).fetchone()
        database.close()
        if n_positions:
            return
        time.sleep(0.05)
    raise TimeoutError("the import does not begin")
