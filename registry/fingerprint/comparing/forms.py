"""How the structures of two related models differ, and which word that makes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from registry.fingerprint.comparing.chance import Chance
from registry.fingerprint.sketching.units import Units

# In a layer that another model was taken for, more units keep their label.
_OWN_SHARE: Final = 0.5
_FOREIGN_SHARE: Final = 0.1


@dataclass(frozen=True)
class FormChange:
    """A word for a change of structure and its direction, parent -> child."""

    word: str
    direction: str | None
    text: str
    numbers: dict[str, int]


def form_change(a: Units, b: Units, best: Chance | None) -> FormChange | None:
    """Return what changed in the structure of two related models, or None."""
    return _experts(a, b) or _depth(a, b, best) or _width(a, b) or _vocabulary(a, b)


def _experts(a: Units, b: Units) -> FormChange | None:
    if (a.n_experts > 1) == (b.n_experts > 1):
        return None
    return FormChange(
        word="upcycled",
        direction="a->b" if b.n_experts > 1 else "b->a",
        text=f"One has {a.n_experts} experts in a layer, the other {b.n_experts}.",
        numbers={"n_experts_a": a.n_experts, "n_experts_b": b.n_experts},
    )


def _depth(a: Units, b: Units, best: Chance | None) -> FormChange | None:
    if a.n_layers == b.n_layers:
        return None
    return FormChange(
        word="depth-changed",
        direction=_depth_direction(a, b, best),
        text=f"One has {a.n_layers} layers, the other {b.n_layers}.",
        numbers={"n_layers_a": a.n_layers, "n_layers_b": b.n_layers},
    )


def _depth_direction(a: Units, b: Units, best: Chance | None) -> str | None:
    """A layer that stands twice in the deeper model makes that one the child.

    Not where it has layers besides that the other lacks: those may have been removed.
    """
    if best is None or b.n_layers < a.n_layers:
        return None
    if any(hits <= _FOREIGN_SHARE * of for _, _, hits, of in best.layers):
        return None
    origins = Counter(i for i, _, hits, of in best.layers if hits > _OWN_SHARE * of)
    return "a->b" if any(n > 1 for n in origins.values()) else None


def _width(a: Units, b: Units) -> FormChange | None:
    if a.h == b.h:
        return None
    return FormChange(
        word="pruned",
        direction="a->b" if b.h < a.h else "b->a",
        text=f"One has {a.h} feed-forward units in a layer, the other {b.h}.",
        numbers={"n_units_a": a.h, "n_units_b": b.h},
    )


def _vocabulary(a: Units, b: Units) -> FormChange | None:
    if a.n_tokens == b.n_tokens or not (a.n_tokens and b.n_tokens):
        return None
    return FormChange(
        word="vocabulary-extended",
        direction="a->b" if b.n_tokens > a.n_tokens else "b->a",
        text=f"One has rows for {a.n_tokens} tokens, the other for {b.n_tokens}.",
        numbers={"n_tokens_a": a.n_tokens, "n_tokens_b": b.n_tokens},
    )


def foreign_layers(test: Chance) -> tuple[int, ...]:
    """Return b's layers that come from elsewhere, where others are clearly a's.

    Empty unless some layers keep most labels and others none to speak of, as in a
    merge that takes whole layers from two models.
    """
    own = [j for _, j, hits, of in test.layers if hits >= _OWN_SHARE * of]
    foreign = [j for _, j, hits, of in test.layers if hits <= _FOREIGN_SHARE * of]
    n_all = len(test.layers)
    return tuple(foreign) if own and len(own) + len(foreign) == n_all else ()
