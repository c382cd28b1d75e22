"""The answer to a comparison, and the rule for what it may say."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from registry.fingerprint.sketching.sketch import ENGINE


@dataclass(frozen=True)
class Evidence:
    """One finding: a stable kind, its main number, a sentence, more numbers."""

    kind: str
    value: float | int | str | bool | None
    text: str
    numbers: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the item as JSON; every number of the sentence has a key."""
        return {
            "kind": self.kind,
            "value": self.value,
            "text": self.text,
        } | self.numbers


@dataclass(frozen=True)
class Comparison:
    """What two models have to do with each other.

    `related` is None when inconclusive. `renamed` maps name patterns of a to
    those of b. `direction` is parent -> child. `p_value`, `log10_p` and
    `effect` are None when no conclusion is drawn from a test.
    """

    a: str
    b: str
    related: bool | None
    relation: str
    relation_set: tuple[str, ...]
    direction: str | None
    p_value: float | None
    log10_p: float | None
    test: str
    null: str
    effect: float | None
    renamed: dict[str, str]
    evidence: tuple[Evidence, ...]
    limits: tuple[str, ...]
    parents: tuple[dict[str, Any], ...] = ()
    engine: str = ENGINE
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as one JSON object, free of NaN and Infinity."""
        made = asdict(self)
        made["evidence"] = [item.to_json() for item in self.evidence]
        for key in ("relation_set", "limits", "parents"):
            made[key] = list(made[key])
        return made
