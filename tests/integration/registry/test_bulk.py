"""Rows by the thousand: what is inserted, and what is set back afterwards."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from registry import bulk
from registry.models import RegisteredModel, Source
from tests.factories import make_catalog_model


def test_what_a_query_finds_is_inserted_with_the_values_of_all() -> None:
    first, second = (make_catalog_model(slug=slug, name=slug) for slug in "ab")
    same = {
        "key": "k",
        "title": "100% 'sure'",
        "checked": date(2026, 11, 1),
        "confidence": "low",
        "covers": ["a%s", "b"],
    }
    models = RegisteredModel.objects.order_by("-pk").values_list("pk", "slug")

    last = bulk.insert_selected(Source, ["model_id", "url"], models, **same)

    new = Source.objects.filter(pk__gt=last).order_by("pk")
    assert [source.model for source in new] == [second, first]
    assert [source.url for source in new] == ["b", "a"]
    for source in new:
        assert {name: getattr(source, name) for name in same} == same


def test_names_are_found_in_any_case_and_however_many() -> None:
    entry = make_catalog_model(slug="Llama", name="Llama")
    texts = [f"no-{number}" for number in range(40_000)] + ["LLAMA", 'it\'s "100%"']

    found = RegisteredModel.objects.filter(
        bulk.lower_in(RegisteredModel, "slug", texts)
    )

    assert list(found) == [entry]
    nobody = bulk.lower_in(RegisteredModel, "slug", [])
    assert not RegisteredModel.objects.filter(nobody).exists()


def test_the_database_has_its_own_settings_again_after_much_was_written() -> None:
    names = {
        "sqlite": ("cache_size", "wal_autocheckpoint"),
        "postgresql": ("enable_hashjoin", "jit", "default_statistics_target"),
    }[connection.vendor]
    show = "PRAGMA" if connection.vendor == "sqlite" else "SHOW"

    def settings() -> list[object]:
        found = []
        for name in names:
            with connection.cursor() as cursor:
                cursor.execute(f"{show} {name}")
                found += cursor.fetchone()
        return found

    before = settings()

    with pytest.raises(KeyError), bulk.much_to_write():
        assert all(now != then for now, then in zip(settings(), before, strict=True))
        raise KeyError

    assert settings() == before
