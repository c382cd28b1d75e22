"""A base declared by a display name: ids are suggested and nothing is guessed."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

from lineage.models import Declaration
from registry.naming import suggest
from tests import factories


@pytest.fixture
def names() -> None:
    """Register models whose names people shorten and misspell."""
    llama = factories.make_catalog_model(slug="llama-2", name="Llama 2", family="Llama")
    for repo_id in ("Llama-2-7b", "Llama-2-7b-hf", "Llama-2-70b", "Llama-2-13b"):
        llama.hub_repos.create(repo_id=f"meta-llama/{repo_id}")
    qwen = factories.make_catalog_model(
        slug="qwen-2-5", name="Qwen2.5", name_zh="通义千问 2.5", aliases=["通义千问"]
    )
    qwen.hub_repos.create(repo_id="Qwen/Qwen2.5-7B")
    mistral = factories.make_catalog_model(slug="mistral-7b", name="Mistral 7B")
    for model in (llama, qwen, mistral):
        model.save()
    team = factories.make_organization(slug="acme")
    tuned = factories.make_model(
        organization=team, slug="acme--maple", name="maple", repo_name="maple"
    )
    factories.make_revision(model=tuned)


@pytest.mark.parametrize(
    ("declared", "first"),
    [
        ("Llama 2 7B", "meta-llama/Llama-2-7b"),
        ("Llama-2-7b-HF", "meta-llama/Llama-2-7b-hf"),
        ("someone/Llama-2-7b-hf", "meta-llama/Llama-2-7b-hf"),
        ("Llama 2", "llama-2"),
        ("llama2 7b", "meta-llama/Llama-2-7b"),
        ("通义千问", "qwen-2-5"),
        ("通义千问2.5", "qwen-2-5"),
        ("Qwen2.5-7B", "Qwen/Qwen2.5-7B"),
        ("Mistrall-7B", "mistral-7b"),
        ("Maple", "acme/maple"),
    ],
)
def test_the_likeliest_id_comes_first(names: None, declared: str, first: str) -> None:
    assert suggest(declared)[:1] == [first]


@pytest.mark.parametrize(
    "declared",
    [
        "",
        "/",
        "7B",
        "2.5",
        "a",
        "unheard-of",
        "someone/new-7b",
        "Mistral 22B",
        "😀",
        "''",
    ],
)
def test_nothing_is_suggested_for_what_nothing_resembles(
    names: None, declared: str
) -> None:
    assert suggest(declared) == []


def test_at_most_three_are_suggested() -> None:
    team = factories.make_organization(slug="acme")
    for n in range(5):
        model = factories.make_model(
            organization=team,
            name=f"oak {n}",
            slug=f"acme--oak-{n}",
            repo_name=f"oak-{n}",
        )
        factories.make_revision(model=model)

    assert suggest("oak") == ["acme/oak-0", "acme/oak-1", "acme/oak-2"]


def test_the_real_catalog_answers_what_people_write(db: None) -> None:
    call_command("catalog", "load", verbosity=0)

    assert "meta-llama/Llama-2-7b-hf" in suggest("Llama-2-7b-hf")
    assert any("Qwen2.5-7B" in id_ for id_ in suggest("Qwen2.5-7B"))
    assert suggest("通义千问")


def test_the_push_is_told_before_it_is_sent(client: Client, names: None) -> None:
    user = factories.make_user()
    team = factories.make_organization(owner=user)
    _, key = factories.make_token(user=user, organization=team)
    headers = {"Authorization": f"Bearer {key}"}
    card = "---\nbase_model: Qwen2.5-7B\n---\n"

    before = client.post(
        "/api/validate-yaml",
        {"content": card, "repoType": "model"},
        content_type="application/json",
        headers=headers,
    ).json()

    assert before["errors"] == []
    assert "Did you mean Qwen/Qwen2.5-7B?" in before["warnings"][0]["message"]


def test_page_and_api_suggest_and_the_declaration_stays(
    client: Client, names: None
) -> None:
    model = factories.make_model()
    revision = factories.make_revision(model=model)
    revision.declarations.create(
        position=0, declared_id="Qwen2.5-7B", relation="finetune", parent=None
    )

    page = client.get(f"/models/{model.slug}/").content.decode()
    answer = client.get(f"/api/v1/models/{model.slug}/").json()

    assert "base_model: Qwen/Qwen2.5-7B" in page
    assert answer["declared"][0]["suggestions"] == ["Qwen/Qwen2.5-7B"]
    assert answer["declared"][0]["slug"] is None
    assert Declaration.objects.get().parent is None
