"""Models made from trained ones without torch: casts, renames, disguises and so on.

Tensors of a model are a dictionary by name; functions return new ones.
"""

from . import merges
from .disguises import (
    Indices,
    permute_heads,
    permute_units,
    permute_width,
    rescale,
    rotate_width,
    shuffle_tokenizer,
    shuffle_vocabulary,
)
from .layout import inside_layers, n_layers
from .names import (
    TO_OTHER,
    TO_QWEN1,
    TO_YI,
    fuse,
    fuse_gate_up,
    fuse_qkv,
    rename,
    split,
)
from .structure import (
    arrange_layers,
    drop_layer,
    extend_tokenizer,
    extend_vocabulary,
    mixtral_config,
    narrow,
    pad_layer,
    take_layers,
    upcycle,
    upscale,
)
from .tensors import ZOO, Tensor, Tensors, make, make_shards, read, save, stored
from .values import (
    Values,
    add_noise,
    cast,
    change,
    prune_smallest,
    quantize_int4,
    quantize_int8,
)

__all__ = [
    "TO_OTHER",
    "TO_QWEN1",
    "TO_YI",
    "ZOO",
    "Indices",
    "Tensor",
    "Tensors",
    "Values",
    "add_noise",
    "arrange_layers",
    "cast",
    "change",
    "drop_layer",
    "extend_tokenizer",
    "extend_vocabulary",
    "fuse",
    "fuse_gate_up",
    "fuse_qkv",
    "inside_layers",
    "make",
    "make_shards",
    "merges",
    "mixtral_config",
    "n_layers",
    "narrow",
    "pad_layer",
    "permute_heads",
    "permute_units",
    "permute_width",
    "prune_smallest",
    "quantize_int4",
    "quantize_int8",
    "read",
    "rename",
    "rescale",
    "rotate_width",
    "save",
    "shuffle_tokenizer",
    "shuffle_vocabulary",
    "split",
    "stored",
    "take_layers",
    "upcycle",
    "upscale",
]
