"""The Chinese catalogue is complete, and compiled as it is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from lineage.evidence import SENTENCES
from lineage.sentences import REASON_SENTENCES
from lineage.services.looks import Looked
from lineage.templatetags.findings import (
    ENGINE_LIMITS,
    ENGINE_TESTS,
    NAMING_LIMITS,
    OPEN_QUESTIONS,
)
from registry import vocabulary
from registry.fingerprint import adapted
from registry.fingerprint.compare import (
    NULL_UNITS,
    NULL_VALUES,
    TEST_UNITS,
    TEST_VALUES,
)
from registry.fingerprint.judging import decide, evidence
from registry.fingerprint.judging.decide import OpenQuestion

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "registry/locale/zh_Hans/LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{[a-z_]+[^}]*\}")


@pytest.fixture(scope="module")
def written() -> polib.POFile:
    return polib.pofile(str(FOLDER / "django.po"))


def test_every_sentence_is_written_in_chinese(written: polib.POFile) -> None:
    assert [entry.msgid for entry in written.untranslated_entries()] == []
    assert [entry.msgid for entry in written.fuzzy_entries()] == []
    assert [entry.msgid for entry in written.obsolete_entries()] == []


def marked_in_code() -> Iterator[str]:
    """Yield every sentence that Python code marks for translation."""
    functions = {"_", "gettext", "gettext_lazy", "gettext_noop"}
    for folder in ("registry", "lineage"):
        for path in (ROOT / folder).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Name)
                    and call.func.id in functions
                    and isinstance(call.args[0], ast.Constant)
                ):
                    yield str(call.args[0].value)


def marked_in_templates() -> Iterator[str]:
    """Yield every sentence that templates mark, variables as gettext writes them."""
    quoted = re.compile(r"""{% translate (["'])(.+?)\1""")
    blocks = re.compile(
        r"{% blocktranslate[^%]*%}(.+?){% (?:plural|endblocktranslate) %}", re.S
    )
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        yield from (match[2] for match in quoted.finditer(text))
        for match in blocks.finditer(text):
            yield re.sub(r"{{ (\w+) }}", r"%(\1)s", match[1])


def test_no_sentence_is_missing_from_the_catalogue(written: polib.POFile) -> None:
    known = {entry.msgid for entry in written}
    marked = set(marked_in_code()) | set(marked_in_templates())

    assert len(marked) > 300
    assert sorted(marked - known) == []


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


def test_every_gap_between_looks_has_a_translation() -> None:
    gaps = Looked(too_large=["#"], unreadable=["#"]).gaps()

    assert len(gaps) == 2
    assert set(gaps) <= set(NAMING_LIMITS)


def test_every_limit_of_the_engine_has_a_translation() -> None:
    limits = [v for name, v in vars(evidence).items() if name.startswith("LIMIT_")]
    limits += adapted.LIMITS

    assert limits
    for limit in limits:
        assert re.sub(r"(?<![A-Za-z])[0-9][0-9,]*", "#", limit) in ENGINE_LIMITS


def test_every_kind_of_evidence_has_a_sentence() -> None:
    """Other kinds keep the engine's English; "form" has a sentence for each word."""
    files = (ROOT / "registry/fingerprint").rglob("*.py")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    kinds = set(re.findall(r'\b(?:Evidence|Item|_matched)\(\s*"([a-z-]+)"', text))

    assert len(kinds) > 30
    assert kinds - set(SENTENCES) == {"open-question", "form"}


def test_every_open_question_of_the_engine_has_a_translation() -> None:
    questions = [v.text for v in vars(decide).values() if isinstance(v, OpenQuestion)]
    questions += adapted.WHY_OPEN.values()

    assert questions
    assert set(questions) <= set(OPEN_QUESTIONS)


def test_every_reason_of_a_verdict_has_a_sentence() -> None:
    rooms = ("lineage/verdict.py", "lineage/services")
    sources = [ROOT / room for room in rooms]
    files = [f for s in sources for f in ([s] if s.is_file() else s.glob("*.py"))]
    words = re.findall(r'"([a-z]+(?:-[a-z]+)+)"', "".join(f.read_text() for f in files))

    reasons = set(words) - set(vocabulary.ENGINE_RELATIONS)
    assert reasons == set(REASON_SENTENCES)


def test_every_test_of_the_engine_has_a_translation() -> None:
    told = {NULL_UNITS, NULL_VALUES, TEST_UNITS, TEST_VALUES}

    assert told | {adapted.TEST, adapted.NULL} == set(ENGINE_TESTS)
