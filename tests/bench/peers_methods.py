"""The methods of tests/bench/peers.py: each prepares a model and scores two.

The published ones are imported from their authors' checkouts in the folder of
peers and run as they are there; only the loading of a model is done here, so that
it happens once for each model. No code of theirs is in this repository.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol

import peers_names

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("LICENSE", "registry/vocabulary.py")
N_BLOCKS = 20  # of text, as many as phi_MATCH's own random text has
BLOCK = 128
N_TOKENS = 4096  # that HuRef looks at
PROOF = 1000.0  # the score of a relation that is proved without a p-value


class Method(Protocol):
    """What the benchmark asks of a method."""

    def prepare(self, folder: Path) -> Any:
        """Return what is computed once for a model."""

    def score(self, a: Any, b: Any) -> float:
        """Return the likeness of two prepared models; more is more related."""

    def stored(self, prepared: Any) -> int:
        """Return how many bytes of a model must be at hand to compare it."""


class Baimo:
    """This repository's engine, weights at hand: -log10 p, 0 where not related."""

    def __init__(self, peers: Path) -> None:
        with _importing(ROOT):
            self.engine = importlib.import_module("registry.fingerprint.cli")

    def prepare(self, folder: Path) -> Any:
        """Return the sketch, with the opened weights."""
        return self.engine.load(folder)

    def score(self, a: Any, b: Any) -> float:
        """Return -log10 p of the verdict."""
        said = self._compared(a, b).to_json()
        if not said["related"]:
            return 0.0
        return PROOF if said["log10_p"] is None else -float(said["log10_p"])

    def stored(self, prepared: Any) -> int:
        """Return the size of the sketch."""
        return len(prepared.sketch.to_bytes())

    def _compared(self, a: Any, b: Any) -> Any:
        return self.engine.answer(a, b, ("a", "b"))


class BaimoSketch(Baimo):
    """The same from stored sketches alone."""

    def _compared(self, a: Any, b: Any) -> Any:
        return self.engine.compare(a.sketch, b.sketch, names=("a", "b"))


class Cosine:
    """The cosine of all matrices that have the same name and shape in both."""

    def __init__(self, peers: Path) -> None:
        pass

    def prepare(self, folder: Path) -> Any:
        """Return the matrices; gains and biases start alike in all models."""
        tensors = peers_names.read_tensors(folder)
        return {n: t.float() for n, t in tensors.items() if t.ndim > 1}

    def score(self, a: Any, b: Any) -> float:
        """Return the pooled cosine."""
        shared = [n for n in a if n in b and a[n].shape == b[n].shape]
        if not shared:
            raise ValueError("no matrix of the same name and shape")
        dot = sum(float((a[n] * b[n]).sum()) for n in shared)
        norms = [sum(float(side[n].square().sum()) for n in shared) for side in (a, b)]
        return dot / math.sqrt(norms[0] * norms[1])

    def stored(self, prepared: Any) -> int:
        """Return the size of the matrices as bf16."""
        return sum(2 * tensor.numel() for tensor in prepared.values())


class Hashes:
    """The share of the smaller model's tensors whose bytes the other has too."""

    def __init__(self, peers: Path) -> None:
        pass

    def prepare(self, folder: Path) -> Any:
        """Return a SHA-256 for every tensor that is not one value throughout."""
        import torch

        found = set()
        for tensor in peers_names.read_tensors(folder).values():
            if tensor.numel() < 2 or bool((tensor == tensor.flatten()[0]).all()):
                continue
            head = f"{tensor.dtype}{tuple(tensor.shape)}".encode()
            data = tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()
            found.add(hashlib.sha256(head + data).digest())
        return found

    def score(self, a: Any, b: Any) -> float:
        """Return the share."""
        return len(a & b) / max(1, min(len(a), len(b)))

    def stored(self, prepared: Any) -> int:
        """Return 32 bytes for every tensor."""
        return 32 * len(prepared)


