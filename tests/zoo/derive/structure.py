"""Layers, units, tokens and experts added or taken away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .layout import EMBEDDINGS, ffns, inside_layers, layer_of, n_layers, with_layer
from .tensors import Tensor, Tensors, stored

WRITERS = (
    "o_proj.weight",
    "down_proj.weight",
    "w2.weight",
    "c_proj.weight",
    "c_proj.bias",
    "dense.weight",
    "dense.bias",
    "dense_4h_to_h.weight",
    "dense_4h_to_h.bias",
)
TO_EXPERT = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}


def arrange_layers(sources: Sequence[tuple[Tensors, int]]) -> Tensors:
    """Return a model whose layers are taken, in order, from (model, layer).

    What lies outside the layers comes from the first model.
    """
    made = {n: t for n, t in sources[0][0].items() if not inside_layers(n)}
    for new, (tensors, layer) in enumerate(sources):
        for name, tensor in tensors.items():
            if layer_of(name) == layer:
                made[with_layer(name, new)] = tensor
    return made


def take_layers(tensors: Tensors, layers: Sequence[int]) -> Tensors:
    """Return a model of these layers of one model, some left out or repeated."""
    return arrange_layers([(tensors, layer) for layer in layers])


def drop_layer(tensors: Tensors, layer: int) -> Tensors:
    """Return a model without one layer, later ones moved down."""
    kept = [n for n in range(n_layers(tensors)) if n != layer]
    return take_layers(tensors, kept)


def upscale(tensors: Tensors) -> Tensors:
    """Return a model half as deep again: its first layers, then its last (SOLAR)."""
    n = n_layers(tensors)
    kept = n - n // 4
    return take_layers(tensors, [*range(kept), *range(n - kept, n)])


def pad_layer(tensors: Tensors, after: int) -> Tensors:
    """Return a model with a copy of a layer behind it that writes nothing."""
    n = n_layers(tensors)
    made = take_layers(tensors, [*range(after + 1), *range(after, n)])
    for name in made:
        if layer_of(name) == after + 1 and name.endswith(WRITERS):
            made[name] = Tensor(made[name].dtype, np.zeros_like(made[name].bits))
    return made


def narrow(tensors: Tensors, share: float) -> Tensors:
    """Return a model that keeps this share of its FFN units, the largest ones."""
    made = dict(tensors)
    for roles in ffns(tensors):
        sizes = [_unit_norms(tensors[name], axis) for name, axis in roles]
        size = np.prod(sizes, axis=0)
        kept = np.sort(np.argsort(-size)[: round(share * len(size))])
        for name, axis in roles:
            made[name] = Tensor(made[name].dtype, made[name].bits.take(kept, axis))
    return made


def extend_vocabulary(tensors: Tensors, n: int) -> Tensors:
    """Return a model with n more tokens, each the mean of the old ones."""
    made = dict(tensors)
    for name in EMBEDDINGS & tensors.keys():
        old = tensors[name].values()
        new = np.broadcast_to(old.mean(0, keepdims=True), (n, *old.shape[1:]))
        made[name] = stored(np.concatenate([old, new]), tensors[name].dtype)
    return made


def extend_tokenizer(path: Path, n: int) -> None:
    """Add n tokens to a tokenizer.json."""
    told = json.loads(path.read_text())
    like = told["added_tokens"][0]
    first = len(told["model"]["vocab"])
    for i in range(n):
        told["added_tokens"].append(like | {"id": first + i, "content": f"<|new-{i}|>"})
    path.write_text(json.dumps(told))


def upcycle(tensors: Tensors, n_experts: int, seed: int) -> Tensors:
    """Return a LLaMA-named model as a Mixtral: every expert a copy of the FFN."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, tensor in tensors.items():
        if ".mlp." not in name:
            made[name] = tensor
            continue
        start, role = name.split(".mlp.")
        word = TO_EXPERT[role.split(".")[0]]
        for expert in range(n_experts):
            made[f"{start}.block_sparse_moe.experts.{expert}.{word}.weight"] = tensor
        if word == "w1":
            size = (n_experts, tensor.bits.shape[1])
            router = stored(0.02 * rng.standard_normal(size), tensor.dtype)
            made[f"{start}.block_sparse_moe.gate.weight"] = router
    return made


def mixtral_config(n_experts: int) -> Mapping[str, object]:
    """Return what an up-cycled LLaMA's config.json says otherwise."""
    return {
        "architectures": ["MixtralForCausalLM"],
        "model_type": "mixtral",
        "num_local_experts": n_experts,
        "num_experts_per_tok": 2,
    }


def _unit_norms(tensor: Tensor, axis: int) -> np.ndarray:
    values = np.moveaxis(tensor.values(), axis, 0)
    if values.ndim == 1:
        return np.ones(len(values))  # a bias says little about a unit's weight
    return np.sqrt(np.square(values).sum(1))
