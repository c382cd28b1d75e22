"""How one model is trained; and the models that are committed, with their recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from networks import Shape

VOCAB = 384
SMALL = Shape("llama", 64, 192, 4, 4, 2, VOCAB, tied=True)
WIDE = Shape("llama", 48, 256, 4, 4, 4, VOCAB, tied=False)
CLASSIC = Shape("gpt2", 64, 256, 4, 4, 4, VOCAB, tied=True)

BASE_STEPS = 400
BASE_RATE = 3e-3


@dataclass(frozen=True)
class Recipe:
    """One training run: from a seed, or from the named parent's weights."""

    name: str
    shape: Shape
    corpus: str
    seed: int
    relation: str = "base"
    parent: str | None = None
    steps: int = BASE_STEPS
    rate: float = BASE_RATE
    family: str = "small"
    batch: int = 16
    order: int = 0  # which order of the data
    change: str | None = None  # a change made to the parent's weights before training
    lora: int = 0  # rank of an adapter that is trained in place of the weights
    start_of: str | None = None  # a model that began with the same random weights
    teacher: str | None = None  # a model whose scores are the target
    words_of: str | None = None  # a model whose token embeddings are taken over
    words_rate: float = 1.0  # the rate of token embeddings, as a share

    @property
    def split(self) -> str:
        """Say which part of the zoo it is in: by seed, so a base has its children."""
        return "calibrate" if self.seed % 2 else "report"

    @property
    def is_disguised(self) -> bool:
        """Tell whether it is stored under other names, with token ids shuffled."""
        return self.change == "disguise"

    def child(self, name: str, relation: str, **changes: object) -> Recipe:
        """Return a recipe that goes on from this one's weights."""
        seed = self.seed + 1000
        plain = {"corpus": "python", "seed": seed, "order": seed, "parent": self.name}
        made: Recipe = replace(
            self, name=name, relation=relation, **(plain | {"start_of": None} | changes)
        )
        return made


def zoo() -> list[Recipe]:
    """Return the calibration models, parents before children."""
    small = [Recipe(f"small-{i}", SMALL, "licenses", i) for i in range(1, 7)]
    wide = [Recipe(f"wide-{i}", WIDE, "licenses", 10 + i) for i in range(1, 3)]
    classic = [Recipe(f"classic-{i}", CLASSIC, "licenses", 20 + i) for i in range(1, 3)]
    more = "continued-pretraining"
    children = [
        small[0].child("small-1-tuned-weak", "sft", steps=60, rate=1e-4),
        small[0].child("small-1-tuned", "sft", steps=150, rate=5e-4),
        small[1].child("small-2-tuned-strong", "sft", steps=300, rate=1e-3),
        small[0].child("small-1-more", more, steps=BASE_STEPS, rate=2e-3),
        small[0].child("small-1-more-3x", more, steps=3 * BASE_STEPS, rate=3e-3),
        small[1].child("small-2-more-3x", more, steps=3 * BASE_STEPS, rate=3e-3),
        wide[0].child("wide-1-tuned", "sft", steps=150, rate=5e-4),
        wide[0].child("wide-1-more-3x", more, steps=3 * BASE_STEPS, rate=3e-3),
        classic[0].child("classic-1-tuned", "sft", steps=150, rate=5e-4),
        classic[0].child("classic-1-more-3x", more, steps=3 * BASE_STEPS, rate=3e-3),
    ]
    return [*small, *wide, *classic, *children]


def samples() -> list[Recipe]:
    """Return the trained models of the sample register, parents first."""
    maple = Recipe("maple", SMALL, "licenses", 101)
    oak = Recipe("oak", SMALL, "licenses", 102)
    heron = Recipe("heron", WIDE, "licenses", 103)
    crane = Recipe("crane", WIDE, "licenses", 104)
    willow = Recipe("willow", SMALL, "licenses", 105)
    sparrow = Recipe("sparrow", SMALL, "licenses", 106)
    children = [
        maple.child("maple-python", "sft", steps=150, rate=5e-4),
        heron.child("heron-python", "sft", steps=150, rate=5e-4),
        maple.child("maple-more", "continued-pretraining", rate=2e-3),
    ]
    return [maple, oak, heron, crane, *children, willow, sparrow]
