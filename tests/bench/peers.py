"""Other published methods beside ours, on the same pairs of models, in one run.

    python tests/bench/peers.py --pairs PAIRS.json --peers FOLDER --out scores.jsonl
    python tests/bench/peers.py --out scores.jsonl      # only the tables

PAIRS.json is a list of {"a": folder, "b": folder, "related": bool, "how": text,
"words": [text]}. FOLDER (or the variable PEERS) holds the authors' checkouts: `AWM`
and `HuRef` (LUMIA-Group), `model-tracing` (ahmeda14960; write "cpu" for "cuda" in its
package, nothing else is changed anywhere) and `model-provenance-kit` (cisco-ai-
defense). Run it from an environment with torch, transformers, scikit-learn,
matplotlib, accelerate, datasets, pillow, pydantic-settings and structlog, Python 3.12.

The results are JSON lines, added as they come, and a run goes on where one stopped.
Every method runs in this process on one thread. What it computes once for a model is
timed apart from the comparison. A higher score is more related; a pair that a method
cannot take has an error in place of a score and counts as not found. Names of tensors
are given as tests/bench/peers_names.py says; tests/bench/peers_pairs.py makes a list.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import re
import statistics
import sys
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peers_methods import Method

Row = dict[str, Any]

OURS = ("baimo", "baimo_sketch")
N_KEPT = 48  # prepared models at a time
LOST = -math.inf
TITLE = """# Beside other methods

