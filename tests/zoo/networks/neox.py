"""GPT-NeoX (Pythia): attention and MLP in parallel, q, k, v interleaved per head."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from . import parts
from .shape import Shape, Sizes, Weights

ROTARY_SHARE = 0.25


def sizes(shape: Shape) -> Sizes:
    """Return the size of every tensor."""
    d, h = shape.d, shape.h
    found: Sizes = {"gpt_neox.embed_in.weight": (shape.vocab, d)}
    for layer in range(shape.n_layers):
        at = f"gpt_neox.layers.{layer}."
        found |= parts.norms(at, ("input_layernorm", "post_attention_layernorm"), d)
        found |= parts.with_biases(
            at,
            {
                "attention.query_key_value": (3 * d, d),
                "attention.dense": (d, d),
                "mlp.dense_h_to_4h": (h, d),
                "mlp.dense_4h_to_h": (d, h),
            },
        )
    found |= parts.norms("gpt_neox.", ("final_layer_norm",), d)
    return found | {"embed_out.weight": (shape.vocab, d)}


def scores(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    """Return next-token scores."""
    x = weights["gpt_neox.embed_in.weight"][tokens]
    for layer in range(shape.n_layers):
        at = f"gpt_neox.layers.{layer}."
        y = parts.layer_norm(weights, f"{at}post_attention_layernorm", x)
        y = F.gelu(parts.linear(weights, f"{at}mlp.dense_h_to_4h", y))
        x = (
            x
            + _attention(shape, weights, at, x)
            + parts.linear(weights, f"{at}mlp.dense_4h_to_h", y)
        )
    x = parts.layer_norm(weights, "gpt_neox.final_layer_norm", x)
    return F.linear(x, weights["embed_out.weight"])


def config(shape: Shape) -> dict[str, object]:
    """Return config.json."""
    return {
        "architectures": ["GPTNeoXForCausalLM"],
        "model_type": "gpt_neox",
        **parts.common_config(shape),
        "hidden_act": "gelu",
        "layer_norm_eps": parts.EPSILON,
        "rotary_pct": ROTARY_SHARE,
        "rotary_emb_base": 10000,
        "use_parallel_residual": True,
    }


def _attention(shape: Shape, weights: Weights, at: str, x: Tensor) -> Tensor:
    y = parts.layer_norm(weights, f"{at}input_layernorm", x)
    fused = parts.linear(weights, f"{at}attention.query_key_value", y)
    q, k, v = parts.split(fused, shape.n_heads).chunk(3, -1)
    width = int(shape.head * ROTARY_SHARE)
    y = parts.attend(shape, parts.rotate(q, width), parts.rotate(k, width), v)
    return parts.linear(weights, f"{at}attention.dense", y)
