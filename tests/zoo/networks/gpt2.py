"""GPT-2: Conv1D matrices (in, out), q, k and v fused, learned positions."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from . import parts
from .shape import Shape, Sizes, Weights


def sizes(shape: Shape) -> Sizes:
    """Return the size of every tensor."""
    d, h = shape.d, shape.h
    found: Sizes = {
        "transformer.wte.weight": (shape.vocab, d),
        "transformer.wpe.weight": (shape.context, d),
    }
    for layer in range(shape.n_layers):
        at = f"transformer.h.{layer}."
        found |= parts.norms(at, ("ln_1", "ln_2"), d)
        for part, (n_in, n_out) in {
            "attn.c_attn": (d, 3 * d),
            "attn.c_proj": (d, d),
            "mlp.c_fc": (d, h),
            "mlp.c_proj": (h, d),
        }.items():
            found |= {f"{at}{part}.weight": (n_in, n_out), f"{at}{part}.bias": (n_out,)}
    return found | parts.norms("transformer.", ("ln_f",), d)


def scores(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    """Return next-token scores."""
    embedding = weights["transformer.wte.weight"]
    x = embedding[tokens] + weights["transformer.wpe.weight"][: tokens.shape[1]]
    for layer in range(shape.n_layers):
        at = f"transformer.h.{layer}."
        y = parts.layer_norm(weights, f"{at}ln_1", x)
        qkv = _conv(weights, f"{at}attn.c_attn", y)
        q, k, v = (parts.split(part, shape.n_heads) for part in qkv.chunk(3, -1))
        x = x + _conv(weights, f"{at}attn.c_proj", parts.attend(shape, q, k, v))
        y = _conv(weights, f"{at}mlp.c_fc", parts.layer_norm(weights, f"{at}ln_2", x))
        y = F.gelu(y, approximate="tanh")
        x = x + _conv(weights, f"{at}mlp.c_proj", y)
    return F.linear(parts.layer_norm(weights, "transformer.ln_f", x), embedding)


def config(shape: Shape) -> dict[str, object]:
    """Return config.json."""
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


def _conv(weights: Weights, at: str, x: Tensor) -> Tensor:
    return x @ weights[at + ".weight"] + weights[at + ".bias"]
