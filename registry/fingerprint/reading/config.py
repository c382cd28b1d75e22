"""Which lines of a config.json a sketch keeps; never evidence about weights."""

from __future__ import annotations

import math
from typing import Any, Final

CONFIG_KEYS: Final = (
    "model_type",
    "architectures",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
    "hidden_act",
    "rope_theta",
    "tie_word_embeddings",
    "n_embd",
    "n_inner",
    "n_layer",
    "n_head",
)


def essentials(config: dict[str, Any]) -> dict[str, Any]:
    """Return the known keys whose values are short, finite and printable."""
    return {key: config[key] for key in CONFIG_KEYS if _is_short(config.get(key))}


def _is_short(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= 4 and all(
            isinstance(item, str) and _is_short(item) for item in value
        )
    if isinstance(value, str):
        return len(value) <= 80 and value.isprintable()
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, bool | int) and abs(value) < 2**63