class Awm:
    """AWM: dimensions matched on shared tokens, then unbiased CKA of q and k."""

    def __init__(self, peers: Path, undo: bool = False) -> None:
        self.undo = undo
        self.main = _import_file(peers / "AWM" / "main.py", "peer_awm")
        self.real = {
            name: getattr(self.main, name)
            for name in ("get_attention_weights", "get_word_embedding_weight")
        }
        self.load_vocab = self.main.load_vocab_from_dir
        self.compare = self.main.calculate_attention_cka_similarities
        self.models: dict[Path, SimpleNamespace] = {}
        self.said: dict[str, Any] = {}
        self.main.load_all_weights_from_dir = lambda at: self.models[Path(at).resolve()]
        self.main.load_vocab_from_dir = lambda at: self.models[Path(at).resolve()].vocab
        self.main.get_attention_weights = lambda model: model.attention
        self.main.get_word_embedding_weight = lambda model: model.embedding
        self.main.calculate_attention_cka_similarities = self._compare

    def prepare(self, folder: Path) -> Any:
        """Return q, k, the embeddings and the vocabulary, found by AWM's code."""
        tensors = peers_names.read_as_llama(folder, self.undo)
        attention = self.real["get_attention_weights"](tensors)
        embedding = self.real["get_word_embedding_weight"](tensors)
        if not attention or embedding is None:
            raise ValueError("no attention or embeddings under a known name")
        vocab = self.load_vocab(str(folder))
        kept = [embedding] + [at[p] for at in attention.values() for p in ("q", "k")]
        return SimpleNamespace(
            folder=folder.resolve(),
            attention=attention,
            embedding=embedding,
            vocab=vocab,
            size=sum(2 * tensor.numel() for tensor in kept),
        )

    def score(self, a: Any, b: Any) -> float:
        """Return the mean CKA of q and k that AWM's own run arrives at."""
        self.models, self.said = {a.folder: a, b.folder: b}, {}
        with tempfile.TemporaryDirectory() as at:
            paths = [str(Path(at) / name) for name in ("first", "second")]
            for path, model in zip(paths, (a, b), strict=True):
                Path(path).symlink_to(model.folder)
            self.main.run_experiment(
                model1_path=paths[0], model2_path=paths[1], device="cpu"
            )
        return float(self.said["averages"]["Wq_Wk_weights"])

    def stored(self, prepared: Any) -> int:
        """Return the size of q, k and the embeddings as bf16."""
        return int(prepared.size)

    def _compare(self, *args: Any, **options: Any) -> Any:
        self.said = self.compare(*args, **options)
        if not self.said:
            raise ValueError("no pair of layers that can be compared")
        return self.said


class HuRef:
    """HuRef: cosine of the invariant terms of the last two layers (ICS)."""

    def __init__(self, peers: Path, undo: bool = False) -> None:
        self.undo = undo
        at = peers / "HuRef"
        self.main = _import_file(at / "main.py", "peer_huref")
        self.ics = _import_file(at / "Invariant_terms_Cos_Sim.py", "peer_huref_ics")
        self.folder = tempfile.TemporaryDirectory()
        self.main.invariant_terms_saved_path = self.folder.name + "/"

    def prepare(self, folder: Path) -> Any:
        """Return the terms over all usual tokens, and those tokens in order."""
        tensors = peers_names.read_as_llama(folder, self.undo)
        tensors, name = _for_huref(folder, tensors)
        tokens = _usual_tokens(folder)
        ids = [i for _, i in tokens]
        terms = self.main.get_invariant_terms2save(tensors, name, ids)
        return SimpleNamespace(terms=terms, tokens=[word for word, _ in tokens])

    def score(self, a: Any, b: Any) -> float:
        """Return the cosine of both models' standardised terms on shared tokens."""
        import torch

        shared = sorted(set(a.tokens) & set(b.tokens))
        sides = []
        for model in (a, b):
            terms = model.terms
            if model.tokens != shared:
                place = {word: i for i, word in enumerate(model.tokens)}
                chosen = torch.tensor([place[word] for word in shared])
                terms = terms[:, chosen][:, :, chosen]
            sides.append(self.ics.stand_normalize2d(terms).flatten())
        return float(torch.cosine_similarity(sides[0], sides[1], dim=0))

    def stored(self, prepared: Any) -> int:
        """Return the size of the terms in float32, as HuRef saves them."""
        return 4 * int(prepared.terms.numel())


