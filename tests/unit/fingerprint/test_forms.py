"""Words for changes of structure, and their direction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.fingerprint.anatomy.structure import spread
from registry.fingerprint.comparing.chance import Chance
from registry.fingerprint.comparing.forms import foreign_layers, form_change
from registry.fingerprint.judging.evidence import LIMIT_VALUES
from registry.fingerprint.sketching.units import Units
from tests.unit.fingerprint.conftest import Build, Model, judged, kinds
from tests.unit.fingerprint.test_matching import drawn
from tests.zoo import derive
from tests.zoo.derive import ZOO


def chance(*layers: tuple[int, int, int]) -> Chance:
    """Return a test in which layers (of a, of b, hits of 40) were matched."""
    hits = sum(n for _, _, n in layers)
    of = 40
    listed = tuple((i, j, n, of) for i, j, n in layers)
    return Chance(hits, of * len(layers), 4.0, -50.0, 1, 0.5, listed)


SAME = chance(*[(i, i, 38) for i in range(4)])
UNITS = drawn(0)


def deep(n_layers: int) -> Units:
    return replace(UNITS, n_layers=n_layers, sampled=spread(n_layers))


@pytest.mark.parametrize(
    ("change", "word", "numbers"),
    [
        ({"n_experts": 4}, "upcycled", {"n_experts_a": 1, "n_experts_b": 4}),
        ({"n_tokens": 448}, "vocabulary-extended", {"n_tokens_b": 448}),
    ],
)
def test_what_was_added_makes_the_child(
    change: dict[str, int], word: str, numbers: dict[str, int]
) -> None:
    other = replace(UNITS, **change)  # type: ignore[arg-type]

    there, back = form_change(UNITS, other, SAME), form_change(other, UNITS, SAME)

    assert there and back
    assert (there.word, there.direction) == (word, "a->b")
    assert (back.word, back.direction) == (word, "b->a")
    assert numbers.items() <= there.numbers.items()


def test_the_narrower_model_is_the_pruned_one() -> None:
    narrow = replace(UNITS, h=96)

    there, back = form_change(UNITS, narrow, SAME), form_change(narrow, UNITS, SAME)

    assert there and (there.word, there.direction) == ("pruned", "a->b")
    assert back and (back.word, back.direction) == ("pruned", "b->a")


def test_a_layer_that_stands_twice_makes_the_deeper_model_the_child() -> None:
    twice = chance((0, 0, 38), (1, 1, 38), (1, 2, 38), (2, 3, 38), (3, 4, 38))

    found = form_change(deep(4), deep(5), twice)

    assert found and (found.word, found.direction) == ("depth-changed", "a->b")


@pytest.mark.parametrize("sizes", [(4, 3), (3, 4)])
def test_a_layer_less_tells_no_direction(sizes: tuple[int, int]) -> None:
    each_once = chance((0, 0, 38), (2, 1, 38), (3, 2, 38))

    found = form_change(deep(sizes[0]), deep(sizes[1]), each_once)

    assert found and (found.word, found.direction) == ("depth-changed", None)


def test_unmatched_layers_never_make_a_direction() -> None:
    chance_hits = chance((0, 0, 38), (1, 1, 38), (3, 2, 2), (3, 3, 1), (3, 4, 2))

    found = form_change(deep(4), deep(5), chance_hits)

    assert found and found.direction is None


def test_one_form_is_no_change() -> None:
    assert form_change(UNITS, UNITS, SAME) is None
    assert form_change(UNITS, replace(UNITS, n_tokens=0), SAME) is None
    assert form_change(UNITS, UNITS, None) is None


def test_layers_from_elsewhere_stand_out_beside_layers_that_are_kept() -> None:
    mixed = chance((0, 0, 38), (1, 1, 2), (2, 2, 0), (3, 3, 39))

    assert foreign_layers(mixed) == (1, 2)


def test_layers_between_own_and_foreign_speak_against_a_merge() -> None:
    trained = chance((0, 0, 38), (1, 1, 2), (2, 2, 12), (3, 3, 39))

    assert foreign_layers(trained) == ()
    assert foreign_layers(SAME) == ()
    assert foreign_layers(chance((0, 0, 1), (1, 1, 2))) == ()


def arranged(build: Build, *order: int) -> Model:
    """Return small-1 with its layers in this order."""
    base = derive.read(ZOO / "small-1")
    return build(derive.arrange_layers([(base, layer) for layer in order]))


@pytest.mark.parametrize(
    "order", [(0, 1, 2, 1, 2, 3), (0, 0, 1, 2, 3), (0, 1, 2, 3, 0, 1, 2, 3)]
)
def test_the_model_with_layers_that_stand_twice_is_the_child(
    order: tuple[int, ...], models: dict[str, Model], build: Build
) -> None:
    deeper = arranged(build, *order)

    for found in judged(models["small-1"], deeper):
        assert (found.relation, found.direction) == ("depth-changed", "a->b")
        assert found.renamed == {}
        assert LIMIT_VALUES not in found.limits
    for found in judged(deeper, models["small-1"]):
        assert (found.relation, found.direction) == ("depth-changed", "b->a")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, 1, 2), (0, 1, 2, 3)),  # taken away or added
        ((0, 1, 2, 1, 2, 3), (0, 1, 2, 1, 2, 1, 2, 3)),  # both repeat layers
        ((0, 1, 2), (0, 1, 2, 1, 2, 3)),  # the deeper one has a layer of its own
    ],
)
def test_values_that_may_have_gone_either_way_give_no_direction(
    one: tuple[int, ...], other: tuple[int, ...], build: Build
) -> None:
    a, b = arranged(build, *one), arranged(build, *other)

    for x, y in ((a, b), (b, a)):
        found = judged(x, y).sketches
        assert (found.related, found.relation) == (True, "depth-changed")
        assert found.direction is None


def test_layers_that_moved_keep_their_names(
    models: dict[str, Model], build: Build
) -> None:
    """Another order of layers is not identical, and renames nothing."""
    for order in ((1, 0, 2, 3), (0, 2, 3), (3, 2, 1, 0)):
        for found in judged(models["small-1"], arranged(build, *order)):
            assert found.renamed == {}
            assert "renamed-tensors" not in kinds(found)
            assert found.relation in ("renamed", "depth-changed")
