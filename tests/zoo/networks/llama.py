"""LLaMA and its near kin: Mistral (same names), Qwen2 (biases on q, k and v)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from . import parts
from .shape import Shape, Sizes, Weights

ARCHITECTURES = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
}


def sizes(shape: Shape) -> Sizes:
    """Return the size of every tensor."""
    d, h = shape.d, shape.h
    found: Sizes = {"model.embed_tokens.weight": (shape.vocab, d)}
    for layer in range(shape.n_layers):
        at = f"model.layers.{layer}."
        found |= attention_sizes(shape, f"{at}self_attn.") | {
            f"{at}mlp.gate_proj.weight": (h, d),
            f"{at}mlp.up_proj.weight": (h, d),
            f"{at}mlp.down_proj.weight": (d, h),
            f"{at}input_layernorm.weight": (d,),
            f"{at}post_attention_layernorm.weight": (d,),
        }
    return found | end_sizes(shape)


def attention_sizes(shape: Shape, at: str) -> Sizes:
    """Return the sizes of q, k, v (with biases in Qwen2) and o."""
    d, kv = shape.d, shape.kv
    found: Sizes = {}
    for name, width in (("q_proj", d), ("k_proj", kv), ("v_proj", kv)):
        found[f"{at}{name}.weight"] = (width, d)
        if shape.kind == "qwen2":
            found[f"{at}{name}.bias"] = (width,)
    return found | {f"{at}o_proj.weight": (d, d)}


def end_sizes(shape: Shape) -> Sizes:
    """Return the sizes of the last norm and of the head, unless it is tied."""
    found: Sizes = {"model.norm.weight": (shape.d,)}
    return found if shape.tied else found | {"lm_head.weight": (shape.vocab, shape.d)}


def scores(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    """Return next-token scores."""
    x = weights["model.embed_tokens.weight"][tokens]
    for layer in range(shape.n_layers):
        at = f"model.layers.{layer}."
        y = parts.rms_norm(weights, f"{at}input_layernorm", x)
        x = x + attention(shape, weights, f"{at}self_attn.", y)
        y = parts.rms_norm(weights, f"{at}post_attention_layernorm", x)
        gate = F.silu(parts.linear(weights, f"{at}mlp.gate_proj", y))
        up = parts.linear(weights, f"{at}mlp.up_proj", y)
        x = x + parts.linear(weights, f"{at}mlp.down_proj", gate * up)
    return end(shape, weights, x)


def attention(shape: Shape, weights: Weights, at: str, x: Tensor) -> Tensor:
    """Return grouped-query attention with rotary positions."""
    q = parts.split(parts.linear(weights, f"{at}q_proj", x), shape.n_heads)
    k = parts.split(parts.linear(weights, f"{at}k_proj", x), shape.n_kv_heads)
    v = parts.split(parts.linear(weights, f"{at}v_proj", x), shape.n_kv_heads)
    y = parts.attend(shape, parts.rotate(q), parts.rotate(k), v)
    return parts.linear(weights, f"{at}o_proj", y)


def end(shape: Shape, weights: Weights, x: Tensor) -> Tensor:
    """Return the scores that the last residual stream gives."""
    head = "model.embed_tokens.weight" if shape.tied else "lm_head.weight"
    return F.linear(parts.rms_norm(weights, "model.norm", x), weights[head])


def config(shape: Shape) -> dict[str, object]:
    """Return config.json."""
    return {
        "architectures": [ARCHITECTURES[shape.kind]],
        "model_type": shape.kind,
        **parts.common_config(shape),
        "num_key_value_heads": shape.n_kv_heads,
        "hidden_act": "silu",
        "rms_norm_eps": parts.EPSILON,
        "rope_theta": 10000.0,
    }
