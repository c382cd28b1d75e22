"""Which models the zoo and the sample register hold, and how each was trained."""

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

    def child(self, name: str, relation: str, **changes: object) -> Recipe:
        """Return a recipe that goes on from this one's weights."""
        changes = {"corpus": "python", "seed": self.seed + 1000, **changes}
        made: Recipe = replace(
            self, name=name, relation=relation, parent=self.name, **changes
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


def more(n: int) -> list[Recipe]:
    """Return n further bases of one shape, for calibration; they are not kept."""
    return [Recipe(f"small-{i}", SMALL, "licenses", i) for i in range(201, 201 + n)]


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
