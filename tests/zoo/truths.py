"""What is true of two models, and the manifest that says so for trained ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.zoo.derived import CACHE, Source

NOT_RELATED = {
    "common-initialisation",
    "embeddings-only",
    "same-architecture",
    "unrelated",
}


@dataclass(frozen=True)
class Pair:
    """Two model folders and what is true of them."""

    a: Path
    b: Path
    kind: str  # the class that it is counted in
    words: tuple[str, ...]  # acceptable relations, best first
    direction: str | None  # "a->b" or "b->a": parent -> child
    family: str
    split: str  # "calibrate", "report", or "mixed": one model of each
    how: str
    parents: tuple[tuple[str, float], ...] = ()  # of a merge, by folder name

    @property
    def related(self) -> bool:
        """Tell whether one descends from the other, or both from a third."""
        return self.words[0] not in NOT_RELATED


@dataclass(frozen=True)
class Note:
    """How one trained model came about; a line of the manifest."""

    name: str
    family: str
    relation: str
    split: str
    parent: str | None
    start_of: str | None
    teacher: str | None
    words_of: str | None
    change: str | None
    steps: int
    lora: int

    @property
    def folder(self) -> Path:
        """Where the model lies."""
        return CACHE / self.name

    @property
    def word(self) -> str:
        """What tells it apart from other models that came from one base."""
        return self.name.split("-", 2)[-1]


class Manifest:
    """The models that were trained so far."""

    def __init__(self) -> None:
        told = json.loads((CACHE / "manifest.json").read_text())
        fields = Note.__dataclass_fields__
        self.notes = {
            name: Note(**{field: note[field] for field in fields})
            for name, note in sorted(told.items())
        }

    def bases(self, family: str | None = None) -> list[Note]:
        """Return bases in the order of their numbers."""
        every = (note for note in self.notes.values() if note.relation == "base")
        return [note for note in every if family in (None, note.family)]

    def children(self, parent: Note) -> list[Note]:
        """Return the models whose training began with the weights of another."""
        return [note for note in self.notes.values() if note.parent == parent.name]

    def others(self, base: Note, n: int) -> list[Note]:
        """Return the next n bases of the same family and the same split."""
        listed = [b for b in self.bases(base.family) if b.split == base.split]
        at = listed.index(base)
        return (listed[at + 1 :] + listed[:at])[:n]


def source(note: Note) -> Source:
    """Return a trained model as something to derive from."""
    return Source(note.name, note.family)
