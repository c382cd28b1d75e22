"""What the bench zoo makes from a base: children, false relatives, disguises."""

from __future__ import annotations

from dataclasses import replace

from recipes import N_NEW_TOKENS, Recipe

FINE_TUNED, CONTINUED = "fine-tuned", "continued-pretraining"
DEEP = 8
# The kinds that have function-preserving disguises in derive.
DISGUISED = ("llama", "qwen2", "gpt2")


def of(base: Recipe) -> list[Recipe]:
    """Return everything that is made from one base, parents before children."""
    return [
        *tuned(base),
        *continued(base),
        *reshaped(base),
        *false_relatives(base),
        *adapted(base),
        *disguised(base),
    ]


def some_of(base: Recipe) -> list[Recipe]:
    """Return the few kinds that every family has; deep models train too slowly."""
    few = [*tuned(base)[1:3], *continued(base)[:2]]
    if base.shape.n_layers > DEEP:
        return few
    return [*few, *false_relatives(base)[1:4], *adapted(base)[1:2]]


def tuned(base: Recipe) -> list[Recipe]:
    """Return fine-tuned models: weak, usual, strong; and siblings of the usual one."""
    name, again = base.name, {"seed": base.seed + 2000, "order": base.seed + 2000}
    usual = {"steps": 150, "rate": 5e-4}
    return [
        base.child(f"{name}-ft-weak", FINE_TUNED, steps=60, rate=1e-4),
        base.child(f"{name}-ft", FINE_TUNED, **usual),
        base.child(f"{name}-ft-strong", FINE_TUNED, steps=300, rate=1e-3),
        base.child(f"{name}-ft-again", FINE_TUNED, **usual, **again),
        base.child(f"{name}-ft-perl", FINE_TUNED, **usual, corpus="perl"),
    ]


def continued(base: Recipe) -> list[Recipe]:
    """Return continued pre-training, and two generations after it."""
    name = base.name
    once = base.child(f"{name}-more", CONTINUED)
    second = once.child(f"{name}-more-ft", FINE_TUNED, steps=100, rate=5e-4)
    return [
        once,
        base.child(f"{name}-more-3x", CONTINUED, steps=3 * base.steps),
        second,
        second.child(
            f"{name}-more-ft-ft", FINE_TUNED, steps=100, rate=5e-4, corpus="perl"
        ),
    ]


def reshaped(base: Recipe) -> list[Recipe]:
    """Return models of another shape, trained on."""
    shape, usual = base.shape, {"steps": 150, "rate": 1e-3}

    def child(word: str, relation: str, **sizes: object) -> Recipe:
        return base.child(
            f"{base.name}-{word}",
            relation,
            shape=replace(shape, **sizes),
            change=word,
            **usual,
        )

    deeper = shape.n_layers + shape.n_layers // 2
    made = [
        child("vocabulary", "vocabulary-extended", vocab=shape.vocab + N_NEW_TOKENS),
        child("upscale", "depth-changed", n_layers=deeper),
        child("drop", "depth-changed", n_layers=shape.n_layers - 1),
        child("narrow", "pruned", h=shape.h // 2),
    ]
    if shape.kind == "llama":
        made.append(child("experts", "upcycled", kind="mixtral", n_experts=4))
    return made


def false_relatives(base: Recipe) -> list[Recipe]:
    """Return models trained apart that share something with the base all the same."""
    name, other = base.name, {"order": base.seed + 1000}

    def fresh(word: str, relation: str, offset: int, **changes: object) -> Recipe:
        return replace(
            base,
            name=f"{name}-{word}",
            relation=relation,
            seed=base.seed + offset,
            **changes,
        )

    start = {"start_of": name, **other}
    return [
        fresh("start-order", "common-initialisation", 0, **start),
        fresh("start", "common-initialisation", 0, **start, corpus="python"),
        fresh("student", "distilled", 3000, **other, teacher=name),
        fresh("words", "embeddings-only", 4000, **other, words_of=name, words_rate=0.0),
        fresh(
            "words-slow",
            "embeddings-only",
            5000,
            **other,
            words_of=name,
            words_rate=0.1,
        ),
        fresh("untrained", "untrained", 6000, steps=0),
    ]


def adapted(base: Recipe) -> list[Recipe]:
    """Return models with a trained low-rank adapter merged into them."""
    return [
        base.child(
            f"{base.name}-lora-{rank}", "lora-merged", steps=150, rate=2e-3, lora=rank
        )
        for rank in (4, 16, 64)
    ]


def disguised(base: Recipe) -> list[Recipe]:
    """Return models that were disguised before they were trained on."""
    if base.shape.kind not in DISGUISED:
        return []
    # A rotation folds gains into the head, which then is no longer the embedding.
    hidden = {
        "shape": replace(base.shape, tied=base.shape.kind == "gpt2"),
        "change": "disguise",
    }
    name = f"{base.name}-disguised"
    return [
        base.child(f"{name}-ft", FINE_TUNED, steps=150, rate=5e-4, **hidden),
        base.child(f"{name}-more", CONTINUED, **hidden),
    ]
