"""Derivations in memory, for walks up and down: numpy arrays and no Django."""

from lineage.index.codes import HIDDEN, WORDS, allowed_codes, code_of, words_of
from lineage.index.files import names, open_snapshot, save
from lineage.index.walk import EDGE, Index, Snapshot, build

__all__ = [
    "EDGE",
    "HIDDEN",
    "WORDS",
    "Index",
    "Snapshot",
    "allowed_codes",
    "build",
    "code_of",
    "names",
    "open_snapshot",
    "save",
    "words_of",
]
