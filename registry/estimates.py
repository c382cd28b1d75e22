"""What a model costs to train and to run, estimated from its size; no database.

Every figure is a rule of thumb and is shown with its formula, never as a fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# A transformer takes about six floating-point operations for a parameter and a token,
# forward and backward (Kaplan et al. 2020, arXiv:2001.08361, section 2.1).
FLOPS_PER_PARAM_AND_TOKEN: Final = 6
# Bytes for each parameter. Training with Adam in mixed precision keeps 16: weights and
# gradients in half precision, weights, momentum and variance in single (Rajbhandari
# et al. 2020, arXiv:1910.02054, section 3.1).
ADAM_BYTES: Final = 16.0
# An adapter of rank 16 on every matrix is about one parameter in a hundred.
LORA_SHARE: Final = 0.01
# What the memory of a card must leave free for activations and the cache of keys.
HEADROOM: Final = 1.2
# GB of the cards that are counted: a desktop's, and a data centre's.
CARDS: Final = (24, 80)


@dataclass(frozen=True)
class Need:
    """What one use takes: bytes for each parameter, GB, cards of each size."""

    use: str
    bytes_per_param: float
    gigabytes: float
    cards: tuple[int, ...]


USES: Final = (
    ("run-fp16", 2.0),
    ("run-int8", 1.0),
    ("run-int4", 0.5),
    ("tune-full", ADAM_BYTES),
    ("tune-lora", 2.0 + LORA_SHARE * ADAM_BYTES),
    ("tune-qlora", 0.5 + LORA_SHARE * ADAM_BYTES),
)


def memory_needs(params: int) -> list[Need]:
    """Return the memory for every use of a model with that many parameters.

    Of a mixture of experts all count: each must be loaded.
    """
    return [_need(use, size, params) for use, size in USES]


def training_compute(
    params: int | None, params_active: int | None, tokens: int | None
) -> float | None:
    """Return 6 N D in floating-point operations, or None where N or D is unknown.

    N is the number of parameters that work on a token.
    """
    n = params_active or params
    return FLOPS_PER_PARAM_AND_TOKEN * n * tokens if n and tokens else None


def _need(use: str, size: float, params: int) -> Need:
    gigabytes = params * size * HEADROOM / 1e9
    cards = tuple(max(1, -(-int(gigabytes * 100) // (card * 100))) for card in CARDS)
    return Need(use, round(size, 2), gigabytes, cards)