class PhiU:
    """phi_U: units matched on up weights, their order against no order at all."""

    def __init__(self, peers: Path, undo: bool = False) -> None:
        self.undo = undo
        with _importing(peers / "model-tracing"):
            self.csu = importlib.import_module("tracing.statistics.csu")

    def prepare(self, folder: Path) -> Any:
        """Return the up matrices under one name in all architectures."""
        tensors = peers_names.read_as_llama(folder, self.undo)
        ups = {n: t for n, t in tensors.items() if "mlp.up_proj" in n and t.ndim == 2}
        if not ups:
            raise ValueError("no up matrix under a known name")
        return ups

    def score(self, a: Any, b: Any) -> float:
        """Return -log10 of Fisher's p over the layers."""
        sides = [SimpleNamespace(state_dict=lambda ups=ups: ups) for ups in (a, b)]
        return _fisher(self.csu.statistic(*sides)[1])

    def stored(self, prepared: Any) -> int:
        """Return the size of the up matrices as bf16."""
        return sum(2 * tensor.numel() for tensor in prepared.values())


class PhiMatch:
    """phi_MATCH: units matched by gate and by up activations on the same text."""

    def __init__(self, peers: Path, undo: bool = False) -> None:
        self.undo = undo
        with _importing(peers / "model-tracing"):
            self.match = importlib.import_module("tracing.statistics.match")

    def prepare(self, folder: Path) -> Any:
        """Return the running model, its number of layers and its text."""
        tensors = peers_names.read_as_llama(folder, self.undo)
        if not any(name.endswith("mlp.gate_proj.weight") for name in tensors):
            raise ValueError("no gated FFN under a known name")
        network = _as_llama(folder, tensors)
        size = sum(2 * tensor.numel() for tensor in tensors.values())
        depth = peers_names.n_layers(tensors)
        return SimpleNamespace(
            network=network, depth=depth, text=_text(folder), size=size
        )

    def score(self, a: Any, b: Any) -> float:
        """Return -log10 of Fisher's p over the blocks, on a's tokens."""
        depth = min(a.depth, b.depth)
        found = self.match.statistic(a.network, b.network, a.text, n_blocks=depth)
        return _fisher(found)

    def stored(self, prepared: Any) -> int:
        """Return the size of the model as bf16: it must be run."""
        return int(prepared.size)


class Cisco:
    """Cisco's kit, its pipeline score: a like config counts as a match."""

    field = "pipeline_score"

    def __init__(self, peers: Path) -> None:
        with _importing(peers / "model-provenance-kit" / "src"):
            scanner = importlib.import_module("provenancekit.core.scanner")
            caching = importlib.import_module("provenancekit.services.cache")
            log = importlib.import_module("structlog")
        log.configure(wrapper_class=log.make_filtering_bound_logger(50))
        self.folder = tempfile.TemporaryDirectory()
        self.cache = caching.CacheService(cache_dir=Path(self.folder.name))
        self.scanner = scanner.ModelProvenanceScanner(cache=self.cache)

    def prepare(self, folder: Path) -> Any:
        """Return the folder, its features being in the kit's cache."""
        self.scanner.compare(str(folder), str(folder))
        return str(folder)

    def score(self, a: Any, b: Any) -> float:
        """Return the kit's score of the two folders."""
        said = getattr(self.scanner.compare(a, b).scores, self.field)
        if said is None:
            raise ValueError("no weight signal")
        return float(said)

    def stored(self, prepared: Any) -> int:
        """Return the size of the kit's cache entry."""
        return len(self.cache.get(prepared).model_dump_json())


class CiscoIdentity(Cisco):
    """Cisco's kit, the part of its score that comes from the weights."""

    field = "identity_score"


