"""Jobs, organisations and files by their content."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from registry.models import Job
from tests.factories import make_job, make_model, make_organization, make_revision


def test_a_running_job_says_when_to_look_again(client: Client) -> None:
    job = make_job(state=Job.State.RUNNING, progress=0.25)

    response = client.get(f"/api/v1/jobs/{job.pk}/")

    assert response.headers["Retry-After"] == "2"
    assert response.json() == {
        "id": str(job.pk),
        "kind": "fingerprint",
        "state": "running",
        "progress": 0.25,
        "error": None,
        "reading": None,
        "result": None,
    }


def test_a_finished_job_leads_to_its_model(client: Client) -> None:
    job = make_job(state=Job.State.SUCCEEDED)

    result = client.get(f"/api/v1/jobs/{job.pk}/").json()["result"]

    assert client.get(result).json()["slug"] == job.revision.model.slug


def test_a_failed_job_says_why(client: Client) -> None:
    job = make_job(state=Job.State.FAILED, error="the header is cut off")

    assert client.get(f"/api/v1/jobs/{job.pk}/").json()["error"] == (
        "the header is cut off"
    )


def test_an_unknown_job_is_404(client: Client) -> None:
    assert client.get(f"/api/v1/jobs/{uuid.uuid4()}/").status_code == 404


def test_organisations_are_listed_with_their_models(client: Client) -> None:
    make_model(organization=make_organization(slug="acme", name="Acme"))

    listed = client.get("/api/v1/organizations/").json()

    assert listed["total"] == 1
    assert listed["results"][0] == {
        "slug": "acme",
        "name": "Acme",
        "name_zh": None,
        "country": None,
        "n_models": 1,
    }


def test_a_file_is_found_by_its_content(client: Client) -> None:
    model = make_model()
    make_revision(model=model, files={"old.json": b"old"})
    revision = make_revision(model=model, files={"new.json": b"new"})
    sha256 = revision.files.get().blob_id

    seen = client.get(f"/api/v1/by-hash/{sha256.upper()}/").json()

    assert seen["results"] == [{"slug": model.slug, "path": "new.json"}]
    assert (seen["total"], seen["truncated"], seen["next"]) == (1, False, None)
    assert client.get(f"/api/v1/by-hash/{'0' * 64}/").json()["total"] == 0


@pytest.mark.parametrize("sha256", ["xyz", "0" * 63, "g" * 64])
def test_what_is_no_hash_is_422(client: Client, sha256: str) -> None:
    response = client.get(f"/api/v1/by-hash/{sha256}/")

    assert response.status_code == 422
    assert "64 hexadecimal digits" in response.json()["detail"]


@pytest.mark.parametrize("address", ["", "nope/", "jobs/abc/", "models/a/b/c/"])
def test_an_unknown_address_is_a_404_in_json(client: Client, address: str) -> None:
    response = client.get(f"/api/v1/{address}")

    assert response.status_code == 404
    assert "detail" in response.json()


def test_an_address_without_its_last_slash_is_redirected(client: Client) -> None:
    assert client.get("/api/v1/models").headers["Location"] == "/api/v1/models/"


def test_what_was_never_pushed_is_not_listed(client: Client) -> None:
    make_model(name="empty")
    pushed = make_revision().model

    listed = client.get("/api/v1/models/").json()

    assert [model["slug"] for model in listed["results"]] == [pushed.slug]
