"""Relatives of three or more, from vectors whose differences keep their geometry.

A vector is the linear sketch of a model's matrices, or a fixed sample of its
weights. Inner products of m numbers have a relative error of about 1/sqrt(m).
"""

from __future__ import annotations

from registry.fingerprint.kin.arranging import Arrangement, arrange
from registry.fingerprint.kin.coordinates import sparse_merge_of
from registry.fingerprint.kin.layers import layers_of
from registry.fingerprint.kin.merging import MergePart, merge_of

__all__ = [
    "Arrangement",
    "MergePart",
    "arrange",
    "layers_of",
    "merge_of",
    "sparse_merge_of",
]
