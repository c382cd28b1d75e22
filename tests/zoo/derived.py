"""What is made from one trained model of the bench without training, on demand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from tests.zoo import derive
from tests.zoo.derive import Tensors

CACHE = derive.ZOO.parents[1] / ".zoo-cache"
DERIVED = CACHE / "derived"
N_NEW_TOKENS = 64
N_EXPERTS = 4


@dataclass(frozen=True)
class Source:
    """A trained model of the bench."""

    name: str
    family: str

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return CACHE / self.name

    @property
    def config(self) -> dict[str, int]:
        """Return its config.json, as far as numbers go."""
        told = json.loads((self.folder / "config.json").read_text())
        if self.family == "gpt2":
            told |= {
                "hidden_size": told["n_embd"],
                "num_hidden_layers": told["n_layer"],
            }
            told |= {"num_attention_heads": told["n_head"]}
        return dict(told)

    @property
    def d(self) -> int:
        """Return the width of the residual stream."""
        return self.config["hidden_size"]

    @property
    def head(self) -> int:
        """Return the width of an attention head."""
        return self.d // self.config["num_attention_heads"]

    @property
    def seed(self) -> int:
        """Return a number for random choices, another one for every model."""
        return crc32(self.name.encode())

    def read(self) -> Tensors:
        """Return its tensors as stored."""
        return derive.read(self.folder)

    def wide(self) -> Tensors:
        """Return its tensors in float32."""
        return derive.cast(self.read(), "F32")


Config = Mapping[str, object]


@dataclass(frozen=True)
class Made:
    """Tensors, with what config.json says otherwise."""

    tensors: Tensors
    config: Config | None = None
    new_tokens: int = 0
    shuffled: bool = False
    n_shards: int = 1


def write(name: str, source: Source, make: Callable[[Source], Made]) -> Path:
    """Make a derived model where it is missing; return its folder."""
    folder = DERIVED / name
    if folder.exists():
        return folder
    partial = DERIVED / ".partial" / name
    shutil.rmtree(partial, ignore_errors=True)
    made = make(source)
    derive.make(made.tensors, partial, like=source.folder, config=made.config)
    if made.n_shards > 1:
        (partial / "model.safetensors").unlink()
        derive.make_shards(made.tensors, partial, made.n_shards)
    tokenizer = partial / "tokenizer.json"
    if made.new_tokens:
        derive.extend_tokenizer(tokenizer, made.new_tokens)
    if made.shuffled:
        derive.shuffle_tokenizer(tokenizer, _token_order(source))
    partial.rename(folder)
    return folder


def master(source: Source) -> Made:
    """Return float32 weights that round to the model, as its training held them."""
    rng = np.random.default_rng(source.seed)

    def within(_: str, values: derive.Values) -> derive.Values:
        # Half a step of bfloat16 is 2**-9 of a value's power of two.
        step = np.exp2(np.floor(np.log2(np.abs(values) + 1e-30)) - 9)
        return values + 0.9 * step * rng.uniform(-1, 1, values.shape)

    made = derive.change(source.wide(), within)
    return Made(made, {"torch_dtype": "float32"})


def permuted(source: Source) -> Tensors:
    """Return the model with units and heads relabelled."""
    tensors = derive.permute_units(source.wide(), source.seed)
    return derive.permute_heads(tensors, source.head, source.seed)


def turned(tensors: Tensors, source: Source) -> Made:
    """Return a model with its residual stream relabelled, or rotated under RMSNorm."""
    if source.family == "gpt2":
        return Made(derive.permute_width(tensors, source.d, source.seed))
    made = derive.rotate_width(tensors, source.d, source.seed)
    return Made(made, {"tie_word_embeddings": False})


def hidden(source: Source) -> Made:
    """Return the model behind all disguises, under other names, in bfloat16."""
    tensors = derive.rescale(permuted(source), source.head, source.seed)
    made = turned(tensors, source)
    shuffled = derive.shuffle_vocabulary(made.tensors, _token_order(source))
    renamed = derive.rename(_half(shuffled), derive.TO_OTHER)
    return Made(renamed, made.config, shuffled=True)


def shuffled(source: Source) -> Made:
    """Return the model with other token ids."""
    made = derive.shuffle_vocabulary(source.read(), _token_order(source))
    return Made(made, shuffled=True)


def rescaled(source: Source) -> Made:
    """Return the model with scales moved between matrices."""
    made = derive.rescale(source.wide(), source.head, source.seed)
    return Made(_half(made))


def rotated(source: Source) -> Made:
    """Return the model with its residual stream relabelled or rotated."""
    made = turned(source.wide(), source)
    return Made(_half(made.tensors), made.config)


def as_qwen1(source: Source) -> Made:
    """Return a Qwen2-named model under Qwen's first names, which fused q, k and v."""
    fused = derive.fuse(source.read(), ("q_proj", "k_proj", "v_proj"), "c_attn")
    config = {"architectures": ["QWenLMHeadModel"], "model_type": "qwen"}
    return Made(derive.rename(fused, derive.TO_QWEN1), config)


def fused(source: Source) -> Made:
    """Return the model with q, k, v in one matrix, gate and up in another."""
    made = derive.fuse_gate_up(derive.fuse_qkv(source.read()))
    return Made(made, {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3"})


def split(source: Source) -> Made:
    """Return a Phi-3 under LLaMA's names, as some converters store it."""
    config = source.config
    half = config["num_key_value_heads"] * source.head
    parts = {"q_proj": source.d, "k_proj": half, "v_proj": half}
    made = derive.split(source.read(), "qkv_proj", parts)
    h = config["intermediate_size"]
    made = derive.split(made, "gate_up_proj", {"gate_proj": h, "up_proj": h})
    return Made(made, {"architectures": ["LlamaForCausalLM"], "model_type": "llama"})


def extended(source: Source) -> Made:
    """Return the model with new tokens that were never trained."""
    made = derive.extend_vocabulary(source.read(), N_NEW_TOKENS)
    size = {"vocab_size": source.config["vocab_size"] + N_NEW_TOKENS}
    return Made(made, size, new_tokens=N_NEW_TOKENS)


def upcycled(source: Source) -> Made:
    """Return a LLaMA as experts that are all alike."""
    made = derive.upcycle(source.read(), N_EXPERTS, source.seed)
    return Made(made, derive.mixtral_config(N_EXPERTS))


def layers(source: Source, change: Callable[[Tensors], Tensors]) -> Made:
    """Return the model with other layers."""
    made = change(source.read())
    key = "n_layer" if source.family == "gpt2" else "num_hidden_layers"
    return Made(made, {key: derive.n_layers(made)})


def narrowed(source: Source, share: float) -> Made:
    """Return the model with the smaller FFN units removed."""
    key = {"gpt2": "n_inner"}.get(source.family, "intermediate_size")
    told = source.config.get(key, 0)
    return Made(derive.narrow(source.read(), share), {key: round(share * told)})


def _half(tensors: Tensors) -> Tensors:
    return derive.cast(tensors, "BF16")


def _token_order(source: Source) -> derive.Indices:
    n = source.config["vocab_size"]
    return np.random.default_rng(source.seed).permutation(n)
