"""Charts keep to their numbers: lengths in proportion, nothing hidden or cut off."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.charts import (
    COLUMNS_HEIGHT,
    DOT,
    FOOT,
    LABELS,
    WIDTH,
    log_strips,
    rows,
    stacked_columns,
)

counts = st.integers(min_value=0, max_value=5_000)


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=12))
def test_columns_are_as_high_as_their_counts(pairs: list[tuple[int, int]]) -> None:
    given_ = {str(i): {"own": a, "derived": b} for i, (a, b) in enumerate(pairs)}

    drawn = stacked_columns(given_)

    top = drawn.lines[-1].value
    assert top >= max(a + b for a, b in pairs)
    assert drawn.lines[0].value == 0 and len(drawn.lines) <= 7
    for part in drawn.parts:
        assert part.height == pytest.approx(COLUMNS_HEIGHT * part.value / top, abs=0.1)
        assert part.y >= -0.1 and part.y + part.height <= COLUMNS_HEIGHT + 0.2
        assert part.x >= FOOT and part.x + part.width <= WIDTH


def test_parts_of_a_column_stand_on_each_other() -> None:
    drawn = stacked_columns({"2023": {"own": 3, "derived": 2}})

    lower, upper = drawn.parts
    assert upper.y + upper.height == pytest.approx(lower.y, abs=0.2)


def test_rows_are_as_long_as_their_counts() -> None:
    drawn = rows({"llama": 40, "qwen": 10})

    long, short = drawn.parts
    assert long.width == pytest.approx(4 * short.width, abs=0.5)
    assert long.x == short.x == LABELS and long.after < WIDTH


values = st.floats(min_value=1e6, max_value=1e27)


@given(st.lists(values, min_size=1, max_size=40), st.lists(values, max_size=9))
def test_no_dot_hides_another_or_leaves_the_drawing(
    one: list[float], other: list[float]
) -> None:
    groups = {"base": [(f"a{i}", v) for i, v in enumerate(sorted(one))]}
    if other:
        groups["sft"] = [(f"b{i}", v) for i, v in enumerate(sorted(other))]

    drawn = log_strips(groups)

    assert len(drawn.dots) == len(one) + len(other)
    for dot in drawn.dots:
        assert LABELS - 0.1 <= dot.x <= WIDTH and 0 < dot.y < drawn.height - FOOT + DOT
    for left, right in combinations(drawn.dots, 2):
        apart = max(abs(left.x - right.x), abs(left.y - right.y))
        assert apart >= 2 * DOT - 0.2


def test_a_tenfold_value_is_one_gridline_further() -> None:
    drawn = log_strips({"base": [("a", 1e9), ("b", 1e10), ("c", 1e12)]})

    x = {dot.key: dot.x for dot in drawn.dots}
    assert x["c"] - x["b"] == pytest.approx(2 * (x["b"] - x["a"]), abs=0.3)
    assert [line.value for line in drawn.lines] == [1e9, 1e10, 1e11, 1e12]


def test_nothing_is_drawn_of_nothing() -> None:
    assert stacked_columns({}).parts == rows({}).parts == log_strips({}).dots == ()
