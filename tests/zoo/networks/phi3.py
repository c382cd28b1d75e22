"""Phi-3: LLaMA with q, k, v in one matrix, and gate and up in another."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from . import llama, parts
from .shape import Shape, Sizes, Weights


def sizes(shape: Shape) -> Sizes:
    """Return the size of every tensor."""
    d, h = shape.d, shape.h
    found: Sizes = {"model.embed_tokens.weight": (shape.vocab, d)}
    for layer in range(shape.n_layers):
        at = f"model.layers.{layer}."
        found |= {
            f"{at}self_attn.qkv_proj.weight": (d + 2 * shape.kv, d),
            f"{at}self_attn.o_proj.weight": (d, d),
            f"{at}mlp.gate_up_proj.weight": (2 * h, d),
            f"{at}mlp.down_proj.weight": (d, h),
            f"{at}input_layernorm.weight": (d,),
            f"{at}post_attention_layernorm.weight": (d,),
        }
    return found | llama.end_sizes(shape)


def scores(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    """Return next-token scores."""
    x = weights["model.embed_tokens.weight"][tokens]
    for layer in range(shape.n_layers):
        at = f"model.layers.{layer}."
        y = parts.rms_norm(weights, f"{at}input_layernorm", x)
        x = x + _attention(shape, weights, f"{at}self_attn.", y)
        y = parts.rms_norm(weights, f"{at}post_attention_layernorm", x)
        gate, up = parts.linear(weights, f"{at}mlp.gate_up_proj", y).chunk(2, -1)
        x = x + parts.linear(weights, f"{at}mlp.down_proj", F.silu(gate) * up)
    return llama.end(shape, weights, x)


def config(shape: Shape) -> dict[str, object]:
    """Return config.json."""
    return llama.config(shape) | {"pad_token_id": 0}


def _attention(shape: Shape, weights: Weights, at: str, x: Tensor) -> Tensor:
    fused = parts.linear(weights, f"{at}qkv_proj", x)
    q, k, v = fused.split([shape.d, shape.kv, shape.kv], -1)
    q = parts.rotate(parts.split(q, shape.n_heads))
    k = parts.rotate(parts.split(k, shape.n_kv_heads))
    y = parts.attend(shape, q, k, parts.split(v, shape.n_kv_heads))
    return parts.linear(weights, f"{at}o_proj", y)
