"""Weight files that are damaged, lie or are odd: answered, or refused in one line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import deserialize

from registry.fingerprint import FingerprintError, Sketch, read_header, sketch_model
from registry.fingerprint.reading.weights import DTYPE_BITS
from tests.unit.fingerprint import hostile
from tests.unit.fingerprint.hostile import SOUND, run, run_all

BF16_ONE = b"\x80\x3f"
HEADER_END = 8 + int.from_bytes(SOUND[:8], "little")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which each example writes its file."""
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    path.write_bytes(SOUND)
    return path


def put(shelf: Path, data: bytes) -> Path:
    path = shelf / "x.safetensors"
    path.write_bytes(data)
    return path


def answers(model: Path, good: Path, shelf: Path) -> Sketch:
    """Fail unless every command answers about `model`; return its sketch."""
    outcomes = run_all(model, good, shelf)
    for command in ("sketch", "compare", "identify", "diff"):
        assert outcomes[command].status == 0, outcomes[command].complaint
    sketch = sketch_model(model)
    assert Sketch.from_bytes(sketch.to_bytes()).to_bytes() == sketch.to_bytes()
    return sketch


def test_the_sound_file_of_these_tests_is_answered(shelf: Path, good: Path) -> None:
    assert answers(put(shelf, SOUND), good, shelf).n_tensors == 5


# Damage -------------------------------------------------------------------------


@given(st.integers(0, len(SOUND) - 1))
def test_a_truncated_file_is_refused(shelf: Path, good: Path, length: int) -> None:
    outcomes = run_all(put(shelf, SOUND[:length]), good, shelf)

    for command in ("sketch", "compare", "identify", "diff"):
        hostile.is_refused(outcomes[command], "x.safetensors")


@st.composite
def damaged(draw: st.DrawFn, data: bytes, at_most: int) -> bytes:
    """Draw a file that differs in a few places before `at_most`, or in length."""
    made = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, min(at_most, len(made)) - 1))
        new = draw(st.binary(max_size=3))
        made[at : at + draw(st.integers(0, 3))] = new
    return bytes(made)


@given(damaged(SOUND, HEADER_END))
def test_a_damaged_header_keeps_the_promise(
    shelf: Path, good: Path, data: bytes
) -> None:
    run_all(put(shelf, data), good, shelf)


@given(st.binary(max_size=200))
def test_any_bytes_keep_the_promise(shelf: Path, good: Path, data: bytes) -> None:
    run_all(put(shelf, data), good, shelf)
    run_all(put(shelf, hostile.weights(data)), good, shelf)


# Lies ---------------------------------------------------------------------------

sizes = st.one_of(
    st.integers(0, 4),
    st.sampled_from([-1, 2**31, 2**32, 2**62, 2**63, 2**64, 10**30]),
    st.sampled_from([True, None, 2.0, "2", [2], 1e308]),
)
offsets = st.one_of(
    st.lists(st.integers(0, 40), min_size=2, max_size=2), st.lists(sizes, max_size=3)
)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from([*DTYPE_BITS, "F33", "f32", "", None, 7]),
        "shape": st.one_of(st.lists(sizes, max_size=4), st.sampled_from([None, 4])),
        "data_offsets": offsets,
    },
    optional={"more": st.none()},
)
names = st.text(max_size=20)
printable = st.text(st.characters(codec="utf-8"), max_size=12).filter(str.isprintable)


@given(st.dictionaries(names, st.one_of(entries, sizes), max_size=3), st.data())
def test_a_lying_header_keeps_the_promise(
    shelf: Path, good: Path, header: dict[str, Any], data: st.DataObject
) -> None:
    body = data.draw(st.binary(max_size=40))

    run_all(put(shelf, hostile.weights(header, body)), good, shelf)


