"""Time requests over HTTP, one worker, one client.

    python tests/bench/lists.py          # the API: 1,000 models, three children each
    python tests/bench/lists.py pages    # the pages: the catalog as it is

Starts gunicorn on a scratch database, prints one Markdown row per request with the
median and the 95th percentile in milliseconds and the size of the answer in kB, and
stops it again.
"""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PORT = int(os.environ.get("PORT", "18500"))
N_MODELS, N_REQUESTS = 1000, 200
REQUESTS = {
    "list 100 of 1,000": "/api/v1/models/?limit=100",
    "search": "/api/v1/models/?q=model+77",
    "ancestors of a leaf": f"/api/v1/models/model-{N_MODELS - 1}/ancestors/",
    "all 999 descendants": "/api/v1/models/model-0/descendants/?limit=1000",
}
PAGES = {
    "home": "/",
    "models, table": "/models/",
    "models, cards": "/zh-hans/models/?view=cards",
    "models, searched": "/models/?q=llama&open=yes",
    "model LLaMA": "/models/llama/",
    "model Llama 2, Chinese": "/zh-hans/models/llama-2/",
    "compare four": "/compare/?model=llama&model=yi-34b&model=gpt-3&model=qwen2.5",
    "statistics": "/statistics/",
    "organisation": "/organizations/meta/",
    "badge": "/models/llama/badge.svg",
    "family": "/families/LLaMA/",
    "family tree": "/lineage/",
}
FILL = f"""
from lineage.models import Derivation
from registry.models import RegisteredModel
models = [
    RegisteredModel(
        slug=f"model-{{i}}", name=f"model {{i}}", origin="catalog", category="sft",
        released=f"20{{i % 20 + 10}}-0{{i % 9 + 1}}", search_text=f"model {{i}}",
    )
    for i in range({N_MODELS})
]
RegisteredModel.objects.bulk_create(models)
Derivation.objects.bulk_create(
    Derivation(
        child=models[i], parent=models[(i - 1) // 3],
        relation="sft", layer="weights", state="declared",
    )
    for i in range(1, {N_MODELS})
)
"""


def main() -> None:
    """Fill a scratch register, time each request, print the rows."""
    pages = sys.argv[1:] == ["pages"]
    fill = ["catalog", "load"] if pages else ["shell", "-c", FILL]
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"DATA_DIR": folder, "LOG_LEVEL": "ERROR"}
        (Path(folder) / "static").mkdir()
        for command in (["migrate"], ["collectstatic", "--no-input"], fill):
            manage = [sys.executable, "manage.py", *command, "-v", "0"]
            subprocess.run(manage, cwd=ROOT, env=env, check=True)
        gunicorn = [sys.executable, "-m", "gunicorn", "registry.wsgi"]
        options = ["--bind", f"127.0.0.1:{PORT}", "--worker-class", "gthread"]
        server = subprocess.Popen(
            [*gunicorn, *options, "--threads", "8"], cwd=ROOT, env=env
        )
        try:
            _wait_until_ready()
            for name, path in (PAGES if pages else REQUESTS).items():
                _print_row(name, path)
        finally:
            server.terminate()
            server.wait()


def _wait_until_ready() -> None:
    for _ in range(100):
        try:
            _get(http.client.HTTPConnection("127.0.0.1", PORT), "/api/v1/models/")
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def _print_row(name: str, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    times = []
    for _ in range(N_REQUESTS):
        started = time.perf_counter()
        _get(connection, path)
        times.append(1000 * (time.perf_counter() - started))
    p95 = statistics.quantiles(times, n=20)[-1]
    size = len(_get(connection, path)) / 1000
    print(f"| {name} | {statistics.median(times):.1f} | {p95:.1f} | {size:.0f} |")


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {content[:200]!r}")
    return content


if __name__ == "__main__":
    main()
