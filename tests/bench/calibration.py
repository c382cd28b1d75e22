"""Measure the unit test on trained models and print the tables of docs/method.md.

    python tests/zoo/train.py more 24     # optional: further bases in .zoo-cache/
    python -m tests.bench.calibration

Needs no torch. Errors are by bootstrap over base models, not over pairs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np

from registry.fingerprint import Sketch, compare, sketch_model
from registry.fingerprint.matching import compare_units, why_not_comparable
from tests.zoo.derive import ZOO

ROOTS = (
    ZOO,
    ZOO.parents[1] / "registry/catalog/samples",
    ZOO.parents[1] / ".zoo-cache",
)
COPIES = {"plum"}
ALPHAS = (0.05, 0.01, 0.001)
N_RELABELLED = 4_000


def main() -> None:
    """Print calibration on independent, relabelled and related pairs."""
    notes = json.loads((ZOO / "index.json").read_text())
    found = [path.parent for root in ROOTS for path in root.glob("*/model.safetensors")]
    sketches = {p.name: sketch_model(p) for p in sorted(found) if p.name not in COPIES}
    parents = {name: notes.get(name, {}).get("parent") for name in sketches}
    _print_independent({n: s for n, s in sketches.items() if parents[n] is None})
    _print_relabelled(sketches["small-1"], sketches["small-1-tuned"])
    _print_related(sketches, {n: p for n, p in parents.items() if p})


def _print_independent(bases: dict[str, Sketch]) -> None:
    pairs = {}
    for a, b in combinations(sorted(bases), 2):
        left, right = bases[a].units, bases[b].units
        if left and right and not why_not_comparable(left, right):
            pairs[a, b] = compare_units(left, right)
    p = np.array([10**test.log10_p for test in pairs.values()])
    wrong = sum(
        compare(bases[a], bases[b], names=(a, b)).related is True for a, b in pairs
    )
    names = {name for pair in pairs for name in pair}
    print(f"independent: {len(pairs)} pairs of {len(names)} bases of one shape each")
    print(
        f"  called related: {wrong}; smallest p {p.min():.2g}; "
        f"most labels kept {max(t.n_fixed for t in pairs.values())} of 256"
    )
    closest = max(test.closest_other for test in pairs.values())
    print(f"  closest units with different labels: cosine {closest:.2f}")
    for alpha in ALPHAS:
        error = _bootstrap_error(list(pairs), p <= alpha)
        print(f"  P(p <= {alpha}) = {np.mean(p <= alpha):.4f} +- {error:.4f}")


def _bootstrap_error(pairs: list[tuple[str, str]], hits: np.ndarray) -> float:
    names = sorted({name for pair in pairs for name in pair})
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(500):
        drawn = rng.choice(names, len(names))
        times = {name: int((drawn == name).sum()) for name in names}
        weights = np.array([times[a] * times[b] for a, b in pairs])
        rates.append(float((weights * hits).sum() / max(1, weights.sum())))
    return float(np.std(rates))


def _print_relabelled(a: Sketch, b: Sketch) -> None:
    assert a.units and b.units
    p = []
    for seed in range(N_RELABELLED):
        rng = np.random.default_rng(seed)
        moved = np.stack([rng.permutation(layer) for layer in b.units.described])
        test = compare_units(a.units, replace(b.units, described=moved))
        p.append(10**test.log10_p)
    print(f"a related pair with its units relabelled at random, {len(p)} times")
    for alpha in ALPHAS:
        rate = float(np.mean(np.array(p) <= alpha))
        error = np.sqrt(alpha * (1 - alpha) / len(p))
        print(f"  P(p <= {alpha}) = {rate:.4f}, allowed {alpha + 2 * error:.4f}")


def _print_related(sketches: dict[str, Sketch], parents: dict[str, str]) -> None:
    print("| child | labels kept | median cosine | weights differ by | log10 p |")
    print("|---|---|---|---|---|")
    for child, parent in sorted(parents.items()):
        found = compare(sketches[parent], sketches[child], names=(parent, child))
        items = {item.kind: item.value for item in found.evidence}
        kept, change = items["matched-units"], items["relative-change"]
        print(
            f"| {child} | {kept} of 256 | {found.effect:.2f} | {change:.2f} "
            f"| {found.log10_p:.1f} |"
        )


if __name__ == "__main__":
    main()
