"""Time the lineage over HTTP on made-up registers, one worker, one client.

    python tests/bench/lineage.py 10000 200000 2000000
    python tests/servers.py .venv/bin/python tests/bench/lineage.py 200000

The second line uses PostgreSQL. Each register grows by preferential attachment: 35 %
of its models declare no parent, of the others 5 % are merges of two or three, half of
these of earlier merges; no chain is longer than 20. Fills a scratch database, starts
gunicorn on it, prints one Markdown row per question, and stops it: median and 95th
percentile in milliseconds as the client waits, and the processor time of the worker,
which other work on the machine lengthens less.
"""

from __future__ import annotations

import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
PORT = int(os.environ.get("PORT", "18600"))
N_REQUESTS = 200
HUB_DESCENDANTS = 100_000
MAX_DEPTH = 20
MODEL_COLUMNS = [
    *("id", "slug", "origin", "kind", "name", "name_zh", "aliases", "repo_name"),
    *("category", "family", "architecture", "released", "license", "arxiv"),
    *("facts", "claims", "search_text", "private", "created_at", "updated_at"),
]
DERIVATION_COLUMNS = [
    *("child_id", "parent_id", "relation", "layer", "note", "note_zh"),
    *("state", "created_at"),
]
NOW = "2026-11-24 12:00:00+00:00"


@dataclass(frozen=True)
class Grown:
    """A register: parents of each model, and models worth asking about."""

    parents: Sequence[Sequence[int]]

    @property
    def edges(self) -> Iterator[tuple[int, int]]:
        for child, parents in enumerate(self.parents):
            for parent in parents:
                yield child, parent

    def ancestors(self, model: int) -> set[int]:
        """Return everything above a model."""
        found: set[int] = set()
        waiting = [model]
        while waiting:
            for parent in self.parents[waiting.pop()]:
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def largest_cones(self, n: int) -> list[int]:
        """Return the models with the most ancestors, from those with the most ways."""
        ways = [0] * len(self.parents)
        for child, parents in enumerate(self.parents):
            ways[child] = sum(ways[parent] + 1 for parent in parents)
        likely = sorted(range(len(ways)), key=lambda model: -ways[model])[: 10 * n]
        return sorted(likely, key=lambda model: -len(self.ancestors(model)))[:n]


def grow(n_models: int, chance: random.Random) -> Grown:
    """Return a register in which fruitful models become more fruitful; ids from 1."""
    parents: list[tuple[int, ...]] = [()]
    depth = [0]
    pool: list[int] = []
    merges: list[int] = []
    for model in range(1, n_models + 1):
        chosen: set[int] = set()
        if pool and chance.random() > 0.35:
            is_merge = chance.random() < 0.05
            source = merges if is_merge and merges and chance.random() < 0.5 else pool
            for _ in range(chance.choice([2, 3]) if is_merge else 1):
                parent = chance.choice(source)
                if depth[parent] < MAX_DEPTH:
                    chosen.add(parent)
        parents.append(tuple(sorted(chosen)))
        depth.append(1 + max((depth[parent] for parent in chosen), default=-1))
        pool += [model, *chosen]
        if len(chosen) > 1:
            merges.append(model)
    return Grown(parents)


def main() -> None:
    """Measure registers of the sizes given."""
    for n_models in map(int, sys.argv[1:] or ["10000"]):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "static").mkdir()
            env = {"DATA_DIR": folder, "LOG_LEVEL": "ERROR"}
            child = [sys.executable, __file__, "measure", str(n_models)]
            subprocess.run(child, env=os.environ | env, check=True)


