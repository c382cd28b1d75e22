"""The list of models, its filters and cursors, and one model's document."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from lineage.api.pagination import encode_cursor
from registry.models import HubRepo, Job, Source
from tests.factories import (
    make_catalog_model,
    make_derivation,
    make_job,
    make_model,
    make_organization,
    make_revision,
    make_verification,
)


def get(client: Client, address: str, **query: Any) -> dict[str, Any]:
    """Return the JSON of a successful request."""
    response = client.get(f"/api/v1/{address}", query)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def slugs(document: dict[str, Any]) -> list[str]:
    return [result["slug"] for result in document["results"]]


@pytest.fixture
def zoo() -> None:
    lab = make_organization(slug="meta", country="US", is_catalog=True)
    make_catalog_model(
        slug="llama",
        name="LLaMA",
        organization=lab,
        repo_name="",
        category="base",
        family="LLaMA",
        released="2023-02",
        params=65_000_000_000,
        license="research",
        architecture="decoder",
        open=False,
    )
    make_catalog_model(
        slug="qwen",
        name="Qwen",
        name_zh="通义千问",
        category="base",
        released="2023-08",
    )
    child = make_model(slug="acme--child", name="child", category="sft", params=7)
    make_verification(revision=make_revision(model=child), verdict="renamed-copy")
    make_verification(revision=child.head, verdict="consistent")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["acme--child", "llama", "qwen"]),
        ({"q": "通义"}, ["qwen"]),
        ({"q": "LLaMA meta"}, ["llama"]),
        ({"q": "nothing"}, []),
        ({"q": "llama " * 33}, ["llama"]),
        ({"repo": "meta"}, []),
        ({"category": "base"}, ["llama", "qwen"]),
        ({"category": "base,sft"}, ["acme--child", "llama", "qwen"]),
        ({"organization": "META"}, ["llama"]),
        ({"country": "us"}, ["llama"]),
        ({"family": "llama"}, ["llama"]),
        ({"license": "Research"}, ["llama"]),
        ({"released_after": "2023-08", "released_before": "2023-12"}, ["qwen"]),
        ({"min_params": 8}, ["llama"]),
        ({"max_params": 8}, ["acme--child"]),
        ({"verdict": "consistent"}, ["acme--child"]),
        ({"verdict": "renamed-copy"}, []),
        ({"kind": "tool"}, []),
        ({"architecture": "decoder,encoder"}, ["llama"]),
        ({"open": "false"}, ["llama"]),
        ({"open": "true"}, []),
    ],
)
def test_filters_let_through_what_they_name(
    client: Client, zoo: None, query: dict[str, Any], expected: list[str]
) -> None:
    document = get(client, "models/", **query)

    assert sorted(slugs(document)) == expected
    assert document["total"] == len(expected)
    assert document["truncated"] is False


@pytest.mark.parametrize(
    "query",
    [
        {"category": "bogus"},
        {"architecture": "bogus"},
        {"open": "perhaps"},
        {"limit": 0},
        {"limit": 1001},
        {"cursor": "bogus"},
        {"cursor": "WzEsIDJd"},
        {"cursor": encode_cursor(("a\0b", 1))},
        {"cursor": base64.urlsafe_b64encode(b'["\\ud800",1]').decode()},
        {"cursor": base64.urlsafe_b64encode(b"[" * 3000).decode()},
        {"ordering": "weight"},
        {"released_after": "2023"},
        {"min_params": "many"},
        {"max_params": 10**30},
    ],
)
def test_bad_parameters_get_a_sentence(client: Client, query: dict[str, Any]) -> None:
    response = client.get("/api/v1/models/", query)

    assert response.status_code == 422
    assert next(iter(query)) in response.json()["detail"]


@pytest.mark.parametrize("ordering", ["name", "-released", "params", "-registered"])
def test_pages_hold_every_model_once_while_rows_are_added(
    client: Client, ordering: str
) -> None:
    expected = {
        make_catalog_model(
            slug=f"m{i}",
            name="same" if i % 2 else f"n{i}",
            released=f"2023-0{i % 3 + 1}",
        ).slug
        for i in range(9)
    }
    seen: list[str] = []
    address: str | None = f"/api/v1/models/?limit=2&ordering={ordering}"
    while address:
        document = client.get(address).json()
        seen += slugs(document)
        address = document["next"]
        late = make_catalog_model(
            slug=f"late{len(seen)}", name="zzz", released="2024-01"
        )
        assert late.pk

    assert expected <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_list_costs_the_same_queries_for_3_and_30_models(
    client: Client, django_assert_num_queries: Any
) -> None:
    for n_models in (3, 27):
        for _ in range(n_models):
            make_model()
        with django_assert_num_queries(2):
            get(client, "models/")


def test_facets_count_what_the_other_filters_leave(client: Client, zoo: None) -> None:
    facets = get(client, "models/facets/", category="base,sft")

    assert facets["category"] == {"base": 2, "sft": 1}
    assert facets["verdict"] == {"consistent": 1}
    assert facets["country"] == {"US": 1}
    assert facets["architecture"] == {"decoder": 1}


def test_a_model_is_found_by_its_slug_in_any_case(client: Client) -> None:
    model = make_catalog_model(slug="LLaMA-2")
    HubRepo.objects.create(model=model, repo_id="meta/Llama-2")
    Source.objects.create(
        model=model,
        key="paper",
        title="Paper",
        url="https://example.org/paper",
        checked="2026-11-21",
        confidence="high",
        covers=["params"],
    )

    document = get(client, "models/llama-2/")

    assert document["slug"] == "LLaMA-2"
    assert document["hf_repo"] == ["meta/Llama-2"]
    assert document["sources"][0]["covers"] == ["params"]
    assert document["declared"] == []
    assert document["job"] is None
    assert document["verdict"] is None


def test_a_pushed_model_shows_its_declaration_job_and_verdict(client: Client) -> None:
    team = make_organization(slug="acme")
    model = make_model(organization=team, repo_name="new", slug="acme--new")
    revision = make_revision(model=model, files={"config.json": b"{}"})
    revision.declarations.create(
        position=0, declared_id="x/y", relation="finetune", parent=None
    )
    job = make_job(revision=revision, state=Job.State.SUCCEEDED)
    make_verification(revision=revision, verdict="inconclusive", limits=["one"])

    document = get(client, "models/acme--new/")

    assert document["declared"] == [
        {"id": "x/y", "slug": None, "relation": "finetune", "suggestions": []}
    ]
    assert document["job"] == {"id": str(job.pk), "state": "succeeded"}
    assert document["verdict"]["verdict"] == "inconclusive"
    assert document["verdict"]["compared_with"] is None
    assert document["verdict"]["limits"] == ["one"]
    assert document["verdict"]["revision"] == revision.commit_id
    assert document["files"][0]["path"] == "config.json"
    assert slugs(get(client, "models/", repo="ACME/New")) == ["acme--new"]


def test_an_unknown_model_is_404_with_its_name(client: Client) -> None:
    response = client.get("/api/v1/models/nobody/")

    assert response.status_code == 404
    assert "nobody" in response.json()["detail"]


def test_comparing_without_fingerprints_is_404(client: Client) -> None:
    make_catalog_model(slug="one"), make_catalog_model(slug="two")

    response = client.get("/api/v1/models/one/compare/two/")

    assert response.status_code == 404
    assert "no fingerprint of one" in response.json()["detail"]


def test_reads_carry_an_etag_that_saves_the_second_answer(client: Client) -> None:
    make_derivation()
    etag = client.get("/api/v1/models/").headers["ETag"]

    again = client.get("/api/v1/models/", headers={"If-None-Match": etag})

    assert again.status_code == 304


def test_a_bad_token_is_401_even_for_reading(client: Client) -> None:
    response = client.get("/api/v1/models/", headers={"Authorization": "Bearer no"})

    assert response.status_code == 401
    assert "token" in response.json()["detail"]


def test_a_job_that_ends_while_one_reads_is_never_done_without_its_verdict(
    client: Client,
) -> None:
    """Whoever waits for the job, as docs/ci.md does, reads the verdict with it."""
    job = make_job(state=Job.State.RUNNING)
    model = job.revision.model
    seen: list[str] = []
    of_verdict = 'SELECT "lineage_verification"'

    def end_meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if not seen and sql.startswith(('SELECT "registry_job"', of_verdict)):
            seen.append(sql)
            Job.objects.filter(pk=job.pk).update(state=Job.State.SUCCEEDED)
            make_verification(revision=job.revision)
        return found

    with connection.execute_wrapper(end_meanwhile):
        answer = client.get(f"/api/v1/models/{model.slug}/").json()

    assert seen
    done = answer["job"]["state"] == Job.State.SUCCEEDED
    assert not done or answer["verdict"] is not None
