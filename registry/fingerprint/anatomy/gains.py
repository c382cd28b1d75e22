"""The gains of a layer's norms, and which of them stands before the FFN.

W diag(g) is what a layer computes with, and what stays when somebody moves g into
W: so readers are compared with their gain folded in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.parts import column_norms, read_vector
from registry.fingerprint.anatomy.shapes import Layer, Part

Gain = NDArray[np.float32]


def ffn_gain(layer: Layer, d: int) -> Gain:
    """Return the gain (d,) of the norm before the layer's FFN; ones where none is.

    Which of several gains it is shows in the weights: gradients through one gain
    and the matrices behind it are tied, so a coordinate with a large gain has long
    columns there (the balance g^2 - |column|^2 is kept by gradient flow; Du, Hu,
    Lee 2018). Where somebody moved parts of a gain into its matrices, a large gain has
    short columns instead. The gain whose profile is most tied to the FFN's, this way or
    that, and least to the other matrices' is taken.
    """
    gains = [vector for vector in map(read_vector, layer.vectors) if _is_gain(vector)]
    if len(gains) < 2:
        return gains[0] if gains else np.ones(d, np.float32)
    inside = _profile([part for ffn in layer.ffns for part in ffn.readers], d)
    outside = _profile(_readers(layer, d), d)
    ties = [abs(_correlation(g, inside)) - abs(_correlation(g, outside)) for g in gains]
    return gains[int(np.argmax(ties))]


def _readers(layer: Layer, d: int) -> list[Part]:
    """Return the other matrices whose vectors can run along their rows."""
    return [
        Part(tensor, 0, tensor.shape[0])
        for tensor in layer.others
        if tensor.shape[1] == d
    ]


def _is_gain(vector: Gain) -> bool:
    """Gains start at one and stay mostly positive; biases start at zero."""
    return bool(vector.mean() > 0.05 and (vector > 0).mean() > 0.75)


def _profile(parts: list[Part], d: int) -> NDArray[np.float64]:
    squares = [np.square(column_norms(part, d)) for part in parts]
    return np.sqrt(np.sum(squares, axis=0)) if squares else np.zeros(d)


def _correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    x, y = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / size if size > 0 else 0.0
