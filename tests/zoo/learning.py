"""One training run in torch, in place: losses, optimizer, schedule, adapters."""

from __future__ import annotations

from collections.abc import Callable

import changes
import corpora
import derive
import networks
import torch
from networks import Shape, Weights
from recipes import Recipe
from torch import Tensor
from torch.nn import functional as F

WORDS = ("embed_tokens", "wte", "embed_in", "word_embeddings")
MASKED_SHARE = 0.15
IGNORED = -100

Forward = Callable[[Tensor], Tensor]


def is_words(name: str) -> bool:
    """Tell whether a tensor holds the token embeddings."""
    return name.split(".")[-2] in WORDS


def train(
    recipe: Recipe, weights: Weights, teacher: Forward | None = None
) -> tuple[float, float]:
    """Train in place; return the mean loss of the first and last ten steps."""
    optimizer = _optimizer(recipe, weights)
    first_rates = [group["lr"] for group in optimizer.param_groups]
    trained = [w for group in optimizer.param_groups for w in group["params"]]
    stream = corpora.tokens_of(recipe.corpus, base_vocab(recipe.shape))
    if recipe.is_disguised:
        stream = torch.tensor(changes.token_order(recipe).argsort())[stream]
    order = torch.Generator().manual_seed(recipe.order)
    losses = []
    for step in range(recipe.steps):
        for group, rate in zip(optimizer.param_groups, first_rates, strict=True):
            group["lr"] = rate * _schedule(step, recipe.steps)
        tokens = _batch(stream, recipe, order)
        loss = _loss(recipe.shape, _forward(recipe, weights), tokens, order, teacher)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append(loss.item())
    return _mean(losses[:10]), _mean(losses[-10:])


def base_vocab(shape: Shape) -> int:
    """Return the number of tokens that text can have: added ones never occur."""
    return max(size for size in corpora.TEXTS_OF_TOKENIZER if size <= shape.vocab)


def add_adapter(recipe: Recipe, weights: Weights) -> None:
    """Put adapter matrices A and B beside every attention and MLP matrix."""
    generator = torch.Generator().manual_seed(recipe.seed)
    for name in adapted(weights):
        n_out, n_in = sides(recipe.shape, weights[name])
        start = torch.randn(recipe.lora, n_in, generator=generator) / n_in**0.5
        weights[_half(name, "A")] = start
        weights[_half(name, "B")] = torch.zeros(n_out, recipe.lora)


def adapted(weights: Weights) -> list[str]:
    """Return the matrices inside layers, which adapters target."""
    left_out = ("lora_", "block_sparse_moe.gate")
    return [
        name
        for name, weight in weights.items()
        if derive.inside_layers(name)
        and weight.ndim == 2
        and not any(word in name for word in left_out)
    ]


def sides(shape: Shape, matrix: Tensor) -> tuple[int, int]:
    """Return outputs and inputs of a matrix; GPT-2 stores (in, out)."""
    n_out, n_in = matrix.shape
    return (n_in, n_out) if shape.kind == "gpt2" else (n_out, n_in)


def merged(shape: Shape, weights: Weights) -> Weights:
    """Return the weights with their adapter, whose scale is 2, added."""
    found = {name: w for name, w in weights.items() if "lora_" not in name}
    for name in adapted(weights):
        if _half(name, "A") in weights:
            delta = 2.0 * weights[_half(name, "B")] @ weights[_half(name, "A")]
            found[name] = weights[name] + (delta.T if shape.kind == "gpt2" else delta)
    return found


def _half(name: str, letter: str) -> str:
    return name.removesuffix(".weight") + f".lora_{letter}.weight"


def _forward(recipe: Recipe, weights: Weights) -> Forward:
    whole = merged(recipe.shape, weights) if recipe.lora else weights
    return lambda tokens: networks.logits(recipe.shape, whole, tokens)


def _optimizer(recipe: Recipe, weights: Weights) -> torch.optim.Optimizer:
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, weight in weights.items():
        rate = recipe.rate * (recipe.words_rate if is_words(name) else 1.0)
        if rate and (not recipe.lora or "lora_" in name):
            decay = 0.1 if weight.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(weight.requires_grad_())
    listed = [
        {"params": group, "lr": rate, "weight_decay": decay}
        for (rate, decay), group in groups.items()
    ]
    return torch.optim.AdamW(listed, betas=(0.9, 0.95), fused=True)


def _loss(
    shape: Shape,
    forward: Forward,
    tokens: Tensor,
    order: torch.Generator,
    teacher: Forward | None,
) -> Tensor:
    seen, wanted = tokens[:, :-1], tokens[:, 1:]
    if shape.kind == "bert":
        wanted = seen
        masked = torch.rand(seen.shape, generator=order) < MASKED_SHARE
        seen = seen.masked_fill(masked, 0)
        wanted = wanted.masked_fill(~masked, IGNORED)
    scores = forward(seen).flatten(0, 1)
    if teacher is None:
        return F.cross_entropy(scores, wanted.flatten(), ignore_index=IGNORED)
    with torch.no_grad():
        target = teacher(seen).flatten(0, 1).log_softmax(-1)
    return F.kl_div(
        scores.log_softmax(-1), target, reduction="batchmean", log_target=True
    )


def _batch(stream: Tensor, recipe: Recipe, order: torch.Generator) -> Tensor:
    context = recipe.shape.context
    last = len(stream) - context - 1
    starts = torch.randint(last, (recipe.batch,), generator=order)
    return torch.stack([stream[i : i + context + 1] for i in starts.tolist()])


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 20) * max(0.05, 1 - step / steps)


def _mean(losses: list[float]) -> float:
    return sum(losses) / max(1, len(losses))
