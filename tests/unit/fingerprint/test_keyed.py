"""What the key draws is fixed: stored sketches must stay comparable."""

from __future__ import annotations

import hashlib

import numpy as np

from registry.fingerprint import Sketch
from registry.fingerprint.keyed import sample, signs


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def test_signs_are_the_ones_of_this_version() -> None:
    assert digest(signs("fold", 4096).tobytes()) == "378179a84197f74f"


def test_signs_are_as_often_plus_as_minus() -> None:
    assert abs(float(signs("linear", 1 << 16).mean())) < 4 / 256


def test_samples_are_the_ones_of_this_version() -> None:
    found = sample("units", 11_008, 64)

    assert digest(found.astype("<i8").tobytes()) == "46b80063992aab69"
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
        found[name] = digest(units.described.tobytes())

    assert found == {
        "small-1": "630b60af2cd4d620",
        "wide-1": "a416888365ea0a12",
        "classic-1": "8ac80ca0af6347e6",
    }


def test_value_digests_are_bit_equal_on_every_machine(zoo: dict[str, Sketch]) -> None:
    assert digest(b"".join(zoo["small-1"].whole)) == "b5fd302ccbb9e451"
