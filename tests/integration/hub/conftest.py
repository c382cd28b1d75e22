"""A real register in processes of its own, and the real client to talk to it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import HfApi
from safetensors.numpy import save

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
# Small, so that a file of several parts is small too.
PART_BYTES = 128 * 1024
CARD = b"---\nbase_model: acme/base\nbase_model_relation: finetune\n---\n# A model\n"


@dataclass(frozen=True, eq=False)
class LiveRegister:
    """A running register with its own data; everything a client needs to reach it."""

    url: str
    data_dir: Path
    environment: dict[str, str] = field(repr=False)

    @cache  # noqa: B019 - one register lives as long as the test session
    def token(self, user: str, organization: str, scope: str = "push") -> str:
        """Return a token made by the product's own command."""
        command = ["token", user, "--organization", organization, "--scope", scope]
        made = self._manage(*command)
        return made.stdout.strip()

    def _manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )

    def hf(self, *arguments: str, token: str) -> subprocess.CompletedProcess[str]:
        """Run the `hf` command against this register and return how it ended."""
        environment = os.environ | {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HOME": str(self.data_dir / "hf-home"),
            "NO_COLOR": "1",
        }
        return subprocess.run(
            [BIN / "hf", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def api(self, token: str | bool = False) -> HfApi:
        """Return the client library; without a token it asks as anybody."""
        return HfApi(endpoint=self.url, token=token)

    def stored_files(self) -> set[str]:
        """Return the names of everything in the store, also of what is half there."""
        files = (self.data_dir / "files").rglob("*")
        return {file.name for file in files if file.is_file()}


@pytest.fixture(scope="session")
def live_register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRegister]:
    """Yield a running register with an empty database."""
    with running_register(tmp_path_factory.mktemp("register")) as register:
        yield register


@contextmanager
def running_register(data_dir: Path, **further: str) -> Iterator[LiveRegister]:
    """Start the web process on a free port with an empty database; end it after."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "SECRET_KEY": "only for tests",
        "PART_BYTES": str(PART_BYTES),
    } | further
    register = LiveRegister(f"http://127.0.0.1:{port}", data_dir, environment)
    register._manage("migrate", "-v0")
    command = [BIN / "gunicorn", "registry.wsgi", f"--bind=127.0.0.1:{port}"]
    command += ["--worker-class=gthread", "--threads=8", "--no-control-socket"]
    log = (data_dir / "web.log").open("wb")
    with (
        log,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log
        ) as web,
    ):
        _wait_until_it_answers(register.url)
        yield register
        web.terminate()


def _wait_until_it_answers(url: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{url}/api/models", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")


@pytest.fixture(scope="session", autouse=True)
def _no_xet() -> Iterator[None]:
    """Make the library behave like the command does with HF_HUB_DISABLE_XET=1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a small model as people have it."""
    model = tmp_path / "model"
    (model / "docs").mkdir(parents=True)
    (model / "README.md").write_bytes(CARD)
    (model / "config.json").write_bytes(b'{"model_type": "llama"}')
    (model / "model.safetensors").write_bytes(weights(1))
    (model / "docs" / "demo.html").write_bytes(b"<script>alert(1)</script>")
    return model


def weights(seed: int, size: int = 64) -> bytes:
    """Return a safetensors file with one random matrix."""
    matrix = np.random.default_rng(seed).standard_normal((size, size), np.float32)
    content: Any = save({"model.embed_tokens.weight": matrix})
    return bytes(content)
