"""Compare the labelled pairs of the zoo, and keep every answer.

    python tests/zoo/train.py bench              # trains what is missing (an hour)
    python -m tests.bench.engine pairs [N]       # labelled pairs, weights at hand
    python -m tests.bench.engine independents    # every pair of bases, sketches alone
    python -m tests.bench.engine tables          # what was found, as Markdown; and the
                                                 # error rate that verdicts cite
    python -m tests.bench.engine plot FILE       # calibration of p-values, as SVG

Answers are appended to .zoo-cache/answers/ as JSON lines; what is there is not
computed again, so that a stopped run goes on. Another engine begins anew. N keeps to
the first N pairs of each kind, family and split.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from registry import fingerprint
from registry.fingerprint import ENGINE, Sketch
from registry.fingerprint.cli import Loaded, answer
from registry.fingerprint.judging.findings import find
from registry.fingerprint.judging.opened import open_weights
from registry.fingerprint.sketching.making import sketch_files
from tests.bench import plot, tables
from tests.zoo.derived import CACHE
from tests.zoo.pairs import Pair, independents, pairs

ANSWERS = CACHE / "answers" / ENGINE.replace("/", "-")
SKETCHES = CACHE / "sketches" / ENGINE.replace("/", "-")
MEASURED = Path(fingerprint.__file__).with_name("measured.json")
KEPT = ("related", "relation", "relation_set", "direction", "log10_p", "effect")
KEPT += ("parents", "seconds")
WORKERS = 2


def main(command: str, argument: str = "1000000") -> None:
    """Run one command."""
    if command == "pairs":
        _run("pairs", list(_first(pairs(), int(argument))), with_weights=True)
    elif command == "independents":
        _run("independents", list(independents()), with_weights=False)
    elif command == "plot":
        Path(argument).write_text(plot.calibration(read("independents")))
    else:
        tables.main(read("pairs"), read("independents"))
        _keep_measured(tables.error_rate(read("independents")))


def _keep_measured(rate: dict[str, Any]) -> None:
    """Write down for verdicts to cite how often this engine was measured to err."""
    measured = json.loads(MEASURED.read_text("utf-8"))
    measured[ENGINE] = rate
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")


def read(name: str) -> list[dict[str, Any]]:
    """Return the answers that were kept under `name`."""
    path = ANSWERS / f"{name}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _first(listed: Iterable[Pair], most: int) -> Iterator[Pair]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for pair in listed:
        group = (pair.kind, pair.family, pair.split)
        counts[group] += 1
        if counts[group] <= most:
            yield pair


def _run(name: str, listed: list[Pair], *, with_weights: bool) -> None:
    ANSWERS.mkdir(parents=True, exist_ok=True)
    done = {(answer["a"], answer["b"]) for answer in read(name)}
    todo = [p for p in listed if (p.a.name, p.b.name) not in done]
    print(f"{name}: {len(listed)} pairs, {len(todo)} to compare", flush=True)
    with (ANSWERS / f"{name}.jsonl").open("a") as out:
        for made in _answers(todo, with_weights=with_weights):
            out.write(json.dumps(made) + "\n")
            out.flush()


def _answers(todo: list[Pair], *, with_weights: bool) -> Iterator[dict[str, Any]]:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(WORKERS) as pool:
        told = [with_weights] * len(todo)
        yield from pool.map(_compared, todo, told, chunksize=8)


def _compared(pair: Pair, with_weights: bool) -> dict[str, Any]:
    names = (pair.a.name, pair.b.name)
    one, other = (_loaded(path, with_weights) for path in (pair.a, pair.b))
    found = answer(one, other, names).to_json()
    numbers = {item["kind"]: item["value"] for item in found["evidence"]}
    truth = {
        "kind": pair.kind,
        "words": pair.words,
        "truth": pair.related,
        "towards": pair.direction,
        "family": pair.family,
        "split": pair.split,
        "how": pair.how,
    }
    kept = {key: found[key] for key in KEPT}
    made = {"a": names[0], "b": names[1], **truth, **kept, "numbers": numbers}
    return made if with_weights else made | {"tests": _tests(one.sketch, other.sketch)}


def _tests(a: Sketch, b: Sketch) -> dict[str, float]:
    """Return log10 of the p-value that each unit test gave."""
    tests = find(a, b).tests
    made = {name: getattr(tests, name, None) for name in plot.TESTS}
    return {name: test.log10_p for name, test in made.items() if test}


@cache
def _loaded(path: Path, with_weights: bool) -> Loaded:
    opened = open_weights(path)
    stored = SKETCHES / f"{path.name}.sketch"
    if stored.exists():
        sketch = Sketch.from_bytes(stored.read_bytes())
    else:
        sketch = sketch_files(opened.files)
        SKETCHES.mkdir(parents=True, exist_ok=True)
        partial = stored.with_suffix(f".{os.getpid()}")
        partial.write_bytes(sketch.to_bytes())
        partial.replace(stored)
    return Loaded(sketch, opened if with_weights else None)


if __name__ == "__main__":
    main(*sys.argv[1:])
