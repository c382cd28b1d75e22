"""Wrappers and products: what their cards declare, and the verdict on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import override

from lineage.badges import badge_of
from lineage.models import Derivation, Statement
from lineage.sentences import reason
from registry.models import RegisteredModel, Revision, Source
from tests.factories import make_catalog_model
from tests.pushing import push, work

SAMPLES = Path(__file__).parents[3] / "registry/catalog/samples"
BLOG = {"base_model": "gpt-4", "url": "https://acme.example/blog", "title": "Blog"}
WRAPPER: dict[str, Any] = {
    "baimo_category": "prompt-wrapper",
    "base_model": "gpt-4",
    "baimo_evidence": [BLOG],
}


def verdict_on(revision: Revision) -> tuple[str, str]:
    newest = revision.verifications.order_by("-id").first()
    assert newest is not None
    return newest.verdict, newest.reason


def test_a_wrapper_pushed_as_a_card_alone_is_not_verifiable() -> None:
    parent = make_catalog_model(slug="gpt-4", name="GPT-4")

    revision = push("acme/chat", None, **WRAPPER)

    assert verdict_on(revision) == ("not-verifiable", "service-declared")
    edge = Derivation.objects.get()
    assert (edge.parent, edge.layer, edge.relation, edge.state) == (
        parent,
        "service",
        "prompt-wrapper",
        "declared",
    )
    model = RegisteredModel.objects.get(slug="acme--chat")
    assert model.category == "prompt-wrapper"
    with override("en"):
        assert badge_of(model).words == "declared, no weights to verify"
        assert "no weights of its own to read" in reason(revision.verifications.get())


def test_evidence_stands_behind_the_statement() -> None:
    make_catalog_model(slug="gpt-4")

    push("acme/chat", None, **WRAPPER)

    source = Statement.objects.get().sources.get()
    assert (source.url, source.title) == (BLOG["url"], BLOG["title"])


def test_new_evidence_is_a_new_statement_and_old_evidence_goes() -> None:
    make_catalog_model(slug="gpt-4")
    push("acme/chat", None, **WRAPPER)
    terms = {**BLOG, "url": "https://acme.example/terms", "title": "Terms"}

    push("acme/chat", None, **WRAPPER | {"baimo_evidence": [terms]})

    kinds = Statement.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["declared", "declared"]
    assert Source.objects.get().title == "Terms"


def test_another_relation_to_the_same_base_withdraws_the_first() -> None:
    make_catalog_model(slug="gpt-4")
    push("acme/chat", None, **WRAPPER)

    push("acme/chat", None, baimo_category="api-reskin", base_model="gpt-4")

    states = dict(Derivation.objects.values_list("relation", "state"))
    assert states == {"prompt-wrapper": "withdrawn", "api-reskin": "declared"}


def test_a_base_that_comes_later_brings_its_evidence_along() -> None:
    push(
        "acme/chat",
        None,
        **WRAPPER
        | {"base_model": "other/bot"}
        | {"baimo_evidence": [{**BLOG, "base_model": "other/bot"}]},
    )
    assert not Derivation.objects.exists()

    push("other/bot", None, baimo_category="base")

    edge = Derivation.objects.get()
    assert edge.relation == "prompt-wrapper"
    assert edge.statements.get().sources.get().title == "Blog"


def test_a_product_is_one_and_may_name_nothing() -> None:
    revision = push("acme/app", None, baimo_kind="product", baimo_name="Acme App")

    model = RegisteredModel.objects.get(slug="acme--app")
    assert (model.kind, model.name, model.category) == ("product", "Acme App", "")
    assert verdict_on(revision) == ("not-verifiable", "no-model")
    with override("en"):
        assert badge_of(model).words == "nothing declared"


def test_a_product_runs_on_what_it_names() -> None:
    make_catalog_model(slug="gpt-4")

    revision = push("acme/app", None, baimo_kind="product", base_model="gpt-4")

    assert Derivation.objects.get().relation == "powers"
    assert verdict_on(revision) == ("not-verifiable", "service-declared")


def test_weights_never_contradict_a_service_that_is_declared() -> None:
    push("acme/asked", SAMPLES / "sparrow", baimo_category="base")

    revision = push(
        "acme/asking",
        SAMPLES / "maple",
        base_model="acme/asked",
        base_model_relation="distilled",
    )
    work()

    assert verdict_on(revision) == ("inconclusive", "relation-not-in-weights")
    assert Derivation.objects.get().state == "declared"
    with override("en"):
        assert "acme/asked" in reason(revision.verifications.latest("id"))
