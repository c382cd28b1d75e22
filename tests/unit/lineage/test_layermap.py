"""The drawing of which layer resembles which."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from lineage.layermap import MOST_LAYERS, LayerMap, layer_map


def drawn(layers: list[tuple[int, int, float]], **form: int) -> LayerMap:
    """Return the drawing of these triples, in a comparison of other evidence too."""
    evidence: list[dict[str, Any]] = [{"kind": "unit-similarity", "value": 0.9}]
    if form:
        evidence.append({"kind": "form", "value": "depth-changed", **form})
    evidence.append({"kind": "layer-map", "value": len(layers), "layers": layers})
    found = layer_map(evidence)
    assert found is not None
    return found


def test_nothing_is_drawn_without_a_map_of_layers() -> None:
    assert layer_map([{"kind": "unit-similarity", "value": 0.9}]) is None
    assert layer_map([{"kind": "layer-map", "value": 0, "layers": []}]) is None


def test_every_layer_stands_below_its_own() -> None:
    found = drawn([(i, i, 1.0) for i in range(4)])

    assert [box.x for box in found.above] == [box.x for box in found.below]
    assert [box.label for box in found.below] == ["0", "1", "2", "3"]
    assert all(box.is_used and box.level == found.box_height for box in found.below)
    assert len(found.links) == 4


def test_a_dropped_layer_leaves_an_empty_box() -> None:
    kept = [0, 1, 3]
    found = drawn([(i, j, 0.9) for j, i in enumerate(kept)], n_layers_a=4, n_layers_b=3)

    assert [box.is_used for box in found.above] == [True, True, False, True]
    assert len(found.below) == 3


def test_a_doubled_layer_has_two_lines() -> None:
    found = drawn([(0, 0, 1), (1, 1, 1), (1, 2, 1)], n_layers_a=2, n_layers_b=3)

    starts = [link.path.split("C")[0] for link in found.links]
    assert starts[1] == starts[2] != starts[0]


def test_a_foreign_layer_has_no_line() -> None:
    found = drawn([(0, 0, 1.0), (1, 1, 0.02)])

    assert [box.is_used for box in found.below] == [True, False]
    assert [box.is_used for box in found.above] == [True, False]
    assert len(found.links) == 1


def test_layers_that_were_not_compared_are_not_called_dropped() -> None:
    """Of deep models a few layers at fixed depths are compared."""
    sampled = range(0, 32, 4)
    found = drawn([(i, i, 1.0) for i in sampled])

    assert [box.label for box in found.above] == [str(i) for i in sampled]


@pytest.mark.parametrize("n", [1, 12, 13, 40, 100, 300])
def test_many_layers_stay_within_bounds(n: int) -> None:
    found = drawn([(i, i, 0.5) for i in range(n)])

    assert len(found.rows) == min(n, MOST_LAYERS)
    assert found.n_left_out == max(0, n - MOST_LAYERS)
    assert found.width <= max(640, 6 * MOST_LAYERS) + 8
    labels = [box.x for box in found.below if box.label]
    assert all(b - a >= 26 for a, b in pairwise(labels))
    edges = [box.x for box in found.below]
    assert all(b - a > found.box for a, b in pairwise(edges))


def test_the_drawing_comes_with_the_same_numbers_as_a_table() -> None:
    comparison = {
        "a": "maple",
        "b": "acme--own",
        "evidence": [
            {"kind": "layer-map", "value": 2, "layers": [[0, 0, 0.93], [1, 1, 0.0]]}
        ],
    }
    with translation.override("en"):
        page = render_to_string("lineage/_layers.html", {"comparison": comparison})

    assert "Layers of acme/own" in page
    assert "93%" in page and "None" in page
    assert page.count("layers-level") == 1


def test_a_map_of_an_unknown_form_draws_nothing() -> None:
    for layers in ([[1, 2]], "text", [[1, 2, "x"]], None):
        comparison = {"evidence": [{"kind": "layer-map", "value": 1, "layers": layers}]}
        with translation.override("en"):
            page = render_to_string("lineage/_layers.html", {"comparison": comparison})
        assert page.strip() == ""
