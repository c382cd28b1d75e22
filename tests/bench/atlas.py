"""Time the atlas of a made-up register in headless Chromium, painted by the processor.

    python tests/bench/atlas.py 50000

Imports a hub's dump of that size into a scratch register, starts gunicorn, and prints
Markdown rows: what the server takes to draw the atlas and to send it, and what a
browser waits from the address to the drawn map, with the memory of its scripts.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PORT = int(os.environ.get("PORT", "18610"))
ADDRESS = f"http://127.0.0.1:{PORT}/lineage/atlas/"
N_VISITS = 5
# Software GL, so that a machine without a graphics card gives a figure.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def main() -> None:
    """Measure the atlas of a register of the size given."""
    n_models = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "dump.jsonl"
        generator = ROOT / "tests/bench/hub_dump.py"
        subprocess.run([sys.executable, generator, str(n_models), dump], check=True)
        os.environ.update(DATA_DIR=folder, LOG_LEVEL="ERROR", PORT=str(PORT))
        for command in (
            ["migrate", "--verbosity=0"],
            ["collectstatic", "--verbosity=0", "--noinput"],
            ["hub", "import", str(dump)],
        ):
            manage = [sys.executable, "manage.py", *command]
            subprocess.run(manage, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        print(f"load {os.getloadavg()[0]:.1f}\n\n| what | figure |\n|---|---|")
        _measure_server()
        server = _serve()
        try:
            _measure_answers()
            _measure_browser()
        finally:
            server.terminate()
            server.wait()
    print(f"\nload {os.getloadavg()[0]:.1f}")


def _row(name: str, figure: str) -> None:
    print(f"| {name} | {figure} |", flush=True)


def _measure_server() -> None:
    """Print what one process takes to read the register and place everything."""
    code = (
        "import time, django; django.setup(); from lineage import atlases;"
        "a, b = time.perf_counter(), time.process_time(); s = atlases.sheet();"
        "c, d = time.perf_counter(), time.process_time(); s.body();"
        "print(len(s.entries), len(s.edges), c - a, d - b, time.process_time() - d)"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "registry.settings"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    n, n_edges, wall, processor, body = done.stdout.split()
    _row("entries, derivations drawn", f"{int(n):,}, {int(n_edges):,}")
    seconds = f"{float(wall):.1f} s ({float(processor):.1f} s of processor)"
    _row("server: read and placed, once per change", seconds)
    _row("server: written and compressed, once", f"{float(body):.1f} s of processor")


def _serve() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "registry.wsgi"]
    command += ["--no-control-socket", "--log-level", "warning"]
    command += ["--bind", f"127.0.0.1:{PORT}", "--worker-class", "gthread"]
    process = subprocess.Popen([*command, "--threads", "8"], cwd=ROOT)
    for _ in range(300):
        try:
            _get(ADDRESS)
            return process
        except OSError:
            time.sleep(0.1)
    process.terminate()
    raise SystemExit("the server did not start")


def _get(address: str) -> bytes:
    asked = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(asked) as answer:
        body: bytes = answer.read()
        return body


def _measure_answers() -> None:
    _get(f"{ADDRESS}data.json")
    for name, path in (("page", ""), ("data", "data.json")):
        times = []
        for _ in range(50):
            started = time.perf_counter()
            body = _get(ADDRESS + path)
            times.append(1000 * (time.perf_counter() - started))
        size = len(body) / 1000
        _row(
            f"{name} again, median", f"{statistics.median(times):.0f} ms, {size:.0f} kB"
        )


def _measure_browser() -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS
        )
        visits = [_visit(browser) for _ in range(N_VISITS)]
        browser.close()
    seconds = sorted(visit["seconds"] for visit in visits)
    heaps = sorted(visit["heap"] for visit in visits)
    _row(
        f"browser: address to drawn, {N_VISITS} visits",
        f"median {statistics.median(seconds):.1f} s, worst {seconds[-1]:.1f} s",
    )
    _row("browser: heap of scripts, median", f"{statistics.median(heaps):.0f} MB")


def _visit(browser: Any) -> dict[str, float]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    started = time.perf_counter()
    page.goto(ADDRESS)
    page.wait_for_selector("[data-state=drawn]", timeout=120_000)
    # Drawn and answering: a click is heard once the main thread is free.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    seconds = time.perf_counter() - started
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    heap = next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize")
    page.close()
    return {"seconds": seconds, "heap": heap / 10**6}


if __name__ == "__main__":
    main()
