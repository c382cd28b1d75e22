"""Disguises keep a model's function, exactly but for rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.zoo import derive
from tests.zoo.derive import Tensors

pytestmark = pytest.mark.torch

D, WIDTH, N_TOKENS = 32, 8, 40
HEADS = {"llama": (4, 2), "qwen2": (4, 2), "gpt2": (4, 4)}
RMS = ("llama", "qwen2")
ALL = np.arange(N_TOKENS)


@pytest.fixture(params=HEADS)
def shape(request: pytest.FixtureRequest) -> Any:
    from tests.zoo.networks import Shape

    return Shape(request.param, D, 48, 3, *HEADS[request.param], N_TOKENS, tied=True)


@pytest.fixture
def model(shape: Any) -> Tensors:
    """Return a model in which no gain is one and no bias is zero."""
    from tests.zoo import networks

    rng = np.random.default_rng(0)
    made = {}
    for name, weight in networks.start(shape, 0).items():
        larger = weight.numpy() * (5 if weight.ndim == 2 else 1)
        values = larger + 0.1 * rng.standard_normal(weight.shape)
        made[name] = derive.stored(values, "F32")
    return made


def outputs(
    shape: Any, model: Tensors, tokens: NDArray[np.int64] = ALL
) -> NDArray[np.float32]:
    """Return the scores for one row of tokens."""
    import torch

    from tests.zoo import networks

    weights = {n: torch.tensor(t.values().copy()) for n, t in model.items()}
    scores = networks.logits(shape, weights, torch.tensor(tokens[None]))
    return np.asarray(scores[0])


def assert_close(a: NDArray[np.float32], b: NDArray[np.float32]) -> None:
    assert np.abs(a - b).max() < 1e-4 * np.abs(b).max()


DISGUISES: dict[str, Callable[[Tensors], Tensors]] = {
    "units": lambda model: derive.permute_units(model, 1),
    "heads": lambda model: derive.permute_heads(model, WIDTH, 1),
    "width": lambda model: derive.permute_width(model, D, 1),
    "scales": lambda model: derive.rescale(model, WIDTH, 1),
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_a_disguise_keeps_the_function(
    shape: Any, model: Tensors, disguise: Callable[[Tensors], Tensors]
) -> None:
    made = disguise(model)

    assert made.keys() == model.keys()
    assert any((made[n].bits != model[n].bits).any() for n in model)
    assert_close(outputs(shape, made), outputs(shape, model))


@pytest.mark.parametrize("shape", RMS, indirect=True)
def test_a_rotation_keeps_the_function_and_unties_the_head(
    shape: Any, model: Tensors
) -> None:
    made = derive.rotate_width(model, D, 1)

    assert made.keys() - model.keys() == {"lm_head.weight"}
    assert_close(outputs(replace(shape, tied=False), made), outputs(shape, model))


@pytest.mark.parametrize("shape", ["llama"], indirect=True)
def test_disguises_keep_the_function_of_a_model_with_its_own_head(
    shape: Any, model: Tensors
) -> None:
    untied = replace(shape, tied=False)
    words = model["model.embed_tokens.weight"].values()
    own = model | {"lm_head.weight": derive.stored(2 * words[::-1], "F32")}

    made = derive.rotate_width(DISGUISES["scales"](own), D, 1)

    assert_close(outputs(untied, made), outputs(untied, own))


def test_all_disguises_together_keep_the_function(shape: Any, model: Tensors) -> None:
    made = model
    for disguise in DISGUISES.values():
        made = disguise(made)

    assert_close(outputs(shape, made), outputs(shape, model))


def test_a_padded_layer_keeps_the_function(shape: Any, model: Tensors) -> None:
    made = derive.pad_layer(model, 1)

    deeper = replace(shape, n_layers=shape.n_layers + 1)
    assert_close(outputs(deeper, made), outputs(shape, model))


def test_a_shuffled_vocabulary_keeps_the_function_on_moved_tokens(
    shape: Any, model: Tensors
) -> None:
    order = np.random.default_rng(1).permutation(N_TOKENS)
    made = derive.shuffle_vocabulary(model, order)

    scores = outputs(shape, made, np.argsort(order))
    assert_close(scores[:, np.argsort(order)], outputs(shape, model))


@pytest.mark.parametrize("shape", ["llama"], indirect=True)
def test_upcycling_keeps_the_function(shape: Any, model: Tensors) -> None:
    made = derive.upcycle(model, 4, 1)

    moe = replace(shape, kind="mixtral", n_experts=4)
    assert_close(outputs(moe, made), outputs(shape, model))


def test_new_tokens_leave_the_old_scores(shape: Any, model: Tensors) -> None:
    made = derive.extend_vocabulary(model, 8)

    more = replace(shape, vocab=N_TOKENS + 8)
    assert_close(outputs(more, made)[:, :N_TOKENS], outputs(shape, model))


def test_narrowing_keeps_the_largest_units(shape: Any, model: Tensors) -> None:
    made = derive.narrow(model, 0.5)

    assert outputs(replace(shape, h=24), made).shape == (N_TOKENS, N_TOKENS)
