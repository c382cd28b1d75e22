"""Claiming an organisation of the catalog, from the page to the moderator's word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from registry import moderation
from registry.models import (
    AuditEntry,
    Claim,
    ClaimNote,
    Correction,
    Membership,
    Organization,
)
from registry.services.claims import CODE_PREFIX, ClaimClosed, code_for, grant
from tests import factories
from tests.integration.pages.conftest import read

EVIDENCE = {"link": "https://lab.example/code.txt", "text": "I train the models."}


@pytest.fixture
def lab() -> Organization:
    return factories.make_organization(slug="lab", name="The Lab", is_catalog=True)


@pytest.fixture
def ada() -> User:
    return factories.make_user(username="ada", email="ada@lab.example")


@pytest.fixture
def claimant(ada: User) -> Client:
    return signed_in(ada)


@pytest.fixture
def moderator() -> Client:
    return signed_in(factories.make_user(username="grace", is_staff=True))


@pytest.fixture
def letters(settings: Any) -> list[Any]:
    """Return the letters that are sent, as if there were a mail server."""
    settings.EMAIL_HOST = "mail.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return mail.outbox


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def filed(claimant: Client, **changes: str) -> Claim:
    response = claimant.post("/organizations/lab/claim/", EVIDENCE | changes)
    assert response.status_code == 302
    return Claim.objects.latest("pk")


def test_a_claim_is_filed_granted_and_pushes(
    lab: Organization,
    ada: User,
    claimant: Client,
    moderator: Client,
    letters: list[Any],
) -> None:
    page = read(claimant, "/organizations/lab/")
    assert 'href="/organizations/lab/claim/"' in page
    assert code_for(ada, lab) in read(claimant, "/organizations/lab/claim/")

    claim = filed(claimant)
    assert "waits for a moderator" in read(claimant, claim.get_absolute_url())
    assert "waits for a moderator" in read(claimant, "/organizations/")
    assert "Your claim" in read(claimant, "/organizations/lab/")
    queue = read(moderator, "/moderation/")
    assert claim.get_absolute_url() in queue
    assert code_for(ada, lab) in read(moderator, claim.get_absolute_url())
    moderator.post(f"{claim.get_absolute_url()}decide/", {"decision": "grant"})

    assert lab.memberships.get().role == Membership.Role.OWNER
    assert "You are an owner of The Lab" in letters[0].body
    assert letters[0].to == ["ada@lab.example"]
    assert claim.get_absolute_url() in letters[0].body
    assert "No claim waits." in read(moderator, "/moderation/")
    assert "ada is an owner" in read(claimant, claim.get_absolute_url())
    audit = read(claimant, "/organizations/lab/audit/")
    assert "granted the claim of ada" in audit
    assert "claimed the organisation" in audit
    assert "Make the token" in read(claimant, "/organizations/lab/")
    assert "Claimed: its own people" in read(Client(), "/organizations/lab/")


def test_a_moderator_asks_back_and_refuses_with_reasons(
    lab: Organization, claimant: Client, moderator: Client, letters: list[Any]
) -> None:
    claim = filed(claimant)
    decide = f"{claim.get_absolute_url()}decide/"

    silent = moderator.post(decide, {"decision": "ask", "text": ""})
    assert silent.status_code == 422
    assert not ClaimNote.objects.exists()
    moderator.post(decide, {"decision": "ask", "text": "Which team?"})
    assert "Which team?" in letters[0].body
    assert "Which team?" in read(claimant, claim.get_absolute_url())
    assert "asked back" in read(moderator, "/moderation/")
    claimant.post(f"{claim.get_absolute_url()}answer/", {"text": "Pre-training."})
    claim.refresh_from_db()
    assert claim.state == Claim.State.WAITING
    moderator.post(decide, {"decision": "refuse", "text": "The page is not yours."})

    page = read(claimant, claim.get_absolute_url())
    assert "It is refused" in page
    assert "The page is not yours." in page
    assert "Pre-training." in page
    assert not lab.memberships.exists()
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == [
        *("claimed", "claim-asked", "claim-answered", "claim-refused")
    ]
    filed(claimant)  # again, with other evidence


def test_a_letter_is_in_the_language_of_who_claimed(
    lab: Organization, claimant: Client, moderator: Client, letters: list[Any]
) -> None:
    claimant.post("/zh-hans/organizations/lab/claim/", EVIDENCE)
    claim = Claim.objects.get()

    moderator.post(f"{claim.get_absolute_url()}decide/", {"decision": "grant"})

    assert "你已成为 The Lab 的所有者" in letters[0].body


def test_an_empty_claim_is_refused_at_once(lab: Organization, claimant: Client) -> None:
    address = "/organizations/lab/claim/"

    nothing = claimant.post(address, {"text": ""})
    wrong = claimant.post(address, {"link": "no link", "text": "I am <b>Ada</b>."})

    assert (nothing.status_code, wrong.status_code) == (422, 422)
    assert "Give one of the three" in nothing.content.decode()
    assert "I am &lt;b&gt;Ada&lt;/b&gt;." in wrong.content.decode()
    assert not Claim.objects.exists()


def test_a_person_has_one_open_claim_of_an_organisation(
    lab: Organization, claimant: Client
) -> None:
    claim = filed(claimant)

    again = claimant.get("/organizations/lab/claim/")

    assert again.headers["Location"] == claim.get_absolute_url()
    claimant.post(f"{claim.get_absolute_url()}withdraw/")
    assert "It was withdrawn" in read(claimant, claim.get_absolute_url())
    assert filed(claimant) != claim


def test_a_claimed_organisation_can_be_contested(
    lab: Organization, claimant: Client, moderator: Client, letters: list[Any]
) -> None:
    owner = factories.make_user(username="bob", email="bob@lab.example")
    factories.make_membership(organization=lab, user=owner)
    assert "Contest the claim" in read(claimant, "/organizations/lab/")
    assert "a moderator hears both sides" in read(claimant, "/organizations/lab/claim/")

    claim = filed(claimant)

    assert letters[0].to == ["bob@lab.example"]
    assert "ada claims The Lab" in letters[0].body
    assert "bob" in read(moderator, claim.get_absolute_url())
    bob = signed_in(owner)
    page = read(bob, claim.get_absolute_url())
    assert "lab.example/code.txt" not in page
    assert "You are an owner of the organisation." in page
    bob.post(f"{claim.get_absolute_url()}object/", {"text": "Nobody knows her here."})
    assert "Nobody knows her here." in read(moderator, claim.get_absolute_url())
    assert "Nobody knows her here." in read(claimant, claim.get_absolute_url())
    owned = signed_in(owner).post("/organizations/lab/claim/", EVIDENCE)
    assert owned.headers["Location"] == "/organizations/lab/"


def test_nobody_decides_on_their_own_claim(
    lab: Organization, ada: User, claimant: Client
) -> None:
    claim = filed(claimant)
    ada.is_staff = True
    ada.save()

    response = claimant.post(
        f"{claim.get_absolute_url()}decide/", {"decision": "grant"}
    )

    assert response.status_code == 403
    assert not lab.memberships.exists()


def test_a_claim_is_decided_once(
    lab: Organization, claimant: Client, moderator: Client, ada: User
) -> None:
    claim = filed(claimant)
    decide = f"{claim.get_absolute_url()}decide/"
    moderator.post(decide, {"decision": "grant"})

    late = moderator.post(decide, {"decision": "refuse", "text": "No."}, follow=True)

    assert "Nothing was changed" in late.content.decode()
    assert lab.memberships.count() == 1
    with pytest.raises(ClaimClosed):
        grant(claim, by=ada, text="")
    unknown = moderator.post(decide, {"decision": "destroy"})
    assert unknown.status_code == 404


def test_a_team_that_made_itself_cannot_be_claimed(claimant: Client) -> None:
    factories.make_organization(slug="acme")

    assert claimant.get("/organizations/acme/claim/").status_code == 404


def test_late_claims_say_so(
    lab: Organization, claimant: Client, moderator: Client
) -> None:
    claim = filed(claimant)
    Claim.objects.update(due_at=timezone.now() - timedelta(days=1))

    assert "<strong>late</strong>" in read(moderator, "/moderation/")
    assert "That day has passed." in read(claimant, claim.get_absolute_url())


def test_codes_are_of_one_person_and_one_organisation(
    lab: Organization, ada: User
) -> None:
    other = factories.make_organization(is_catalog=True)

    codes = {
        code_for(ada, lab),
        code_for(ada, other),
        code_for(factories.make_user(), lab),
    }

    assert len(codes) == 3
    assert all(code.startswith(CODE_PREFIX) for code in codes)
    assert code_for(ada, lab) in codes


def test_what_was_said_cannot_be_unsaid(
    lab: Organization, claimant: Client, append_only: None
) -> None:
    claim = filed(claimant)
    claimant.post(f"{claim.get_absolute_url()}answer/", {"text": "More."})
    note = ClaimNote.objects.get()

    for change in (note.delete, lambda: ClaimNote.objects.update(text="Less.")):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def make_correction(lab: Organization) -> Correction:
    model = factories.make_catalog_model(
        slug="lab-1", name="Lab 1", organization=lab, repo_name=""
    )
    return Correction.objects.create(
        model=model,
        fact="params",
        right="7 billion",
        source="https://lab.example/card",
        email="reader@home.example",
    )


def test_owners_answer_corrections_and_moderators_decide(
    lab: Organization,
    ada: User,
    claimant: Client,
    moderator: Client,
    letters: list[Any],
) -> None:
    correction = make_correction(lab)
    factories.make_membership(organization=lab, user=ada)
    answer = f"/corrections/{correction.pk}/answer/"
    assert answer in read(claimant, "/organizations/lab/")
    assert "reader@home.example" not in read(claimant, answer)

    claimant.post(answer, {"text": "It is 6.7 billion."})
    assert "its makers have answered" in read(moderator, "/moderation/")
    decide = f"/moderation/corrections/{correction.pk}/"
    assert "It is 6.7 billion." in read(moderator, decide)
    silent = moderator.post(decide, {"decision": "declined", "text": ""})
    assert silent.status_code == 422
    moderator.post(decide, {"decision": "declined", "text": "The card says 6.7."})

    correction.refresh_from_db()
    assert correction.state == Correction.State.DECLINED
    assert letters[0].to == ["reader@home.example"]
    assert "The card says 6.7." in letters[0].body
    assert "No correction waits." in read(moderator, "/moderation/")
    late = moderator.post(decide, {"decision": "taken"}, follow=True)
    assert "decided on it already" in late.content.decode()


def test_the_way_to_the_queues_is_shown_to_moderators_alone(
    claimant: Client, moderator: Client
) -> None:
    assert 'href="/moderation/"' in read(moderator, "/organizations/")
    assert 'href="/moderation/"' not in read(claimant, "/organizations/")


def test_other_apps_add_their_queues(
    moderator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moderation, "_sections", [])
    queue = {"claims": [], "asked": [], "n_claims": 17}

    moderation.add(moderation.Section("registry/_claims_queue.html", lambda: queue))

    assert '<span class="muted">17</span>' in read(moderator, "/moderation/")
