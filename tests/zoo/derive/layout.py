"""Which axis of a tensor is what, by the names of the transformers library."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from .tensors import Tensors

LAYERS = ("layers", "h", "layer")
# By the ending of the first: the matrices of an FFN and the axis of their units.
UNITS = (
    (("gate_proj.weight", 0), ("up_proj.weight", 0), ("down_proj.weight", 1)),
    (("w1.weight", 0), ("w3.weight", 0), ("w2.weight", 1)),
    (("mlp.c_fc.weight", 1), ("mlp.c_fc.bias", 0), ("mlp.c_proj.weight", 0)),
    (
        ("mlp.dense_h_to_4h.weight", 0),
        ("mlp.dense_h_to_4h.bias", 0),
        ("mlp.dense_4h_to_h.weight", 1),
    ),
    (
        ("intermediate.dense.weight", 0),
        ("intermediate.dense.bias", 0),
        ("output.dense.weight", 1),
    ),
)
# A norm and the matrices that read what it gives.
READERS = {
    "input_layernorm": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "post_attention_layernorm": ("mlp.gate_proj", "mlp.up_proj"),
    "ln_1": ("attn.c_attn",),
    "ln_2": ("mlp.c_fc",),
}
EMBEDDINGS = {
    "model.embed_tokens.weight",
    "lm_head.weight",
    "transformer.wte.weight",
    "gpt_neox.embed_in.weight",
    "embed_out.weight",
    "bert.embeddings.word_embeddings.weight",
    "cls.predictions.bias",
}


def layer_of(name: str) -> int | None:
    """Return the number of the layer that a tensor belongs to."""
    parts = name.split(".")
    for before, part in pairwise(parts):
        if before in LAYERS and part.isdigit():
            return int(part)
    return None


def inside_layers(name: str) -> bool:
    """Tell whether a tensor belongs to a layer."""
    return layer_of(name) is not None


def with_layer(name: str, layer: int) -> str:
    """Return the name that a tensor has in another layer."""
    parts = name.split(".")
    for i, part in enumerate(parts):
        if part.isdigit() and parts[i - 1] in LAYERS:
            parts[i] = str(layer)
            break
    return ".".join(parts)


def n_layers(tensors: Tensors) -> int:
    """Return how many layers a model has."""
    return 1 + max(n for n in map(layer_of, tensors) if n is not None)


def ffns(tensors: Tensors) -> Iterator[list[tuple[str, int]]]:
    """Yield the tensors of every FFN, or expert, with the axis of its units."""
    for roles in UNITS:
        first = roles[0][0]
        for name in tensors:
            if name.endswith("." + first):
                start = name.removesuffix(first)
                yield [(start + role, axis) for role, axis in roles]


def residual_axis(name: str) -> int | None:
    """Return the residual axis of a tensor named as in LLaMA, Qwen2 or GPT-2."""
    if name.endswith(("o_proj.weight", "down_proj.weight", "c_proj.bias")):
        return 0
    if name.endswith(("c_attn.weight", "c_fc.weight")):
        return 0
    if name.endswith((".bias",)) and ".ln_" not in name:
        return None
    is_norm = "norm" in name or ".ln_" in name
    return 0 if is_norm else 1


def readers(name: str) -> list[str]:
    """Return the matrices that read what the norm of this name gives."""
    *start, norm, _ = name.split(".")
    return [".".join([*start, matrix, "weight"]) for matrix in READERS.get(norm, ())]
