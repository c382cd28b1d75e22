"""Pairs of models with known truth, for choosing thresholds and for reporting.

    python -m tests.zoo.pairs      # make what is missing, print counts per class

Trained models come from `python tests/zoo/train.py bench`; pairs of models that are
not trained yet are left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations

from tests.zoo import derived
from tests.zoo.derived import CACHE
from tests.zoo.mergers import MERGERS, Merger
from tests.zoo.operations import BY_SUFFIX, DISGUISED, OPERATIONS, Operation
from tests.zoo.truths import Manifest, Note, Pair, source

# Weights cannot always tell how long a training was, nor how wide an adapter.
WORDS = {
    "fine-tuned": ("fine-tuned", "continued-pretraining"),
    "continued-pretraining": ("continued-pretraining", "fine-tuned"),
}
FULL_RANK = 64  # of the narrowest matrix
# A merge and one of its parents look like a model and its child.
MERGED = ("merged", "fine-tuned", "continued-pretraining")
SIMILAR, UNRELATED = ("same-architecture",), ("unrelated",)
APART = SIMILAR + UNRELATED
TRAINED = tuple(WORDS)
# How many bases of a family others are derived from; deep ones take much room.
N_SOURCES = {"llama": 6, "deep": 2}
N_OTHERS = 4


def pairs() -> Iterator[Pair]:
    """Yield all labelled pairs, making derived models where they are missing."""
    zoo = Manifest()
    for note in zoo.notes.values():
        yield from _descent(zoo, note)
        yield from _shared_without_descent(zoo, note)
    for base in zoo.bases():
        yield from _siblings(zoo, base)
        yield from _separate(zoo, base)
    for family in sorted({base.family for base in zoo.bases()}):
        for base in zoo.bases(family)[: N_SOURCES.get(family, 2)]:
            yield from _derived(zoo, base)
            yield from _merged(zoo, base)


def independents() -> Iterator[Pair]:
    """Yield every pair of bases: trained apart, whether of one family or not."""
    for a, b in combinations(Manifest().bases(), 2):
        words = SIMILAR if a.family == b.family else UNRELATED
        yield _pair(a, b, "independent", words, "two bases")


def _pair(
    a: Note,
    b: Note,
    kind: str,
    words: tuple[str, ...],
    how: str,
    direction: str | None = None,
) -> Pair:
    family = a.family if a.family == b.family else f"{a.family}+{b.family}"
    split = a.split if a.split == b.split else "mixed"
    return Pair(a.folder, b.folder, kind, words, direction, family, split, how)


def _descent(zoo: Manifest, note: Note) -> Iterator[Pair]:
    """Yield a model with its parent, its older forebears, and its adapter alone."""
    if note.parent is None:
        return
    parent = zoo.notes[note.parent]
    words = WORDS.get(note.relation, (note.relation,))
    if note.lora >= FULL_RANK:
        words += ("fine-tuned",)
    yield _pair(parent, note, _kind(zoo, note), words, note.word, "a->b")
    while parent.parent:
        parent = zoo.notes[parent.parent]
        words = WORDS["continued-pretraining"]
        yield _pair(parent, note, "chain", words, note.word, "a->b")
    if note.lora:
        for base in (parent, *zoo.others(parent, N_OTHERS)):
            own = base is parent
            words = ("adapter",) if own else UNRELATED
            kind = "adapter" if own else "adapter-of-another"
            direction = "a->b" if own else None
            pair = _pair(base, note, kind, words, f"rank {note.lora}", direction)
            yield replace(pair, b=CACHE / f"{note.name}-adapter")


def _kind(zoo: Manifest, note: Note) -> str:
    if note.change == "disguise":
        return "disguised-then-trained"
    if note.relation == "continued-pretraining":
        base = zoo.notes[str(note.parent)]
        return f"continued-{note.steps // base.steps}x"
    return note.relation


def _shared_without_descent(zoo: Manifest, note: Note) -> Iterator[Pair]:
    """Yield a model with another that it shares something with, but no training."""
    if note.start_of:
        base = zoo.notes[note.start_of]
        heirs = [n for n in zoo.children(base) if n.word in ("ft", "more")]
        for other in (base, *heirs):
            words = ("common-initialisation",)
            yield _pair(other, note, words[0], words, note.word)
    if note.teacher:
        yield _pair(zoo.notes[note.teacher], note, "distilled", SIMILAR, note.word)
    if note.words_of:
        words = ("embeddings-only",)
        yield _pair(zoo.notes[note.words_of], note, words[0], words, note.word)
    if note.relation == "untrained":
        base = zoo.notes[note.name.removesuffix("-untrained")]
        yield _pair(base, note, "same-architecture", SIMILAR, note.word)


def _siblings(zoo: Manifest, base: Note) -> Iterator[Pair]:
    """Yield children of one base with each other."""
    children = [n for n in zoo.children(base) if n.relation in TRAINED]
    for a, b in combinations(children, 2):
        hidden = "disguise" in (a.change, b.change)
        kind = "siblings-one-disguised" if hidden else "siblings"
        if not a.change == b.change == "disguise":
            yield _pair(a, b, kind, ("siblings",), f"{a.word}, {b.word}")


def _separate(zoo: Manifest, base: Note) -> Iterator[Pair]:
    """Yield a base with others, and with others' children."""
    for other in zoo.others(base, N_OTHERS):
        yield _pair(base, other, "same-architecture", SIMILAR, "another seed")
        for child in zoo.children(other):
            same = child.relation in (*TRAINED, "lora-merged") and not child.change
            words = SIMILAR if same else APART
            yield _pair(base, child, "child-of-another", words, child.word)
    for family in sorted({other.family for other in zoo.bases()} - {base.family}):
        strange = [b for b in zoo.bases(family) if b.split == base.split][:2]
        for other in strange:
            yield _pair(base, other, "unrelated", UNRELATED, family)


