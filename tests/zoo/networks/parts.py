"""What several networks share: attention over heads, rotary positions, layers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .shape import Shape, Weights

EPSILON = 1e-5


def linear(weights: Weights, at: str, x: Tensor) -> Tensor:
    """Return x through a matrix (out, in) and its bias, if it has one."""
    return F.linear(x, weights[at + ".weight"], weights.get(at + ".bias"))


def rms_norm(weights: Weights, at: str, x: Tensor) -> Tensor:
    """Return x at root mean square one, times the gain."""
    return F.rms_norm(x, x.shape[-1:], weights[at + ".weight"], EPSILON)


def layer_norm(weights: Weights, at: str, x: Tensor) -> Tensor:
    """Return x at mean zero and deviation one, times the gain, plus the bias."""
    gain, bias = weights[at + ".weight"], weights[at + ".bias"]
    return F.layer_norm(x, x.shape[-1:], gain, bias, EPSILON)


def split(x: Tensor, n: int) -> Tensor:
    """Return (batch, time, n * width) as (batch, n, time, width)."""
    batch, time, _ = x.shape
    return x.view(batch, time, n, -1).transpose(1, 2)


def attend(
    shape: Shape, q: Tensor, k: Tensor, v: Tensor, causal: bool = True
) -> Tensor:
    """Return what every position gathers, heads side by side again."""
    repeat = shape.n_heads // shape.n_kv_heads
    k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return y.transpose(1, 2).flatten(2)


def rotate(x: Tensor, width: int | None = None) -> Tensor:
    """Return heads with rotary positions on their first `width` coordinates."""
    width = width or x.shape[-1]
    moved, kept = x[..., :width], x[..., width:]
    rates = 10000.0 ** (-torch.arange(0, width, 2) / width)
    angles = torch.outer(torch.arange(x.shape[-2]), rates).repeat(1, 2)
    left, right = moved.chunk(2, -1)
    turned = moved * angles.cos() + torch.cat((-right, left), -1) * angles.sin()
    return torch.cat((turned, kept), -1)


def norms(at: str, names: tuple[str, ...], d: int) -> dict[str, tuple[int, ...]]:
    """Return the sizes of LayerNorms: a gain and a bias each."""
    return {f"{at}{n}.{part}": (d,) for n in names for part in ("weight", "bias")}


def with_biases(
    at: str, matrices: dict[str, tuple[int, int]]
) -> dict[str, tuple[int, ...]]:
    """Return the sizes of matrices (out, in) with a bias each."""
    sizes: dict[str, tuple[int, ...]] = {}
    for name, (n_out, n_in) in matrices.items():
        sizes |= {f"{at}{name}.weight": (n_out, n_in), f"{at}{name}.bias": (n_out,)}
    return sizes


def common_config(shape: Shape) -> dict[str, object]:
    """Return the keys that most architectures' config.json files share."""
    return {
        "hidden_size": shape.d,
        "intermediate_size": shape.h,
        "num_hidden_layers": shape.n_layers,
        "num_attention_heads": shape.n_heads,
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.context,
        "tie_word_embeddings": shape.tied,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "bfloat16",
    }
