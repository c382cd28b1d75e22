"""Every address of the site, and which answer each kind of visitor gets there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from lineage.models import Hearing, Verification
from registry.models import Job, Membership
from registry.services.claims import file_claim
from registry.services.members import invite
from registry.services.webhooks import create_webhook, send_test
from tests import factories

ROLES = ("anonymous", "stranger", "reader", "maintainer", "owner")
ALL, SIGN_IN, ABSENT = 200, 302, 404


class Rule(NamedTuple):
    """What each of ROLES gets; `args` name attributes of the case."""

    args: tuple[str, ...]
    expected: tuple[int, int, int, int, int]
    method: str = "get"
    data: dict[str, str] = {}


def everybody(*args: str) -> Rule:
    return Rule(args, (ALL,) * 5)


def members(*args: str) -> Rule:
    return Rule(args, (SIGN_IN, ALL, ALL, ALL, ALL))


def owners(*args: str, method: str = "get", good: int = 200, **data: str) -> Rule:
    return Rule(args, (SIGN_IN, 403, 403, 403, good), method, data)


RULES = {
    "lineage:home": [everybody()],
    "lineage:models": [everybody()],
    "lineage:model": [everybody("model")],
    "lineage:history": [everybody("model")],
    "lineage:revision": [everybody("model", "commit")],
    "lineage:badge": [everybody("model")],
    "lineage:compare": [everybody()],
    "lineage:statistics": [everybody()],
    "lineage:feed": [everybody()],
    "lineage:families": [everybody()],
    "lineage:family": [everybody("family")],
    "lineage:tree": [everybody()],
    "lineage:atlas": [everybody()],
    "lineage:atlas-data": [everybody()],
    "lineage:atlas-card": [everybody("entry")],
    "lineage:verification": [
        everybody("verification"),
        # One that waits for the team's answer.
        Rule(("pending",), (ABSENT, ABSENT, ALL, ALL, ALL)),
    ],
    "lineage:verification-answer": [
        Rule(
            ("pending",),
            (SIGN_IN, ABSENT, 403, 302, 302),
            "post",
            {"answer": "We have trained it ourselves."},
        )
    ],
    "lineage:disputes": [everybody()],
    "lineage:dispute": [everybody("dispute")],
    "lineage:contest": [
        Rule((), (SIGN_IN, ALL, ALL, ALL, ALL), "get", {"verdict": "newest"}),
        Rule(
            (), (SIGN_IN, *(ABSENT,) * 4), "get", {"fact": "colour", "model": "llama"}
        ),
    ],
    # A stranger contests the model of the team.
    "lineage:dispute-speak": [
        Rule(("dispute",), (SIGN_IN, 302, 403, 302, 302), "post", {"text": "So."})
    ],
    "lineage:dispute-withdraw": [
        Rule(("dispute",), (SIGN_IN, ALL, 403, 403, 403)),
        Rule(("dispute",), (SIGN_IN, 302, 403, 403, 403), "post"),
    ],
    # Moderators are none of these; see test_page_disputes.
    "lineage:dispute-decide": [
        Rule(
            ("dispute",), (SIGN_IN, 403, 403, 403, 403), "post", {"outcome": "rejected"}
        )
    ],
    "lineage:registration-new": [members()],
    "lineage:registration-bases": [everybody()],
    "lineage:registration-edit": [
        Rule(("wrapper",), (SIGN_IN, 403, 403, ALL, ALL)),
    ],
    "registry:register": [everybody()],
    "registry:register-import": [members()],
    "registry:register-sketch": [members()],
    "registry:upload": [members()],
    "registry:upload-to": [Rule(("model",), (SIGN_IN, 403, 403, ALL, ALL))],
    "registry:glossary": [everybody()],
    "registry:method": [everybody()],
    "registry:correct": [everybody("model")],
    "registry:model-settings": [
        owners("model"),
        owners("model", method="post", good=302, private="yes"),
    ],
    "registry:model-remove": [
        owners("model"),
        owners("model", method="post", good=422, confirmation="another name"),
        owners("model", method="post", good=302, confirmation="acme/tuned"),
    ],
    "registry:model-restore": [owners("model", method="post", good=302)],
    "registry:job": [everybody("job")],
    "registry:job-progress": [everybody("job"), everybody("importing")],
    "registry:job-cancel": [
        Rule(("job",), (SIGN_IN, *(ABSENT,) * 4)),
        Rule(("importing",), (SIGN_IN, 403, 403, ALL, ALL)),
        Rule(("importing",), (SIGN_IN, 403, 403, 302, 302), "post"),
    ],
    "registry:job-again": [
        Rule(("importing",), (SIGN_IN, 403, 403, 302, 302), "post"),
    ],
    "registry:organizations": [members()],
    "registry:organization": [everybody("team")],
    "registry:token-create": [
        Rule(
            ("team",),
            (SIGN_IN, 403, ALL, ALL, ALL),
            "post",
            {"name": "ci", "scope": "read", "expires": "30"},
        )
    ],
    "registry:token-revoke": [
        owners("team", "token"),
        owners("team", "token", method="post", good=302),
    ],
    "registry:invite": [owners("team", method="post", role="reader", email="")],
    "registry:audit": [owners("team")],
    "registry:webhooks": [
        owners("team"),
        owners(
            "team", method="post", url="https://a.example/", events="push.committed"
        ),
    ],
    "registry:webhook": [
        owners("team", "hook"),
        owners(
            "team",
            "hook",
            method="post",
            good=302,
            url="https://b.example/",
            events="push.committed",
        ),
    ],
    "registry:webhook-secret": [owners("team", "hook", method="post")],
    "registry:webhook-test": [owners("team", "hook", method="post", good=302)],
    "registry:webhook-remove": [
        owners("team", "hook"),
        owners("team", "hook", method="post", good=302),
    ],
    "registry:delivery": [owners("team", "hook", "delivery")],
    "registry:delivery-replay": [
        owners("team", "hook", "delivery", method="post", good=302)
    ],
    "registry:invitation-withdraw": [
        owners("team", "invitation", method="post", good=302)
    ],
    "registry:invitation": [
        Rule(("key",), (SIGN_IN, ALL, ALL, ALL, ALL)),
        Rule(("key",), (SIGN_IN,) * 5, "post"),
    ],
    # Moderators are none of these; see test_page_claims.
    "registry:claim": [members("lab")],
    "registry:claim-page": [Rule(("claim",), (SIGN_IN, ABSENT, ABSENT, ABSENT, ALL))],
    "registry:claim-answer": [
        Rule(("claim",), (SIGN_IN, 404, 404, 404, 302), "post", {"text": "Yes."})
    ],
    "registry:claim-object": [
        Rule(("claim",), (SIGN_IN, 404, 404, 404, 403), "post", {"text": "No."})
    ],
    "registry:claim-withdraw": [
        Rule(("claim",), (SIGN_IN, 404, 404, 404, ALL)),
        Rule(("claim",), (SIGN_IN, 404, 404, 404, 302), "post"),
    ],
    "registry:claim-decide": [
        Rule(("claim",), (SIGN_IN, 404, 404, 404, 403), "post", {"decision": "grant"})
    ],
    "registry:moderation": [Rule((), (SIGN_IN, 404, 404, 404, 404))],
    "registry:correction": [Rule(("correction",), (SIGN_IN, 404, 404, 404, 404))],
    "registry:correction-answer": [
        Rule(("correction",), (SIGN_IN, 403, 403, ALL, ALL))
    ],
    "registry:member-role": [
        owners("team", "membership", method="post", good=302, role="reader")
    ],
    "registry:member-remove": [
        # The membership is the maintainer's own.
        Rule(("team", "membership"), (SIGN_IN, 403, 403, ALL, ALL)),
        Rule(("team", "membership"), (SIGN_IN, 403, 403, 302, 302), "post"),
    ],
}


class Case(NamedTuple):
    """What the addresses of RULES speak of."""

    model: str
    wrapper: str
    commit: str
    entry: int
    family: str
    verification: int
    job: Any
    importing: Any
    team: str
    token: int
    invitation: int
    key: str
    membership: int
    lab: str
    claim: int
    pending: int
    dispute: int
    correction: int
    hook: int
    delivery: Any


@pytest.fixture
def case(world: Any) -> tuple[Case, dict[str, Client]]:
    people = {
        "stranger": world.stranger,
        "reader": world.reader,
        "maintainer": factories.make_user(),
        "owner": world.owner,
    }
    membership = factories.make_membership(
        organization=world.organization,
        user=people["maintainer"],
        role=Membership.Role.MAINTAINER,
    )
    invitation, key = invite(
        world.organization, role="reader", email="", by=world.owner
    )
    hook, _ = create_webhook(
        world.organization,
        url="https://a.example/",
        events=["push.committed"],
        by=world.owner,
    )
    visitors = {"anonymous": Client()}
    for role, person in people.items():
        visitors[role] = Client()
        visitors[role].force_login(person)
    found = Case(
        model=world.model.slug,
        wrapper=factories.make_revision(
            model=factories.make_model(
                organization=world.organization, category="prompt-wrapper"
            )
        ).model.slug,
        commit=world.model.head.commit_id,
        entry=world.model.pk,
        family=world.base.family,
        verification=world.model.head.verifications.get().pk,
        job=world.job.pk,
        importing=_importing(world).pk,
        team=world.organization.slug,
        token=world.token.pk,
        invitation=invitation.pk,
        key=key,
        membership=membership.pk,
        pending=_pending(world).pk,
        dispute=factories.make_dispute(
            model=world.model, opened_by=world.stranger, fact="params"
        ).pk,
        lab=factories.make_organization(is_catalog=True).slug,
        claim=file_claim(
            factories.make_organization(is_catalog=True),
            by=world.owner,
            link="",
            email="",
            text="Ours.",
        ).pk,
        correction=world.model.corrections.create(
            fact="params", right="7 billion", source="https://a.example/"
        ).pk,
        hook=hook.pk,
        delivery=send_test(hook).pk,
    )
    return found, visitors


def _importing(world: Any) -> Job:
    """Return the job of an import of the team, which waits for a worker."""
    model = factories.make_model(organization=world.organization)
    origin = factories.make_hub_import(revision=factories.make_revision(model=model))
    return factories.make_job(revision=origin.revision)


def _pending(world: Any) -> Verification:
    """Return a verdict on another model of the team that waits for its answer."""
    model = factories.make_model(organization=world.organization)
    pending = factories.make_verification(
        revision=factories.make_revision(model=model),
        verdict="undeclared-base",
        compared_with=world.base,
    )
    until = timezone.now() + timedelta(days=7)
    Hearing.objects.create(verification=pending, until=until)
    return pending


@pytest.mark.walk
@pytest.mark.parametrize(("position", "role"), list(enumerate(ROLES)))
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        pytest.param(name, rule, id=f"{name}-{rule.method}")
        for name, rules in RULES.items()
        for rule in rules
    ],
)
def test_every_visitor_gets_what_is_theirs(
    case: tuple[Case, dict[str, Client]],
    name: str,
    rule: Rule,
    position: int,
    role: str,
) -> None:
    found, visitors = case
    address = reverse(name, args=[getattr(found, part) for part in rule.args])

    data = dict(rule.data)
    if data.get("verdict"):
        data["verdict"] = str(found.verification)
    response = getattr(visitors[role], rule.method)(address, data)

    assert response.status_code == rule.expected[position]
    if response.status_code == SIGN_IN and role == "anonymous":
        assert reverse("account_login") in response.headers["Location"]


def names_of(patterns: list[Any], space: str = "") -> set[str]:
    """Return the full name of every pattern below some."""
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else space
            found |= names_of(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.add(space + pattern.name)
    return found


def test_no_page_is_missing_from_the_table() -> None:
    ours = {
        name
        for name in names_of(get_resolver().url_patterns)
        if name.startswith(("lineage:", "registry:"))
    }
    ours.remove("registry:favicon")  # a picture

    assert ours == set(RULES)
