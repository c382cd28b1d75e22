"""Train models of the zoo: python tests/zoo/train.py [NAME ...].

Deterministic by seed on one machine; text comes from files that any Debian
system has. Without names, all committed models are trained anew and samples.py
finishes the sample register. `bench [calibrate|report] [--workers N]` trains the
bench zoo, or that part of it, into .zoo-cache/ and skips what is there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

import adapters
import bench
import changes
import corpora
import derive
import learning
import networks
import recipes
import samples
import torch
from changes import CHANGES
from derive import Tensors
from networks import Weights
from recipes import Recipe
from safetensors.torch import save_file

ZOO = Path(__file__).parent
SAMPLES = samples.SAMPLES
CACHE = ZOO.parents[1] / ".zoo-cache"
NOTES = CACHE / "notes"


def main(arguments: list[str]) -> None:
    """Train the bench zoo, or the committed models, or the named ones of these."""
    if arguments[:1] == ["bench"]:
        options = ArgumentParser()
        options.add_argument("part", nargs="?", choices=("calibrate", "report"))
        options.add_argument("--workers", type=int, default=1)
        told = options.parse_args(arguments[1:])
        train_bench(told.part, told.workers)
        return
    use_one_thread()
    for root, listed in ((ZOO, recipes.zoo()), (SAMPLES, recipes.samples())):
        for recipe in listed:
            if not arguments or recipe.name in arguments:
                note = make(root, recipe)
                print(json.dumps(note), flush=True)
                _add_to_index(note)
    if not arguments:
        samples.main()


def use_one_thread() -> None:
    """Make torch deterministic: sums depend on the number of threads."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def train_bench(part: str | None, n_workers: int) -> None:
    """Train what the cache lacks, children after the models that they need."""
    NOTES.mkdir(parents=True, exist_ok=True)
    chosen = [r for r in bench.recipes() if part in (None, r.split)]
    todo = [r for r in chosen if not (CACHE / r.name).exists()]
    print(f"{len(todo)} models to train", flush=True)
    running: set[Future[dict[str, object]]] = set()
    # A forked copy of torch may hang in its thread pool.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(n_workers, spawn, use_one_thread) as pool:
        while todo or running:
            for recipe in list(_ready(todo))[: n_workers - len(running)]:
                todo.remove(recipe)
                running.add(pool.submit(make_once, recipe))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                print(json.dumps(future.result()), flush=True)
            write_manifest()


def make_once(recipe: Recipe) -> dict[str, object]:
    """Train one model into the cache; its folder appears when it is complete."""
    partial = CACHE / ".partial"
    shutil.rmtree(partial / recipe.name, ignore_errors=True)
    note = make(partial, recipe, CACHE)
    _write_json(NOTES / f"{recipe.name}.json", note)
    if recipe.lora:
        shutil.rmtree(CACHE / recipe.adapter, ignore_errors=True)
        (partial / recipe.adapter).rename(CACHE / recipe.adapter)
    (partial / recipe.name).rename(CACHE / recipe.name)
    return note


def write_manifest() -> None:
    """Gather the notes of all finished models into manifest.json."""
    notes = [json.loads(path.read_text()) for path in sorted(NOTES.glob("*.json"))]
    done = {note["name"]: note for note in notes if (CACHE / note["name"]).exists()}
    new = CACHE / f"manifest.json.{os.getpid()}"  # both parts may be in training
    _write_json(new, done)
    new.rename(CACHE / "manifest.json")


def make(root: Path, recipe: Recipe, parents: Path | None = None) -> dict[str, object]:
    """Train one model, write its folder, and return its line of the index."""
    parents = parents or root
    weights = _initial(parents, recipe)
    teacher = _teacher(parents, recipe) if recipe.teacher else None
    first, last = learning.train(recipe, weights, teacher)
    if recipe.lora:
        adapters.write(root / recipe.adapter, recipe, weights)
        weights = learning.merged(recipe.shape, weights)
    if recipe.relation != "adapter":
        write(root / recipe.name, recipe, weights)
    return note_of(recipe) | {
        "n_params": sum(value.numel() for value in weights.values()),
        "loss_first": round(first, 3),
        "loss_last": round(last, 3),
    }


def note_of(recipe: Recipe) -> dict[str, object]:
    """Return what is known of a model before it is trained."""
    return {
        "name": recipe.name,
        "family": recipe.family,
        "relation": recipe.relation,
        "parent": recipe.parent,
        "start_of": recipe.start_of,
        "teacher": recipe.teacher,
        "words_of": recipe.words_of,
        "change": recipe.change,
        "lora": recipe.lora,
        "corpus": recipe.corpus,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "rate": recipe.rate,
        "split": recipe.split,
    }


def write(folder: Path, recipe: Recipe, weights: Weights) -> None:
    """Write a model folder in bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: value.detach().bfloat16() for name, value in weights.items()}
    if recipe.is_disguised:
        halves = derive.rename(halves, derive.TO_OTHER)
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "config.json", networks.config(recipe.shape))
    vocab = learning.base_vocab(recipe.shape)
    corpora.tokenizer(vocab).save(str(folder / "tokenizer.json"))
    if recipe.is_disguised:
        order = changes.token_order(recipe)
        derive.shuffle_tokenizer(folder / "tokenizer.json", order)
    if recipe.change == "vocabulary":
        derive.extend_tokenizer(folder / "tokenizer.json", recipes.N_NEW_TOKENS)
    _write_json(folder / "tokenizer_config.json", corpora.tokenizer_config())


def load(folder: Path) -> Tensors:
    """Return a model's tensors in float32."""
    return derive.cast(derive.read(folder), "F32")


def to_torch(tensors: Tensors) -> Weights:
    """Return tensors for torch to change."""
    return {name: torch.tensor(t.values()) for name, t in tensors.items()}


def _ready(todo: list[Recipe]) -> Iterator[Recipe]:
    for recipe in todo:
        needed = (recipe.parent, recipe.teacher, recipe.words_of)
        if all((CACHE / name).exists() for name in needed if name):
            yield recipe


def _initial(parents: Path, recipe: Recipe) -> Weights:
    if recipe.parent is None:
        weights = networks.start(recipe.shape, recipe.seed)
    else:
        tensors = load(parents / recipe.parent)
        if recipe.change:
            tensors = CHANGES[recipe.change](tensors, recipe)
        weights = to_torch(tensors)
    if recipe.words_of:
        known = to_torch(load(parents / recipe.words_of))
        weights |= {n: value for n, value in known.items() if learning.is_words(n)}
    if recipe.lora:
        learning.add_adapter(recipe, weights)
    return weights


def _teacher(parents: Path, recipe: Recipe) -> learning.Forward:
    weights = to_torch(load(parents / str(recipe.teacher)))
    return lambda tokens: networks.logits(recipe.shape, weights, tokens)


def _add_to_index(note: dict[str, object]) -> None:
    index = ZOO / "index.json"
    notes = json.loads(index.read_text()) if index.exists() else {}
    _write_json(index, notes | {note["name"]: note})


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
