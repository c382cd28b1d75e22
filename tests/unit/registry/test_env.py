"""The readers of environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from registry import env


@pytest.mark.parametrize("word", ["1", "yes", "TRUE", "On"])
def test_flag_reads_words_for_yes(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("FLAG", word)

    assert env.flag("FLAG", default=False) is True


@pytest.mark.parametrize("word", ["0", "no", "False", "off", ""])
def test_flag_reads_words_for_no(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("FLAG", word)

    assert env.flag("FLAG", default=True) is False


def test_flag_refuses_another_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG", "maybe")

    with pytest.raises(ImproperlyConfigured, match="FLAG: say yes or no"):
        env.flag("FLAG", default=True)


@pytest.mark.parametrize("value", ["-1", "1.5", "", "1e3", "٣", "²"])
def test_number_refuses_what_is_no_whole_number(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("NUMBER", value)

    with pytest.raises(ImproperlyConfigured, match="NUMBER: expected a whole number"):
        env.number("NUMBER", 1)


def test_number_falls_back_to_its_default() -> None:
    assert env.number("A_NUMBER_THAT_NOBODY_SETS", 7) == 7


def test_words_drop_empty_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORDS", " a, ,b,")

    assert env.words("WORDS", "") == ["a", "b"]


def test_text_is_read_from_the_file_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hush\n", encoding="utf-8")
    monkeypatch.setenv("TEXT_FILE", str(tmp_path / "secret"))

    assert env.text("TEXT", "default") == "hush"


def test_text_refuses_a_file_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEXT_FILE", str(tmp_path / "nowhere"))

    with pytest.raises(ImproperlyConfigured, match="TEXT_FILE: cannot read"):
        env.text("TEXT", "default")


def test_variable_wins_over_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEXT", "here")
    monkeypatch.setenv("TEXT_FILE", str(tmp_path / "nowhere"))

    assert env.text("TEXT", "default") == "here"


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("sqlite:////tmp/x.sqlite3", "django.db.backends.sqlite3"),
        ("postgres://u:p@host:5432/db", "django.db.backends.postgresql"),
        ("postgresql://u@/db?host=/run/x", "django.db.backends.postgresql"),
    ],
)
def test_database_reads_both_kinds(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: str
) -> None:
    monkeypatch.setenv("URL", url)

    assert env.database("URL", "")["ENGINE"] == engine


def test_database_without_an_address_takes_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("URL", "")

    assert env.database("URL", "sqlite:////tmp/x")["NAME"] == "/tmp/x"


def test_database_refuses_another_kind_without_repeating_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("URL", "mysql://u:hush@host/db")

    with pytest.raises(ImproperlyConfigured, match="URL: use sqlite") as refused:
        env.database("URL", "")

    assert "hush" not in str(refused.value)


def test_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    kept_in = tmp_path / "new" / "secret"

    first = env.secret("A_SECRET_THAT_NOBODY_SETS", kept_in=kept_in)
    second = env.secret("A_SECRET_THAT_NOBODY_SETS", kept_in=kept_in)

    assert first == second
    assert len(first) >= 50
    assert kept_in.stat().st_mode & 0o077 == 0


def test_secret_from_the_environment_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("A_SECRET", "given")

    assert env.secret("A_SECRET", kept_in=tmp_path / "secret") == "given"
    assert not (tmp_path / "secret").exists()


def test_networks_are_read_and_none_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NETWORKS", "10.0.0.0/8, fd00::/8")

    assert [str(found) for found in env.networks("NETWORKS")] == [
        "10.0.0.0/8",
        "fd00::/8",
    ]
    assert env.networks("NOT_SET_AT_ALL") == []


def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWORKS", "10.0.0.1/8")

    with pytest.raises(ImproperlyConfigured, match=r"NETWORKS: 10\.0\.0\.1/8 has"):
        env.networks("NETWORKS")
