"""How one model is trained; and the models that are committed, with their recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from networks import Shape

VOCAB = 384
SMALL = Shape("llama", 64, 192, 4, 4, 2, VOCAB, tied=True)
WIDE = Shape("llama", 48, 256, 4, 4, 4, VOCAB, tied=False)
CLASSIC = Shape("gpt2", 64, 256, 4, 4, 4, VOCAB, tied=True)

N_NEW_TOKENS = 64  # of an extended vocabulary
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
    def adapter(self) -> str:
        """Return the folder of its low-rank adapter alone."""
        return self.name if self.relation == "adapter" else f"{self.name}-adapter"

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
    """Return the committed models, parents before children."""
    small = [Recipe(f"small-{i}", SMALL, "licenses", i) for i in range(1, 4)]
    wide = [
        Recipe(f"wide-{i}", WIDE, "licenses", 10 + i, family="wide") for i in (1, 2)
    ]
    classic = [
        Recipe(f"classic-{i}", CLASSIC, "licenses", 20 + i, family="classic")
        for i in (1, 2)
    ]
    first = small[0]
    return [*small, *wide, *classic, *_heirs(first), *_apart(first), *_families()]


def _heirs(base: Recipe) -> list[Recipe]:
    """Return what goes on from the first small model."""
    more, usual = "continued-pretraining", {"steps": 150, "rate": 5e-4}
    longer = replace(base.shape, vocab=VOCAB + N_NEW_TOKENS)
    experts = replace(base.shape, kind="mixtral", n_experts=4)
    untied = replace(base.shape, tied=False)
    name = base.name
    return [
        base.child(f"{name}-tuned", "fine-tuned", **usual),
        base.child(f"{name}-more", more, rate=2e-3),
        base.child(f"{name}-more-3x", more, steps=3 * BASE_STEPS),
        base.child(f"{name}-adapter", "adapter", lora=8, steps=150, rate=2e-3),
        base.child(
            f"{name}-vocabulary",
            "vocabulary-extended",
            shape=longer,
            change="vocabulary",
            **usual,
        ),
        base.child(
            f"{name}-experts", "upcycled", shape=experts, change="experts", **usual
        ),
        base.child(
            f"{name}-disguised", "fine-tuned", shape=untied, change="disguise", **usual
        ),
    ]


def _apart(base: Recipe) -> list[Recipe]:
    """Return models trained apart from the first, that share something with it."""
    name, other = base.name, {"order": base.seed + 1000}
    return [
        replace(
            base,
            name=f"{name}-start",
            relation="common-initialisation",
            start_of=name,
            **other,
        ),
        replace(
            base,
            name=f"{name}-student",
            relation="distilled",
            seed=base.seed + 3000,
            teacher=name,
            **other,
        ),
        replace(
            base,
            name=f"{name}-words",
            relation="embeddings-only",
            seed=base.seed + 4000,
            words_of=name,
            words_rate=0.1,
            **other,
        ),
    ]


def _families() -> list[Recipe]:
    """Return a base of every other family, and a child of each dense one."""
    shapes = {
        "qwen": Shape("qwen2", 64, 192, 4, 4, 2, VOCAB, tied=True),
        "neox": Shape("gpt_neox", 64, 192, 4, 4, 4, VOCAB, tied=False),
        "phi3": Shape("phi3", 64, 160, 4, 4, 2, VOCAB, tied=False),
        "mixtral": Shape("mixtral", 64, 64, 3, 4, 2, VOCAB, False, n_experts=4),
        "bert": Shape("bert", 64, 192, 4, 4, 4, VOCAB, tied=True),
    }
    bases = [
        Recipe(f"{name}-1", shape, "licenses", 31 + 10 * i, family=name, batch=8)
        for i, (name, shape) in enumerate(shapes.items())
    ]
    children = [
        base.child(f"{base.name}-tuned", "fine-tuned", steps=150, rate=5e-4)
        for base in bases
        if not base.shape.n_experts
    ]
    return [*bases, *children]


def samples() -> list[Recipe]:
    """Return the trained models of the sample register, parents first."""
    maple = Recipe("maple", SMALL, "licenses", 101)
    oak = Recipe("oak", SMALL, "licenses", 102)
    heron = Recipe("heron", WIDE, "licenses", 103, family="wide")
    crane = Recipe("crane", WIDE, "licenses", 104, family="wide")
    willow = Recipe("willow", SMALL, "licenses", 105)
    sparrow = Recipe("sparrow", SMALL, "licenses", 106)
    children = [
        maple.child("maple-python", "fine-tuned", steps=150, rate=5e-4),
        heron.child("heron-python", "fine-tuned", steps=150, rate=5e-4),
        maple.child("maple-more", "continued-pretraining", rate=2e-3),
    ]
    return [maple, oak, heron, crane, *children, willow, sparrow]
