"""The family tree's drawing: its promises hold on any graph."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from lineage.graph import Chip, Edge, Line, Node, draw, fold, kin_of
from lineage.graph.labels import MAX_LABEL_PIXELS, shortened, width_of
from lineage.graph.place import CHIP_PADDING, LAYER_ORDER


def node(slug: str, released: str = "", **values: str) -> Node:
    return Node(slug=slug, label=values.pop("label", slug), released=released, **values)


def edge(child: str, parent: str, layer: str = "weights", state: str = "cited") -> Edge:
    return Edge(child=child, parent=parent, layer=layer, relation="sft", state=state)


def random_family(seed: int, n_nodes: int = 40) -> tuple[list[Node], list[Edge]]:
    """Return nodes with dates in any order, some unknown, and edges of every layer."""
    dice = random.Random(seed)
    nodes = [
        node(
            f"n{number}",
            dice.choice(["", f"{dice.randint(2019, 2026)}-{dice.randint(1, 12):02d}"]),
            family=dice.choice(["", "A", "B", "甲"]),
            label="模型" * dice.randint(1, 9),
        )
        for number in range(n_nodes)
    ]
    edges = {
        edge(f"n{child}", f"n{dice.randrange(child)}", dice.choice(LAYER_ORDER))
        for child in range(1, n_nodes)
        for _ in range(dice.randint(0, 3))
    }
    return nodes, sorted(edges, key=repr)


def crossings(line: Line, chips: tuple[Chip, ...]) -> list[str]:
    """Return the chips that a line runs through, its own two ends excepted."""
    ends = {line.edge.child, line.edge.parent}
    return [
        chip.node.slug
        for chip in chips
        if chip.node.slug not in ends
        and any(_touches(chip, a, b) for a, b in pairwise(line.points))
    ]


def _touches(chip: Chip, a: tuple[float, float], b: tuple[float, float]) -> bool:
    left, right = sorted((a[0], b[0]))
    top, bottom = sorted((a[1], b[1]))
    return (
        left < chip.right and right > chip.x and top < chip.bottom and bottom > chip.y
    )


@pytest.mark.parametrize("seed", range(30))
def test_no_line_runs_through_a_chip(seed: int) -> None:
    nodes, edges = random_family(seed)

    picture = draw(nodes, edges)

    assert len(picture.lines) == len(edges)
    assert [
        crossings(line, picture.chips)
        for line in picture.lines
        if crossings(line, picture.chips)
    ] == []


@pytest.mark.parametrize("seed", range(10))
def test_chips_never_overlap_and_stay_inside_the_picture(seed: int) -> None:
    picture = draw(*random_family(seed))

    for chip in picture.chips:
        assert chip.x >= 0 and chip.right <= picture.width
        assert chip.y >= 0 and chip.bottom <= picture.height
    rows: dict[int, list[Chip]] = {}
    for chip in picture.chips:
        rows.setdefault(chip.row, []).append(chip)
    for chips in rows.values():
        for left, right in pairwise(sorted(chips, key=lambda chip: chip.x)):
            assert left.right < right.x


@pytest.mark.parametrize("seed", range(10))
def test_a_row_is_shared_only_along_a_chain_of_parent_and_child(seed: int) -> None:
    nodes, edges = random_family(seed)

    picture = draw(nodes, edges)

    known = {(e.child, e.parent) for e in edges}
    rows: dict[int, list[Chip]] = {}
    for chip in picture.chips:
        rows.setdefault(chip.row, []).append(chip)
    for chips in rows.values():
        for left, right in pairwise(sorted(chips, key=lambda chip: chip.x)):
            assert (right.node.slug, left.node.slug) in known


def test_every_chip_is_wide_enough_for_its_label() -> None:
    picture = draw([node("a", "2023-01", label="通义千问 Qwen1.5-MoE-A2.7B")], [])

    (chip,) = picture.chips
    assert chip.width - CHIP_PADDING >= width_of(chip.text)


def test_a_chinese_letter_counts_like_two_latin_ones() -> None:
    assert width_of("模型") > 1.5 * width_of("ab")


def test_a_long_label_is_cut_with_an_ellipsis() -> None:
    cut = shortened("a very long name of a model " * 5)

    assert cut.endswith("…")
    assert width_of(cut) <= MAX_LABEL_PIXELS


def test_later_models_stand_further_right() -> None:
    nodes = [node("old", "2020-05"), node("new", "2024-01")]

    picture = draw(nodes, [])

    x = {chip.node.slug: chip.x for chip in picture.chips}
    assert x["old"] < x["new"]


def test_unknown_dates_have_a_gutter_of_their_own() -> None:
    picture = draw([node("dated", "2023-01"), node("undated")], [])

    chips = {chip.node.slug: chip for chip in picture.chips}
    assert chips["undated"].right <= picture.gutter <= chips["dated"].x


def test_without_unknown_dates_there_is_no_gutter() -> None:
    assert draw([node("dated", "2023-01")], []).gutter == 0


def test_an_empty_tree_is_drawn_as_nothing() -> None:
    picture = draw([], [])

    assert picture.chips == () and picture.lines == () and picture.ticks == ()


def test_an_edge_to_an_unknown_node_is_left_out() -> None:
    assert draw([node("a", "2023-01")], [edge("a", "gone")]).lines == ()


def test_a_cycle_of_ideas_is_drawn_without_an_end() -> None:
    nodes = [node("a", "2023-01", family="F"), node("b", "2023-01", family="F")]
    edges = [edge("a", "b", "architecture"), edge("b", "a", "architecture")]

    assert len(draw(nodes, edges).lines) == 2


def test_a_chain_of_a_thousand_models_is_drawn() -> None:
    nodes = [node(f"n{i}", "2026-11", family="F") for i in range(1000)]
    edges = [edge(f"n{i}", f"n{i - 1}") for i in range(1, 1000)]

    assert len(draw(nodes, edges).chips) == 1000


def test_a_model_without_a_family_joins_its_parents() -> None:
    nodes = [node("base", "2023-01", family="LLaMA"), node("tuned", "2023-05")]

    picture = draw(nodes, [edge("tuned", "base")])

    assert [band.label for band in picture.bands] == ["LLaMA"]


def test_the_mark_of_a_state_stands_at_the_childs_end() -> None:
    nodes = [node("p", "2020-01", family="F"), node("c", "2020-02", family="F")]

    picture = draw(nodes, [edge("c", "p")])

    child = next(chip for chip in picture.chips if chip.node.slug == "c")
    assert child.x - 15 < picture.lines[0].mark[0] < child.x


def test_a_path_has_no_straight_corners_left() -> None:
    nodes = [node("p", "2020-01", family="F"), node("c", "2020-02", family="F")]

    (line,) = draw(nodes, [edge("c", "p")]).lines

    assert line.path.startswith("M") and "Q" in line.path


def siblings(n: int) -> tuple[list[Node], list[Edge]]:
    nodes = [node("base", "2023-01", family="F")]
    nodes += [node(f"c{i}", "2023-02") for i in range(n)]
    return nodes, [edge(f"c{i}", "base") for i in range(n)]


def test_many_like_siblings_are_folded_into_one_chip() -> None:
    nodes, edges = fold(*siblings(7), labels={"sft": "fine-tuned"})

    assert [n.label for n in nodes] == ["base", "+7 fine-tuned"]
    assert len(edges) == 1 and edges[0].state == "cited"


def test_few_siblings_are_not_folded() -> None:
    nodes, _ = fold(*siblings(4), labels={})

    assert len(nodes) == 5


def test_an_opened_group_is_not_folded() -> None:
    nodes, _ = fold(*siblings(7), labels={}, opened={"base:sft"})

    assert len(nodes) == 8


def test_a_kept_model_is_never_folded() -> None:
    nodes, _ = fold(*siblings(7), labels={}, kept={"c3"})

    assert {n.slug for n in nodes} == {"base", "c3", "base:sft"}


def test_a_sibling_with_children_is_never_folded() -> None:
    nodes, edges = siblings(7)
    nodes.append(node("grandchild", "2023-03"))
    edges.append(edge("grandchild", "c0"))

    folded, _ = fold(nodes, edges, labels={})

    assert "c0" in {n.slug for n in folded}


def test_a_folded_group_of_mixed_states_has_no_mark() -> None:
    nodes, edges = siblings(6)
    edges[0] = edge("c0", "base", state="declared")

    _, folded = fold(nodes, edges, labels={})

    assert folded[0].state == ""


def test_kin_are_ancestors_and_descendants_but_not_siblings() -> None:
    edges = [edge("b", "a"), edge("c", "b"), edge("x", "a")]

    assert kin_of("b", edges) == {"a", "b", "c"}


def test_an_unknown_model_is_its_own_kin() -> None:
    assert kin_of("nobody", []) == {"nobody"}


def test_a_contradicted_derivation_is_drawn_but_makes_nobody_kin() -> None:
    nodes = [node("a", "2023-01", family="A"), node("b", "2023-06")]
    edges = [edge("b", "a", state="contradicted"), edge("a", "b", state="verified")]

    picture = draw(nodes, edges[:1])

    assert [line.edge.state for line in picture.lines] == ["contradicted"]
    assert [band.label for band in picture.bands] == ["A", ""]
    assert kin_of("b", edges[:1]) == {"b"}
    assert len(draw(nodes, edges).lines) == 2
