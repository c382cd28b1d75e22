"""What a tokenizer.json says: its tokens and ids. Never evidence about weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from registry.fingerprint.errors import BrokenJson
from registry.fingerprint.reading.strictjson import read_object

LIMIT_BYTES: Final = 40_000_000


@dataclass(frozen=True)
class TokenizerSummary:
    """How many tokens there are and a digest of all (token, id) pairs."""

    n_tokens: int
    digest: str


def read_tokens(path: Path) -> dict[str, int]:
    """Return token -> id, added tokens included; raises BrokenJson."""
    data = read_object(path, limit_bytes=LIMIT_BYTES)
    model = data.get("model")
    listed = model.get("vocab") if isinstance(model, dict) else None
    tokens = _listed_tokens(listed)
    tokens |= _added_tokens(data.get("added_tokens"))
    if not tokens or not all(type(number) is int for number in tokens.values()):
        raise BrokenJson(f"{path.name}: holds no readable vocabulary")
    return tokens


def summarise(tokens: dict[str, int]) -> TokenizerSummary:
    """Return the summary that a sketch keeps."""
    digest = hashlib.sha256()
    for token in sorted(tokens):
        digest.update(f"{token}\0{tokens[token]}\0".encode("utf-8", "backslashreplace"))
    return TokenizerSummary(len(tokens), digest.hexdigest()[:32])


def id_agreement(a: dict[str, int], b: dict[str, int]) -> float | None:
    """Return the share of shared tokens with equal ids; None without shared ones."""
    shared = a.keys() & b.keys()
    if not shared:
        return None
    return sum(a[token] == b[token] for token in shared) / len(shared)


def extends(a: dict[str, int], b: dict[str, int]) -> str | None:
    """Return which one, "a" or "b", is the other plus more tokens, else None."""
    if len(a) > len(b) and b.items() <= a.items():
        return "a"
    if len(b) > len(a) and a.items() <= b.items():
        return "b"
    return None


def _added_tokens(listed: Any) -> dict[str, Any]:
    items = listed if isinstance(listed, list) else []
    items = [item for item in items if isinstance(item, dict)]
    return {str(item.get("content")): item.get("id") for item in items}


def _listed_tokens(listed: Any) -> dict[str, int]:
    if isinstance(listed, dict):
        return dict(listed)
    if not isinstance(listed, list):
        return {}
    pairs = [item for item in listed if isinstance(item, list) and item]
    return {str(item[0]): number for number, item in enumerate(pairs)}
