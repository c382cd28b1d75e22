"""The refusals of this package: bad input as named exceptions with one clear line."""

from __future__ import annotations


class FingerprintError(Exception):
    """Input that cannot be fingerprinted; the text is one line for the user."""


class BrokenJson(FingerprintError):
    """A JSON text that is malformed, ambiguous, too deep or too large."""


class BrokenHeader(FingerprintError):
    """A safetensors file whose header is not what the format allows."""


class BrokenIndex(FingerprintError):
    """A shard index that does not fit the files beside it."""


class UnsafeFormat(FingerprintError):
    """A weight file of a kind that is not read, such as a pickle."""


class NoWeights(FingerprintError):
    """A path that holds no model."""


class SketchError(FingerprintError):
    """Bytes that are not a sketch of this engine."""


class OtherEngine(SketchError):
    """A sketch that another version of the engine made."""


class OutputError(FingerprintError):
    """Standard output that takes no answer: it is closed, or its disk is full."""
