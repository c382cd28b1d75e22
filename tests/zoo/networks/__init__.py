"""The small networks of the zoo in torch; no data and no training here.

Tensor names and layouts are those of the transformers library, so the saved
files load there. One file for each kind, and all are plain functions of weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import bert, gpt2, llama, mixtral, neox, phi3
from .shape import Shape, Weights

__all__ = ["Shape", "Weights", "config", "logits", "start"]

KINDS = {
    "llama": llama,
    "mistral": llama,
    "qwen2": llama,
    "gpt2": gpt2,
    "gpt_neox": neox,
    "phi3": phi3,
    "mixtral": mixtral,
    "bert": bert,
}


def start(shape: Shape, seed: int) -> Weights:
    """Return random starting weights; normal, 0.02, norms one, biases zero."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, size in KINDS[shape.kind].sizes(shape).items():
        if name.endswith("bias"):
            weights[name] = torch.zeros(size)
        elif len(size) == 1:
            weights[name] = torch.ones(size)
        else:
            weights[name] = torch.randn(size, generator=generator) * 0.02
    return weights


def logits(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    """Return token scores (batch, time, vocab) for tokens (batch, time)."""
    return KINDS[shape.kind].scores(shape, weights, tokens)


def config(shape: Shape) -> dict[str, object]:
    """Return the config.json that transformers reads for this shape."""
    return KINDS[shape.kind].config(shape)
