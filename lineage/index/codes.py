"""A derivation's relation and state in one byte, so that any filter is a table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.vocabulary import RELATION_LAYER, Layer, Relation, StatementKind

# Stands in place of the state where an end is private: no walk may use it.
HIDDEN: Final = "hidden"
_STATES: Final = {word: i for i, word in enumerate([*StatementKind, HIDDEN])}
STATES_PER_RELATION: Final = len(_STATES)
_RELATIONS: Final = {word: i * STATES_PER_RELATION for i, word in enumerate(Relation)}
# Layer, relation and state of each code.
_WORDS_OF: Final = {
    first + i: (RELATION_LAYER[relation].value, relation.value, str(state))
    for relation, first in _RELATIONS.items()
    for state, i in _STATES.items()
}
# What the codes of a file mean; a file made with other words is of no use.
WORDS: Final = " ".join([*_RELATIONS, *_STATES])


def code_of(relation: str, state: str) -> int:
    """Return the code of a relation with a state, or HIDDEN in its place.

    Raises ValueError for words that we do not know.
    """
    word = HIDDEN if state == HIDDEN else StatementKind(state)
    return _RELATIONS[Relation(relation)] + _STATES[word]


def words_of(code: int) -> tuple[str, str, str]:
    """Return the layer, the relation and the state that a code stands for."""
    return _WORDS_OF[code]


def allowed_codes(
    layers: Collection[Layer],
    relations: Collection[Relation],
    states: Collection[StatementKind],
) -> NDArray[np.bool_]:
    """Return, for every code, whether a walk within these words may use it."""
    allowed = np.zeros(256, dtype=bool)
    for relation, first in _RELATIONS.items():
        if relation in relations and RELATION_LAYER[relation] in layers:
            for state in states:
                allowed[first + _STATES[state]] = True
    return allowed
