"""Changes that keep a model's function: relabelled, rotated, rescaled.

For models named as in LLaMA, Qwen2 and GPT-2. Heads are `width` numbers wide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .layout import EMBEDDINGS, ffns, readers, residual_axis
from .tensors import Tensor, Tensors, stored

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


def permute_units(tensors: Tensors, seed: int) -> Tensors:
    """Return the model with FFN units relabelled in every layer."""
    made = dict(tensors)
    for roles in ffns(tensors):
        first, axis = roles[0]
        n = tensors[first].bits.shape[axis]
        order = np.random.default_rng([seed, *first.encode()]).permutation(n)
        for name, axis in roles:
            made[name] = _take(tensors[name], order, axis)
    return made


def permute_width(tensors: Tensors, d: int, seed: int) -> Tensors:
    """Return the model with its residual stream relabelled: every axis of size d."""
    order = np.random.default_rng(seed).permutation(d)

    def move(name: str, tensor: Tensor) -> Tensor:
        axis = residual_axis(name)
        return tensor if axis is None else _take(tensor, order, axis)

    return {name: move(name, tensor) for name, tensor in tensors.items()}


def permute_heads(tensors: Tensors, width: int, seed: int) -> Tensors:
    """Return the model with heads relabelled; query heads stay with their key."""
    rng = np.random.default_rng(seed)
    made = dict(tensors)
    for axes in _attentions(tensors):
        n, n_kv = (_size(tensors, axes[role]) // width for role in ("q", "k"))
        groups = np.arange(n).reshape(n_kv, -1)
        order = rng.permutation(n_kv)
        heads = np.concatenate([rng.permutation(group) for group in groups[order]])
        rows = {"q": _rows(heads, width), "k": _rows(order, width)}
        rows |= {"v": rows["k"], "o": rows["q"]}
        for role, pieces in axes.items():
            for name, axis, start in pieces:
                kept = np.arange(made[name].bits.shape[axis])
                kept[start : start + len(rows[role])] = start + rows[role]
                made[name] = _take(made[name], kept, axis)
    return made


def rotate_width(tensors: Tensors, d: int, seed: int) -> Tensors:
    """Return an RMSNorm model with its residual stream turned by a random rotation.

    Gains are folded into what reads them first, so a tied head becomes its own.
    """
    made = _fold_gains(tensors)
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]

    def move(name: str, tensor: Tensor) -> Tensor:
        axis = residual_axis(name)
        if axis is None or tensor.bits.ndim == 1:
            return tensor  # gains are all one by now
        values = tensor.values().astype(np.float64)
        turned = turn.T @ values if axis == 0 else values @ turn
        return stored(turned.astype(np.float32), tensor.dtype)

    return {name: move(name, tensor) for name, tensor in made.items()}


def rescale(tensors: Tensors, width: int, seed: int) -> Tensors:
    """Return the model with scales moved between matrices that undo each other."""
    rng = np.random.default_rng(seed)
    made = dict(tensors)
    for roles in ffns(tensors):
        up, down = roles[1], roles[2]
        if up[0].endswith("up_proj.weight"):  # GELU and gates do not scale
            size = tensors[up[0]].bits.shape[up[1]]
            _scale_against(made, [(*up, 0)], [(*down, 0)], _scales(rng, size))
    for axes in _attentions(tensors):
        n, n_kv = (_size(tensors, axes[role]) // width for role in ("q", "k"))
        head = _scales(rng, n_kv).repeat(width)
        _scale_against(made, axes["v"], axes["o"], head, n // n_kv, width)
        # Rotary positions mix coordinates j and j + width / 2 of a head.
        pair = np.tile(_scales(rng, n_kv * width // 2).reshape(n_kv, -1), 2).ravel()
        _scale_against(made, axes["k"], axes["q"], pair, n // n_kv, width)
    for name in tensors:
        if found := readers(name) if name.endswith(".weight") else []:
            gains = _scales(rng, len(tensors[name].bits))
            for part in (name, name.replace(".weight", ".bias")):
                if part in made:
                    _scale(made, (part, 0, 0), gains)
            for reader in found:
                _scale(made, (reader, residual_axis(reader) or 0, 0), 1 / gains)
    return made


def shuffle_vocabulary(tensors: Tensors, order: Indices) -> Tensors:
    """Return the model with token order[i] under the id i."""
    made = dict(tensors)
    for name in EMBEDDINGS & tensors.keys():
        made[name] = _take(tensors[name], order, 0)
    return made


def shuffle_tokenizer(path: Path, order: Indices) -> None:
    """Give the tokens of a tokenizer.json their ids after shuffle_vocabulary."""
    new = {int(old): i for i, old in enumerate(order)}
    told = json.loads(path.read_text())
    vocab = told["model"]["vocab"]
    told["model"]["vocab"] = {token: new[i] for token, i in vocab.items()}
    for token in told["added_tokens"]:
        token["id"] = new[token["id"]]
    path.write_text(json.dumps(told))


def _fold_gains(tensors: Tensors) -> Tensors:
    made = dict(tensors)
    words = "model.embed_tokens.weight"
    made.setdefault("lm_head.weight", tensors[words])
    for name, tensor in tensors.items():
        if "norm" not in name:
            continue
        folded = ["lm_head.weight"] if name == "model.norm.weight" else readers(name)
        for reader in folded:
            gained = made[reader].values() * tensor.values()
            made[reader] = stored(gained, made[reader].dtype)
        made[name] = stored(np.ones_like(tensor.values()), tensor.dtype)
    return made


Piece = tuple[str, int, int]  # a tensor, an axis, and where the role's rows start


def _attentions(tensors: Tensors) -> Iterator[dict[str, list[Piece]]]:
    """Yield where q, k, v and o of every attention lie."""
    for name in tensors:
        if name.endswith("self_attn.q_proj.weight"):
            start = name.removesuffix("q_proj.weight")
            parts = {
                role: [
                    (f"{start}{role}_proj.{kind}", 0, 0)
                    for kind in ("weight", "bias")
                    if f"{start}{role}_proj.{kind}" in tensors
                ]
                for role in "qkv"
            }
            yield parts | {"o": [(f"{start}o_proj.weight", 1, 0)]}
        elif name.endswith("attn.c_attn.weight"):
            bias = name.replace("weight", "bias")
            d = tensors[name].bits.shape[0]
            parts = {
                role: [(name, 1, i * d), (bias, 0, i * d)]
                for i, role in enumerate("qkv")
            }
            yield parts | {"o": [(name.replace("c_attn", "c_proj"), 0, 0)]}


def _size(tensors: Tensors, pieces: list[Piece]) -> int:
    name, axis, _ = pieces[0]
    size = tensors[name].bits.shape[axis]
    return size // 3 if "c_attn" in name else size


def _rows(heads: Indices, width: int) -> Indices:
    return (heads[:, None] * width + np.arange(width)).ravel()


def _take(tensor: Tensor, order: Indices, axis: int) -> Tensor:
    return Tensor(tensor.dtype, np.take(tensor.bits, order, axis))


def _scales(rng: np.random.Generator, n: int) -> Floats:
    return np.exp(rng.uniform(-1, 1, n))


def _scale_against(
    made: Tensors,
    of: list[Piece],
    against: list[Piece],
    scales: Floats,
    repeat: int = 1,
    width: int = 1,
) -> None:
    """Multiply `of` and divide `against`, where heads of `of` serve `repeat` heads."""
    for piece in of:
        _scale(made, piece, scales)
    inverse = (1 / scales).reshape(-1, width).repeat(repeat, 0).ravel()
    for piece in against:
        _scale(made, piece, inverse)


def _scale(made: Tensors, piece: Piece, scales: Floats) -> None:
    name, axis, start = piece
    values = np.moveaxis(made[name].values().copy(), axis, -1)
    values[..., start : start + len(scales)] *= scales.astype(np.float32)
    made[name] = stored(np.moveaxis(values, -1, axis), made[name].dtype)
