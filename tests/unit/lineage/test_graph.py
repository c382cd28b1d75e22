"""The family tree's drawing: its promises hold on any graph."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from lineage.graph import (
    Chip,
    Edge,
    Line,
    Node,
    branch_edges,
    draw,
    fold,
    kin_of,
    svg,
)
from lineage.graph.labels import MAX_LABEL_PIXELS, shortened, width_of
from lineage.graph.place import CHIP_PADDING, LAYER_ORDER


def node(slug: str, released: str = "", **values: str) -> Node:
    return Node(slug=slug, label=values.pop("label", slug), released=released, **values)


def edge(child: str, parent: str, layer: str = "weights", state: str = "cited") -> Edge:
    return Edge(child=child, parent=parent, layer=layer, relation="sft", state=state)


def random_family(seed: int, n_nodes: int = 80) -> tuple[list[Node], list[Edge]]:
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

    assert len(picture.lines) + sum(len(s.edges) for s in picture.stubs) == len(edges)
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


def test_many_like_siblings_are_folded_into_one_badge() -> None:
    nodes, edges, folds = fold(*siblings(7), labels={"sft": "fine-tuned"})

    assert [n.label for n in nodes] == ["base"] and edges == []
    assert [(f.key, f.parent, f.label) for f in folds] == [
        ("base:sft", "base", "+7 fine-tuned")
    ]
    assert set(folds[0].members) == {f"c{i}" for i in range(7)}


def test_few_siblings_are_not_folded() -> None:
    nodes, _, folds = fold(*siblings(4), labels={})

    assert len(nodes) == 5 and folds == []


def test_an_opened_group_is_not_folded() -> None:
    nodes, _, _ = fold(*siblings(7), labels={}, opened={"base:sft"})

    assert len(nodes) == 8


def test_a_kept_model_is_never_folded() -> None:
    nodes, _, folds = fold(*siblings(7), labels={}, kept={"c3"})

    assert {n.slug for n in nodes} == {"base", "c3"}
    assert "c3" not in folds[0].members


def test_a_sibling_with_children_is_never_folded() -> None:
    nodes, edges = siblings(7)
    nodes.append(node("grandchild", "2023-03"))
    edges.append(edge("grandchild", "c0"))

    folded, _, _ = fold(nodes, edges, labels={})

    assert "c0" in {n.slug for n in folded}


def test_who_began_anew_is_never_folded() -> None:
    nodes, edges = siblings(7)
    nodes += [node(f"own{i}", "2023-02", category="base") for i in range(7)]
    edges += [edge(f"own{i}", "base", "architecture") for i in range(7)]

    folded, _, _ = fold(nodes, edges, labels={})

    assert {n.slug for n in folded} == {"base", *(f"own{i}" for i in range(7))}


def test_a_leaf_of_two_parents_is_folded_at_the_weightier_one() -> None:
    nodes, edges = siblings(7)
    nodes.append(node("teacher", "2023-01"))
    edges += [edge(f"c{i}", "teacher", "outputs") for i in range(7)]

    folded, left, folds = fold(nodes, edges, labels={})

    assert {n.slug for n in folded} == {"base", "teacher"} and left == []
    assert [f.parent for f in folds] == ["base"]


def test_in_a_large_picture_all_leaves_of_a_parent_fold_and_open_by_relation() -> None:
    nodes, edges = siblings(40)
    nodes += [node(f"q{i}", "2023-02") for i in range(40)]
    edges += [replace(edge(f"q{i}", "base"), relation="quantized") for i in range(40)]

    _, _, folds = fold(nodes, edges, labels={})
    _, _, opened = fold(nodes, edges, labels={}, opened={"base:"})

    assert [(f.key, f.label) for f in folds] == [("base:", "+80")]
    assert [f.label for f in opened] == ["+40 sft", "+40 quantized"]


def test_badges_stand_beside_their_parent_and_the_row_is_theirs() -> None:
    nodes, edges, folds = fold(*siblings(7), labels={"sft": "fine-tuned"})
    nodes.append(node("next", "2026-01", family="F"))
    edges.append(edge("next", "base"))

    picture = draw(nodes, edges, folds=folds)

    base, following = picture.chips
    (badge,) = picture.badges
    assert base.right < badge.x and badge.x + badge.width <= base.reach
    assert following.row != base.row


def families(n: int) -> tuple[list[Node], list[Edge]]:
    """Return a line of families, of which each began with the one before."""
    nodes, edges = [], []
    for i in range(n):
        nodes.append(
            node(f"f{i}", f"20{10 + i // 12}-{i % 12 + 1:02d}", family=f"F{i}")
        )
        if i:
            edges.append(edge(f"f{i}", f"f{i - 1}", "architecture"))
    return nodes, edges


def test_a_family_stands_below_the_one_it_comes_from() -> None:
    nodes, edges = families(3)
    nodes.append(node("late", "2010-02", family="Between"))
    edges.append(edge("late", "f2", "architecture"))  # older than its parent: no kin
    nodes.append(node("own", "2009-01", family="Older"))

    picture = draw(nodes, edges)

    labels = [band.label for band in picture.bands]
    assert labels == ["Older", "F0", "F1", "F2", "Between"]


def test_families_in_a_circle_are_each_drawn_once() -> None:
    nodes = [node("a", "2020-01", family="A"), node("b", "2020-01", family="B")]
    edges = [edge("a", "b", "architecture"), edge("b", "a", "architecture")]

    assert sorted(band.label for band in draw(nodes, edges).bands) == ["A", "B"]


def test_in_a_large_picture_lines_between_families_are_cut() -> None:
    nodes, edges = families(70)
    far = edge("f69", "f2", "outputs")

    picture = draw(nodes, [*edges, far])

    assert len(picture.lines) == 69
    (stub,) = picture.stubs
    assert stub.edges == (far,) and stub.text == "f2"
    assert stub.x >= next(c for c in picture.chips if c.node.slug == "f69").right


def test_what_finds_no_room_is_counted_in_a_last_stub() -> None:
    nodes, edges = families(70)
    far = [edge("f69", f"f{i}", "outputs") for i in range(5)]

    picture = draw(nodes, [*edges, *far])

    assert [stub.text for stub in picture.stubs] == ["f4", "f3", "+3"]
    assert sum(len(stub.edges) for stub in picture.stubs) == 5


def test_a_small_picture_is_drawn_with_every_line() -> None:
    nodes, edges = families(10)

    assert draw(nodes, [*edges, edge("f9", "f1", "outputs")]).stubs == ()


def test_a_branch_has_its_own_architecture_and_what_its_roots_came_from() -> None:
    edges = [
        edge("gpt", "transformer", "architecture"),
        edge("bert", "transformer", "architecture"),
        edge("roberta", "bert", "architecture"),
        edge("gpt-2", "gpt", "architecture"),
        edge("tuned", "bert"),
        edge("gpt-2", "bert", "tokenizer"),
    ]
    architecture = {"bert": "encoder", "roberta": "encoder", "gpt": "decoder"}

    kept = branch_edges(edges, architecture, {"encoder"})

    assert {(e.child, e.parent) for e in kept} == {
        ("bert", "transformer"),
        ("roberta", "bert"),
        ("tuned", "bert"),
    }


def test_names_are_escaped_in_svg() -> None:
    nodes = [
        node("a", "2023-01", label='<b>&"', family="<i>", title="<u>", href='?"'),
        node("b", "2023-02"),
    ]
    picture = draw(nodes, [replace(edge("b", "a"), title="<s>")])

    written = svg.body(picture) + svg.axis(picture, unknown="<?>")

    ElementTree.fromstring(f"<svg>{written}</svg>")
    for tag in ("<b>", "<i>", "<u>", "<s>", "<?>"):
        assert tag not in written


def test_what_is_lit_and_in_focus_bears_a_class() -> None:
    picture = draw(*siblings(2))

    written = svg.body(picture, lit={"base", "c0"}, focus="c0")

    assert written.count(" lit") == 3  # two chips and the line between them
    assert written.count("is-focus") == 1


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
