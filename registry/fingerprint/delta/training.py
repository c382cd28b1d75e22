"""Fine-tuned or continued pre-training: a band of sizes, never a sharp line."""

from __future__ import annotations

from typing import Final

from registry.fingerprint.delta.explanation import TUNED, Item
from registry.fingerprint.delta.measure import Delta

# Relative change inside layers: below it fine-tuning is the likelier word, above it
# continued pre-training. Models of the zoo: 0.04-0.41 and 0.48-1.09.
LARGE: Final = 0.45


def words(delta: Delta) -> tuple[str, ...]:
    """Return both words of further training, the likelier one first."""
    return TUNED if delta.relative <= LARGE else TUNED[::-1]


def size(delta: Delta) -> tuple[Item, ...]:
    """Return how much changed, the item that every explanation ends with."""
    totals = delta.totals
    if totals.n == 0:
        return (Item("nothing-compared", 0, "No finite weights could be compared."),)
    relative, cosine = round(totals.relative, 5), round(totals.cosine, 5)
    share = round(totals.n_changed / totals.n, 4)
    text = (
        f"The aligned weights differ by {relative:.2%} of their size, their cosine "
        f"is {cosine:.4f}, and {share:.1%} of them changed."
    )
    numbers = {"relative_change": relative, "cosine": cosine, "changed_share": share}
    return (Item("change-size", relative, text, numbers),)
