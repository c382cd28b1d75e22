"""Every way in which the bench makes a model from a trained one without training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.zoo import derive, derived
from tests.zoo.derive import Tensors
from tests.zoo.derived import Made, Source

LLAMA_NAMED = ("llama", "qwen", "mistral", "deep")
DISGUISED = (*LLAMA_NAMED, "gpt2")


@dataclass(frozen=True)
class Operation:
    """One way to make a model, and what it is to the original."""

    suffix: str
    kind: str  # the class that it is counted in, and a relation unless told
    make: Callable[[Source], Made]
    relation: str = ""
    only: tuple[str, ...] = ()  # families; all, if empty
    without: tuple[str, ...] = ()
    direction: str | None = "a->b"

    def suits(self, family: str) -> bool:
        """Tell whether it can be done to models of a family."""
        return (not self.only or family in self.only) and family not in self.without


def _plain(change: Callable[..., Tensors], *arguments: object) -> Callable[..., Made]:
    return lambda source: Made(change(source.read(), *arguments))


def _noisy(size: float) -> Callable[[Source], Made]:
    return lambda source: Made(derive.add_noise(source.read(), size, source.seed))


def _cast(dtype: str, word: str) -> Callable[[Source], Made]:
    return lambda source: Made(derive.cast(source.read(), dtype), {"torch_dtype": word})


def _layers(change: Callable[[Tensors], Tensors]) -> Callable[[Source], Made]:
    return lambda source: derived.layers(source, change)


def _units(source: Source) -> Made:
    return Made(derive.permute_units(source.read(), source.seed))


def _heads(source: Source) -> Made:
    return Made(derive.permute_heads(source.read(), source.head, source.seed))


OPERATIONS = [
    Operation("copy", "identical", lambda s: Made(s.read()), direction=None),
    Operation(
        "shards", "identical", lambda s: Made(s.read(), n_shards=3), direction=None
    ),
    Operation("names", "renamed", _plain(derive.rename, derive.TO_OTHER)),
    Operation("yi", "renamed", _plain(derive.rename, derive.TO_YI), only=LLAMA_NAMED),
    Operation("qwen1", "renamed", derived.as_qwen1, only=("qwen",)),
    Operation("fused", "renamed", derived.fused, only=LLAMA_NAMED),
    Operation("split", "renamed", derived.split, only=("phi3",)),
    Operation("f32", "cast", _cast("F32", "float32")),
    Operation("f16", "cast", _cast("F16", "float16")),
    Operation("master", "cast", derived.master, direction="b->a"),
    Operation("int8", "quantized", _plain(derive.quantize_int8)),
    Operation("int4-32", "quantized", _plain(derive.quantize_int4, 32)),
    Operation("int4-64", "quantized", _plain(derive.quantize_int4, 64)),
    *[
        Operation(f"noise-{size}", "noised", _noisy(size))
        for size in (0.005, 0.01, 0.02, 0.05)
    ],
    Operation("zeros-30", "pruned", _plain(derive.prune_smallest, 0.3)),
    Operation("zeros-50", "pruned", _plain(derive.prune_smallest, 0.5)),
    *[
        Operation(
            f"units-{share}",
            "pruned-units",
            partial(derived.narrowed, share=share),
            relation="pruned",
            without=("phi3",),
        )
        for share in (0.5, 0.75)
    ],
    Operation("drop", "depth-changed", _layers(lambda m: derive.drop_layer(m, 1))),
    Operation("upscale", "depth-changed", _layers(derive.upscale)),
    Operation(
        "pad",
        "depth-changed",
        _layers(lambda m: derive.pad_layer(m, 1)),
        without=("bert",),  # its norms come last: no layer of it does nothing
    ),
    Operation("vocabulary", "vocabulary-extended", derived.extended),
    Operation("experts", "upcycled", derived.upcycled, only=("llama", "mistral")),
    Operation("units", "permuted", _units, only=DISGUISED),
    Operation("heads", "permuted", _heads, only=DISGUISED),
    Operation("width", "permuted", derived.rotated, only=DISGUISED),
    Operation("scales", "permuted", derived.rescaled, only=DISGUISED),
    Operation("tokens", "permuted", derived.shuffled, only=DISGUISED),
    Operation("hidden", "permuted", derived.hidden, only=DISGUISED),
]
BY_SUFFIX = {operation.suffix: operation for operation in OPERATIONS}
