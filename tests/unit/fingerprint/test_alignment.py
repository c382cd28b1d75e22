"""Undoing a disguise: the rotation is found, and judged where it was not fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.anatomy.parts import Vectors, read_vectors
from registry.fingerprint.anatomy.structure import Structure
from registry.fingerprint.comparing import alignment
from registry.fingerprint.comparing.alignment import (
    Alignment,
    align,
)
from registry.fingerprint.comparing.persistence import (
    Persistence,
    persistence,
    persistence_either_way,
)
from registry.fingerprint.thresholds import RELATED_LOG10_P, SUSPECT_LOG10_P
from tests.unit.fingerprint.conftest import Build, Model, judged
from tests.zoo import derive
from tests.zoo.derive import ZOO

D, HEAD = 64, 16


def aligned(a: Model, b: Model) -> Alignment:
    found = align(a.opened.described, b.opened.described)
    assert found is not None
    return found


def kept(found: Alignment) -> Persistence:
    assert found.persistence is not None
    return found.persistence


@pytest.fixture(scope="module")
def rotated(build: Build) -> Model:
    tensors = derive.cast(derive.read(ZOO / "small-1"), "F32")
    return build(derive.rotate_width(derive.permute_units(tensors, 5), D, 5))


def test_the_rotation_itself_is_found(models: dict[str, Model], rotated: Model) -> None:
    turn = np.linalg.qr(np.random.default_rng(5).standard_normal((D, D)))[0]

    found = aligned(models["small-1"], rotated)

    np.testing.assert_allclose(found.rotation, turn, atol=0.02)
    assert found.chance.n_hits > 0.95 * found.chance.n_units
    assert kept(found).leading == pytest.approx(1, abs=0.02)


def test_units_are_given_the_partners_that_they_have(
    models: dict[str, Model], rotated: Model
) -> None:
    found = aligned(models["small-1"], rotated)
    a, b = models["small-1"].opened.described, rotated.opened.described

    name = "model.layers.2.mlp.gate_proj.weight"
    seed = [5, *name.encode()]
    order = np.random.default_rng(seed).permutation(192)
    old, new = a.units.labels[2], b.units.labels[2][found.assigned[2]]
    assert (order[new] == old).mean() > 0.98


def test_a_child_trained_after_a_disguise_is_found(models: dict[str, Model]) -> None:
    found = aligned(models["small-1"], models["small-1-disguised"])

    assert found.chance.log10_p < -200
    assert kept(found).leading > 0.9


@pytest.mark.parametrize("child", ["small-1-tuned", "small-1-more-3x"])
def test_a_child_disguised_after_training_is_found(
    child: str, models: dict[str, Model], build: Build
) -> None:
    tensors = derive.cast(derive.read(ZOO / child), "F32")
    hidden = derive.rescale(derive.permute_units(tensors, 3), HEAD, 3)
    made = build(derive.rotate_width(hidden, D, 3))

    assert aligned(models["small-1"], made).chance.log10_p < -50


@pytest.mark.parametrize("child", ["small-1", "small-1-tuned", "small-1-more-3x"])
def test_a_common_start_in_disguise_is_no_descent(
    child: str, models: dict[str, Model], build: Build
) -> None:
    """A rotation is found for it, which shows nothing of what training made."""
    tensors = derive.cast(derive.read(ZOO / child), "F32")
    hidden = build(derive.rotate_width(derive.permute_units(tensors, 3), D, 3))
    start = models["small-1-start"]

    assert aligned(start, hidden).chance.log10_p < RELATED_LOG10_P
    assert judged(start, hidden).folders.related is not True
    assert judged(hidden, start).folders.related is not True


@pytest.mark.parametrize("n_values", [1, 64 * 3 * 50])
def test_what_is_kept_is_the_same_read_in_blocks(
    n_values: int,
    models: dict[str, Model],
    rotated: Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of large models not all units are held at once; partners are among the likest."""
    start, child = models["small-1"], models["small-1-more-3x"]
    whole = [kept(aligned(one, rotated)) for one in (start, child)]
    monkeypatch.setattr(alignment, "_VECTOR_VALUES", n_values)
    monkeypatch.setattr(alignment, "_MOST_RIVALS", 1)

    in_blocks = [kept(aligned(one, rotated)) for one in (start, child)]

    for one, other in zip(whole, in_blocks, strict=True):
        assert other.whole == pytest.approx(one.whole, abs=0.02)
        assert other.leading == pytest.approx(one.leading, abs=0.02)


