"""Revisions and tags: which is shown, with which verdict, and how to load it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from registry.models import Revision, Tag
from tests import factories
from tests.integration.pages.conftest import read


@pytest.fixture
def two() -> tuple[Revision, Revision]:
    """Return two revisions of one model: the first tagged, judged and superseded."""
    model = factories.make_model(name="m", repo_name="m", slug="acme--m")
    first = factories.make_revision(
        model=model, files={"model.safetensors": b"1"}, summary="The first"
    )
    factories.make_verification(revision=first, verdict="inconclusive")
    Tag.objects.create(model=model, name="v1.0", revision=first)
    second = factories.make_revision(model=model, files={"model.safetensors": b"2"})
    factories.make_verification(revision=second)
    return first, second


def test_the_page_of_a_model_lists_revisions_tags_and_verdicts(
    client: Client, two: tuple[Revision, Revision]
) -> None:
    first, second = two

    text = read(client, "/models/acme--m/")

    assert f"{second.commit_id[:12]}</strong>" in text
    assert f'href="/models/acme--m/revisions/{first.commit_id}/"' in text
    assert 'href="/models/acme--m/revisions/v1.0/"' in text
    assert "Inconclusive" in text
    assert f"revision=&quot;{second.commit_id}&quot;" in text


@pytest.mark.parametrize("how", ["tag", "commit", "short"])
def test_an_earlier_revision_has_a_page(
    client: Client, two: tuple[Revision, Revision], how: str
) -> None:
    first, _ = two
    names = {"tag": "v1.0", "commit": first.commit_id, "short": first.commit_id[:7]}

    text = read(client, f"/models/acme--m/revisions/{names[how]}/")

    assert "An earlier revision" in text
    assert "The first" in text
    assert 'id="verdict-word"' in text
    assert "Inconclusive" in text
    assert "revision=&quot;v1.0&quot;" in text
    assert f"/resolve/{first.commit_id}/model.safetensors" in text


def test_the_newest_revision_says_that_it_is_the_model(
    client: Client, two: tuple[Revision, Revision]
) -> None:
    _, second = two

    for name in (second.commit_id, "main"):
        text = read(client, f"/models/acme--m/revisions/{name}/")
        assert "This is where the model stands now." in text


@pytest.mark.parametrize("name", ["v2", "0" * 40, "abc", "%", "zzzzzzz"])
def test_what_is_no_revision_is_not_there(
    client: Client, two: tuple[Revision, Revision], name: str
) -> None:
    response: Any = client.get(f"/models/acme--m/revisions/{name}/")

    assert response.status_code == 404


def test_an_old_revision_is_listed_where_it_is_shown(
    client: Client, two: tuple[Revision, Revision]
) -> None:
    first, _ = two
    for number in range(6):
        factories.make_revision(model=first.model, files={"a": b"%d" % number})

    page = read(client, "/models/acme--m/")
    old = read(client, "/models/acme--m/revisions/v1.0/")

    assert first.commit_id not in page
    assert f"{first.commit_id[:12]}</strong>" in old


def test_a_wrapper_has_nothing_to_load(client: Client) -> None:
    revision = factories.make_revision(files={"README.md": b"x"})

    assert "from_pretrained" not in read(client, revision.model.get_absolute_url())
