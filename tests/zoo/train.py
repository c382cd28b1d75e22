"""Train the zoo and the sample register: python tests/zoo/train.py [NAME ...].

Deterministic by seed on one machine; text comes from files that any Debian
system has. Without names, all are trained anew and samples.py finishes the
sample register. `more N` trains N further bases into .zoo-cache/ for calibration.py.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import networks
import recipes
import samples
import torch
from recipes import VOCAB, Recipe
from safetensors.torch import load_file, save_file
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from torch.nn import functional as F

ZOO = Path(__file__).parent
SAMPLES = samples.SAMPLES
CACHE = ZOO.parents[1] / ".zoo-cache"
BATCH = 16
CORPUS_BYTES = 3_000_000
TEXT_FILES = {
    "licenses": ("/usr/share/common-licenses", "*"),
    "python": ("/usr/lib/python3.11", "[a-m]*.py"),
}


def main(names: list[str]) -> None:
    """Train every model, or only the named ones, and note the losses."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if names[:1] == ["more"]:
        for recipe in recipes.more(int(names[1])):
            print(json.dumps(make(CACHE, recipe)), flush=True)
        return
    for root, listed in ((ZOO, recipes.zoo()), (SAMPLES, recipes.samples())):
        for recipe in listed:
            if not names or recipe.name in names:
                note = make(root, recipe)
                print(json.dumps(note), flush=True)
                _add_to_index(note)
    if not names:
        samples.main()


def make(root: Path, recipe: Recipe) -> dict[str, object]:
    """Train one model, write its folder, and return its line of the index."""
    weights = _initial(root, recipe)
    first, last = train(recipe, weights)
    folder = root / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: value.detach().bfloat16() for name, value in weights.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "config.json", networks.config(recipe.shape))
    tokenizer().save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config())
    return {
        "name": recipe.name,
        "relation": recipe.relation,
        "parent": recipe.parent,
        "corpus": recipe.corpus,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "rate": recipe.rate,
        "n_params": sum(value.numel() for value in weights.values()),
        "loss_first": round(first, 3),
        "loss_last": round(last, 3),
    }


def train(recipe: Recipe, weights: networks.Weights) -> tuple[float, float]:
    """Train in place; return the mean loss of the first and last ten steps."""
    decayed = [w.requires_grad_() for w in weights.values() if w.ndim > 1]
    plain = [w.requires_grad_() for w in weights.values() if w.ndim == 1]
    groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, recipe.rate, (0.9, 0.95), weight_decay=0.1)
    stream = tokens_of(recipe.corpus)
    # Bases see one order of the data, so that only the start tells them apart.
    order = torch.Generator().manual_seed(0 if recipe.parent is None else recipe.seed)
    losses = []
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * _schedule(step, recipe.steps)
        tokens = _batch(stream, recipe.shape.context, order)
        scores = networks.logits(recipe.shape, weights, tokens[:, :-1])
        loss = F.cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decayed + plain, 1.0)
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[:10]) / 10, sum(losses[-10:]) / 10


@cache
def tokenizer() -> Tokenizer:
    """Return the byte-level BPE tokenizer that all models share."""
    made = ByteLevelBPETokenizer()
    texts = [text_of(name)[:500_000] for name in TEXT_FILES]
    special = ["<|endoftext|>"]
    made.train_from_iterator(texts, VOCAB, special_tokens=special, show_progress=False)
    return Tokenizer.from_str(made.to_str())


@cache
def tokens_of(corpus: str) -> torch.Tensor:
    """Return the corpus as one long row of token ids."""
    return torch.tensor(tokenizer().encode(text_of(corpus)).ids)


@cache
def text_of(corpus: str) -> str:
    """Return the corpus: files in the order of their names, cut to size."""
    folder, pattern = TEXT_FILES[corpus]
    files = sorted(p for p in Path(folder).glob(pattern) if p.is_file())
    text = "\n".join(p.read_text("utf-8", "replace") for p in files)
    return text[:CORPUS_BYTES]


def _initial(root: Path, recipe: Recipe) -> networks.Weights:
    if recipe.parent is None:
        return networks.start(recipe.shape, recipe.seed)
    parent = load_file(root / recipe.parent / "model.safetensors")
    return {name: value.float() for name, value in parent.items()}


def _batch(stream: torch.Tensor, context: int, order: torch.Generator) -> torch.Tensor:
    starts = torch.randint(len(stream) - context - 1, (BATCH,), generator=order)
    return torch.stack([stream[i : i + context + 1] for i in starts.tolist()])


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 20) * max(0.05, 1 - step / steps)


def _tokenizer_config() -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 128,
    }


def _add_to_index(note: dict[str, object]) -> None:
    index = ZOO / "index.json"
    notes = json.loads(index.read_text()) if index.exists() else {}
    _write_json(index, notes | {note["name"]: note})


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
