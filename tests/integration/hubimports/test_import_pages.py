"""An import as its team watches it, ends it, and asks for it again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from registry import hubfiles, jobs
from registry.models import AuditEntry, Fingerprint, HubImport, Job
from registry.services import hubimports
from tests.factories import make_membership, make_organization, make_token, make_user
from tests.hubs import COMMIT, Hub
from tests.pushing import push, work

SECRET = "hf_the-teams-own-secret"


class Team:
    """An organisation with an import that waits, and a client of its maintainer."""

    def __init__(self, hub: Hub, token: str = "") -> None:
        self.owner, self.maintainer = make_user(), make_user()
        self.organization = make_organization(owner=self.owner, slug="acme")
        make_membership(
            organization=self.organization, user=self.maintainer, role="maintainer"
        )
        found = hubimports.inspect(hub.url, "kin/tuned", "main", token)
        self.revision = hubimports.register(
            found, organization=self.organization, name="mine", user=self.owner
        )
        self.job = self.revision.jobs.get()
        self.page = self.job.get_absolute_url()
        self.client = Client()
        self.client.force_login(self.maintainer)

    def progress(self, client: Client | None = None) -> str:
        return (client or self.client).get(f"{self.page}progress/").text


@pytest.fixture
def team(hub: Hub) -> Team:
    return Team(hub)


def test_cancelling_asks_first_and_is_written_down(team: Team, client: Client) -> None:
    asked = team.client.get(f"{team.page}cancel/")
    assert "Cancel this import?" in asked.text
    assert Job.objects.get().state == Job.State.QUEUED

    done = team.client.post(f"{team.page}cancel/")

    assert (done.status_code, done["Location"]) == (302, team.page)
    assert Job.objects.get().state == Job.State.CANCELLED
    shown = team.client.get(team.page).text
    assert "This import was cancelled." in shown and "Try again" in shown
    assert "Try again" not in client.get(team.page).text
    client.force_login(team.owner)
    said = client.get("/organizations/acme/audit/").text
    assert f"cancelled the import kin/tuned@{COMMIT[:12]} → acme/mine" in said
    assert "asked to import kin/tuned" in said
    late = team.client.post(f"{team.page}cancel/", follow=True)
    assert "had ended already" in late.text


def test_only_who_may_push_is_offered_to_cancel(team: Team, client: Client) -> None:
    reader = make_user()
    make_membership(organization=team.organization, user=reader, role="reader")
    assert "Cancel the import" in team.progress()
    assert "Cancel the import" not in team.progress(client)
    client.force_login(reader)
    assert "Cancel the import" not in team.progress(client)


def test_the_page_says_how_many_bytes_of_which_file(team: Team, client: Client) -> None:
    held = jobs.claim(team.job.pk)
    assert held is not None
    held.report(0.4)

    shown = team.progress()

    total = team.revision.weight_files().get().blob.size_bytes
    assert "Reading the weights on the hub." in shown
    assert f"{total / 1024:.1f}\xa0KB, file 1 of 1:" in shown
    assert "model.safetensors" in shown
    told = client.get(f"/api/v1/jobs/{team.job.pk}/").json()["reading"]
    assert (told["path"], told["total_bytes"]) == ("model.safetensors", total)
    assert 0.4 < told["n_bytes"] / total < 0.5


def test_once_read_it_is_compared(team: Team, client: Client) -> None:
    held = jobs.claim(team.job.pk)
    assert held is not None
    held.report(0.96)

    assert "Reading the weights and comparing them." in team.progress()
    assert client.get(f"/api/v1/jobs/{team.job.pk}/").json()["reading"] is None


def test_what_failed_is_tried_again_from_its_page(hub: Hub, team: Team) -> None:
    hub.faults.add("lies")
    work()
    assert "the hub listed" in team.progress()
    hub.faults.clear()

    again = team.client.post(f"{team.page}again/")

    newest = Job.objects.latest("created_at")
    assert newest != team.job
    assert again["Location"] == newest.get_absolute_url()
    work()
    assert Fingerprint.objects.filter(revision=team.revision).exists()
    # Of what ended well there is nothing to repeat.
    assert team.client.post(f"{newest.get_absolute_url()}again/")["Location"] == (
        newest.get_absolute_url()
    )
    assert Job.objects.count() == 2


def test_what_is_gated_is_asked_for_with_its_token(hub: Hub, client: Client) -> None:
    hub.token = SECRET
    team = Team(hub, SECRET)
    hub.token = "another"
    work()
    job = Job.objects.get()
    assert job.error == hubfiles.TOKEN_REFUSED
    assert HubImport.objects.get().secret is None
    chinese = team.client.get(f"/zh-hans{team.page}progress/").text
    assert "模型库" in chinese and hubfiles.TOKEN_REFUSED not in chinese
    shown = team.progress()
    assert "Try again" not in shown
    address = shown.partition('class="button" href="')[2].partition('"')[0]

    form = team.client.get(address.replace("&amp;", "&")).text

    assert 'value="kin/tuned"' in form and f'value="{COMMIT}"' in form
    assert SECRET not in form
    made = team.client.post(
        "/register/import/",
        {
            "organization": "acme",
            "hub": hub.url,
            "repo": "kin/tuned",
            "revision": COMMIT,
            "name": "mine",
            "token": "another",
            "register": "1",
        },
    )
    assert made["Location"] == Job.objects.latest("created_at").get_absolute_url()
    work()
    assert Fingerprint.objects.filter(revision=team.revision).exists()


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"repo": "kin/none"}, "repo", "no repository of this name"),
        ({"repo": "tuned"}, "repo", "called team/model"),
        ({"revision": "v9"}, "revision", "no such branch, tag or commit"),
        ({"token": "wrong"}, "token", "does not let this token in"),
        ({"token": ""}, "token", "ask for access on its page there"),
    ],
)
def test_an_error_stands_beside_what_it_is_about(
    hub: Hub, client: Client, change: dict[str, str], field: str, said: str
) -> None:
    if "token" in change:
        hub.token = SECRET
    user = make_user()
    team = make_organization(owner=user)
    client.force_login(user)
    wanted = {"organization": team.slug, "hub": hub.url, "repo": "kin/tuned"}
    wanted |= {"revision": "main", "look": "1"} | change

    answer = client.post("/register/import/", wanted)

    assert answer.status_code == 422
    errors: Any = answer.context["form"].errors
    assert list(errors) == [field]
    assert said in errors[field][0]


def test_the_program_interface_cancels_in_somebodys_name(
    team: Team, client: Client
) -> None:
    _, key = make_token(user=team.owner, organization=team.organization)
    headers = {"Authorization": f"Bearer {key}"}

    done = client.delete(f"/api/v1/jobs/{team.job.pk}/", headers=headers)

    assert done.status_code == 204
    newest = AuditEntry.objects.latest("id")
    assert (newest.action, newest.actor) == ("import-cancelled", team.owner)
    again = client.delete(f"/api/v1/jobs/{team.job.pk}/", headers=headers)
    assert again.status_code == 204
    assert AuditEntry.objects.latest("id") == newest


def test_the_job_of_a_push_has_no_such_pages(client: Client) -> None:
    user = make_user()
    make_organization(owner=user, slug="kin")
    pushed = push("kin/pushed", None)
    job = Job.objects.create(kind=Job.Kind.FINGERPRINT, revision=pushed)
    client.force_login(user)

    assert client.get(f"{job.get_absolute_url()}cancel/").status_code == 404
    assert client.post(f"{job.get_absolute_url()}again/").status_code == 404
