"""What pages say about models, jobs, lists and the family tree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lineage import tree
from lineage.models import Derivation
from lineage.sentences import REASON_SENTENCES
from lineage.views import tree as tree_view
from registry.models import Job
from tests import factories
from tests.integration.pages.conftest import comparison, read


def test_a_model_page_answers_first(client: Client, world: Any) -> None:
    page = read(client, world.model.get_absolute_url())

    link = f'<a href="{world.base.get_absolute_url()}">LLaMA</a>'
    assert f"<strong>tuned</strong> is a fine-tune of {link}. " in page
    assert "Its makers declare it, and the weights confirm it." in page


def test_a_p_value_is_said_in_words(client: Client, world: Any) -> None:
    page = read(client, world.model.get_absolute_url())

    assert "would be seen less than once in 10<sup>11</sup>." in page
    assert "cannot be told apart: fine-tuned, continued pre-training" in page


def test_a_verdict_can_be_repeated_by_commands_that_work_as_printed(
    client: Client, world: Any, settings: Any
) -> None:
    base = factories.make_model(name="oak", organization=world.organization)
    found = factories.make_verification(
        revision=world.model.head, compared_with=base, comparison=comparison()
    )

    page = read(client, found.get_absolute_url())

    for model in (base, world.model):
        assert f"hf download {model.repo_id} --local-dir var/compare/{model.slug}" in (
            page
        )
    assert f"HF_ENDPOINT={settings.PUBLIC_URL} " in page
    assert f"var/compare/{base.slug} var/compare/{world.model.slug} --json" in page


def test_a_comparison_with_files_kept_elsewhere_offers_no_command(
    client: Client, world: Any
) -> None:
    page = read(client, world.model.get_absolute_url())

    assert "Repeat it yourself" not in page


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ([], "Held against 12 registered models. "),
        (
            ["Not comparable, and so not excluded: a--b, c."],
            "Held against 12 registered models; 10 of them could be compared.",
        ),
    ],
)
def test_a_verdict_without_a_comparison_still_says_what_it_was_held_against(
    client: Client, world: Any, limits: list[str], words: str
) -> None:
    found = factories.make_verification(
        revision=world.model.head, n_compared=12, limits=limits
    )

    page = read(client, found.get_absolute_url())

    assert words in page and "Nothing was compared" not in page


def test_the_history_dates_every_verdict(client: Client, world: Any) -> None:
    later = factories.make_verification(revision=world.model.head)

    page = read(client, reverse("lineage:history", args=[world.model.slug]))

    for verification in (later, world.model.head.verifications.earliest("id")):
        assert f'<time datetime="{verification.created_at.isoformat()}">' in page


def test_a_declared_relation_is_shown_by_its_label(client: Client, world: Any) -> None:
    world.model.head.declarations.update(relation="finetune")

    page = read(client, world.model.get_absolute_url())

    assert "tuned or trained further from" in page and ">finetune<" not in page


def test_small_models_are_counted_in_a_unit_of_their_own(
    client: Client, world: Any
) -> None:
    world.model.params = 222_000
    world.model.save()

    assert "222 k</td>" in read(client, reverse("lineage:models"))
    assert "22.2 万</td>" in read(client, "/zh-hans/models/")


def test_a_model_trained_from_scratch_is_said_to_be(client: Client, world: Any) -> None:
    world.base.organization = factories.make_organization(slug="m", name="Meta")
    world.base.save()

    page = read(client, world.base.get_absolute_url())

    assert "<strong>LLaMA</strong> was trained from scratch by Meta." in page


def test_training_from_scratch_is_no_fact_before_the_weights_say_so(
    client: Client, db: None
) -> None:
    model = factories.make_model(category="base")
    factories.make_verification(
        revision=factories.make_revision(model=model),
        verdict="inconclusive",
        reason="nothing-comparable",
    )

    page = read(client, model.get_absolute_url())

    assert f"declares that <strong>{model.name}</strong> was trained from" in page


def test_a_base_that_is_not_registered_is_shown_as_written(
    client: Client, db: None
) -> None:
    revision = factories.make_revision()
    revision.declarations.create(
        position=0, declared_id="somebody/unknown-7b", relation="finetune"
    )
    factories.make_verification(
        revision=revision, verdict="inconclusive", reason="declared-base-not-registered"
    )

    page = read(client, revision.model.get_absolute_url())

    assert (
        "declares somebody/unknown-7b as its base; nothing public is registered here "
        in page
    )
    assert "unresolved" in page
    assert "Registering it would settle it." in page


def test_a_contradicted_declaration_is_stated_without_an_accusation(
    client: Client, db: None
) -> None:
    base = factories.make_catalog_model(name="Oak")
    revision = factories.make_revision()
    revision.declarations.create(
        position=0, declared_id="oak", relation="sft", parent=base
    )
    factories.make_derivation(child=revision.model, parent=base, state="contradicted")
    factories.make_verification(
        revision=revision,
        verdict="not-derived-from-declared",
        reason="declared-base-not-found",
        compared_with=base,
        comparison=comparison(related=False, relation="unrelated", log10_p=-0.1),
    )

    page = read(client, revision.model.get_absolute_url())

    assert "The weights do not show descent from the declared base" in page
    sentence = page.split('class="answer"')[1].split("</p>")[0]
    assert "as its base. The weights do not show it." in sentence
    assert "Declared, but not seen in the weights:" in page


@pytest.mark.parametrize("reason", sorted(REASON_SENTENCES))
def test_every_reason_of_a_verdict_has_a_sentence(
    client: Client, world: Any, reason: str
) -> None:
    found = factories.make_verification(revision=world.model.head, reason=reason)

    page = read(client, found.get_absolute_url())

    assert "{other}" not in page
    assert "settle" in page or "confirm" in page or "nearest" in page


def test_an_allegation_is_never_the_answer(client: Client, world: Any) -> None:
    copied = factories.make_catalog_model(name="Other")
    factories.make_derivation(
        child=world.model, parent=copied, relation="reskin", state="alleged"
    )

    page = read(client, world.model.get_absolute_url())

    sentence = page.split('class="answer"')[1].split("</p>")[0]
    assert "Other" not in sentence
    assert "Another claim about its origin is not settled." in sentence
    assert "Claimed in public and unproven: <strong>tuned</strong> has the" in page


def test_a_model_known_by_an_allegation_alone_is_called_contested(
    client: Client, db: None
) -> None:
    claim = factories.make_derivation(relation="reskin", state="disputed")

    page = read(client, claim.child.get_absolute_url())

    sentence = page.split('class="answer"')[1].split("</p>")[0]
    assert "is contested" in sentence and claim.parent.name not in sentence


def test_facts_carry_their_sources(client: Client, world: Any) -> None:
    world.base.params = 65_200_000_000
    world.base.save()
    world.base.sources.create(
        key="paper",
        title="The paper",
        url="https://example.org/paper",
        checked="2026-11-21",
        confidence="high",
        covers=["params"],
    )

    page = read(client, world.base.get_absolute_url())

    assert '65.2 B<span class="cite"><a href="#source-1">[1]</a>' in page
    assert 'id="source-1"' in page and "https://example.org/paper" in page


def test_a_newer_verdict_is_named_on_the_older_one(client: Client, world: Any) -> None:
    older = world.model.head.verifications.get()
    newer = factories.make_verification(revision=world.model.head)

    page = read(client, older.get_absolute_url())

    assert "supersedes this one" in page and newer.get_absolute_url() in page


def test_files_can_be_downloaded(client: Client, world: Any) -> None:
    page = read(client, world.model.get_absolute_url())

    assert f'href="/{world.model.repo_id}/resolve/main/config.json"' in page


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_unfinished_job_asks_again_every_two_seconds(
    client: Client, world: Any, state: str
) -> None:
    Job.objects.update(state=state, progress=0.4)

    page = read(client, reverse("registry:job-progress", args=[world.job.pk]))

    assert 'hx-trigger="every 2s"' in page


@pytest.mark.parametrize(("seconds", "is_said"), [(14, False), (16, True)])
def test_a_silent_worker_is_said_to_be_replaced(
    client: Client, world: Any, settings: Any, seconds: int, is_said: bool
) -> None:
    left = timedelta(seconds=settings.JOB_LEASE_SECONDS - seconds)
    Job.objects.update(state="running", lease_expires_at=timezone.now() + left)

    page = read(client, world.job.get_absolute_url())

    assert ("another one takes over at" in page) is is_said


def test_browsers_find_the_emblem_unasked(client: Client, db: None) -> None:
    response = client.get("/favicon.ico")

    assert response.status_code == 302
    assert response.headers["Location"].endswith(".svg")


def test_a_finished_job_stops_asking_and_brings_the_verdict(
    client: Client, world: Any
) -> None:
    Job.objects.update(state="succeeded", progress=1)

    page = read(client, reverse("registry:job-progress", args=[world.job.pk]))

    assert "every 2s" not in page
    assert f'hx-get="{world.model.get_absolute_url()}"' in page


def test_the_page_of_a_finished_job_stays_where_it_is(
    client: Client, world: Any
) -> None:
    Job.objects.update(state="succeeded", progress=1)

    page = read(client, world.job.get_absolute_url())

    assert "hx-get" not in page.split("<main")[1] and "Read the verdict" in page


def test_a_failed_job_says_why_and_what_to_do(client: Client, world: Any) -> None:
    Job.objects.update(state="failed", error="model.safetensors: header is cut off")

    page = read(client, world.model.get_absolute_url())

    assert "model.safetensors: header is cut off" in page
    assert "push again" in page and "hx-trigger" not in page.split("<main")[1]


def test_the_list_is_filtered_by_words_and_values(client: Client, world: Any) -> None:
    assert names(client, "?q=llama") == ["LLaMA"]
    assert names(client, "?category=sft") == ["tuned"]
    assert names(client, "?category=sft&category=base") == ["LLaMA", "tuned"]
    assert names(client, "?verdict=consistent") == ["tuned"]
    assert names(client, "?organization=acme") == ["tuned"]


def test_unknown_filters_and_orders_are_ignored(client: Client, world: Any) -> None:
    assert len(names(client, "?category=none&order=drop&page=x&kind=%3B")) == 2


def names(client: Client, query: str) -> list[str]:
    """Return the names that the list shows, in order."""
    response = client.get(reverse("lineage:models") + query)
    assert response.status_code == 200
    return [model.name for model in response.context["page"]]


def test_the_list_can_be_ordered(client: Client, world: Any) -> None:
    assert names(client, "?order=name") == ["LLaMA", "tuned"]
    assert names(client, "?order=-name") == ["tuned", "LLaMA"]


def test_counts_of_a_filter_heed_the_other_filters(client: Client, world: Any) -> None:
    response = client.get(
        reverse("lineage:models") + "?organization=acme&category=base"
    )

    filters = {part.name: choices for part, choices in response.context["filters"]}
    assert {c.value: c.count for c in filters["category"]} == {"base": 0, "sft": 1}


def test_a_search_without_a_match_offers_a_way_back(client: Client, world: Any) -> None:
    page = read(client, reverse("lineage:models") + "?q=nothing-like-it")

    assert "No entry matches all of this." in page and "show everything" in page


def test_an_empty_register_says_what_to_do(client: Client, db: None) -> None:
    assert "The register is empty." in read(client, reverse("lineage:models"))
    assert "Nothing to draw yet" in read(client, reverse("lineage:tree"))
    assert "No model has been pushed yet." in read(client, "/")


def test_the_tree_links_every_model_and_has_a_table_twin(
    client: Client, world: Any
) -> None:
    page = read(client, reverse("lineage:tree"))
    table = read(client, reverse("lineage:tree") + "?as=table")

    for model in (world.base, world.model):
        assert f'href="?focus={model.slug}" data-slug="{model.slug}"' in page
        assert f'<td><a href="{model.get_absolute_url()}">' in table
    assert page.count('<g class="edge') == 1
    assert "<td>fine-tuned from</td>" in table and "data-tree" not in table


def test_the_table_of_a_long_tree_has_pages(
    client: Client, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_view, "TABLE_ROWS", 1)
    factories.make_derivation()

    second = read(client, reverse("lineage:tree") + "?as=table&page=2")

    assert second.count("<tr>") == 2
    assert 'href="?as=table&amp;page=1"' in second


def test_the_tree_shows_only_the_layers_asked_for(client: Client, world: Any) -> None:
    factories.make_derivation(
        child=world.base,
        parent=factories.make_catalog_model(),
        relation="influenced-by",
    )

    everything = read(client, reverse("lineage:tree"))
    weights = read(client, reverse("lineage:tree") + "?layer=weights")

    assert everything.count('<g class="edge') == 2
    assert weights.count('<g class="edge') == 1


def test_a_contradicted_derivation_is_drawn_with_its_mark(
    client: Client, world: Any
) -> None:
    Derivation.objects.update(state="contradicted")

    for address in (reverse("lineage:tree"), world.model.get_absolute_url()):
        page = read(client, address)
        assert '<g class="edge edge--contradicted' in page
        assert page.count('href="#mark-contradicted" x=') == 1


def test_a_withdrawn_derivation_is_not_drawn(client: Client, world: Any) -> None:
    Derivation.objects.update(state="withdrawn")

    assert '<g class="edge' not in read(client, reverse("lineage:tree"))


def test_the_tree_is_searched_as_the_catalog_is_and_keeps_the_words(
    client: Client, world: Any
) -> None:
    other = factories.make_model(name="cedar", organization=world.organization)

    team = read(client, reverse("lineage:tree") + "?focus=Acme")
    chinese = read(client, reverse("lineage:tree") + "?focus=羊驼")
    pushed = read(client, reverse("lineage:tree") + f"?focus={other.repo_id}")

    assert 'value="Acme"' in team and "Several entries match:" in team
    assert 'value="羊驼"' in chinese and "The page of LLaMA" in chinese
    assert f"The page of {other.repo_id}" in pushed


def test_a_focus_shows_its_kin_alone_and_names_a_stranger(
    client: Client, world: Any
) -> None:
    factories.make_derivation(relation="quantized")
    page = read(client, reverse("lineage:tree") + "?focus=LLAMA")
    table = read(client, reverse("lineage:tree") + "?focus=LLAMA&as=table")
    lost = read(client, reverse("lineage:tree") + "?focus=nobody")

    assert "is-focus" in page and page.count('<g class="edge') == 1
    assert "<td>quantized from" not in table
    assert "Nothing is registered under that name" in lost


def test_a_tree_too_large_to_read_says_so_and_draws_the_kin_of_a_focus(
    client: Client, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MAX_EDGES", 1)
    monkeypatch.setattr(tree, "MAX_EDGES_PER_HOP", 1)
    factories.make_derivation()
    factories.make_derivation(parent=world.base)

    everything = read(client, reverse("lineage:tree"))
    kin = read(client, reverse("lineage:tree") + f"?focus={world.model.slug}")

    crowded = read(client, reverse("lineage:tree") + f"?focus={world.base.slug}")

    assert "1 of 3 derivations are drawn" in everything
    assert f'data-slug="{world.base.slug}"' in kin and kin.count("data-slug=") == 2
    assert "only the first 1 lines are drawn" not in kin
    assert "only the first 1 lines are drawn" in crowded


def test_many_siblings_are_folded_and_open_by_a_link(
    client: Client, world: Any
) -> None:
    for _ in range(6):
        factories.make_derivation(parent=world.base)

    page = read(client, reverse("lineage:tree"))

    assert "+7 Fine-tuned" in page
    assert "open=llama%3Asft" in page
    opened = read(client, reverse("lineage:tree") + "?open=llama:sft")
    assert opened.count("data-slug=") == 8
