"""A model of a hub becomes a revision here, without anybody sending it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from lineage.models import Derivation, Verification
from registry import hubfiles, jobs, storage
from registry.hubfiles import HubRefused
from registry.models import Fingerprint, HubImport, Job, RegisteredModel, Revision
from registry.services import hubimports, hubreading
from registry.services.revisions import CommitRefused
from tests.factories import make_membership, make_organization, make_token, make_user
from tests.hubs import COMMIT, Hub
from tests.pushing import ZOO, push, work

SECRET = "hf_the-teams-own-secret"


def register(hub: Hub, *, token: str = "", **options: Any) -> Revision:
    team = options.pop("organization", None) or make_organization()
    found = hubimports.inspect(hub.url, "kin/tuned", "main", token)
    return hubimports.register(
        found, organization=team, name="mine", user=None, **options
    )


def test_a_model_is_judged_and_its_weights_are_not_kept(hub: Hub) -> None:
    base = push("kin/base", ZOO / "small-1", baimo_category="base")
    work()

    revision = register(hub)
    work()

    verdict = Verification.objects.get(revision=revision)
    assert verdict.verdict == "consistent"
    edge = Derivation.objects.get(child=revision.model, parent=base.model)
    source = edge.statements.get(kind="declared").sources.get()
    assert source.url == f"{hub.url}/kin/tuned/resolve/{COMMIT}/README.md"
    file = revision.weight_files().get()
    assert not storage.has(file.blob_id)
    assert HubImport.objects.get(revision=revision).read_at
    assert not list((storage.root() / "scratch").glob("*/"))


def test_the_sketch_is_that_of_the_same_files_pushed(hub: Hub) -> None:
    imported = register(hub)
    work()
    sketch = bytes(Fingerprint.objects.get(revision=imported).sketch)
    Fingerprint.objects.all().delete()

    pushed = push("kin/tuned", ZOO / "small-1-tuned")
    work()

    assert bytes(Fingerprint.objects.get(revision=pushed).sketch) == sketch


def test_looking_reads_headers_alone(hub: Hub) -> None:
    found = hubimports.inspect(hub.url, "kin/tuned", "main")

    assert found.params > 10_000
    assert found.dtypes == ("BF16",)
    assert found.size_bytes == len(hub.files["model.safetensors"])
    ranges = [r for path, r, _ in hub.asked if path.endswith(".safetensors")]
    assert ranges[0] == "bytes=0-7"
    assert all(int(r.rpartition("-")[2]) < found.size_bytes / 4 for r in ranges)


def test_a_copy_is_kept_when_asked_for(hub: Hub) -> None:
    revision = register(hub, keeps_copy=True)
    work()

    assert storage.has(revision.weight_files().get().blob_id)


def test_a_download_leads_to_the_hub(hub: Hub, client: Client) -> None:
    revision = register(hub)

    address = f"/{revision.model.repo_id}/resolve/main/model.safetensors"
    response = client.get(address)

    assert response.status_code == 302
    assert response["Location"].startswith(f"{hub.url}/kin/tuned/resolve/{COMMIT}/")
    assert response["X-Linked-Size"] == str(len(hub.files["model.safetensors"]))


def test_a_connection_that_breaks_goes_on_where_it_stopped(hub: Hub) -> None:
    revision = register(hub)
    hub.cut_after, hub.n_cuts = 30_000, 4
    hub.asked.clear()

    work()

    assert Fingerprint.objects.filter(revision=revision).exists()
    # Its length and itself, of the header, and then five pieces.
    assert len({r for _, r, _ in hub.asked}) == 7


def test_what_a_killed_worker_had_read_is_not_read_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = register(hub)
    hub.cut_after, hub.n_cuts = 30_000, 1
    held = jobs.claim(revision.jobs.get().pk)
    assert held is not None

    def die(share: float) -> None:
        if share:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hubreading.sketch(revision.hub_import, progress=die)
    held.release("killed")
    hub.asked.clear()

    work()

    assert Fingerprint.objects.filter(revision=revision).exists()
    assert hub.asked[0][1].startswith("bytes=") and hub.asked[0][1][6:8] != "0-"


@pytest.mark.parametrize(
    ("fault", "text"),
    [("lies", "listed"), ("changes", "changed while")],
)
def test_a_hub_that_contradicts_itself_ends_the_job(
    hub: Hub, fault: str, text: str
) -> None:
    revision = register(hub)
    hub.faults.add(fault)
    hub.cut_after, hub.n_cuts = 30_000, 1

    work()

    job = revision.jobs.get()
    assert job.state == Job.State.FAILED
    assert text in job.error


def test_a_hub_without_ranges_serves_until_a_connection_breaks(hub: Hub) -> None:
    hub.faults.add("no-ranges")
    revision = register(hub)
    # The first two ask for the header.
    hub.cut_after, hub.n_cuts = 30_000, 3

    work()

    assert "cannot go on within a file" in revision.jobs.get().error


def test_bytes_that_are_not_those_stated_end_the_job(hub: Hub) -> None:
    hub.stated["model.safetensors"] = "0" * 64

    revision = register(hub)
    work()

    assert "the hub states sha256" in revision.jobs.get().error
    assert not Fingerprint.objects.exists()


def test_a_huge_header_is_refused_before_it_is_read(hub: Hub) -> None:
    hub.files["model.safetensors"] = (1 << 60).to_bytes(8, "little") + b"{}"

    with pytest.raises(HubRefused, match="its header has"):
        register(hub)


def test_a_hub_that_drips_keeps_nobody_waiting(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubfiles, "DEADLINE_SECONDS", 0.12)
    monkeypatch.setattr(hubfiles, "MAX_FAILURES", 2)
    hub.faults.add("slow")

    with pytest.raises(HubRefused, match="stopped answering"):
        hubimports.inspect(hub.url, "kin/tuned", "main")


def test_a_renamed_repository_is_found_under_its_new_name(hub: Hub) -> None:
    assert hubimports.inspect(hub.url, "kin/old", "main").snapshot.repo_id == (
        "kin/tuned"
    )


def test_a_token_opens_what_is_gated_and_is_forgotten(
    hub: Hub, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.token = SECRET
    with pytest.raises(HubRefused, match="does not let this token in") as refused:
        register(hub, token="hf_wrong")
    assert "hf_wrong" not in str(refused.value)

    revision = register(hub, token=SECRET)
    stored = bytes(HubImport.objects.get(revision=revision).secret or b"")
    assert stored and SECRET.encode() not in stored
    work()

    assert Fingerprint.objects.filter(revision=revision).exists()
    assert HubImport.objects.get(revision=revision).secret is None
    said = "".join([caplog.text, *capfd.readouterr()])
    assert SECRET not in said
    assert SECRET not in repr(hubfiles.find(hub.url, "kin/tuned", "main", SECRET))


def test_what_is_gated_is_private_unless_somebody_says_otherwise(hub: Hub) -> None:
    hub.token = SECRET
    team, user = make_organization(), make_user()

    def imported(name: str, **wish: Any) -> RegisteredModel:
        found = hubimports.inspect(hub.url, "kin/tuned", "main", SECRET)
        return hubimports.register(
            found, organization=team, name=name, user=user, **wish
        ).model

    assert imported("unsaid").private
    assert not imported("shown", private=False).private
    with pytest.raises(CommitRefused, match="is public"):
        imported("shown", private=True)


def test_a_token_goes_to_the_hub_alone_and_not_to_where_it_redirects(hub: Hub) -> None:
    hub.token = SECRET
    hub.faults.add("cdn")

    register(hub, token=SECRET)
    work()

    sent = {given for path, _, given in hub.asked if path.startswith("/cdn/")}
    assert sent == {""}


def test_a_hub_on_a_private_address_is_not_asked(hub: Hub, settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = []

    with pytest.raises(HubRefused, match="must not be asked"):
        hubimports.inspect(hub.url, "kin/tuned", "main")
    assert not hub.asked


def test_every_hop_of_a_redirect_is_checked(hub: Hub) -> None:
    hub.faults.add("inward")

    with pytest.raises(HubRefused, match=r"169\.254\.169\.254 must not be asked"):
        hubimports.inspect(hub.url, "kin/tuned", "main")


@pytest.mark.parametrize(
    ("address", "repo_id"),
    [("http://169.254.169.254", "kin/tuned"), ("", "../../etc"), ("", "kin/../x")],
)
def test_only_listed_hubs_and_plain_ids_are_asked(
    hub: Hub, address: str, repo_id: str
) -> None:
    with pytest.raises(HubRefused):
        hubimports.inspect(address or hub.url, repo_id, "main")
    assert not hub.asked


def test_a_card_that_cannot_be_read_declares_nothing(hub: Hub) -> None:
    hub.files["README.md"] = b"---\nbase_model_relation: banana\nbase_model: a/b\n---\n"

    revision = register(hub)

    assert not revision.declarations.exists()


def test_the_program_interface(hub: Hub, client: Client) -> None:
    user = make_user()
    team = make_organization(owner=user)
    _, key = make_token(user=user, organization=team)
    headers = {"Authorization": f"Bearer {key}"}
    wanted = {"organization": team.slug, "hub": hub.url, "id": "kin/tuned"}

    def post(**more: Any) -> Any:
        return client.post(
            "/api/v1/registrations/hub/",
            json.dumps(wanted | more),
            content_type="application/json",
            headers=headers,
        )

    looked = post(only_look=True)
    assert (looked.status_code, looked.json()["job"]) == (200, None)
    assert not Revision.objects.exists()

    made = post()
    assert made.status_code == 202
    assert made.json()["slug"] == f"{team.slug}--tuned"
    assert post().json()["job"] == made.json()["job"]
    job = f"/api/v1/jobs/{made.json()['job']['id']}/"
    assert client.delete(job).status_code == 401
    assert client.delete(job, headers=headers).status_code == 204
    assert client.get(job).json()["state"] == "cancelled"
    assert post(id="kin/none").status_code == 422
    headers.clear()
    assert post().status_code == 401


def test_a_reader_may_not_import(hub: Hub, client: Client) -> None:
    team, user = make_organization(), make_user()
    make_membership(organization=team, user=user, role="reader")
    _, key = make_token(user=user, organization=team)

    response = client.post(
        "/api/v1/registrations/hub/",
        json.dumps({"organization": team.slug, "hub": hub.url, "id": "kin/tuned"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )

    assert response.status_code == 403
    assert not hub.asked


def test_the_command(hub: Hub) -> None:
    team, out = make_organization(), StringIO()
    arguments = ["hub", "register", "kin/tuned", "--hub", hub.url]

    call_command(*arguments, "--organization", team.slug, stdout=out)

    assert COMMIT in out.getvalue()
    assert Job.objects.get().revision.model.name == "tuned"
    with pytest.raises(CommandError, match="no repository of this name"):
        call_command("hub", "register", "kin/none", "--hub", hub.url)


def test_the_form_shows_first_and_registers_then(hub: Hub, client: Client) -> None:
    hub.token = SECRET
    user = make_user()
    team = make_organization(owner=user)
    client.force_login(user)
    wanted = {
        "organization": team.slug,
        "hub": hub.url,
        "repo": "kin/tuned",
        "revision": "main",
        "token": SECRET,
    }
    page = "/register/import/"

    wrong = client.post(page, wanted | {"token": "", "look": "1"})
    assert wrong.status_code == 422
    assert "give a token of the account that was let in" in wrong.text
    assert 'value="kin/tuned"' in wrong.text

    looked = client.post(page, wanted | {"look": "1"})
    assert looked.status_code == 200
    assert COMMIT[:12] in looked.text
    assert not Revision.objects.exists()

    made = client.post(page, wanted | {"register": "1"})
    assert made.status_code == 302
    job = Job.objects.get()
    assert made["Location"] == job.get_absolute_url()
    address = job.revision.model.get_absolute_url()
    assert "are what the hub states" in client.get(address).text
    work()
    assert "and not kept" in client.get(address).text


def test_a_name_that_is_in_use_is_refused(hub: Hub, client: Client) -> None:
    user = make_user()
    team = make_organization(owner=user, slug="mine")
    push("mine/tuned", None)
    client.force_login(user)

    refused = client.post(
        "/register/import/",
        {
            "organization": team.slug,
            "hub": hub.url,
            "repo": "kin/tuned",
            "revision": "main",
            "register": "1",
        },
    )

    assert refused.status_code == 422
    assert "already registered" in refused.text
    assert SECRET not in refused.text


@pytest.mark.parametrize(
    ("revision", "files", "said"),
    [
        ("v9", None, "no such branch, tag or commit"),
        ("main", {"config.json": b"{}"}, "no other format is read"),
        ("main", {"pytorch_model.bin": b"cos"}, "safe_serialization=True"),
    ],
)
def test_a_refusal_says_what_to_do(
    hub: Hub, revision: str, files: dict[str, bytes] | None, said: str
) -> None:
    hub.files = files or hub.files

    with pytest.raises(HubRefused, match=said):
        hubimports.inspect(hub.url, "kin/tuned", revision)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    hub: Hub, settings: Any
) -> None:
    settings.MAX_FILE_BYTES = 1000

    with pytest.raises(HubRefused, match="is larger than 1000 bytes"):
        hubimports.inspect(hub.url, "kin/tuned", "main")
    assert not any(path.endswith(".safetensors") for path, _, _ in hub.asked)
