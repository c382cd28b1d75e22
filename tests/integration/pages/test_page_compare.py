"""Entries side by side, estimates of what they take, and readers' corrections."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Correction
from registry.views.corrections import MAX_WAITING
from tests import factories

COMPARE = "/compare/"


@pytest.fixture
def family(db: None) -> dict[str, Any]:
    """Return a base with two children that differ, and a stranger."""
    base = factories.make_catalog_model(slug="llama", name="LLaMA", category="base")
    made = {
        name: factories.make_catalog_model(
            slug=name, name=name.title(), category="sft", params=params
        )
        for name, params in (("vicuna", 13_000_000_000), ("alpaca", 7_000_000_000))
    }
    for child in made.values():
        factories.make_derivation(child=child, parent=base, relation="sft")
    stranger = factories.make_catalog_model(slug="yi", name="Yi", category="retrained")
    return made | {"llama": base, "yi": stranger}


def read(client: Client, **query: Any) -> str:
    return " ".join(client.get(COMPARE, query).content.decode().split())


def test_facts_stand_side_by_side_and_differences_are_marked(
    client: Client, family: Any
) -> None:
    page = read(client, model=["vicuna", "alpaca"])

    cells = "<td>13 B</td><td>7 B</td>"
    assert f'<tr class="differs"><th scope="row">Parameters</th> {cells}' in page
    assert '<tr><th scope="row">Category</th>' in page


def test_common_ancestors_are_told_by_layer(client: Client, family: Any) -> None:
    factories.make_derivation(
        child=family["yi"], parent=family["llama"], relation="same-architecture"
    )

    page = read(client, model=["vicuna", "yi"])
    weights, anything = page.split("Of their weights")[1].split("Of any kind")

    assert "None is known." in weights
    assert ">LLaMA</a>" in anything and "1 step · 1 step" in anything


def test_a_model_is_its_own_ancestor(client: Client, family: Any) -> None:
    page = read(client, model=["llama", "vicuna"])

    assert "0 steps · 1 step" in page


def test_models_are_added_by_name_and_removed_by_a_link(
    client: Client, family: Any
) -> None:
    page = read(client, model="vicuna", add="alp")

    assert 'href="?model=vicuna&amp;model=alpaca"' in page
    assert 'href="/compare/" aria-label="Remove Vicuna"' not in page
    assert 'aria-label="Remove Vicuna"' in page


def test_at_most_four_stand_side_by_side(client: Client, family: Any) -> None:
    factories.make_catalog_model(slug="fifth", name="Fifth")
    page = read(client, model=["llama", "vicuna", "alpaca", "yi", "fifth"])

    assert page.count('scope="col"') == 4
    assert "Four models at most" in page


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "Search for a model by its name"),
        ({"model": "nothing"}, "Nothing is registered under “nothing”."),
        ({"model": "vicuna"}, "Add a second model"),
        ({"add": "zzz"}, "No entry is called “zzz”"),
        ({"model": "<b>"}, "&lt;b&gt;"),
    ],
)
def test_every_incomplete_question_is_answered(
    client: Client, family: Any, query: Any, text: str
) -> None:
    assert text in read(client, **query)


def test_configs_as_pushed_are_compared(client: Client, samples: Any) -> None:
    one, other = samples

    page = read(client, model=[one.slug, other.slug])

    assert "Configuration and tokenizer, as pushed" in page
    assert '<th scope="row" class="mono">hidden_size</th>' in page
    assert "no evidence of copied weights" in page


@pytest.fixture
def samples(db: None) -> Any:
    """Return two models of the sample register with their sketches."""
    from registry.fingerprint import sketch_model
    from tests.zoo.derive import ZOO

    made = []
    for name in ("small-1", "small-2"):
        model = factories.make_model(name=name)
        revision = factories.make_revision(model=model, files={"config.json": b"{}"})
        sketch = sketch_model(ZOO / name)
        factories.make_fingerprint(revision=revision, sketch=sketch.to_bytes())
        made.append(model)
    return made


def test_a_model_page_estimates_compute_and_memory(client: Client, db: None) -> None:
    model = factories.make_catalog_model(
        slug="llama", params=65_200_000_000, facts={"tokens": 1_400_000_000_000}
    )

    page = client.get(model.get_absolute_url()).content.decode()

    assert "5.48 × 10<sup>23</sup> FLOP" in page
    assert "6 × parameters × training tokens" in page
    assert '<th scope="row">Run, 16 bits</th><td class="num">2</td>' in page


def test_a_page_without_a_size_estimates_nothing(client: Client, db: None) -> None:
    model = factories.make_catalog_model(slug="gpt-4", params=None)

    assert "What it takes" not in client.get(model.get_absolute_url()).content.decode()


def test_children_are_listed_with_what_carries_weights_first(
    client: Client, family: Any
) -> None:
    factories.make_derivation(
        child=family["yi"], parent=family["llama"], relation="same-architecture"
    )

    page = client.get(family["llama"].get_absolute_url()).content.decode()
    listed = page.split("What others made from it")[1].split("</section>")[0]

    assert listed.index("Vicuna") < listed.index(">Yi<")


def correct(client: Client, model: Any, **changes: Any) -> Any:
    sent = {"fact": "params", "right": "65.2 B", "source": "example.org/paper"}
    return client.post(reverse("registry:correct", args=[model.slug]), sent | changes)


def test_a_reader_corrects_a_fact(client: Client, world: Any) -> None:
    page = client.get(world.base.get_absolute_url()).content.decode()
    assert reverse("registry:correct", args=["llama"]) in page

    answer = correct(client, world.base)

    assert answer["Location"] == world.base.get_absolute_url()
    kept = Correction.objects.get()
    assert (kept.model, kept.fact, kept.state) == (world.base, "params", "waiting")
    assert kept.source == "https://example.org/paper"


@pytest.mark.parametrize(
    "changes",
    [
        {"fact": "colour"},
        {"right": ""},
        {"source": "no address"},
        {"source": "javascript:alert(1)"},
        {"email": "nobody"},
    ],
)
def test_a_correction_that_lacks_something_keeps_what_was_typed(
    client: Client, world: Any, changes: dict[str, str]
) -> None:
    answer = correct(client, world.base, **{"right": "sixty-five"} | changes)

    assert answer.status_code == 422
    assert not Correction.objects.exists()
    if "right" not in changes:
        assert "sixty-five" in answer.content.decode()


def test_a_program_that_fills_in_every_field_leaves_nothing(
    client: Client, world: Any
) -> None:
    correct(client, world.base, website="https://spam.example")

    assert not Correction.objects.exists()


def test_too_many_waiting_corrections_are_enough(client: Client, world: Any) -> None:
    for _ in range(MAX_WAITING):
        correct(client, world.base)

    answer = correct(client, world.base)

    assert answer.status_code == 429
    assert "come back in a few days" in answer.content.decode()
    assert Correction.objects.count() == MAX_WAITING
