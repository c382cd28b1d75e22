"""The fingerprint of a model: files to sketch, two sketches to a comparison.

Pure: numpy and the standard library, torch only where CUDA is; no Django.
"""

from __future__ import annotations

from registry.fingerprint.anatomy.structure import read_again
from registry.fingerprint.compare import compare
from registry.fingerprint.comparison import Comparison, Evidence
from registry.fingerprint.errors import FingerprintError, OtherEngine, SketchError
from registry.fingerprint.reading.folder import PICKLES, open_model
from registry.fingerprint.reading.weights import Header, TensorInfo, read_header
from registry.fingerprint.sketching.codec import FORMAT as SKETCH_FORMAT
from registry.fingerprint.sketching.codec import LIMIT_BYTES as SKETCH_LIMIT_BYTES
from registry.fingerprint.sketching.making import TELL_BYTES, Making, sketch_model
from registry.fingerprint.sketching.readings import Readings
from registry.fingerprint.sketching.sketch import ENGINE, Sketch

__all__ = [
    "ENGINE",
    "PICKLES",
    "SKETCH_FORMAT",
    "SKETCH_LIMIT_BYTES",
    "TELL_BYTES",
    "Comparison",
    "Evidence",
    "FingerprintError",
    "Header",
    "Making",
    "OtherEngine",
    "Readings",
    "Sketch",
    "SketchError",
    "TensorInfo",
    "compare",
    "open_model",
    "read_again",
    "read_header",
    "sketch_model",
]
