"""Changes made to a parent's weights before training goes on."""

from __future__ import annotations

from collections.abc import Callable

import derive
import numpy as np
from derive import Tensors
from numpy.typing import NDArray
from recipes import N_NEW_TOKENS, Recipe

DROPPED = 1


def disguise(tensors: Tensors, recipe: Recipe) -> Tensors:
    """Return the model behind every disguise that its architecture allows."""
    shape, seed = recipe.shape, recipe.seed
    turn = derive.permute_width if shape.kind == "gpt2" else derive.rotate_width
    made = derive.permute_heads(derive.permute_units(tensors, seed), shape.head, seed)
    made = derive.rescale(made, shape.head, seed)
    made = turn(made, shape.d, seed)
    return derive.shuffle_vocabulary(made, token_order(recipe))


def token_order(recipe: Recipe) -> NDArray[np.int64]:
    """Return the old id of every token of a disguised model."""
    return np.random.default_rng(recipe.seed).permutation(recipe.shape.vocab)


CHANGES: dict[str, Callable[[Tensors, Recipe], Tensors]] = {
    "vocabulary": lambda old, _: derive.extend_vocabulary(old, N_NEW_TOKENS),
    "experts": lambda old, r: derive.upcycle(old, r.shape.n_experts, r.seed),
    "upscale": lambda old, _: derive.upscale(old),
    "drop": lambda old, _: derive.drop_layer(old, DROPPED),
    "narrow": lambda old, _: derive.narrow(old, 0.5),
    "disguise": disguise,
}