The same pairs for all, in one process on one thread; made by `tests/bench/peers.py`.
Theirs: AWM (LUMIA-Group, bc20ff8), HuRef (LUMIA-Group, 9c34548), phi_U and phi_MATCH
(ahmeda14960/model-tracing, 5e65e7b), model-provenance-kit (Cisco, 9991417: its verdict,
and its identity score), and naive ones: tensor hashes, cosine of tensors of one name.
`+names` gives a method the tensor names that it knows, which no disguise leaves.
Ours: `baimo` with the weights at hand, `baimo_sketch` from stored sketches alone. None
of the models had a part in choosing our thresholds. A pair without a score counts as
not found."""
HEAD = (
    "| method | pairs scored | AUC | AUC of scored | found, no false alarm "
    "| found, 1 % false alarms | s per model | s per pair | bytes per model |"
)


def main() -> None:
    """Score what has no score yet, then print the tables."""
    options = _parser().parse_args()
    if options.pairs:
        os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        pairs = json.loads(options.pairs.read_text())
        if missing := _missing(pairs):
            raise SystemExit("no such folder: " + ", ".join(missing))
        mend(options.out)
        for method in options.methods or _known_methods():
            run(method, pairs, options.peers, options.out)
    rows = read(options.out)
    print(tables([row for row in rows if row.get("how") not in options.without]))


def run(name: str, pairs: list[Row], peers: Path, out: Path) -> None:
    """Score the pairs that `out` lacks for one method; add them to it."""
    from peers_methods import METHODS

    done = {
        (row["a"], row["b"])
        for row in read(out)
        if row["kind"] == "pair" and row["method"] == name
    }
    left = [pair for pair in pairs if (pair["a"], pair["b"]) not in done]
    if not left:
        return
    prepared = Prepared(name, METHODS[name](peers.resolve()), out)
    for pair in sorted(left, key=lambda pair: (pair["a"], pair["b"])):
        add(out, {"kind": "pair", "method": name, **pair, **_score(prepared, pair)})
    print(f"{name}: {len(left)} pairs", file=sys.stderr, flush=True)


class Prepared:
    """The latest models that a method has prepared, or why it could not."""

    def __init__(self, name: str, method: Method, out: Path) -> None:
        self.method = method
        self.kept: OrderedDict[str, Any] = OrderedDict()
        self._name = name
        self._out = out
        self._noted = {
            row["model"]
            for row in read(out)
            if row["kind"] == "model" and row["method"] == name
        }

    def __getitem__(self, folder: str) -> Any:
        if folder not in self.kept:
            self.kept[folder] = self._prepare(folder)
            while len(self.kept) > N_KEPT:
                self.kept.popitem(last=False)
        self.kept.move_to_end(folder)
        if isinstance(self.kept[folder], Exception):
            raise self.kept[folder]
        return self.kept[folder]

    def _prepare(self, folder: str) -> Any:
        start = time.perf_counter()
        try:
            with _silence():
                made = self.method.prepare(Path(folder).resolve())
        except Exception as error:  # whatever the method meets is its result
            return error
        seconds = time.perf_counter() - start
        if folder not in self._noted:
            row = {"kind": "model", "method": self._name, "model": folder}
            row |= {"seconds": seconds, "bytes": self.method.stored(made)}
            add(self._out, row)
            self._noted.add(folder)
        return made


def _score(prepared: Prepared, pair: Row) -> Row:
    start = time.perf_counter()
    try:
        sides = prepared[pair["a"]], prepared[pair["b"]]
        start = time.perf_counter()
        with _silence():
            score = prepared.method.score(*sides)
        error = "the score is not a number" if math.isnan(score) else None
    except Exception as met:  # whatever the method meets is its result
        score, error = math.nan, f"{type(met).__name__}: {met}"[:200]
    seconds = time.perf_counter() - start
    return {
        "score": None if error else score,
        "seconds": seconds,
        "error": error,
    }


def read(out: Path) -> list[Row]:
    """Return the rows so far; a last line that a stop cut short is left out."""
    if not out.exists():
        return []
    whole = out.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def mend(out: Path) -> None:
    """Cut off a last line that a stop left without its end."""
    if out.exists():
        whole = out.read_bytes().rfind(b"\n") + 1
        os.truncate(out, whole)


def add(out: Path, row: Row) -> None:
    """Add one row to the file."""
    with out.open("a") as file:
        file.write(json.dumps(row, sort_keys=True) + "\n")


def summarise(rows: list[Row]) -> dict[str, Row]:
    """Return for each method its figures over all of its pairs."""
    made = {}
    for name in dict.fromkeys(row["method"] for row in rows):
        pairs = [r for r in rows if r["kind"] == "pair" and r["method"] == name]
        models = [r for r in rows if r["kind"] == "model" and r["method"] == name]
        made[name] = _figures(pairs) | {
            "prepare_seconds": _median(row["seconds"] for row in models),
            "bytes": _median(row["bytes"] for row in models),
        }
    return made


def _figures(pairs: list[Row]) -> Row:
    related = [_value(row) for row in pairs if row["related"]]
    others = [row for row in pairs if not row["related"]]
    unrelated = sorted((_value(row) for row in others), reverse=True) or [LOST]
    scored = [row for row in pairs if row["score"] is not None]
    return {
        "n": len(pairs),
        "n_related": len(related),
        "scored": len(scored),
        "scored_related": sum(1 for row in scored if row["related"]),
        "auc": auc(related, unrelated),
        "auc_scored": auc(
            [row["score"] for row in scored if row["related"]],
            [row["score"] for row in scored if not row["related"]],
        ),
        "found": _share(related, unrelated[0]),
        "found_1_percent": _share(related, unrelated[len(unrelated) // 100]),
        "bar": unrelated[0],
        "by_how": _by_how(pairs, unrelated[0]),
        "highest": _highest(others),
        "seconds": _median(row["seconds"] for row in scored),
        "errors": Counter(_general(row["error"]) for row in pairs if row["error"]),
    }


def _general(error: str) -> str:
    """Return the error without what it says of one single model."""
    return re.sub(r" for '/.*", "", error)


def auc(related: list[float], unrelated: list[float]) -> float:
    """Return the chance that a related pair scores higher; a tie is half."""
    wins = sum((a > b) + (a == b) / 2 for a in related for b in unrelated)
    return wins / (len(related) * len(unrelated)) if related and unrelated else math.nan


def _by_how(pairs: list[Row], bar: float) -> dict[str, tuple[int, int]]:
    """Return for each kind of related pair how many are above the bar, of how many."""
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in pairs:
        if row["related"]:
            total[row["how"]] += 1
            found[row["how"]] += _value(row) > bar
    return {how: (found[how], total[how]) for how in sorted(total)}


def _highest(pairs: list[Row]) -> dict[str, str]:
    """Return the highest score of each kind of pair, and how many there are."""
    kinds: dict[str, list[Row]] = {}
    for row in pairs:
        kinds.setdefault(row["how"], []).append(row)
    return {
        how: f"{max(map(_value, rows)):.3g} of {len(rows)}"
        for how, rows in sorted(kinds.items())
    }


def _value(row: Row) -> float:
    return LOST if row["score"] is None else float(row["score"])


def _share(values: list[float], bar: float) -> float:
    return sum(value > bar for value in values) / len(values) if values else math.nan


def _median(values: Iterable[float]) -> float:
    listed = list(values)
    return statistics.median(listed) if listed else math.nan


def tables(rows: list[Row]) -> str:
    """Return the figures as Markdown: methods, then kinds of pairs, then errors."""
    made = summarise(rows)
    lines = [TITLE, "", HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    lines += [_method_line(name, row) for name, row in made.items()]
    found = {
        name: {how: f"{k}/{n}" for how, (k, n) in row["by_how"].items()}
        for name, row in made.items()
    }
    lines += _grid("related: found, no false alarm", found)
    highest = {name: row["highest"] for name, row in made.items()}
    lines += _grid("unrelated: highest score of how many", highest)
    lines += ["", "Related pairs that ours misses and another method finds:", ""]
    for name in OURS:
        lines += _losses(rows, made, name)
    lines += ["", "Pairs without a score:", ""]
    for name, row in made.items():
        common = row["errors"].most_common(6)
        lines += [f"- {name}: {n} × {error}" for error, n in common]
    return "\n".join(lines)


def _losses(rows: list[Row], made: dict[str, Row], name: str) -> list[str]:
    """Return a line for each related pair that only others put above their bar."""
    found: dict[tuple[str, str], list[str]] = {}
    missed = {}
    for row in rows:
        if row["kind"] != "pair" or not row["related"]:
            continue
        pair = (Path(row["a"]).name, Path(row["b"]).name)
        if _value(row) > made[row["method"]]["bar"]:
            found.setdefault(pair, []).append(row["method"])
        elif row["method"] == name:
            missed[pair] = row["how"]
    listed = [
        f"- {name}: {how}, {a} and {b}: found by {', '.join(found[a, b])}"
        for (a, b), how in sorted(missed.items(), key=lambda item: item[1])
        if set(found.get((a, b), ())) - set(OURS)
    ]
    return listed or [f"- {name}: none"]


def _grid(title: str, columns: dict[str, dict[str, str]]) -> list[str]:
    lines = ["", f"| {title} | " + " | ".join(columns) + " |"]
    lines.append("|---" * (1 + len(columns)) + "|")
    for how in sorted({how for column in columns.values() for how in column}):
        cells = " | ".join(column.get(how, "") for column in columns.values())
        lines.append(f"| {how} | {cells} |")
    return lines


def _method_line(name: str, row: Row) -> str:
    shares = [row[key] for key in ("auc", "auc_scored", "found", "found_1_percent")]
    times = [row["prepare_seconds"], row["seconds"]]
    figures = " | ".join(f"{value:.3f}" for value in shares + times)
    return f"| {name} | {row['scored']}/{row['n']} | {figures} | {row['bytes']:,.0f} |"


@contextlib.contextmanager
def _silence() -> Any:
    """Keep what a method prints off the screen."""
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        yield


def _missing(pairs: list[Row]) -> list[str]:
    """Return the models that are not there, which is no method's failure."""
    folders = {row[side] for row in pairs for side in "ab"}
    return sorted(folder for folder in folders if not Path(folder).is_dir())


def _known_methods() -> list[str]:
    from peers_methods import METHODS

    return list(METHODS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--peers", type=Path, default=os.environ.get("PEERS", "peers"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", help="of all, these")
    parser.add_argument(
        "--without", nargs="+", default=[], help="kinds left out of the tables"
    )
    return parser


if __name__ == "__main__":
    main()