def measure(n_models: int) -> None:
    """Fill the database of the environment and print the rows of its questions."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "registry.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("flush" if _is_filled() else "migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    chance = random.Random(5)
    grown = grow(n_models, chance)
    started = time.perf_counter()
    n_edges = _fill(grown, chance)
    seconds = time.perf_counter() - started
    print(f"\n{connection.vendor}: {n_models:,} models, {n_edges:,} derivations, ")
    print(f"filled in {seconds:.0f} s; ", end="")
    hub, n_below = _index_and_hub()
    cones = grown.largest_cones(N_REQUESTS)
    n_above = len(grown.ancestors(cones[0]))
    print(f"a hub has {n_below:,} descendants, a model up to {n_above} ancestors\n")
    print("| question | p50 | p95 | processor | kB |\n|---|---|---|---|---|")
    connection.close()
    with Server() as server:
        client = http.client.HTTPConnection("127.0.0.1", PORT)
        for name, paths in _questions(grown, hub, cones, chance).items():
            _print_row(name, lambda path: _get(client, path), paths, server.seconds)
    for name, children in _children(grown, cones).items():
        add = _adder(children, cones, chance)
        _print_row(name, add, range(N_REQUESTS), time.process_time)


def _is_filled() -> bool:
    from django.db import connection

    return "lineage_change" in connection.introspection.table_names()


def _fill(grown: Grown, chance: random.Random) -> int:
    n = len(grown.parents) - 1
    merged = [len(parents) > 1 for parents in grown.parents]
    kinds = chance.choices(["sft", "quantized", "adapter"], weights=[2, 1, 1], k=n + 1)
    words = ["merge" if merged[i] else kinds[i] for i in range(n + 1)]

    def models() -> Iterator[tuple[Any, ...]]:
        for i in range(1, n + 1):
            category = words[i] if grown.parents[i] else "base"
            date = f"20{i % 7 + 20}-{i % 12 + 1:02}"
            name = f"model {i}"
            yield (
                *(i, f"m{i}", "catalog", "model", name, "", "[]", "", category, "", ""),
                *(date, "", "", "{}", "[]", name, False, NOW, NOW),
            )

    def derivations() -> Iterator[tuple[Any, ...]]:
        for child, parent in grown.edges:
            yield child, parent, words[child], "weights", "", "", "declared", NOW

    _copy("registry_registeredmodel", MODEL_COLUMNS, models())
    return _copy("lineage_derivation", DERIVATION_COLUMNS, derivations())


def _copy(table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> int:
    from django.db import connection, transaction

    names = ", ".join(columns)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["?"] * len(columns))
            sql = f"INSERT INTO {table} ({names}) VALUES ({places})"
            connection.connection.executemany(sql, rows)
        cursor.execute(f"SELECT count(*) FROM {table}")
        n_rows: int = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")
    return n_rows


def _index_and_hub() -> tuple[int, int]:
    """Build the index, say what it costs, and return the hub and its descendants."""
    from django.conf import settings

    from lineage import indexing, queries
    from lineage.index import names
    from lineage.models import Derivation
    from lineage.queries import Scope

    indexing.MIN_CHANGES = 1  # to measure the index of small registers too
    started = time.perf_counter()
    indexing.refresh()
    seconds = time.perf_counter() - started
    folder = settings.INDEX_DIR / names(settings.INDEX_DIR)[0]
    n_bytes = sum(file.stat().st_size for file in folder.iterdir())
    print(f"index built in {seconds:.1f} s, {n_bytes / 10**6:.1f} MB; ", end="")
    parents = Derivation.objects.values_list("parent_id", flat=True)
    likely = np.argsort(-np.bincount(list(parents)))[:300].tolist()
    sizes = {model: len(queries.below(model, Scope())) for model in likely}
    hub = min(sizes, key=lambda model: abs(sizes[model] - HUB_DESCENDANTS))
    return hub, sizes[hub]


def _questions(
    grown: Grown, hub: int, cones: list[int], chance: random.Random
) -> dict[str, list[str]]:
    def walks(models: list[int], which: str) -> list[str]:
        return [f"/api/v1/models/m{model}/{which}/" for model in models]

    def root_of(model: int) -> int:
        return min(a for a in grown.ancestors(model) if not grown.parents[a])

    derived = [model for model, above in enumerate(grown.parents) if above]
    pairs = [chance.sample(cones, 2) for _ in range(N_REQUESTS)]
    below = f"/api/v1/models/m{hub}/descendants/"
    near = f"/api/v1/lineage/graph/?focus=m{hub}&up=20&down=20&limit=2000"
    return {
        "roots of a model without parents": walks([1] * N_REQUESTS, "roots"),
        "ancestors of any": walks(chance.sample(derived, N_REQUESTS), "ancestors"),
        "ancestors of those with most": walks(cones, "ancestors"),
        "their roots": walks(cones, "roots"),
        "their paths to a root": [
            f"/api/v1/lineage/path/?from=m{m}&to=m{root_of(m)}" for m in cones
        ],
        "their lowest common ancestors": [
            f"/api/v1/lineage/common-ancestors/?models=m{a},m{b}" for a, b in pairs
        ],
        "hub: total and first page": [below] * N_REQUESTS,
        "hub: ego graph of 2,000": [near] * N_REQUESTS,
        "hub: subtree by category": walks([hub] * 20, "subtree"),
        "hub: its merges by date": [f"{below}?category=merge&ordering=-released"] * 20,
    }


def _children(grown: Grown, cones: list[int]) -> dict[str, list[int]]:
    """Return the newest models without children and with some, apart from the cones.

    Only for the latter a cycle has to be looked for above the parent.
    """
    within = {model for cone in cones for model in (cone, *grown.ancestors(cone))}
    fruitful = {parent for _, parent in grown.edges}
    newest = [m for m in range(len(grown.parents) - 1, 0, -1) if m not in within]
    return {
        "add a derivation, in process": [m for m in newest if m not in fruitful],
        "the same of a model with children": [m for m in newest if m in fruitful],
    }


def _adder(
    children: list[int], cones: list[int], chance: random.Random
) -> Callable[[int], bytes]:
    """Return what adds a child's derivation from one with the most ancestors."""
    from lineage.services.derivations import Speech, add_derivation
    from registry.models import RegisteredModel
    from registry.vocabulary import Relation, StatementKind

    parents = list(RegisteredModel.objects.filter(pk__in=cones))
    rows = RegisteredModel.objects.in_bulk(children[:N_REQUESTS])

    def add(number: int) -> bytes:
        add_derivation(
            child=rows[children[number]],
            parent=chance.choice(parents),
            relation=Relation.RESKIN,
            speech=Speech(kind=StatementKind.DECLARED),
        )
        return b""

    return add