# With "+names" a method is told the names that the zoo's disguise took away.
METHODS: dict[str, Callable[[Path], Method]] = {
    "baimo": Baimo,
    "baimo_sketch": BaimoSketch,
    "awm": Awm,
    "huref": HuRef,
    "phi_u": PhiU,
    "phi_match": PhiMatch,
    "awm+names": partial(Awm, undo=True),
    "huref+names": partial(HuRef, undo=True),
    "phi_u+names": partial(PhiU, undo=True),
    "phi_match+names": partial(PhiMatch, undo=True),
    "cisco": Cisco,
    "cisco_identity": CiscoIdentity,
    "cosine": Cosine,
    "hashes": Hashes,
}


@contextmanager
def _importing(folder: Path) -> Iterator[None]:
    """Put a folder first on the import path; keep the working folder."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    here = Path.cwd()
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        os.chdir(here)


def _import_file(path: Path, name: str) -> ModuleType:
    with _importing(path.parent):
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(str(path))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def _fisher(p_values: list[float]) -> float:
    """Return -log10 of Fisher's p, without underflow; NaN layers are left out."""
    kept = [max(p, sys.float_info.min) for p in p_values if not math.isnan(p)]
    if not kept:
        raise ValueError("no layer has a p-value")
    half = -sum(math.log(p) for p in kept)  # of chi square; twice as many degrees
    if half == 0:
        return 0.0
    terms = [i * math.log(half) - math.lgamma(i + 1) for i in range(len(kept))]
    top = max(terms)
    log_sum = top + math.log(sum(math.exp(term - top) for term in terms))
    return (half - log_sum) / math.log(10)


def _for_huref(folder: Path, tensors: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the tensors, heads in full, and a model name HuRef knows them by."""
    n_heads, n_kv = peers_names.heads(peers_names.read_config(folder))
    for name, values in tensors.items():
        if name.endswith(("k_proj.weight", "v_proj.weight")) and n_kv < n_heads:
            by_head = values.view(n_kv, -1, values.shape[1])
            full = by_head.repeat_interleave(n_heads // n_kv, 0)
            tensors[name] = full.flatten(0, 1)
    if any(name.endswith("mlp.gate_proj.weight") for name in tensors):
        return tensors, "llama-7b-hf"
    for old, new in {
        "o_proj": "out_proj",
        "up_proj": "fc1",
        "down_proj": "fc2",
    }.items():
        tensors = {n.replace(f".{old}.", f".{new}."): t for n, t in tensors.items()}
    return tensors, "opt-6.7b"


def _usual_tokens(folder: Path) -> list[tuple[str, int]]:
    """Return (token, id) of the rarest usual tokens, sorted: the last of a BPE."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = tokenizer.get_added_tokens_decoder()
    vocab = tokenizer.get_vocab(with_added_tokens=False)
    usual = sorted((i, word) for word, i in vocab.items() if i not in special)
    return sorted((word, i) for i, word in usual[-N_TOKENS:])


def _as_llama(folder: Path, tensors: dict[str, Any]) -> Any:
    """Return the model in transformers, from tensors under LLaMA's names."""
    from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

    config = AutoConfig.from_pretrained(folder)
    if config.model_type == "phi3":  # the same network with fused matrices
        fields = peers_names.read_config(folder)
        config = LlamaConfig(**{k: v for k, v in fields.items() if k != "model_type"})
    network = AutoModelForCausalLM.from_config(config).float()
    left = network.load_state_dict(tensors, strict=False)
    missing = set(left.missing_keys)
    if config.tie_word_embeddings:
        missing -= {"lm_head.weight"}
    if missing or left.unexpected_keys:
        raise ValueError(f"not the tensors of {config.model_type}")
    network.tie_weights()
    return network.eval()


def _text(folder: Path) -> list[dict[str, Any]]:
    """Return one batch of the repository's own text in the model's tokens."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    blocks = []
    for name in TEXTS:
        ids = tokenizer.encode((ROOT / name).read_text()).ids
        blocks += [ids[i : i + BLOCK] for i in range(0, len(ids) - BLOCK, BLOCK)]
    chosen = torch.tensor(blocks[:: max(1, len(blocks) // N_BLOCKS)][:N_BLOCKS])
    mask = torch.ones_like(chosen)
    return [{"input_ids": chosen, "attention_mask": mask, "labels": chosen}]
