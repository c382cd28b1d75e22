"""What the engine found on the zoo, as Markdown tables for docs/."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.stats import beta

from registry.fingerprint import ENGINE

Answer = dict[str, Any]
ALPHAS = (0.05, 0.01, 0.001)
CONFIDENCE = 0.95


def main(pairs: list[Answer], independents: list[Answer]) -> None:
    """Print every table, as docs/measured.md."""
    print("# What the engine finds on the bench zoo\n")
    print(
        f"Engine `{ENGINE}`; made by `make bench-engine`, see [method.md](method.md)."
    )
    print(
        "Thresholds were chosen on the split *calibrate*; *report* had no part in it."
    )
    for split in ("calibrate", "report"):
        print(f"\n## Labelled pairs, split {split}\n")
        _print_kinds([made for made in pairs if made["split"] == split])
    report = [made for made in pairs if made["split"] == "report"]
    print(f"\nRelation, macro-F1 on report: **{macro_f1(report):.3f}**\n")
    _print_direction(report)
    print(f"\n## Independent pairs, from sketches: {len(independents):,}\n")
    if independents:
        _print_independents(independents)


def _print_kinds(answers: list[Answer]) -> None:
    print("| kind | pairs | related | not | open | word right | wrong words |")
    print("|---|---|---|---|---|---|---|")
    groups: dict[str, list[Answer]] = defaultdict(list)
    for made in answers:
        groups[made["kind"]].append(made)
    for kind, group in sorted(groups.items()):
        said = Counter(made["related"] for made in group)
        right = sum(is_right(made) for made in group)
        wrong = Counter(
            "/".join(made["relation_set"]) for made in group if not is_right(made)
        )
        listed = ", ".join(f"{word} {n}" for word, n in wrong.most_common(4))
        counts = f"{said[True]} | {said[False]} | {said[None]}"
        print(f"| {kind} | {len(group)} | {counts} | {right} | {listed} |")


def is_right(made: Answer) -> bool:
    """Return whether the answer's set (two words at most) holds a true word."""
    return len(made["relation_set"]) <= 2 and bool(
        set(made["relation_set"]) & set(made["words"])
    )


def named(made: Answer) -> str:
    """Return the word that counts for the answer: a true one, if its set has it."""
    for word in made["words"]:
        if word in made["relation_set"] and len(made["relation_set"]) <= 2:
            return str(word)
    return str(made["relation"])


def macro_f1(answers: Iterable[Answer]) -> float:
    """Return the mean over the true words of their F1."""
    pairs = [(_truth(made), named(made)) for made in answers]
    scores = []
    for word in sorted({truth for truth, _ in pairs}):
        hits = sum(truth == said == word for truth, said in pairs)
        n_said = sum(said == word for _, said in pairs)
        n_true = sum(truth == word for truth, _ in pairs)
        scores.append(2 * hits / max(1, n_said + n_true))
    return float(np.mean(scores)) if scores else 0.0


def _truth(made: Answer) -> str:
    said = named(made)
    return said if said in made["words"] else str(made["words"][0])


def _print_direction(answers: list[Answer]) -> None:
    told = [made for made in answers if made["direction"] and made["truth"]]
    right = sum(made["direction"] == made["towards"] for made in told)
    open_ = sum(made["truth"] and not made["direction"] for made in answers)
    print(f"Direction: **{right} of {len(told)}** right, {open_} not answered")


def error_rate(answers: list[Answer]) -> dict[str, Any]:
    """Return how often independent models were called related, for verdicts to cite.

    The bound is that of Clopper and Pearson on the models, not the pairs: pairs that
    share a model are no separate trials.
    """
    accused = [made for made in answers if made["related"]]
    models = {made[side] for made in answers for side in ("a", "b")}
    hit = {made[side] for made in accused for side in ("a", "b")}
    n, k = len(models), len(hit)
    bound = 1.0 if k >= n else float(beta.ppf(CONFIDENCE, k + 1, n - k))
    return {
        "pairs": len(answers),
        "models": n,
        "related": len(accused),
        "open": sum(made["related"] is None for made in answers),
        "bound": round(bound, 4),
        "confidence": CONFIDENCE,
    }


def _print_independents(answers: list[Answer]) -> None:
    said = Counter(made["related"] for made in answers)
    print(f"Related {said[True]}, not related {said[False]:,}, open {said[None]:,}.")
    print("![Calibration](calibration.svg)\n")
    print("| test | pairs | models | smallest p |", end="")
    print("".join(f" P(p <= {alpha}) |" for alpha in ALPHAS))
    print("|---" * (4 + len(ALPHAS)) + "|")
    for name, of in p_values(answers).items():
        pairs, p = list(of), np.array(list(of.values()))
        rates = [
            f"{np.mean(p <= alpha):.4f} ± {bootstrap_error(pairs, p <= alpha):.4f}"
            for alpha in ALPHAS
        ]
        models = {model for pair in pairs for model in pair}
        print(f"| {name} | {len(p)} | {len(models)} | {p.min():.2g} |", end="")
        print("".join(f" {rate} |" for rate in rates))


def p_values(answers: list[Answer]) -> dict[str, dict[tuple[str, str], float]]:
    """Return for each unit test the p-value of every pair that it was made on."""
    found: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for made in answers:
        for name, log10_p in made["tests"].items():
            found[name][made["a"], made["b"]] = 10**log10_p
    return found


def bootstrap_error(names: Sequence[tuple[str, str]], hits: np.ndarray) -> float:
    """Return the standard error of the rate of hits, by bootstrap over models."""
    models = sorted({name for pair in names for name in pair})
    at = {name: i for i, name in enumerate(models)}
    left = np.array([at[a] for a, _ in names])
    right = np.array([at[b] for _, b in names])
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(500):
        times = np.bincount(
            rng.integers(len(models), size=len(models)), minlength=len(models)
        )
        weights = times[left] * times[right]
        rates.append(float((weights * hits).sum() / max(1, weights.sum())))
    return float(np.std(rates))
