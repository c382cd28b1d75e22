"""Choose the pairs for tests/bench/peers.py: of every kind a few, families in turn.

    python -m tests.bench.peers_pairs PAIRS.json [--split report] [--each 12]

The bench zoo must have been trained; its derived models are made where missing. The
choice depends on the zoo alone. Half as many pairs again are two bases of one family.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from zlib import crc32

from tests.zoo.pairs import independents, pairs
from tests.zoo.truths import Pair


def main() -> None:
    """Write the list and print how many there are of each kind."""
    options = _parser().parse_args()
    made = [pair for pair in pairs() if pair.split == options.split]
    chosen = choose(made, options.each)
    apart = [pair for pair in independents() if pair.split == options.split]
    alike = [pair for pair in apart if pair.words[0] == "same-architecture"]
    chosen += in_turn(alike)[: len(chosen) // 2]
    rows = {(str(pair.a), str(pair.b)): _row(pair) for pair in chosen}
    options.pairs.write_text(json.dumps(list(rows.values()), indent=1) + "\n")
    n_related = sum(bool(row["related"]) for row in rows.values())
    print(f"{len(rows)} pairs, {n_related} related")


def choose(made: Iterable[Pair], each: int) -> list[Pair]:
    """Return up to `each` pairs of every kind."""
    kinds: dict[str, list[Pair]] = defaultdict(list)
    for pair in made:
        kinds[pair.kind].append(pair)
    return [
        pair for _, listed in sorted(kinds.items()) for pair in in_turn(listed)[:each]
    ]


def in_turn(listed: Iterable[Pair]) -> list[Pair]:
    """Return the pairs with families and operations in turn, by a fixed chance."""
    groups: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in sorted(listed, key=_chance):
        groups[pair.family, pair.how].append(pair)
    rounds: Iterator[tuple[Pair | None, ...]] = zip_longest(*groups.values())
    return [pair for dealt in rounds for pair in dealt if pair is not None]


def _chance(pair: Pair) -> int:
    return crc32(f"{pair.a.name} {pair.b.name}".encode())


def _row(pair: Pair) -> dict[str, object]:
    return {
        "a": str(pair.a),
        "b": str(pair.b),
        "related": pair.related,
        "how": pair.kind,
        "words": list(pair.words),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--split", default="report", choices=["calibrate", "report"])
    parser.add_argument("--each", type=int, default=12)
    return parser


if __name__ == "__main__":
    main()