@st.composite
def placed(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    """Draw tensors that agree with their bytes, but lie anywhere in the file."""
    header, end = {}, 0
    for name in draw(st.lists(printable, min_size=1, max_size=4, unique=True)):
        size, start = draw(st.integers(0, 8)), draw(st.integers(0, 12))
        start = draw(st.sampled_from([start, end, end]))
        header[name] = {
            "dtype": draw(st.sampled_from(["U8", "I8", "BOOL", "F8_E4M3"])),
            "shape": [size],
            "data_offsets": [start, start + size],
        }
        end = max(end, start + size)
    return header, end


@given(placed())
def test_overlaps_and_holes_are_refused_as_the_safetensors_library_does(
    shelf: Path, drawn: tuple[dict[str, Any], int]
) -> None:
    header, end = drawn
    data = hostile.weights(header, bytes(end))
    try:
        read_header(put(shelf, data))
    except FingerprintError as refusal:
        assert str(refusal).isprintable()
    else:
        assert len(deserialize(data)) == len(header)


# Odd, but right -----------------------------------------------------------------

NUMBERS = sorted(set(DTYPE_BITS) - {"F4", "F6_E2M3", "F6_E3M2"})
shapes = st.one_of(
    st.lists(st.integers(1, 9), max_size=1),
    st.tuples(st.just(1), st.integers(1, 40)).map(list),
    st.tuples(st.integers(1, 40), st.just(1)).map(list),
    st.lists(st.integers(1, 9), min_size=2, max_size=2),
    st.lists(st.integers(0, 3), min_size=1, max_size=6),
)
patterns = st.one_of(
    st.sampled_from([b"\0", b"\xff", b"\x80\x7f", b"\x80\xff", b"\0\0\x80\x7f"]),
    st.sampled_from([b"\0\x7c", b"\0\0\xc0\x7f", b"\x01\0\0\0", b"\xff\xff\x7f\x7f"]),
    st.sampled_from([b"\0\0\x80\x3f", BF16_ONE, b"\xff\x7f", b"\xff\xfb"]),
    st.binary(min_size=1, max_size=24),
)
layer_names = st.builds(
    "{}.{}.{}".format,
    st.sampled_from(["layers", "h", "1", ""]),
    st.integers(0, 2),
    st.sampled_from(["up.weight", "down.weight", "gate.weight", "q.weight", "norm"]),
)
odd_tensors = st.tuples(
    st.one_of(layer_names, printable), st.sampled_from(NUMBERS), shapes, patterns
)


@given(st.lists(odd_tensors, min_size=1, max_size=8, unique_by=lambda odd: odd[0]))
def test_odd_values_shapes_and_types_get_an_answer(
    shelf: Path, good: Path, listed: list[tuple[str, str, list[int], bytes]]
) -> None:
    model = put(shelf, hostile.tensors(*listed))

    if any(np.prod(shape) for _, _, shape, _ in listed):
        answers(model, good, shelf)
    else:
        hostile.is_refused(run("compare", model, good), "no weights")


FLOATS = {
    "F64": ("<f8", [0.5, np.nan, np.inf, -np.inf, 1e308, 5e-324]),
    "F32": ("<f4", [0.5, np.nan, np.inf, -np.inf, 3.4e38, 1e-45]),
    "F16": ("<f2", [0.5, np.nan, np.inf, -np.inf, 65504, 6e-8]),
    "BF16": ("<u2", [0x3F00, 0x7FC0, 0x7F80, 0xFF80, 0x7F7F, 0x0001]),
}
FILLS = ["ordinary", "nan", "inf", "minus inf", "largest", "smallest"]


FORMS = {"up": [16, 8], "gate": [16, 8], "down": [8, 16], "q": [8, 8], "norm": [8]}
N_TENSORS = 1 + 2 * len(FORMS)


def model_of(dtype: str, repeated: Sequence[bytes]) -> bytes:
    """Return two layers with FFNs of one type, whose tensors repeat these bytes."""
    shapes = {"embed.weight": [12, 8]}
    for layer in range(2):
        shapes |= {f"layers.{layer}.{name}.weight": FORMS[name] for name in FORMS}
    parts = zip(shapes.items(), repeated, strict=True)
    return hostile.tensors(*((name, dtype, form, x) for (name, form), x in parts))


@given(
    st.lists(patterns, min_size=N_TENSORS, max_size=N_TENSORS),
    st.lists(patterns, min_size=N_TENSORS, max_size=N_TENSORS),
    st.sampled_from(list(FLOATS)),
)
def test_two_models_of_one_form_with_odd_values_are_compared(
    shelf: Path, one: list[bytes], other: list[bytes], dtype: str
) -> None:
    model, second = put(shelf, model_of(dtype, one)), shelf.parent / "y.safetensors"
    second.write_bytes(model_of(dtype, other))

    answers(model, second, shelf)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_model_of_one_value_gets_an_answer(
    dtype: str, fill: str, shelf: Path, good: Path
) -> None:
    kind, values = FLOATS[dtype]
    value = np.array([values[FILLS.index(fill)]], kind).tobytes()

    answers(put(shelf, model_of(dtype, [value] * N_TENSORS)), good, shelf)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_a_model_of_zeros_or_noise_of_any_type_gets_an_answer(
    dtype: str, shelf: Path, good: Path
) -> None:
    noise = np.random.default_rng(0).bytes(509)

    for pattern in (b"\0", noise):
        sketch = answers(
            put(shelf, model_of(dtype, [pattern] * N_TENSORS)), good, shelf
        )
        assert sketch.params == 12 * 8 + 2 * (3 * 16 * 8 + 8 * 8 + 8)


@pytest.mark.parametrize(
    "name", ["", ".", "0", "a..b", "*", "layers.*.x", "层.0.上", "9" * 999]
)
def test_odd_names_get_an_answer(name: str, shelf: Path, good: Path) -> None:
    data = hostile.tensors((name, "BF16", [4, 4], BF16_ONE + b"\x11\x3e\x07"))

    assert answers(put(shelf, data), good, shelf).n_tensors == 1
