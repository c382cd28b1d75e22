"""Contesting a fact, an edge or a verdict, and what follows from a decision."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from lineage.models import Derivation, Dispute, Verification
from lineage.services import disputes
from lineage.services.derivations import Speech, add_derivation
from lineage.services.disputes import Contested
from lineage.services.rulings import Ruling
from lineage.services.verifications import verify
from registry.models import Correction, RegisteredModel
from registry.services.webhooks import create_webhook
from registry.vocabulary import Relation, StatementKind, Verdict
from tests.factories import (
    make_catalog_model,
    make_dispute,
    make_membership,
    make_token,
    make_user,
)
from tests.pushing import ZOO, push, work

State = Dispute.State


@pytest.fixture(autouse=True)
def folders(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> None:
    settings.STORAGE_DIR = tmp_path_factory.mktemp("files")
    settings.SIGNING_DIR = tmp_path_factory.mktemp("signing")


@pytest.fixture
def moderator() -> User:
    return make_user(is_staff=True)


@pytest.fixture
def edge() -> Derivation:
    """A derivation of the catalog, which no team answers for."""
    return add_derivation(
        child=make_catalog_model(slug="child"),
        parent=make_catalog_model(slug="parent"),
        relation=Relation.SFT,
        speech=Speech(kind=StatementKind.CITED),
    )


@pytest.fixture
def accused() -> Verification:
    """Return the verdict that rival/own has an undeclared base."""
    push("acme/base", ZOO / "small-1", baimo_category="base")
    child = push("rival/own", ZOO / "small-1-tuned", baimo_category="base")
    work()
    verification = child.verifications.latest("id")
    assert verification.verdict == Verdict.UNDECLARED_BASE
    return verification


def contested(thing: Contested, by: User | None = None) -> Dispute:
    return disputes.open_dispute(
        thing,
        reason="It is not so.",
        evidence=["https://example.org/log"],
        by=by or make_user(),
    )


def decided(
    dispute: Dispute, outcome: Dispute.State, by: User, **ruling: str
) -> Dispute:
    disputes.decide(dispute, outcome, reasons="Seen.", ruling=Ruling(**ruling), by=by)
    dispute.refresh_from_db()
    return dispute


def state(derivation: Derivation) -> str:
    derivation.refresh_from_db()
    return derivation.state


def test_a_contested_edge_looks_so_everywhere(client: Client, edge: Derivation) -> None:
    contested(disputes.thing_of_edge(edge))

    assert state(edge) == StatementKind.DISPUTED
    ask = "/api/v1/lineage/graph/?focus=child&as="
    for form in ("json", "graphml", "dot", "svg", "cyclonedx"):
        assert b"disputed" in client.get(ask + form).content.lower(), form
    said = client.get("/api/v1/models/child/").json()
    assert [d["state"] for d in said["derivations"]] == ["disputed"]
    assert [d["about"] for d in said["disputes"]] == ["edge"]
    page = client.get("/models/child/").content.decode()
    assert "Disputed" in page
    assert "Contested" in page
    assert "Disputed" in client.get("/lineage/?focus=child").content.decode()
    assert "disputed" in client.get("/models/child/badge.svg").content.decode()
    chinese = client.get("/zh-hans/models/child/badge.svg").content.decode()
    assert "有争议" in chinese
    walked = client.get("/api/v1/models/child/parents/").json()
    assert [e["state"] for e in walked["edges"]] == ["disputed"]


def test_it_stays_contested_whatever_is_said_meanwhile(edge: Derivation) -> None:
    contested(disputes.thing_of_edge(edge))

    add_derivation(
        child=edge.child,
        parent=edge.parent,
        relation=Relation.SFT,
        speech=Speech(kind=StatementKind.ALLEGED, author=make_user()),
    )

    assert state(edge) == StatementKind.DISPUTED


def test_a_rejected_dispute_leaves_everything_as_it_was(
    edge: Derivation, moderator: User
) -> None:
    dispute = contested(disputes.thing_of_edge(edge))

    decided(dispute, State.REJECTED, moderator)

    assert dispute.state == State.REJECTED
    assert state(edge) == StatementKind.CITED


def test_a_withdrawn_dispute_too(edge: Derivation) -> None:
    dispute = contested(disputes.thing_of_edge(edge))

    disputes.withdraw(dispute, by=dispute.opened_by)

    assert state(edge) == StatementKind.CITED
    with pytest.raises(disputes.Ended):
        disputes.answer(dispute, text="Late.", evidence=[], by=make_user())


@pytest.mark.parametrize("word", ["withdrawn", "contradicted", "verified", "alleged"])
def test_an_upheld_dispute_gives_the_edge_the_moderators_word(
    edge: Derivation, moderator: User, word: str
) -> None:
    dispute = contested(disputes.thing_of_edge(edge))

    decided(dispute, State.UPHELD, moderator, state=word)

    # A source still cites it: an allegation beside it would be the weaker word.
    assert state(edge) == ("cited" if word == "alleged" else word)
    ruling = edge.statements.latest("id")
    assert (ruling.author, ruling.text) == (moderator, "Seen.")


def test_an_amended_edge_gets_another_relation(
    edge: Derivation, moderator: User
) -> None:
    dispute = contested(disputes.thing_of_edge(edge))

    decided(dispute, State.AMENDED, moderator, state="cited", relation="merge")

    assert state(edge) == StatementKind.WITHDRAWN
    assert edge.child.derivations.get(relation="merge").state == StatementKind.CITED


def test_a_verdict_under_dispute_says_so(client: Client, accused: Verification) -> None:
    contested(disputes.thing_of_verdict(accused))

    edge = Derivation.objects.get(child=accused.revision.model)
    assert edge.state == StatementKind.DISPUTED
    said = client.get("/api/v1/models/rival--own/").json()
    assert said["verdict"]["disputed"] is True
    assert "Somebody contests this verdict" in (
        client.get("/models/rival--own/").content.decode()
    )
    assert "disputed" in client.get("/models/rival--own/badge.svg").content.decode()
    assert len(predicate(client)["disputed_at"]) == 1


def test_an_upheld_dispute_replaces_the_verdict(
    client: Client, accused: Verification, moderator: User
) -> None:
    dispute = contested(disputes.thing_of_verdict(accused))
    team = RegisteredModel.objects.in_repo("acme", "base").get().organization
    assert dispute.other_side()[0] in {team, accused.revision.model.organization}
    disputes.answer(dispute, text="We agree.", evidence=[], by=make_user())

    decided(dispute, State.UPHELD, moderator, verdict="inconclusive")

    newest = accused.revision.verifications.latest("id")
    assert newest.verdict == Verdict.INCONCLUSIVE
    assert accused.superseding() == newest
    edge = Derivation.objects.get(child=accused.revision.model)
    assert edge.state == StatementKind.WITHDRAWN
    signed = predicate(client)
    assert signed["verdict"] == "inconclusive"
    assert signed["decision"]["reasons"] == "Seen."
    assert signed["measured_error"]["pairs"] >= 5000
    old = client.get(f"/api/v1/verifications/{accused.pk}/statement/").json()
    superseded = json.loads(base64.b64decode(old["payload"]))["predicate"]
    assert superseded["superseded_by"]["page"].endswith(newest.get_absolute_url())
    assert "A moderator has settled" in (
        client.get("/models/rival--own/").content.decode()
    )


def test_what_was_decided_on_a_revision_stands(
    accused: Verification, moderator: User
) -> None:
    dispute = contested(disputes.thing_of_verdict(accused))
    disputes.answer(dispute, text="Yes.", evidence=[], by=make_user())
    decided(dispute, State.UPHELD, moderator, verdict="inconclusive")
    fingerprint = accused.revision.fingerprints.get()

    again = verify(fingerprint, job=None, report=lambda: None)
    assert again.dispute == dispute

    card = {"baimo_category": "base", "license": "mit"}
    anew = push("rival/own", ZOO / "small-1-tuned", **card)
    work()
    assert anew.verifications.latest("id").verdict == Verdict.UNDECLARED_BASE


def test_a_new_verdict_does_not_end_a_dispute(accused: Verification) -> None:
    contested(disputes.thing_of_verdict(accused))
    fingerprint = accused.revision.fingerprints.get()

    verify(fingerprint, job=None, report=lambda: None)

    edge = Derivation.objects.get(child=accused.revision.model)
    assert edge.state == StatementKind.DISPUTED


def test_what_the_weights_said_is_contested_at_the_verdict(
    accused: Verification,
) -> None:
    edge = Derivation.objects.get(child=accused.revision.model)

    assert disputes.thing_of_edge(edge).verification == accused


def test_a_contested_fact_ends_in_a_correction(moderator: User) -> None:
    model = make_catalog_model()
    dispute = contested(Contested(model=model, fact="params"))

    decided(
        dispute, State.UPHELD, moderator, right="7B", source="https://example.org/paper"
    )

    correction = Correction.objects.get(model=model)
    assert (correction.fact, correction.right) == ("params", "7B")
    assert correction.state == Correction.State.TAKEN


def test_nobody_is_decided_against_unheard(
    accused: Verification, moderator: User
) -> None:
    dispute = contested(disputes.thing_of_verdict(accused))

    with pytest.raises(disputes.NotYet):
        decided(dispute, State.UPHELD, moderator, verdict="inconclusive")

    dispute.answer_until = timezone.now() - timedelta(seconds=1)
    dispute.save()
    assert dispute.is_overdue
    decided(dispute, State.UPHELD, moderator, verdict="inconclusive")
    assert dispute.state == State.UPHELD


def test_one_open_dispute_on_a_thing_and_not_too_many(edge: Derivation) -> None:
    person = make_user()
    first = contested(disputes.thing_of_edge(edge), by=person)

    with pytest.raises(disputes.AlreadyContested) as refused:
        contested(disputes.thing_of_edge(edge), by=person)
    assert refused.value.dispute == first

    for _ in range(disputes.MAX_OPEN - 1):
        contested(Contested(model=make_catalog_model(), fact="params"), by=person)
    with pytest.raises(disputes.TooManyOpen):
        contested(Contested(model=make_catalog_model(), fact="params"), by=person)


def test_an_old_verdict_is_not_contested(accused: Verification) -> None:
    push("rival/own", ZOO / "small-1-tuned", base_model="acme/base")

    with pytest.raises(disputes.NotContestable):
        disputes.thing_of_verdict(Verification.objects.get(pk=accused.pk))


def test_a_contested_edge_closes_no_cycle(edge: Derivation) -> None:
    """What carries nothing may stand beside its reverse, also when it is contested."""
    add_derivation(
        child=edge.child,
        parent=edge.parent,
        relation=Relation.SFT,
        speech=Speech(kind=StatementKind.CONTRADICTED, author=make_user()),
    )
    add_derivation(
        child=edge.parent,
        parent=edge.child,
        relation=Relation.SFT,
        speech=Speech(kind=StatementKind.CITED),
    )

    contested(Contested(model=edge.child, derivation=edge))

    assert state(edge) == StatementKind.CONTRADICTED


@pytest.mark.django_db(transaction=True)
def test_both_sides_get_letters(settings: Any, accused: Verification) -> None:
    settings.EMAIL_HOST = "localhost"
    team = accused.revision.model.organization
    assert team is not None
    make_membership(organization=team, user=make_user(email="rival@example.org"))
    opener = make_user(email="opener@example.org")
    boss = make_user(email="boss@example.org", is_staff=True)

    dispute = contested(disputes.thing_of_verdict(accused), by=opener)
    assert "rival@example.org" in {to for sent in mail.outbox for to in sent.to}
    mail.outbox.clear()
    disputes.answer(dispute, text="No.", evidence=[], by=make_user())
    assert {to for sent in mail.outbox for to in sent.to} == {opener.email, boss.email}
    mail.outbox.clear()
    decided(dispute, State.REJECTED, boss)
    assert opener.email in {to for sent in mail.outbox for to in sent.to}
    assert "已裁定" in mail.outbox[0].body


def predicate(client: Client) -> dict[str, Any]:
    """Return what the current statement on rival/own says."""
    envelope = client.get("/api/v1/models/rival--own/statement/").json()
    statement = json.loads(base64.b64decode(envelope["payload"]))
    said: dict[str, Any] = statement["predicate"]
    return said


class TestApi:
    """The same over REST."""

    @pytest.fixture
    def tokens(self, accused: Verification, moderator: User) -> dict[str, str]:
        """Return headers by role; strangers have teams of their own."""
        team = accused.revision.model.organization
        assert team is not None
        people = {"opener": make_user(), "rival": make_user(), "moderator": moderator}
        make_membership(organization=team, user=people["rival"])
        keys = {}
        for role, person in people.items():
            organization = team
            if role != "rival":
                organization = push(f"{role}/x", None).model.organization  # type: ignore[assignment]
                make_membership(organization=organization, user=person)
            scope = "admin" if role == "moderator" else "push"
            _, key = make_token(user=person, organization=organization, scope=scope)
            keys[role] = f"Bearer {key}"
        _, key = make_token(user=people["opener"], organization=team, scope="read")
        return keys | {"reading": f"Bearer {key}"}

    def test_the_whole_way(
        self, client: Client, accused: Verification, tokens: dict[str, str]
    ) -> None:
        def post(path: str, role: str, **data: Any) -> Any:
            return client.post(
                f"/api/v1/disputes/{path}",
                data,
                content_type="application/json",
                HTTP_AUTHORIZATION=tokens[role],
            )

        opening = {
            "model": "rival--own",
            "verification": accused.pk,
            "text": "It is ours.",
            "evidence": ["https://example.org/log"],
        }
        assert client.post("/api/v1/disputes/", opening).status_code == 401
        assert post("", "reading", **opening).status_code == 403
        opened = post("", "opener", **opening)
        assert opened.status_code == 201
        address = f"{opened.json()['id']}/"
        assert "rival" in opened.json()["answers"]
        assert post("", "opener", **opening).status_code == 409
        said = {"text": "No.", "evidence": []}
        decision = {"outcome": "upheld", "reasons": "So.", "verdict": "inconclusive"}
        assert post(f"{address}answer/", "moderator", **said).status_code == 403
        assert post(f"{address}decision/", "opener", **decision).status_code == 403
        assert post(f"{address}decision/", "moderator", **decision).status_code == 409
        assert post(f"{address}answer/", "rival", **said).json()["state"] == "answered"
        incomplete = {"outcome": "upheld", "reasons": "So."}
        assert post(f"{address}decision/", "moderator", **incomplete).status_code == 422
        upheld = post(f"{address}decision/", "moderator", **decision)
        assert upheld.json()["state"] == "upheld"
        kinds = [event["kind"] for event in upheld.json()["events"]]
        assert kinds == ["opened", "answered", "upheld"]
        assert post(f"{address}withdrawal/", "opener").status_code == 409
        listed = client.get("/api/v1/disputes/?state=upheld&about=verdict").json()
        assert [row["model"] for row in listed["results"]] == ["rival--own"]
        assert client.get("/api/v1/disputes/?model=nobody").json()["total"] == 0

    def test_bad_input(self, client: Client, tokens: dict[str, str]) -> None:
        def post(**data: Any) -> int:
            return client.post(
                "/api/v1/disputes/",
                {"text": "So.", **data},
                content_type="application/json",
                HTTP_AUTHORIZATION=tokens["opener"],
            ).status_code

        assert post(model="rival--own") == 422
        assert post(model="nobody", fact="params") == 404
        assert post(model="rival--own", fact="colour") == 422
        assert post(model="rival--own", parent="nobody") == 404
        assert post(model="rival--own", verification=10**30) in {404, 422}
        assert post(model="rival--own", fact="params", evidence=["javascript:1"]) == 422
        assert client.get("/api/v1/disputes/99999/").status_code == 404

    def test_pages_of_the_list(self, client: Client) -> None:
        numbers = [make_dispute().pk for _ in range(5)]

        first = client.get("/api/v1/disputes/?limit=3").json()
        second = client.get(first["next"]).json()

        seen = [row["id"] for row in first["results"] + second["results"]]
        assert seen == sorted(numbers, reverse=True)
        assert first["total"] == 5
        assert second["next"] is None


def test_programs_hear_of_it(accused: Verification, moderator: User) -> None:
    team = accused.revision.model.organization
    assert team is not None
    events = ["dispute.opened", "dispute.answered", "dispute.decided"]
    url = "https://hooks.example/"
    hook, _ = create_webhook(team, url=url, events=events, by=make_user())
    dispute = contested(disputes.thing_of_verdict(accused))
    disputes.answer(dispute, text="No.", evidence=[], by=make_user())
    decided(dispute, State.REJECTED, moderator)

    told = hook.deliveries.order_by("created_at").values_list("event", flat=True)
    assert list(told) == events
