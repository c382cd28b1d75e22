"""Tokens by name and learned positions: where an alignment starts, disguised or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from registry.fingerprint.anatomy.parts import Vectors
from registry.fingerprint.comparing import alignment, anchors
from registry.fingerprint.comparing.anchors import Anchors, equal_tokens, likeness
from registry.fingerprint.judging.opened import open_weights
from registry.fingerprint.thresholds import LIKE_ROWS, SUSPECT_LOG10_P
from tests.unit.fingerprint.conftest import Model, judged, kinds
from tests.zoo import derive
from tests.zoo.derive import ZOO

D, N_TOKENS, SEED = 64, 384, 3
# So much noise that what no turn changes tells nothing any more.
HEAVY = 1.5
ORDER = np.random.default_rng(SEED).permutation(N_TOKENS)

Hide = Callable[..., Model]


@pytest.fixture(scope="module")
def hide(tmp_path_factory: pytest.TempPathFactory) -> Hide:
    """Return a maker of GPT-2s with units, coordinates and tokens relabelled."""
    root = tmp_path_factory.mktemp("hidden")

    def made(name: str, noise: float, *, positions: bool, named: bool) -> Model:
        told = f"{name}-{noise}-{positions}-{named}"
        tensors = derive.cast(derive.read(ZOO / name), "F32")
        tensors = derive.add_noise(tensors, noise, SEED)
        tensors = derive.permute_width(derive.permute_units(tensors, SEED), D, SEED)
        tensors = derive.shuffle_vocabulary(tensors, ORDER)
        kept = {n: t for n, t in tensors.items() if positions or "wpe" not in n}
        folder = derive.make(kept, root / told, like=ZOO / name)
        if named:
            derive.shuffle_tokenizer(folder / "tokenizer.json", ORDER)
        else:
            (folder / "tokenizer.json").unlink()
        return Model(told, open_weights(folder))

    return made


def anchors_of(model: Model) -> Anchors:
    return model.opened.described.anchors


@pytest.mark.parametrize(
    ("positions", "named"), [(True, True), (True, False), (False, True)]
)
def test_a_changed_copy_is_found_by_tokens_or_by_positions(
    positions: bool, named: bool, models: dict[str, Model], hide: Hide
) -> None:
    """With what no turn changes alone it is not: the next test."""
    hidden = hide("classic-1", HEAVY, positions=positions, named=named)

    found = judged(models["classic-1"], hidden).folders

    assert found.related is True
    assert kinds(found)["aligned-units"] > 256


def test_where_nothing_shows_how_to_turn_a_failed_alignment_tells_nothing(
    models: dict[str, Model], hide: Hide
) -> None:
    hidden = hide("classic-1", HEAVY, positions=False, named=False)

    found = judged(models["classic-1"], hidden).folders

    assert found.related is None
    assert kinds(found)["open-question"] == "no-anchor"


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("positions", [True, False])
def test_a_stranger_in_disguise_is_never_a_relative(
    positions: bool, named: bool, models: dict[str, Model], hide: Hide
) -> None:
    hidden = hide("classic-2", 0.0, positions=positions, named=named)

    found = judged(models["classic-1"], hidden).folders

    assert found.related is (False if positions or named else None)


def test_names_of_tokens_that_lie_are_no_anchor(
    models: dict[str, Model], hide: Hide, tmp_path: Path
) -> None:
    """The ids of one side were shuffled, and its tokenizer tells the old ones."""
    hidden = hide("classic-1", HEAVY, positions=False, named=False)
    folder = derive.make(
        derive.read(hidden.opened.files.path),
        tmp_path / "lying",
        like=ZOO / "classic-1",
    )

    found = judged(models["classic-1"], Model("lying", open_weights(folder))).folders

    assert found.related is None
    assert kinds(found)["open-question"] == "no-anchor"


def test_models_with_gates_need_no_anchor(models: dict[str, Model]) -> None:
    one, other = (models[name].opened.described for name in ("small-1", "small-2"))
    bare = replace(one, anchors=without(one.anchors))

    found = alignment.align(bare, other)

    assert found is not None and not found.is_anchored
    assert found.chance.log10_p > SUSPECT_LOG10_P
    child = alignment.align(bare, models["small-1-more-3x"].opened.described)
    assert child is not None and child.chance.log10_p < -200


def without(found: Anchors) -> Anchors:
    return replace(found, tokens=found.tokens[:, :0], n_by_id=0, named={})


def test_tokens_are_paired_by_name_though_ids_were_shuffled(
    models: dict[str, Model], hide: Hide
) -> None:
    base, hidden = (
        models["classic-1"],
        hide("classic-1", 0.0, positions=True, named=True),
    )

    rows = equal_tokens(anchors_of(base), anchors_of(hidden))

    order = np.random.default_rng(SEED).permutation(D)
    np.testing.assert_allclose(rows.left[:, order], rows.right)
    assert rows.likeness == pytest.approx(1)
    nameless = replace(anchors_of(hidden), named={})
    assert equal_tokens(anchors_of(base), nameless).likeness < LIKE_ROWS / 2


def test_of_embeddings_and_head_those_alike_are_paired(
    models: dict[str, Model],
) -> None:
    """Other names may put the head first in one model and last in the other."""
    base = anchors_of(models["wide-1"])
    assert len(base.tokens) == 2
    turned = replace(base, tokens=base.tokens[::-1])

    rows = equal_tokens(base, turned)

    assert rows.likeness == pytest.approx(1)
    np.testing.assert_array_equal(rows.left, rows.right)


def test_of_many_tokens_two_models_choose_the_same_ones(
    models: dict[str, Model], hide: Hide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchors, "_MOST_ROWS", 256)
    hidden = hide("classic-1", 0.0, positions=True, named=True)
    base = models["classic-1"]

    one, other = (
        anchors.read_anchors(
            m.structure, m.opened.files.tensors, m.opened.files.tokenizer
        )
        for m in (base, hidden)
    )

    assert one.n_by_id == other.n_by_id == 128
    assert one.tokens.shape[1] <= 256
    rows = equal_tokens(one, other)
    assert len(rows.left) >= 128
    assert rows.likeness == pytest.approx(1)
    bare = anchors.read_anchors(base.structure)
    assert (bare.named, bare.n_by_id, len(bare.positions)) == ({}, 256, 0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": {"vocab": {"a": "b"}}}'])
def test_a_tokenizer_that_cannot_be_read_names_nothing(
    text: str, models: dict[str, Model], tmp_path: Path
) -> None:
    (tmp_path / "tokenizer.json").write_text(text)

    found = anchors.read_anchors(
        models["small-1"].structure, (), tmp_path / "tokenizer.json"
    )

    assert found.named == {}
    assert found.n_by_id == N_TOKENS


def test_ids_without_a_row_are_left_out(
    models: dict[str, Model], tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text('{"model": {"vocab": {"a": -1, "b": 383, "c": 384, "d": 0}}}')

    assert anchors.read_anchors(models["small-1"].structure, (), path).named == {
        "b": 383,
        "d": 0,
    }


def rows_of(seed: int, n: int = 500) -> Vectors:
    rng = np.random.default_rng(seed)
    scales = np.geomspace(1, 0.05, D)
    return np.asarray(rng.standard_normal((n, D)) * scales, np.float32)


def test_likeness_is_one_of_turned_rows_and_none_of_shuffled_ones() -> None:
    rows = rows_of(0)
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.standard_normal((D, D)))[0].astype(np.float32)

    assert likeness(rows, rows @ turn) == pytest.approx(1, abs=1e-3)
    assert abs(likeness(rows, rows[rng.permutation(len(rows))])) < 0.02


@pytest.mark.parametrize(("noise", "least"), [(0.5, 0.5), (1.0, 0.15)])
def test_likeness_sinks_with_noise(noise: float, least: float) -> None:
    rows, other = rows_of(0), rows_of(1)

    found = likeness(rows, rows + noise * other)

    assert least < found < 0.95
    assert likeness(rows + noise * other, rows) == pytest.approx(found, rel=1e-4)


@pytest.mark.parametrize("left", ["none", "one", "flat"])
@pytest.mark.parametrize("right", ["none", "one", "flat"])
def test_nothing_is_alike_to_rows_that_say_nothing(left: str, right: str) -> None:
    rows = {
        "none": np.zeros((0, D), np.float32),
        "one": np.ones((1, D), np.float32),
        "flat": np.ones((9, D), np.float32),
    }
    n = min(len(rows[left]), len(rows[right]))

    assert likeness(rows[left][:n], rows[right][:n]) == 0
