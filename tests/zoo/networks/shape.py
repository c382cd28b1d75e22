"""Sizes of a network, and its weights by name."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

Weights = dict[str, Tensor]
Sizes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Shape:
    """Sizes of one network: width d, FFN width h, and how it attends."""

    kind: str  # a key of networks.KINDS
    d: int
    h: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    vocab: int
    tied: bool
    context: int = 128
    n_experts: int = 0

    @property
    def head(self) -> int:
        """Width of one attention head."""
        return self.d // self.n_heads

    @property
    def kv(self) -> int:
        """Width of all key heads together."""
        return self.head * self.n_kv_heads
