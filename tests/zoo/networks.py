"""The two small network shapes of the zoo in torch; no data and no training here.

Tensor names and layouts are those of the transformers library, so the saved
files load there as LlamaForCausalLM and GPT2LMHeadModel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Shape:
    """Sizes of one network: width d, FFN width h, and how it attends."""

    kind: str  # "llama" or "gpt2"
    d: int
    h: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    vocab: int
    tied: bool
    context: int = 128


def start(shape: Shape, seed: int) -> Weights:
    """Return random starting weights; normal, 0.02, norms one, biases zero."""
    generator = torch.Generator().manual_seed(seed)
    names = _llama_shapes(shape) if shape.kind == "llama" else _gpt2_shapes(shape)
    weights = {}
    for name, size in names.items():
        if name.endswith("bias"):
            weights[name] = torch.zeros(size)
        elif len(size) == 1:
            weights[name] = torch.ones(size)
        else:
            weights[name] = torch.randn(size, generator=generator) * 0.02
    return weights


def logits(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    """Return next-token scores (batch, time, vocab) for tokens (batch, time)."""
    run = _llama if shape.kind == "llama" else _gpt2
    return run(shape, weights, tokens)


def config(shape: Shape) -> dict[str, object]:
    """Return the config.json that transformers reads for this shape."""
    return _llama_config(shape) if shape.kind == "llama" else _gpt2_config(shape)


def _llama_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    d, h, kv = shape.d, shape.h, shape.d // shape.n_heads * shape.n_kv_heads
    names: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (shape.vocab, d)}
    for layer in range(shape.n_layers):
        at = f"model.layers.{layer}."
        names |= {
            f"{at}self_attn.q_proj.weight": (d, d),
            f"{at}self_attn.k_proj.weight": (kv, d),
            f"{at}self_attn.v_proj.weight": (kv, d),
            f"{at}self_attn.o_proj.weight": (d, d),
            f"{at}mlp.gate_proj.weight": (h, d),
            f"{at}mlp.up_proj.weight": (h, d),
            f"{at}mlp.down_proj.weight": (d, h),
            f"{at}input_layernorm.weight": (d,),
            f"{at}post_attention_layernorm.weight": (d,),
        }
    names["model.norm.weight"] = (d,)
    return names if shape.tied else names | {"lm_head.weight": (shape.vocab, d)}


def _gpt2_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    d, h = shape.d, shape.h
    names: dict[str, tuple[int, ...]] = {
        "transformer.wte.weight": (shape.vocab, d),
        "transformer.wpe.weight": (shape.context, d),
    }
    for layer in range(shape.n_layers):
        at = f"transformer.h.{layer}."
        for norm in ("ln_1", "ln_2"):
            names |= {f"{at}{norm}.weight": (d,), f"{at}{norm}.bias": (d,)}
        for part, (n_in, n_out) in {
            "attn.c_attn": (d, 3 * d),
            "attn.c_proj": (d, d),
            "mlp.c_fc": (d, h),
            "mlp.c_proj": (h, d),
        }.items():
            names |= {f"{at}{part}.weight": (n_in, n_out), f"{at}{part}.bias": (n_out,)}
    return names | {"transformer.ln_f.weight": (d,), "transformer.ln_f.bias": (d,)}


def _llama(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    x = weights["model.embed_tokens.weight"][tokens]
    for layer in range(shape.n_layers):
        at = f"model.layers.{layer}."
        y = F.rms_norm(x, (shape.d,), weights[at + "input_layernorm.weight"], 1e-5)
        x = x + _llama_attention(shape, weights, at + "self_attn.", y)
        gain = weights[at + "post_attention_layernorm.weight"]
        y = F.rms_norm(x, (shape.d,), gain, 1e-5)
        gate = F.silu(y @ weights[at + "mlp.gate_proj.weight"].T)
        up = y @ weights[at + "mlp.up_proj.weight"].T
        x = x + (gate * up) @ weights[at + "mlp.down_proj.weight"].T
    x = F.rms_norm(x, (shape.d,), weights["model.norm.weight"], 1e-5)
    head = "model.embed_tokens.weight" if shape.tied else "lm_head.weight"
    return x @ weights[head].T


def _llama_attention(shape: Shape, weights: Weights, at: str, x: Tensor) -> Tensor:
    batch, time, d = x.shape
    width = d // shape.n_heads

    def heads(name: str, n: int) -> Tensor:
        y = x @ weights[f"{at}{name}.weight"].T
        return y.view(batch, time, n, width).transpose(1, 2)

    q = _rotate(heads("q_proj", shape.n_heads))
    k = _rotate(heads("k_proj", shape.n_kv_heads))
    v = heads("v_proj", shape.n_kv_heads)
    repeat = shape.n_heads // shape.n_kv_heads
    k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return y.transpose(1, 2).reshape(batch, time, d) @ weights[at + "o_proj.weight"].T


def _rotate(x: Tensor) -> Tensor:
    time, width = x.shape[-2:]
    rates = 10000.0 ** (-torch.arange(0, width, 2) / width)
    angles = torch.outer(torch.arange(time), rates).repeat(1, 2)
    left, right = x.chunk(2, -1)
    return x * angles.cos() + torch.cat((-right, left), -1) * angles.sin()


def _gpt2(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    batch, time = tokens.shape
    d, width = shape.d, shape.d // shape.n_heads

    def linear(at: str, x: Tensor) -> Tensor:
        return x @ weights[at + ".weight"] + weights[at + ".bias"]

    def norm(at: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, (d,), weights[at + ".weight"], weights[at + ".bias"])

    embedding = weights["transformer.wte.weight"]
    x = embedding[tokens] + weights["transformer.wpe.weight"][:time]
    for layer in range(shape.n_layers):
        at = f"transformer.h.{layer}."
        qkv = linear(at + "attn.c_attn", norm(at + "ln_1", x))
        q, k, v = (
            part.view(batch, time, shape.n_heads, width).transpose(1, 2)
            for part in qkv.chunk(3, -1)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(at + "attn.c_proj", y.transpose(1, 2).reshape(batch, time, d))
        y = F.gelu(linear(at + "mlp.c_fc", norm(at + "ln_2", x)), approximate="tanh")
        x = x + linear(at + "mlp.c_proj", y)
    return norm("transformer.ln_f", x) @ embedding.T


def _llama_config(shape: Shape) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.d,
        "intermediate_size": shape.h,
        "num_hidden_layers": shape.n_layers,
        "num_attention_heads": shape.n_heads,
        "num_key_value_heads": shape.n_kv_heads,
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.context,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": shape.tied,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "bfloat16",
    }


def _gpt2_config(shape: Shape) -> dict[str, object]:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "n_embd": shape.d,
        "n_inner": shape.h,
        "n_layer": shape.n_layers,
        "n_head": shape.n_heads,
        "n_positions": shape.context,
        "vocab_size": shape.vocab,
        "activation_function": "gelu_new",
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "bfloat16",
    }