@pytest.mark.parametrize(
    ("whole", "ratio", "is_turned", "of_child", "of_merge"),
    [
        (0.97, 1.0, True, True, False),
        (0.85, 1.1, True, False, False),  # a common start, other order of the data
        (0.85, 1.0, False, True, False),
        (0.5, 1.0, True, False, False),
        (0.5, 1.0, False, False, True),
    ],
)
def test_more_has_to_be_kept_where_the_best_fit_was_looked_for(
    whole: float, ratio: float, is_turned: bool, of_child: bool, of_merge: bool
) -> None:
    found = Persistence(whole * ratio, whole, 0.02, is_turned)

    assert (found.is_of_child, found.is_of_merge) == (of_child, of_merge)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("small-1", "small-2"),
        ("small-2", "small-3"),
        ("small-1", "qwen-1"),
        ("small-1", "small-1-student"),
        ("small-1", "small-1-words"),
        ("wide-1", "wide-2"),
        ("classic-1", "classic-2"),
    ],
)
def test_nothing_is_found_between_models_trained_apart(
    a: str, b: str, models: dict[str, Model]
) -> None:
    found = aligned(models[a], models[b])

    assert found.chance.log10_p > SUSPECT_LOG10_P
    assert found.persistence is None


def test_what_is_found_is_judged_on_layers_that_were_not_fitted(
    models: dict[str, Model],
) -> None:
    """Half of the layers are a stranger's: rotations fitted there fit nothing else."""
    found = aligned(models["small-1"], models["small-2"])

    assert found.chance.n_expected >= 2 * len(found.chance.layers)
    assert found.chance.n_hits < 2 * found.chance.n_expected


def test_alignment_is_found_from_either_side(models: dict[str, Model]) -> None:
    there = aligned(models["small-1"], models["small-1-disguised"])
    back = aligned(models["small-1-disguised"], models["small-1"])

    assert there.chance.log10_p <= RELATED_LOG10_P
    assert back.chance.log10_p <= RELATED_LOG10_P
    np.testing.assert_allclose(there.rotation, back.rotation.T, atol=0.1)


def test_models_of_other_width_depth_or_form_are_not_aligned(
    models: dict[str, Model],
) -> None:
    for other in ("wide-1", "classic-1"):
        described = models[other].opened.described
        assert align(models["small-1"].opened.described, described) is None


def layers_of(structure: Structure) -> Vectors:
    """Return the vectors (layers, units, roles, d) of all units as stored."""
    ffns = [layer.ffns[0] for layer in structure.layers]
    read = [[read_vectors(p) for p in (*f.readers, f.writer)] for f in ffns]
    return np.moveaxis(np.array(read), 1, 2)


@pytest.fixture(scope="module")
def base(models: dict[str, Model]) -> Vectors:
    return layers_of(models["small-1"].structure)


def test_persistence_agrees_with_a_slow_reference(
    base: Vectors, models: dict[str, Model]
) -> None:
    other = layers_of(models["small-1-more"].structure)
    leading, whole = [], []
    for left, right in zip(base, other, strict=True):
        for role in range(3):
            a, b = left[:, role].astype(float), right[:, role].astype(float)
            values, vectors = np.linalg.eigh(a.T @ a)
            for i in (-1, -2, -3, -4):
                v, s = vectors[:, i], np.sqrt(values[i])
                leading.append((a @ v / s) @ b @ v / s)
            whole.append((a * b).sum() / (a * a).sum())

    found = persistence(base, other)

    assert found.leading == pytest.approx(np.mean(leading), abs=1e-4)
    assert found.whole == pytest.approx(np.mean(whole), abs=1e-4)


def test_the_order_of_parent_and_child_changes_nothing(
    base: Vectors, models: dict[str, Model]
) -> None:
    child = layers_of(models["small-1-more-3x"].structure)

    found = persistence_either_way(base, child)

    assert found == persistence_either_way(child, base)
    assert found.is_of_child
    assert not persistence(child, base).is_of_child


