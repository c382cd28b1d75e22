"""What a rule of the catalog reports; the rules live in entry_rules and link_rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A broken rule: `path` is file, line and key, `message` one clear sentence."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"
