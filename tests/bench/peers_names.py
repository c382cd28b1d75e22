"""Tensors of the zoo's architectures under LLaMA's names, for methods that need them.

Several published methods look tensors up by LLaMA's names. Where an architecture
has the same parts (q, k, v, o, gate, up, down), they are given those parts, so that
a method fails on what it measures and not on a word. Nothing is guessed: a file
whose names are not those of its own `model_type` keeps them, unless the zoo's own
disguise of names is to be undone (`undo`), which no method could do by itself.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

RENAMED = {
    "gpt2": {
        "transformer.wte.": "model.embed_tokens.",
        "transformer.h.": "model.layers.",
        "attn.c_attn": "self_attn.qkv_proj",
        "attn.c_proj": "self_attn.o_proj",
        "mlp.c_fc": "mlp.up_proj",
        "mlp.c_proj": "mlp.down_proj",
    },
    "gpt_neox": {
        "gpt_neox.embed_in.": "model.embed_tokens.",
        "gpt_neox.": "model.",
        "attention.query_key_value": "self_attn.qkv_proj",
        "attention.dense": "self_attn.o_proj",
        "mlp.dense_h_to_4h": "mlp.up_proj",
        "mlp.dense_4h_to_h": "mlp.down_proj",
    },
    "bert": {
        "bert.embeddings.word_embeddings.": "model.embed_tokens.",
        "bert.encoder.layer.": "model.layers.",
        "attention.self.query": "self_attn.q_proj",
        "attention.self.key": "self_attn.k_proj",
        "attention.self.value": "self_attn.v_proj",
        "attention.output.dense": "self_attn.o_proj",
        "intermediate.dense": "mlp.up_proj",
        ".output.dense": ".mlp.down_proj",
    },
}
# The zoo's disguise of names, taken back; per `model_type` where it is another word.
UNDONE = {
    "net": "model",
    "tok_embeddings": "embed_tokens",
    "blocks": "layers",
    "attention": "self_attn",
    "wq": "q_proj",
    "wk": "k_proj",
    "wv": "v_proj",
    "wo": "o_proj",
    "feed_forward": "mlp",
    "w1": "gate_proj",
    "w2": "down_proj",
    "w3": "up_proj",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "last_norm": "norm",
    "output": "lm_head",
}
UNDONE_IN: dict[str, dict[str, str]] = {
    "gpt2": {
        "net": "transformer",
        "tok_embeddings": "wte",
        "blocks": "h",
        "attention": "attn",
        "wqkv": "c_attn",
        "w_in": "c_fc",
        "w_out": "c_proj",
    },
    "gpt_neox": {"net": "gpt_neox", "attention": "attention"},
    "bert": {
        "net": "bert",
        "blocks": "layer",
        "attention": "attention",
        "output": "output",
    },
    "mixtral": {"w1": "w1", "w2": "w2", "w3": "w3"},
}
EXPERT = re.compile(r"block_sparse_moe\.experts\.(\d+)\.w([123])\.")
EXPERT_PARTS = {"1": "gate_proj", "2": "down_proj", "3": "up_proj"}
LAYER = re.compile(r"model\.layers\.(\d+)\.")


def read_config(folder: Path) -> dict[str, Any]:
    """Return config.json, or nothing where there is none."""
    path = folder / "config.json"
    return json.loads(path.read_text()) if path.exists() else {}


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """Return every tensor of the folder's safetensors files as stored."""
    from safetensors.torch import load_file

    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(path)
    if not tensors:
        raise ValueError("no safetensors file")
    return tensors


def read_as_llama(folder: Path, undo: bool = False) -> dict[str, Tensor]:
    """Return the tensors under LLaMA's names, float32, layer by layer."""
    config = read_config(folder)
    kind = str(config.get("model_type"))
    tensors = read_tensors(folder)
    words = {}
    if undo and any(name.startswith("net.") for name in tensors):
        words = UNDONE | UNDONE_IN.get(kind, {})
    named: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        parts = [words.get(part, part) for part in name.split(".")]
        new = _rename(kind, ".".join(parts))
        values = tensor.float()
        if kind == "gpt2" and values.ndim == 2 and LAYER.match(new):
            values = values.T.contiguous()
        named |= _split(config, new, values)
    return {name: named[name] for name in sorted(named, key=_place)}


def heads(config: dict[str, Any]) -> tuple[int, int]:
    """Return how many query heads and key-value heads there are."""
    n_heads = int(config.get("num_attention_heads") or config["n_head"])
    return n_heads, int(config.get("num_key_value_heads") or n_heads)


def n_layers(tensors: dict[str, Tensor]) -> int:
    """Return how many layers have LLaMA's names."""
    return len({found[1] for name in tensors if (found := LAYER.match(name))})


def _rename(kind: str, name: str) -> str:
    for old, new in RENAMED.get(kind, {}).items():
        name = name.replace(old, new)
    return EXPERT.sub(lambda m: f"mlp.{EXPERT_PARTS[m[2]]}.{m[1]}.", name)


def _split(config: dict[str, Any], name: str, values: Tensor) -> dict[str, Tensor]:
    if name.endswith("gate_up_proj.weight"):
        parts = zip(("gate_proj", "up_proj"), values.chunk(2), strict=True)
        return {name.replace("gate_up_proj", part): rows for part, rows in parts}
    if not name.endswith("qkv_proj.weight"):
        return {name: values}
    n_heads, n_kv = heads(config)
    if config["model_type"] == "gpt_neox":  # q, k and v of one head side by side
        by_head = values.view(n_heads, 3, -1, values.shape[1])
        rows = [by_head[:, part].flatten(0, 1) for part in range(3)]
    else:
        width = len(values) // (n_heads + 2 * n_kv)
        rows = list(values.split([n_heads * width, n_kv * width, n_kv * width]))
    made = zip(("q_proj", "k_proj", "v_proj"), rows, strict=True)
    return {name.replace("qkv_proj", part): rows for part, rows in made}


def _place(name: str) -> tuple[int, str]:
    found = LAYER.match(name)
    if found:
        return int(found[1]), name
    return (-1 if name.startswith("model.embed") else 1_000_000), name
