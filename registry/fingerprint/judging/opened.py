"""A model whose weights are at hand, with what is read from them more than once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from registry.fingerprint.anatomy.structure import Structure, read_structure
from registry.fingerprint.comparing.alignment import Described, describe_for_alignment
from registry.fingerprint.reading.folder import ModelFiles, open_model

_KEEP_BYTES: Final = 1 << 24


@dataclass(frozen=True)
class OpenedModel:
    """The files of a model; structure and small descriptions are kept once made."""

    files: ModelFiles

    @cached_property
    def structure(self) -> Structure | None:
        """Return which tensors are what, None where shapes do not tell."""
        return read_structure(self.files.tensors)

    @property
    def described(self) -> Described:
        """Return the units with their vectors; needs a structure."""
        kept = self.__dict__.get("_described")
        if isinstance(kept, Described):
            return kept
        assert self.structure is not None
        made = describe_for_alignment(self.structure, self.files)
        if made.nbytes <= _KEEP_BYTES:
            self.__dict__["_described"] = made
        return made


def open_weights(path: Path) -> OpenedModel:
    """Return the opened model at `path`; raises FingerprintError."""
    return OpenedModel(open_model(path))
