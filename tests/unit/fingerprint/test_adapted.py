"""An adapter alone through the public comparison: its base, its kin, strangers."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.fingerprint import Comparison
from registry.fingerprint.cli import answer, load
from tests.zoo.derive import ZOO

ADAPTER = ZOO / "small-1-adapter"


def judged(a: Path, b: Path) -> Comparison:
    return answer(load(a), load(b), (a.name, b.name))


@pytest.mark.parametrize("base", ["small-1", "small-1-tuned", "small-1-more"])
def test_an_adapter_is_found_on_its_base_and_on_children_of_it(base: str) -> None:
    found = judged(ZOO / base, ADAPTER)

    assert (found.related, found.relation) == (True, "adapter")
    assert found.direction == "a->b"
    assert found.log10_p is not None and found.log10_p <= -6


def test_the_order_does_not_matter() -> None:
    found = judged(ADAPTER, ZOO / "small-1")

    assert (found.relation, found.direction) == ("adapter", "b->a")


@pytest.mark.parametrize("base", ["small-2", "small-3"])
def test_a_false_base_of_one_shape_is_caught_with_its_power(base: str) -> None:
    found = judged(ZOO / base, ADAPTER)
    power = next(item.value for item in found.evidence if item.kind == "adapter-power")

    assert (found.related, found.relation) == (False, "unrelated")
    assert isinstance(power, float) and power >= 0.99


def test_a_common_start_is_never_called_the_base() -> None:
    assert judged(ZOO / "small-1-start", ADAPTER).related is not True


@pytest.mark.parametrize("base", ["wide-1", "bert-1"])
def test_a_base_of_another_form_is_left_open_with_the_reason(base: str) -> None:
    found = judged(ZOO / base, ADAPTER)

    assert found.related is None
    assert found.evidence[0].kind == "open-question"
    assert "adapter changes" in found.evidence[0].text
