"""What the key draws is fixed: stored sketches must stay comparable."""

from __future__ import annotations

import hashlib

import numpy as np

from registry.fingerprint import Sketch
from registry.fingerprint.sketching.keyed import sample, signs


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def test_signs_are_the_ones_of_this_version() -> None:
    assert digest(signs("fold", 4096).tobytes()) == "6858867f46f30209"


def test_signs_are_as_often_plus_as_minus() -> None:
    assert abs(float(signs("linear", 1 << 16).mean())) < 4 / 256


def test_samples_are_the_ones_of_this_version() -> None:
    found = sample("units", 11_008, 64)

    assert digest(found.astype("<i8").tobytes()) == "7fbc01e7dcf86e16"
    assert len(np.unique(found)) == 64
    assert found.tolist() == sorted(found.tolist())


def test_a_small_width_is_taken_whole() -> None:
    assert sample("units", 5, 64).tolist() == [0, 1, 2, 3, 4]


def test_unit_descriptors_are_bit_equal_on_every_machine(
    zoo: dict[str, Sketch],
) -> None:
    found = {}
    for name in ("small-1", "wide-1", "classic-1"):
        units = zoo[name].units
        assert units is not None
        found[name] = digest(units.labels.tobytes() + units.raw.tobytes())

    assert found == {
        "small-1": "0fa6a465fafa9804",
        "wide-1": "47945d367258efd4",
        "classic-1": "afdfd393de56e073",
    }


def test_value_digests_are_bit_equal_on_every_machine(zoo: dict[str, Sketch]) -> None:
    assert digest(b"".join(zoo["small-1"].whole)) == "009183595bcf15df"
    assert digest(zoo["small-1"].rows.tobytes()) == "c72f1ae9e7d17057"