def _derived(zoo: Manifest, base: Note) -> Iterator[Pair]:
    """Yield a base with what is made from it, from its heirs and from others."""
    for operation in OPERATIONS:
        if operation.suits(base.family):
            yield _with_derived(base, base, operation)
    if base.family in DISGUISED:
        for child in zoo.children(base):
            if child.relation in TRAINED and not child.change:
                yield _heir_in_disguise(base, child)
    for other in zoo.others(base, 1):
        for suffix in ("names", "hidden", "int8"):
            if BY_SUFFIX[suffix].suits(other.family):
                yield _other_in_disguise(base, other, BY_SUFFIX[suffix])


def _with_derived(base: Note, of: Note, operation: Operation) -> Pair:
    name = f"{of.name}-{operation.suffix}"
    folder = derived.write(name, source(of), operation.make)
    words = (operation.relation or operation.kind,)
    pair = _pair(base, of, operation.kind, words, operation.suffix, operation.direction)
    return replace(pair, b=folder)


def _heir_in_disguise(base: Note, child: Note) -> Pair:
    pair = _with_derived(base, child, BY_SUFFIX["hidden"])
    words = WORDS[child.relation]
    return replace(pair, kind="trained-then-disguised", words=words, how=child.word)


def _other_in_disguise(base: Note, other: Note, operation: Operation) -> Pair:
    pair = _with_derived(base, other, operation)
    words = APART if operation.suffix == "hidden" else SIMILAR
    return replace(pair, kind="another-derived", words=words, direction=None)


def _merged(zoo: Manifest, base: Note) -> Iterator[Pair]:
    """Yield merges of two children, and of two bases, with all who took part."""
    children = {child.word: child for child in zoo.children(base)}
    if {"ft", "ft-perl"} <= children.keys():
        parents = (children["ft"], children["ft-perl"])
        for merger in MERGERS:
            yield from _one_merge(zoo, base, parents, merger, "siblings")
    for other in zoo.others(base, 1):
        for merger in MERGERS:
            if not merger.siblings_only:
                yield from _one_merge(zoo, base, (base, other), merger, "two bases")


def _one_merge(
    zoo: Manifest, base: Note, parents: tuple[Note, Note], merger: Merger, how: str
) -> Iterator[Pair]:
    first, second = map(source, parents)
    name = f"{parents[0].name}-{parents[1].word}-{merger.suffix}"
    make = partial(merger.make, first=first, second=second)
    folder = derived.write(name, source(base), make)
    shares = (
        (parents[0].name, merger.weight),
        (parents[1].name, 1 - merger.weight),
    )
    kind = f"merged-{'siblings' if base not in parents else 'bases'}"
    for part in dict.fromkeys((base, *parents)):
        pair = _pair(part, base, kind, MERGED, f"{merger.suffix} of {how}", "a->b")
        yield replace(pair, b=folder, parents=shares)
    for stranger in zoo.others(base, 3)[1:]:
        pair = _pair(stranger, base, "merge-of-others", SIMILAR, merger.suffix)
        yield replace(pair, b=folder)


def main() -> None:
    """Make all derived models and print how many pairs there are of each class."""
    counts = Counter((pair.kind, pair.split) for pair in pairs())
    counts.update((pair.kind, pair.split) for pair in independents())
    for kind in sorted({kind for kind, _ in counts}):
        of = {split: counts[kind, split] for split in ("calibrate", "report", "mixed")}
        listed = ", ".join(f"{n} {split}" for split, n in of.items())
        sys.stdout.write(f"{kind}: {listed}\n")


if __name__ == "__main__":
    main()
