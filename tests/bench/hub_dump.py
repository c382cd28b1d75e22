"""Write a dump as a hub's would be: N models, one JSON object per line.

    python tests/bench/hub_dump.py N OUT.jsonl [SEED]

65 % of the models name a base, chosen by preferential attachment; 5 % of these are
merges of two or three. Downloads have a heavy tail. One model in two hundred has a
fault: bases named again, itself, one that is nowhere, or a later model that names it
in turn. The same seed gives the same file.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

DERIVED, MERGES, FAULTY = 0.65, 0.05, 0.005
RELATIONS, RELATION_WEIGHTS = ("finetune", "adapter", "quantized"), (45, 25, 30)
LICENSES = ("apache-2.0", "mit", "llama3", "cc-by-nc-4.0", "other", "")
LICENSE_WEIGHTS = (45, 15, 8, 7, 10, 15)
WORDS = ("Llama", "Qwen", "Mistral", "Gemma", "Phi", "Falcon", "BERT", "T5", "Yi")
OTHER_TAGS = ("transformers", "safetensors", "text-generation", "en", "region:us")
BEGIN, DAYS = datetime(2022, 3, 2, tzinfo=UTC), 1700
# How far below a model the one stands that closes a cycle with it.
LOOP_ROWS = 5000

Bases = list[tuple[str, int]]


def rows(n: int, seed: int = 0) -> Iterator[dict[str, object]]:
    """Yield the rows of a dump, oldest model first."""
    rng = random.Random(seed)
    # Each model stands here once, and again for each child: a draw from it is
    # preferential attachment.
    attractive: list[int] = []
    owed: dict[int, int] = {}
    for number in range(n):
        bases: Bases = []
        if attractive and rng.random() < DERIVED:
            bases = _bases(attractive, rng)
        attractive += [number, *(base for _, base in bases)]
        if number in owed:
            bases.append(("finetune", owed.pop(number)))
        tags = [_tag(word, name(base)) for word, base in bases]
        if rng.random() < FAULTY:
            fault = rng.choice(("again", "itself", "missing", "cycle"))
            if fault == "again":
                tags *= 7
            elif fault == "itself":
                tags.append(_tag("finetune", name(number)))
            elif fault == "missing":
                tags.append(_tag("finetune", f"gone/model-{rng.randrange(n)}"))
            elif number + 1 < n:
                later = rng.randrange(number + 1, min(n, number + LOOP_ROWS))
                owed[later] = number
                tags.append(_tag("finetune", name(later)))
        yield _row(number, n, tags, rng)


def name(number: int) -> str:
    """Return the id of a model; few owners have many."""
    owner = int((number * 7919 % 100_003 / 100_003) ** 3 * 20_000)
    word = WORDS[number % len(WORDS)]
    return f"owner-{owner}/{word}-{number % 71 + 1}B-{number}"


def _bases(attractive: list[int], rng: random.Random) -> Bases:
    if rng.random() < MERGES:
        drawn = {rng.choice(attractive) for _ in range(rng.choice((2, 2, 3)))}
        return [("merge", base) for base in sorted(drawn)]
    (word,) = rng.choices(RELATIONS, RELATION_WEIGHTS)
    return [(word, rng.choice(attractive))]


def _tag(word: str, base: str) -> str:
    return f"base_model:{word}:{base}"


def _row(number: int, n: int, tags: list[str], rng: random.Random) -> dict[str, object]:
    """Return a row; the hub writes each base with its relation and without."""
    plain = [f"base_model:{tag.rpartition(':')[2]}" for tag in tags]
    (license_id,) = rng.choices(LICENSES, LICENSE_WEIGHTS)
    licensed = [f"license:{license_id}"] if license_id else []
    created = BEGIN + timedelta(days=DAYS * number / n)
    return {
        "id": name(number),
        "createdAt": created.isoformat(timespec="milliseconds"),
        "downloads": int(rng.paretovariate(0.7)) - 1,
        "likes": int(rng.paretovariate(1.1)) - 1,
        "tags": [*OTHER_TAGS, *licensed, *plain, *tags],
    }


def write(n: int, path: Path, seed: int = 0) -> None:
    """Write a dump of n models."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows(n, seed))


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