class Server:
    """A gunicorn with one worker on the database of the environment."""

    def __enter__(self) -> Server:
        command = [sys.executable, "-m", "gunicorn", "registry.wsgi"]
        command += ["--no-control-socket", "--log-level", "warning"]
        command += ["--bind", f"127.0.0.1:{PORT}", "--worker-class", "gthread"]
        self.process = subprocess.Popen([*command, "--threads", "8"], cwd=ROOT)
        for _ in range(300):
            try:
                _get(http.client.HTTPConnection("127.0.0.1", PORT), "/api/v1/schema/")
                return self
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server did not start")

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.wait()

    def seconds(self) -> float:
        """Return the processor time that the worker has taken so far."""
        pid = self.process.pid
        worker = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
        user, system = Path(f"/proc/{worker}/stat").read_text().split()[13:15]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _print_row(
    name: str,
    ask: Callable[[Any], bytes],
    questions: Sequence[Any],
    processor: Callable[[], float],
) -> None:
    first, *others = questions
    kilobytes = len(ask(first)) / 1000
    times, before = [], processor()
    for question in others:
        started = time.perf_counter()
        ask(question)
        times.append(1000 * (time.perf_counter() - started))
    taken = 1000 * (processor() - before) / len(others)
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"| {name} | {p50:.1f} | {p95:.1f} | {taken:.1f} | {kilobytes:.0f} |")
    sys.stdout.flush()


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {content[:200]!r}")
    return content


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(int(sys.argv[2]))
    else:
        main()
