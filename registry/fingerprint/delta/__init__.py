"""What happened between two related models whose weights are aligned; pure numpy."""

from registry.fingerprint.delta.explain import explain
from registry.fingerprint.delta.explanation import Explanation, Item
from registry.fingerprint.delta.measure import Delta, measure
from registry.fingerprint.delta.pair import AlignedPair

__all__ = ["AlignedPair", "Delta", "Explanation", "Item", "explain", "measure"]
