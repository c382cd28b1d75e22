"""The answer about one aligned pair of models: words, direction, findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Number = float | int | str

A_TO_B: Final = "a->b"
B_TO_A: Final = "b->a"
TUNED: Final = ("fine-tuned", "continued-pretraining")
NAMES: Final = {A_TO_B: ("first", "second"), B_TO_A: ("second", "first")}


@dataclass(frozen=True)
class Item:
    """One finding: a stable kind, its main number, a sentence, all its numbers."""

    kind: str
    value: Number
    text: str
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class Explanation:
    """The best word, every word that cannot be excluded, and parent -> child.

    `word_set` has at most two members and begins with `word`; `direction` is
    None when the weights do not tell which of the two was first.
    """

    word_set: tuple[str, ...]
    direction: str | None = None
    items: tuple[Item, ...] = ()

    @property
    def word(self) -> str:
        """Return the best word."""
        return self.word_set[0]
