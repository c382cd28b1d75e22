"""The bench zoo: many small bases of nine families and what is made from them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import offspring
from networks import Shape
from recipes import Recipe

VOCAB = 1024


@dataclass(frozen=True)
class Family:
    """Bases of one shape that see the same text in the same order."""

    name: str
    shape: Shape
    corpus: str
    n_bases: int
    steps: int = 250
    rate: float = 3e-3
    batch: int = 4


FAMILIES = [
    Family("llama", Shape("llama", 128, 256, 4, 4, 2, VOCAB, True), "copyrights", 30),
    Family("qwen", Shape("qwen2", 128, 320, 4, 8, 2, VOCAB, True), "copyrights", 16),
    Family("gpt2", Shape("gpt2", 128, 512, 4, 4, 4, VOCAB, True), "copyrights", 16),
    Family("neox", Shape("gpt_neox", 128, 512, 4, 4, 4, VOCAB, False), "perl", 10),
    Family("phi3", Shape("phi3", 128, 256, 4, 4, 4, VOCAB, False), "copyrights", 8),
    Family(
        "mistral", Shape("mistral", 128, 384, 6, 4, 2, VOCAB, False), "python-rest", 8
    ),
    Family(
        "mixtral",
        Shape("mixtral", 128, 256, 4, 4, 2, VOCAB, False, n_experts=4),
        "copyrights",
        6,
    ),
    Family("bert", Shape("bert", 128, 512, 4, 4, 4, VOCAB, True), "copyrights", 6, 400),
    Family(
        "deep", Shape("llama", 96, 1024, 16, 4, 2, VOCAB, True), "copyrights", 6, 200
    ),
]


def bases(family: Family) -> list[Recipe]:
    """Return a family's bases; no two bases of the zoo share a seed."""
    offset = 10_000 * (1 + FAMILIES.index(family))
    return [
        Recipe(
            f"{family.name}-{i:02}",
            family.shape,
            family.corpus,
            offset + i,
            steps=family.steps,
            rate=family.rate,
            family=family.name,
            batch=family.batch,
        )
        for i in range(1, family.n_bases + 1)
    ]


def recipes() -> list[Recipe]:
    """Return all models, parents before children, a useful mix first."""
    every = {family.name: bases(family) for family in FAMILIES}
    early = [base for listed in every.values() for base in listed[:2]]
    rest = [base for listed in every.values() for base in listed[2:]]
    children = [
        child
        for name in ("llama", "qwen", "gpt2")
        for base in every[name][:2]
        for child in offspring.of(base)
    ]
    fewer = [
        child
        for i, name in enumerate(("neox", "phi3", "mistral", "mixtral", "bert", "deep"))
        for child in offspring.some_of(every[name][i % 2])
    ]
    mixed = zip_longest([*children, *fewer], rest)
    return [*early, *(recipe for pair in mixed for recipe in pair if recipe)]
