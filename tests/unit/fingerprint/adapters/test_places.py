"""Where an adapter's modules belong, by name first and by shape and layer else."""

from __future__ import annotations

from registry.fingerprint.adapters import halves, place, why_not_comparable

UP, DOWN = "model.layers.1.mlp.up_proj", "model.layers.1.mlp.down_proj"
SHAPES = {UP: (12, 4), DOWN: (4, 12)}


def test_halves_are_paired_whatever_wraps_their_names() -> None:
    names = {
        f"base_model.model.{UP}.lora_A.weight": (2, 4),
        f"base_model.model.{UP}.lora_B.weight": (12, 2),
        f"{DOWN}.lora_A.default.weight": (2, 12),
        f"{DOWN}.lora_B.default.weight": (4, 2),
        "alone.lora_A.weight": (2, 4),
        "ranks.lora_A.weight": (2, 4),
        "ranks.lora_B.weight": (4, 3),
        "conv.lora_A.weight": (2, 4, 1, 1),
        "conv.lora_B.weight": (4, 2, 1, 1),
        "base_model.model.score.weight": (2, 4),
    }

    assert sorted(halves(names)) == [DOWN, UP]


def test_names_may_begin_differently() -> None:
    base = {"layers.1.mlp.up_proj.weight": (12, 4), f"x.{DOWN}.weight": (4, 12)}

    assert place(SHAPES, base) == dict(zip(SHAPES, base, strict=True))


def test_layer_numbers_are_compared_whole() -> None:
    base = {"model.layers.11.mlp.up_proj.weight": (12, 4)}

    assert place({UP: (12, 4)}, base) == {}


def test_renamed_matrix_is_found_by_layer_and_shape_when_only_one_fits() -> None:
    base = {"h.1.ff.a": (12, 4), "h.1.ff.b": (9, 4), "h.2.ff.a": (12, 4)}

    assert place({UP: (12, 4)}, base) == {UP: "h.1.ff.a"}
    assert place({UP: (12, 4)}, {**base, "h.1.ff.c": (4, 12)}) == {}


def test_reason_names_what_does_not_fit() -> None:
    other = {f"{UP}.weight": (16, 4)}

    wrong = why_not_comparable(SHAPES, other, place(SHAPES, other))
    missing = why_not_comparable(SHAPES, {}, {})
    nothing = why_not_comparable({}, other, {})

    assert wrong is not None and "16x4" in wrong and "12x4" in wrong
    assert missing is not None and "no matrix 12x4" in missing
    assert nothing is not None
    fits = {f"{UP}.weight": (12, 4), f"{DOWN}.weight": (4, 12)}
    assert why_not_comparable(SHAPES, fits, place(SHAPES, fits)) is None