@pytest.mark.parametrize("other", ["small-1", "small-1-more", "small-1-tuned"])
def test_a_common_start_is_neither_child_nor_merge(
    other: str, models: dict[str, Model]
) -> None:
    pair = [layers_of(models[name].structure) for name in (other, "small-1-start")]

    found = persistence_either_way(pair[0], pair[1])

    assert not (found.is_of_child or found.is_of_merge)


CHANGES: dict[str, tuple[Callable[[Vectors], Vectors], float, float]] = {
    "itself": (lambda w: w, 1, 1),
    "half of it": (lambda w: w / 2, 0.5, 0.5),
    "its opposite": (lambda w: -w, -1, -1),
    "nothing": (np.zeros_like, 0, 0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_persistence_is_the_share_that_is_kept(change: str, base: Vectors) -> None:
    edit, leading, whole = CHANGES[change]

    found = persistence(base, edit(base))

    assert found.leading == pytest.approx(leading, abs=1e-5)
    assert found.whole == pytest.approx(whole, abs=1e-5)


def test_what_training_made_tells_a_child_from_a_common_start(
    base: Vectors, models: dict[str, Model]
) -> None:
    def ratio(name: str) -> float:
        return persistence(base, layers_of(models[name].structure)).ratio

    children = ("small-1-tuned", "small-1-more", "small-1-more-3x")
    assert min(map(ratio, children)) > 0.95
    assert ratio("small-1-start") < 0.95


def test_noise_keeps_what_is_large(base: Vectors) -> None:
    rng = np.random.default_rng(0)
    noise: NDArray[np.float32] = rng.standard_normal(base.shape, np.float32)

    found = persistence(base, base + base.std() * noise)

    assert found.leading == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_what_is_kept_is_asked_of_units_that_have_a_partner(
    share: float, models: dict[str, Model], build: Build
) -> None:
    base = models["small-1"]
    narrow = build(derive.narrow(derive.read(ZOO / "small-1"), share))

    for found in (aligned(base, narrow), aligned(narrow, base)):
        assert kept(found).leading == pytest.approx(1, abs=0.02)
        assert kept(found).whole == pytest.approx(1, abs=0.02)
        assert kept(found).spread < 0.02


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
@pytest.mark.parametrize("child", ["small-1-tuned", "small-1-more-3x"])
def test_a_child_with_fewer_units_is_found(
    child: str, share: float, models: dict[str, Model], build: Build
) -> None:
    narrow = build(derive.narrow(derive.read(ZOO / child), share))

    found = judged(models["small-1"], narrow).folders

    assert (found.related, found.relation) == (True, "pruned")
    assert found.direction == "a->b"


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
@pytest.mark.parametrize("child", ["small-1", "small-1-tuned", "small-1-more-3x"])
def test_a_common_start_with_fewer_units_is_no_merge(
    child: str, share: float, models: dict[str, Model], build: Build
) -> None:
    narrow = build(derive.narrow(derive.read(ZOO / child), share))

    found = judged(models["small-1-start"], narrow).folders

    assert found.related is not True


@pytest.mark.parametrize("role", [0, 1, 2])
def test_of_nothing_nothing_is_kept(role: int, base: Vectors) -> None:
    """A layer set to zero has no leading directions, not infinitely much of them."""
    rng = np.random.default_rng(0)
    other = rng.standard_normal(base.shape).astype(np.float32)
    zeroed = base.copy()
    zeroed[1, :, role] = 0

    assert persistence(zeroed, zeroed).ratio == pytest.approx(1)
    found = persistence_either_way(zeroed, other)
    assert abs(found.leading) < 0.5 and not found.is_of_child
    nothing = persistence(np.zeros_like(base), base)
    assert (nothing.leading, nothing.whole) == (0, 0)


@pytest.mark.parametrize("word", ["up_proj", "down_proj", "layers.2."])
def test_a_common_start_with_zeros_is_no_descent(
    word: str, models: dict[str, Model], build: Build
) -> None:
    def clear(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        is_chosen = word in name and ".1." in name.replace(".2.", ".1.")
        return np.zeros_like(values) if is_chosen else values

    start = derive.change(derive.read(ZOO / "small-1-start"), clear)

    for a, b in ((models["small-1"], build(start)), (build(start), models["small-1"])):
        assert judged(a, b).folders.related is not True
