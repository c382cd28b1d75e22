"""Findings in words: p-values, evidence and limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from lineage.templatetags import findings
from registry.fingerprint.compare import TEST_UNITS, TEST_VALUES


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("log10_p", "words"),
    [
        (-12.0, "less than once in 10<sup>11</sup>."),
        (-12.9, "less than once in 10<sup>12</sup>."),
        (-3.1, "less than once in 1,000."),
        (-0.3, "in 50% of such comparisons."),
    ],
)
def test_a_p_value_is_said_in_words(log10_p: float, words: str) -> None:
    said = findings.chance({"log10_p": log10_p, "test": TEST_UNITS})

    assert said.endswith(words)


def test_equal_values_have_words_of_their_own() -> None:
    said = findings.chance({"log10_p": -35.2, "test": TEST_VALUES})

    assert said.startswith("If the values differed") and "10<sup>35</sup>" in said


def test_no_p_value_is_said_when_there_is_none() -> None:
    assert findings.chance({"log10_p": None, "test": TEST_UNITS}) == ""
    assert findings.p_value(None) == ""


def test_a_p_value_is_never_shown_smaller_than_it_is() -> None:
    assert findings.p_value(-12.9) == "p &lt; 10<sup>−12</sup>"
    assert findings.p_value(-1.0) == "p = 0.1"


def test_evidence_of_an_unknown_kind_keeps_the_engines_words() -> None:
    assert findings.evidence_text({"kind": "new", "text": "As it is."}) == "As it is."


@pytest.mark.parametrize("value", ["new-word", "pruned", None])
def test_a_form_of_an_unknown_word_keeps_the_engines_words(value: Any) -> None:
    item = {"kind": "form", "value": value, "text": "As it is."}

    assert findings.evidence_text(item) == "As it is."


def test_of_kin_what_shows_nothing_comes_last() -> None:
    evidence = [
        {"kind": "matched-units", "value": 1, "log10_p": 0.0},
        {"kind": "unit-similarity", "value": -0.02},
        {"kind": "aligned-units", "value": 768, "log10_p": -300.0},
        {"kind": "change-size", "value": 0.002},
        {"kind": "relative-change", "value": 1.4},
    ]
    kin = {"evidence": evidence, "related": True}
    strangers = {"evidence": evidence[:3], "related": False}

    assert [item["kind"] for item in findings.evidence_in_order(kin)] == [
        "aligned-units",
        "change-size",
        "matched-units",
        "unit-similarity",
    ]
    assert findings.evidence_in_order(strangers) == evidence[:3]


def test_a_name_that_stays_is_no_renaming() -> None:
    assert findings.first_names({"renamed": {"a.*": "a.*", "b": "c"}}) == [("b", "c")]


def test_a_long_map_of_names_is_cut_and_says_so() -> None:
    comparison = {"renamed": {f"a{i}": f"b{i}" for i in range(230)}}

    assert len(findings.first_names(comparison)) == findings.MOST_NAMES
    assert findings.n_names_left_out(comparison) == 30


def test_evidence_with_a_missing_number_keeps_the_engines_words() -> None:
    item: dict[str, Any] = {"kind": "matched-units", "value": 3, "text": "3 units."}

    assert findings.evidence_text(item) == "3 units."


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (
            {"kind": "matched-units", "value": 5, "log10_p": -0.5, "n_expected": 4},
            "5 of 256 sampled units resemble the unit with the same number most, about "
            "what chance gives (4; p\u00a0=\u00a00.32).",
        ),
        (
            {"kind": "matched-units", "value": 240, "log10_p": -300, "n_expected": 4},
            "240 of 256 sampled feed-forward units in 4 layers resemble the unit with "
            "the same number most; chance gives at most about 4.",
        ),
        (
            {"kind": "aligned-units", "value": 7, "log10_p": -1.2, "n_expected": 8.4},
            "Undoing a disguise was tried with the weights themselves: 7 of 256 units "
            "then have one partner, about what chance gives (8; p\u00a0=\u00a00.063).",
        ),
        (
            {"kind": "corrected-p", "value": 9, "log10_p_alone": -12.3},
            "Nobody named this model beforehand: p\u00a0<\u00a010⁻¹² for it alone was "
            "corrected for all 9 models that were compared.",
        ),
        (
            {"kind": "form", "value": "pruned", "n_units_a": 192, "n_units_b": 128},
            "One has 192 feed-forward units in a layer, the other 128.",
        ),
        (
            {"kind": "layer-map", "value": 2, "layers": [[0, 0, 1.0], [1, 1, 0.0]]},
            "1 of 2 layers are like layers of the other model; the rest come from "
            "elsewhere.",
        ),
        (
            {"kind": "unit-similarity", "value": -0.0012},
            "The median cosine of units with the same number is 0.00.",
        ),
        (
            {"kind": "power", "value": 1.0, "assumed_rate": 0.2},
            "Had one been trained from the other, this test would have seen it with "
            "probability above 0.999, taking that only 20% of units still resemble "
            "their origin.",
        ),
        (
            {"kind": "relative-change", "value": 1.877, "n_matrices": 12},
            "Over 12 matrices alike in form, the weights differ by more than the "
            "weights themselves.",
        ),
    ],
)
def test_numbers_at_the_edge_of_their_scale_read_as_what_they_mean(
    item: dict[str, Any], sentence: str
) -> None:
    shape = {"n_units": 256, "n_layers": 4, "text": ""}

    assert findings.evidence_text(shape | item) == sentence


@pytest.mark.parametrize(
    ("limit", "chinese"),
    [
        ("9 values are NaN or infinite.", "有 9 个数值是 NaN 或无穷大。"),
        (
            "Not comparable, and so not excluded: a--b, c.",
            "无法比较、因而也不能排除的有：a/b, c。",
        ),
        (
            "9 values of this model are NaN or infinite.",
            "这个模型有 9 个数值是 NaN 或无穷大。",
        ),
        ("Something nobody translated.", "Something nobody translated."),
    ],
)
def test_limits_are_read_in_chinese_where_they_are_known(
    limit: str, chinese: str
) -> None:
    assert findings.limit_text(limit) == limit.replace("--", "/")

    with translation.override("zh-hans"):
        assert findings.limit_text(limit) == chinese
