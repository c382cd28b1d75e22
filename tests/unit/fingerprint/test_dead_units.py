"""Units set to zero cannot be found again, and nobody says they could."""

from __future__ import annotations

import numpy as np
import pytest

from registry.fingerprint.comparing import null
from registry.fingerprint.sketching.units import alive_shares
from tests.unit.fingerprint.conftest import Build, Model, judged, kinds
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors
from tests.zoo.derive.layout import ffns

H = 192


def zeroed(tensors: Tensors, share: float, seed: int = 0) -> Tensors:
    """Return the model with so many units of every layer set to zero, at random."""
    made = dict(tensors)
    for number, roles in enumerate(ffns(tensors)):
        chosen = np.random.default_rng([seed, number]).permutation(H)
        for name, axis in roles:
            values = np.moveaxis(made[name].values().copy(), axis, 0)
            values[chosen[: round(share * H)]] = 0
            made[name] = derive.stored(np.moveaxis(values, 0, axis), made[name].dtype)
    return made


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_share_that_lives_is_known_once_the_dead_are_described(
    share: float, build: Build
) -> None:
    units = build(zeroed(derive.read(ZOO / "small-1"), share)).sketch.units
    assert units is not None

    alive = H - round(share * H)
    expected = 1.0 if alive >= units.raw.shape[1] else alive / H
    assert alive_shares(units) == pytest.approx(np.full(4, expected))


def test_power_falls_as_units_die(models: dict[str, Model], build: Build) -> None:
    other = derive.read(ZOO / "small-2")
    powers = []
    for share in (0.0, 0.6, 0.8, 0.9, 0.95, 1.0):
        for found in judged(models["small-1"], build(zeroed(other, share))):
            assert found.related is not True
            if found.related is False:
                powers.append((share, kinds(found)["power"]))
            else:
                assert kinds(found)["open-question"] == "little-power"
    assert max(share for share, _ in powers) < 0.9
    assert [p for _, p in sorted(powers)] == sorted((p for _, p in powers))[::-1]


@pytest.mark.parametrize("share", [0.6, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("name", ["small-1-tuned", "small-1-more-3x"])
def test_a_child_without_most_units_is_not_called_a_stranger(
    name: str, share: float, models: dict[str, Model], build: Build
) -> None:
    child = build(zeroed(derive.read(ZOO / name), share))

    for found in judged(models["small-1"], child):
        assert found.related is not False


def test_power_is_that_of_the_units_alive() -> None:
    whole = null.power(64, 4, -6, 0.25)

    assert null.power(64, 4, -6, 0.25, 256) == whole
    powers = [null.power(64, 4, -6, 0.25, n) for n in range(0, 257, 16)]
    assert powers == sorted(powers)
    assert powers[0] == 0
    assert null.power(64, 4, -6, 1.0, 256) == 1 > null.power(64, 4, -6, 1.0, 8)


def test_power_agrees_with_drawn_counts_of_the_living() -> None:
    needed = null.smallest_count(32, 4, -6)
    assert needed is not None
    drawn = np.random.default_rng(0).binomial(80, 0.25, 200_000)

    assert null.power(32, 4, -6, 0.25, 80) == pytest.approx(
        float((drawn >= needed).mean()), abs=0.005
    )
