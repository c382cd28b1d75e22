"""The Chinese catalogue is complete, and compiled as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest

from lineage.templatetags.findings import ENGINE_LIMITS, ENGINE_TESTS
from registry import vocabulary
from registry.fingerprint import evidence
from registry.fingerprint.compare import (
    NULL_UNITS,
    NULL_VALUES,
    TEST_UNITS,
    TEST_VALUES,
)

FOLDER = Path(__file__).parents[3] / "registry/locale/zh_Hans/LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{[a-z_]+[^}]*\}")


@pytest.fixture(scope="module")
def written() -> polib.POFile:
    return polib.pofile(str(FOLDER / "django.po"))


def test_every_sentence_is_written_in_chinese(written: polib.POFile) -> None:
    assert [entry.msgid for entry in written.untranslated_entries()] == []
    assert [entry.msgid for entry in written.fuzzy_entries()] == []
    assert [entry.msgid for entry in written.obsolete_entries()] == []


def test_the_compiled_catalogue_is_the_written_one(written: polib.POFile) -> None:
    compiled = polib.mofile(str(FOLDER / "django.mo"))

    assert {(e.msgctxt, e.msgid): e.msgstr for e in compiled} == {
        (e.msgctxt, e.msgid): e.msgstr for e in written
    }


def test_every_placeholder_survives_translation(written: polib.POFile) -> None:
    for entry in written:
        if not entry.msgid_plural:
            found = set(PLACEHOLDER.findall(entry.msgstr))
            assert found == set(PLACEHOLDER.findall(entry.msgid)), entry.msgid


@pytest.mark.parametrize(
    "labels", [name for name in vars(vocabulary) if name.endswith("_LABELS")]
)
def test_every_word_of_the_vocabulary_has_a_translation(
    written: polib.POFile, labels: str
) -> None:
    known = {entry.msgid for entry in written}

    assert set(getattr(vocabulary, labels).values()) <= known


def test_every_limit_of_the_engine_has_a_translation() -> None:
    limits = [v for name, v in vars(evidence).items() if name.startswith("LIMIT_")]

    assert limits
    for limit in limits:
        assert re.sub(r"(?<![A-Za-z])[0-9][0-9,]*", "#", limit) in ENGINE_LIMITS


def test_every_test_of_the_engine_has_a_translation() -> None:
    assert {NULL_UNITS, NULL_VALUES, TEST_UNITS, TEST_VALUES} == set(ENGINE_TESTS)
