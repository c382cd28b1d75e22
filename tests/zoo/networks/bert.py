"""BERT: an encoder that sees both sides and norms after every addition."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from . import parts
from .shape import Shape, Sizes, Weights

EMBEDDINGS = "bert.embeddings."
HEAD = "cls.predictions."


def sizes(shape: Shape) -> Sizes:
    """Return the size of every tensor."""
    d, h = shape.d, shape.h
    found: Sizes = {
        f"{EMBEDDINGS}word_embeddings.weight": (shape.vocab, d),
        f"{EMBEDDINGS}position_embeddings.weight": (shape.context, d),
        f"{EMBEDDINGS}token_type_embeddings.weight": (2, d),
        **parts.norms(EMBEDDINGS, ("LayerNorm",), d),
    }
    for layer in range(shape.n_layers):
        at = f"bert.encoder.layer.{layer}."
        square = ("self.query", "self.key", "self.value", "output.dense")
        found |= parts.with_biases(f"{at}attention.", dict.fromkeys(square, (d, d)))
        found |= parts.norms(f"{at}attention.output.", ("LayerNorm",), d)
        found |= parts.with_biases(
            at, {"intermediate.dense": (h, d), "output.dense": (d, h)}
        )
        found |= parts.norms(f"{at}output.", ("LayerNorm",), d)
    found |= parts.with_biases(f"{HEAD}transform.", {"dense": (d, d)})
    found |= parts.norms(f"{HEAD}transform.", ("LayerNorm",), d)
    return found | {f"{HEAD}bias": (shape.vocab,)}


def scores(shape: Shape, weights: Weights, tokens: Tensor) -> Tensor:
    """Return the scores of every position's own token."""
    words = weights[f"{EMBEDDINGS}word_embeddings.weight"]
    x = (
        words[tokens]
        + weights[f"{EMBEDDINGS}position_embeddings.weight"][: tokens.shape[1]]
        + weights[f"{EMBEDDINGS}token_type_embeddings.weight"][0]
    )
    x = parts.layer_norm(weights, f"{EMBEDDINGS}LayerNorm", x)
    for layer in range(shape.n_layers):
        at = f"bert.encoder.layer.{layer}."
        q, k, v = (
            parts.split(
                parts.linear(weights, f"{at}attention.self.{part}", x), shape.n_heads
            )
            for part in ("query", "key", "value")
        )
        y = parts.attend(shape, q, k, v, causal=False)
        y = parts.linear(weights, f"{at}attention.output.dense", y)
        x = parts.layer_norm(weights, f"{at}attention.output.LayerNorm", x + y)
        y = F.gelu(parts.linear(weights, f"{at}intermediate.dense", x))
        y = parts.linear(weights, f"{at}output.dense", y)
        x = parts.layer_norm(weights, f"{at}output.LayerNorm", x + y)
    y = F.gelu(parts.linear(weights, f"{HEAD}transform.dense", x))
    y = parts.layer_norm(weights, f"{HEAD}transform.LayerNorm", y)
    return F.linear(y, words, weights[f"{HEAD}bias"])


def config(shape: Shape) -> dict[str, object]:
    """Return config.json."""
    return {
        "architectures": ["BertForMaskedLM"],
        "model_type": "bert",
        **parts.common_config(shape),
        "hidden_act": "gelu",
        "layer_norm_eps": parts.EPSILON,
        "type_vocab_size": 2,
    }
