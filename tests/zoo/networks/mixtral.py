"""Mixtral: LLaMA's attention, and two of several FFNs chosen for every token."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from . import llama, parts
from .shape import Shape, Sizes, Weights

N_CHOSEN = 2


def sizes(shape: Shape) -> Sizes:
    """Return the size of every tensor."""
    d, h = shape.d, shape.h
    found: Sizes = {"model.embed_tokens.weight": (shape.vocab, d)}
    for layer in range(shape.n_layers):
        at = f"model.layers.{layer}."
        moe = f"{at}block_sparse_moe."
        found |= llama.attention_sizes(shape, f"{at}self_attn.")
        found[f"{moe}gate.weight"] = (shape.n_experts, d)
        for expert in range(shape.n_experts):
            found |= {
                f"{moe}experts.{expert}.w1.weight": (h, d),
                f"{moe}experts.{expert}.w2.weight": (d, h),
                f"{moe}experts.{expert}.w3.weight": (h, d),
            }
        found[f"{at}input_layernorm.weight"] = (d,)
        found[f"{at}post_attention_layernorm.weight"] = (d,)
    return found | llama.end_sizes(shape)


def scores(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    """Return next-token scores."""
    x = weights["model.embed_tokens.weight"][tokens]
    for layer in range(shape.n_layers):
        at = f"model.layers.{layer}."
        y = parts.rms_norm(weights, f"{at}input_layernorm", x)
        x = x + llama.attention(shape, weights, f"{at}self_attn.", y)
        y = parts.rms_norm(weights, f"{at}post_attention_layernorm", x)
        x = x + _experts(shape, weights, f"{at}block_sparse_moe.", y)
    return llama.end(shape, weights, x)


def config(shape: Shape) -> dict[str, object]:
    """Return config.json."""
    return llama.config(shape) | {
        "num_local_experts": shape.n_experts,
        "num_experts_per_tok": N_CHOSEN,
    }


def _experts(shape: Shape, weights: Weights, at: str, x: Tensor) -> Tensor:
    flat = x.flatten(0, 1)
    router = parts.linear(weights, f"{at}gate", flat).softmax(-1)
    shares, chosen = router.topk(N_CHOSEN, -1)
    shares = shares / shares.sum(-1, keepdim=True)
    total = torch.zeros_like(flat)
    for expert in range(shape.n_experts):
        token, place = (chosen == expert).nonzero(as_tuple=True)
        y = flat[token]
        own = f"{at}experts.{expert}."
        gate = F.silu(parts.linear(weights, f"{own}w1", y))
        y = parts.linear(
            weights, f"{own}w2", gate * parts.linear(weights, f"{own}w3", y)
        )
        total = total.index_add(0, token, y * shares[token, place, None])
    return total.view_as(x)
