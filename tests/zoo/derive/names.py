"""The same values under other names, or fused and split otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .tensors import Tensor, Tensors

TO_YI = {"input_layernorm": "ln1", "post_attention_layernorm": "ln2"}
# A scheme of its own, after the names of several older code bases.
TO_OTHER = {
    "model": "net",
    "transformer": "net",
    "gpt_neox": "net",
    "bert": "net",
    "embed_tokens": "tok_embeddings",
    "wte": "tok_embeddings",
    "wpe": "pos_embeddings",
    "layers": "blocks",
    "h": "blocks",
    "layer": "blocks",
    "self_attn": "attention",
    "attn": "attention",
    "q_proj": "wq",
    "k_proj": "wk",
    "v_proj": "wv",
    "o_proj": "wo",
    "mlp": "feed_forward",
    "gate_proj": "w1",
    "down_proj": "w2",
    "up_proj": "w3",
    "c_attn": "wqkv",
    "c_fc": "w_in",
    "c_proj": "w_out",
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
    "ln_1": "attention_norm",
    "ln_2": "ffn_norm",
    "ln_f": "last_norm",
    "norm": "last_norm",
    "lm_head": "output",
}


# Qwen's names before Qwen2: GPT-2's, but for its MLP.
TO_QWEN1 = {
    "model": "transformer",
    "embed_tokens": "wte",
    "layers": "h",
    "self_attn": "attn",
    "o_proj": "c_proj",
    "up_proj": "w1",
    "gate_proj": "w2",
    "down_proj": "c_proj",
    "input_layernorm": "ln_1",
    "post_attention_layernorm": "ln_2",
    "norm": "ln_f",
}


def rename(tensors: Tensors, words: Mapping[str, str]) -> Tensors:
    """Return the tensors with words in their names replaced."""

    def new(name: str) -> str:
        return ".".join(words.get(part, part) for part in name.split("."))

    return {new(name): tensor for name, tensor in tensors.items()}


def fuse(tensors: Tensors, parts: tuple[str, ...], whole: str) -> Tensors:
    """Return the model with matrices of one layer stored as one, rows below rows."""
    made = dict(tensors)
    for name in tensors:
        if f".{parts[0]}." in name:
            names = [name.replace(parts[0], part) for part in parts]
            bits = np.concatenate([made.pop(part).bits for part in names])
            made[name.replace(parts[0], whole)] = Tensor(tensors[name].dtype, bits)
    return made


def fuse_gate_up(tensors: Tensors) -> Tensors:
    """Return the model with gate and up stored as one matrix (2h, d)."""
    return fuse(tensors, ("gate_proj", "up_proj"), "gate_up_proj")


def fuse_qkv(tensors: Tensors) -> Tensors:
    """Return the model with q, k and v stored as one matrix."""
    return fuse(tensors, ("q_proj", "k_proj", "v_proj"), "qkv_proj")


def split(tensors: Tensors, whole: str, parts: Mapping[str, int]) -> Tensors:
    """Return the model with a fused matrix stored as parts of so many rows."""
    made = dict(tensors)
    ends = np.cumsum(list(parts.values()))
    for name in tensors:
        if f".{whole}." in name:
            pieces = np.split(made.pop(name).bits, ends[:-1])
            for part, bits in zip(parts, pieces, strict=True):
                made[name.replace(whole, part)] = Tensor(tensors[name].dtype, bits)
    return made
