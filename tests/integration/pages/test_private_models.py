"""A private model is seen by its organisation, and at no address by anybody else."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import LocalePrefixPattern, RoutePattern
from django.utils import timezone

from lineage import atlases
from lineage.models import Dispute, Hearing, Verification
from registry import storage
from registry.models import AuditEntry, HubImport, Membership, RegisteredModel, Webhook
from registry.services.audit import record
from tests import factories
from tests.integration.pages.conftest import comparison

# Stands in every name that only the private model has.
MARKER, ABSENT = "zqmarkerqz", "zqabsentqz"
# Of others' making, for accounts and those who run the register.
FOREIGN = ("accounts/", "admin/", "i18n/")
# What no route describes: whatever is no address of ours.
UNSPOKEN = {"^(.*/)?$", "^(?!v1/)(?P<rest>.+)$"}
PRIVATE_NOTE = "a model that its organisation keeps private"


@dataclass
class Hidden:
    """A private model between public ones, with all that may name it."""

    model: RegisteredModel
    base: RegisteredModel
    child: RegisteredModel
    own_reader: Client
    own_token: Client
    others: dict[str, Client]
    values: dict[str, list[Any]]


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    atlases.forget()
    cache.clear()
    yield
    atlases.forget()


@pytest.fixture
def hidden(settings: Any, tmp_path: Any) -> Hidden:
    settings.STORAGE_DIR = tmp_path
    # So many questions would end in refusals, which are all alike.
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (0, 60))
    team = factories.make_organization(slug="acme")
    base = factories.make_catalog_model(
        slug="llama", name="LLaMA", category="base", family="LLaMA"
    )
    model = factories.make_model(
        organization=team,
        slug=f"acme--{MARKER}",
        name=MARKER,
        name_zh=MARKER,
        aliases=[MARKER],
        repo_name=MARKER,
        category="sft",
        family=MARKER,
        license=MARKER,
        facts={"description": MARKER},
        private=True,
    )
    model.hub_repos.create(repo_id=f"{MARKER}/{MARKER}")
    child = factories.make_model(
        organization=team, repo_name="child", slug="acme--child"
    )
    rival = factories.make_model(slug="rival--copy", repo_name="copy")
    files = {"config.json": b"{}", f"{MARKER}.json": MARKER.encode()}
    for content in files.values():
        storage.store_bytes(content)
    revision = factories.make_revision(model=model, files=files, summary=MARKER)
    model.tags.create(name=MARKER, revision=revision)
    revision.declarations.create(
        position=0, declared_id="llama", relation="sft", parent=base
    )
    factories.make_derivation(child=model, parent=base, state="verified")
    verdicts = [_verdict(revision, base, model)]
    jobs = [factories.make_job(revision=revision)]
    for other in (child, rival):
        head = factories.make_revision(model=other, files={"config.json": b"{}"})
        head.declarations.create(
            position=0, declared_id="base", relation="sft", parent=model
        )
        edge = factories.make_derivation(child=other, parent=model, state="found")
        factories.make_derivation(child=other, parent=base, relation="merge")
        verdicts.append(_verdict(head, model, model))
        edge.statements.create(kind="found", verification=verdicts[-1])
        jobs.append(factories.make_job(revision=head))
    waits = _verdict(revision, base, model)
    Hearing.objects.create(verification=waits, until=timezone.now(), answer=MARKER)
    verdicts.append(waits)
    disputes = _disputes(model, child, verdicts)
    record(team, AuditEntry.Action.MODEL_HIDDEN, actor=None, subject=MARKER)
    model.corrections.create(fact="params", right=MARKER, source="https://example.org")
    HubImport.objects.create(
        revision=revision, hub="https://example.org", repo_id=MARKER, commit_id="0" * 40
    )
    hook = Webhook.objects.create(organization=team, url="https://example.org")
    told = hook.deliveries.create(event_id="1", event="push.committed", payload=MARKER)
    others = _others()
    own_reader, own_token = _member(team)
    edges = model.derivatives.values_list("pk", flat=True)
    ids = [model.pk, base.pk, child.pk, hook.pk, *(v.pk for v in verdicts)]
    ids = sorted({*ids, *edges, *(d.pk for d in disputes)})
    slugs = [model.slug, child.slug, rival.slug, base.slug, team.slug]
    shas = [file.blob_id for file in revision.files.all()]
    return Hidden(
        model=model,
        base=base,
        child=child,
        own_reader=own_reader,
        own_token=own_token,
        others=others,
        values={
            "str:slug": slugs,
            "str:other": slugs[:2],
            "int:pk": ids,
            "int:hook": [hook.pk],
            "uuid:pk": [job.pk for job in jobs],
            "uuid:delivery": [told.pk],
            "uuid:job_id": [job.pk for job in jobs],
            "str:job_id": [job.pk for job in jobs],
            "team:team": ["acme"],
            "name:name": [MARKER, "child"],
            "path:name": [MARKER, "LLaMA"],
            "str:revision": ["main", revision.commit_id, MARKER],
            "path:revision": ["main", MARKER],
            "str:name": ["main", MARKER, revision.commit_id],
            "path:path": ["config.json", f"{MARKER}.json"],
            "path:rest": ["main"],
            "path:ref": ["main", MARKER],
            "path:branch": ["main"],
            "str:sha256": shas,
            "int:number": [1],
            "str:key": ["nothing"],
            "section": ["models", "pages"],
        },
    )


def _verdict(revision: Any, other: RegisteredModel, named: RegisteredModel) -> Any:
    merged = {
        "kind": "merge",
        "value": 2,
        "child": "x",
        "parents": [named.slug, "llama"],
        "text": f"x is met by {named.slug} and llama together",
    }
    module = {
        "kind": "open-question",
        "value": "not-comparable",
        "text": f"The base has 2x2 where the adapter changes 4x4 ('{MARKER}.q').",
    }
    found = {"relation": "fine-tuned", "relation_set": [], "direction": None}
    kin = [
        {"slug": slug, "explained": True, "comparison": found | {"log10_p": -20.0}}
        for slug in (named.slug, "llama")
    ]
    return factories.make_verification(
        revision=revision,
        verdict="renamed-copy" if other == named else "consistent",
        reason="copy-of-undeclared" if other == named else "declared-base-confirmed",
        compared_with=other,
        compared_revision=other.head,
        comparison=comparison(
            a=other.slug,
            relation="identical",
            renamed={f"{named.slug}.weight": "model.weight"},
            parents=[{"id": named.slug, "weight": 0.5}],
            evidence=[merged, module, *comparison()["evidence"]],  # type: ignore[misc]
        ),
        relatives=kin,
        limits=[f"Not comparable, and so not excluded: {named.slug}, llama."],
    )


def _disputes(
    model: RegisteredModel, child: RegisteredModel, verdicts: list[Any]
) -> list[Dispute]:
    """Return disputes about the model, each with a name that must not be read."""
    things = [
        {"model": model, "fact": "params"},
        {"model": model, "derivation": model.derivations.get()},
        {"model": child, "derivation": child.derivations.get(parent=model)},
        {"model": model, "verification": verdicts[0]},
    ]
    disputes = [factories.make_dispute(**thing) for thing in things]
    for dispute in disputes:
        dispute.events.create(kind="opened", author=dispute.opened_by, text=MARKER)
    # Of a public model, in which others read it without the name.
    public = factories.make_dispute(model=child, verification=verdicts[1])
    public.events.create(kind="opened", author=public.opened_by, text="No.")
    return [*disputes, public]


def _others() -> dict[str, Client]:
    """Return everybody who must not know: nobody, a stranger, another team."""
    person = factories.make_user()
    team = factories.make_organization(owner=person, slug="rivals")
    _, key = factories.make_token(user=person, organization=team, scope="admin")
    stranger, member = Client(), Client()
    stranger.force_login(factories.make_user())
    member.force_login(person)
    return {
        "anonymous": Client(),
        "stranger": stranger,
        "other member": member,
        "other token": Client(headers={"Authorization": f"Bearer {key}"}),
    }


def _member(team: Any) -> tuple[Client, Client]:
    person, reader = factories.make_user(), Client()
    factories.make_membership(
        organization=team, user=person, role=Membership.Role.READER
    )
    _, key = factories.make_token(user=person, organization=team, scope="read")
    reader.force_login(person)
    return reader, Client(headers={"Authorization": f"Bearer {key}"})


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    """Yield the whole route of every address, in English."""
    for pattern in patterns:
        inner = pattern.pattern
        if isinstance(inner, RoutePattern):
            route = before + str(inner)
        elif isinstance(inner, LocalePrefixPattern) or str(inner) == "^/":
            route = before
        else:
            assert str(inner) in UNSPOKEN, (
                f"{inner}: a route that this test cannot fill"
            )
            continue
        if route.startswith(FOREIGN):
            continue
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield "/" + route


def addresses(hidden: Hidden) -> list[str]:
    """Return every address with every value that may stand in it."""
    found = []
    for route in routes(get_resolver().url_patterns):
        names = re.findall(r"<([^>]+)>", route)
        for name in names:
            assert name in hidden.values, f"{route}: say what stands for <{name}>"
        for values in itertools.product(*(hidden.values[name] for name in names)):
            filled = route
            for name, value in zip(names, values, strict=True):
                filled = filled.replace(f"<{name}>", str(value), 1)
            found.append(filled)
    return found


def query(about: str, form: str) -> str:
    """Return all that any address can be asked about one model, at once."""
    return (
        f"?q={about}&focus={about}&from={about}&to=llama&models={about},llama"
        f"&model={about}&model=llama&add={about}&open={about}&open=llama&repo={about}"
        f"&search={about}&family={about}&license={about}&up=5&down=5&as={form}"
        "&fact=params"
    )


FORMS = ("json", "graphml", "dot", "svg", "cyclonedx", "csv", "table")


def text_of(answer: Any) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if opened := getattr(answer, "file_to_stream", None):
        # Closing the answer would close the database too.
        opened.close()
    return str(answer.headers) + body.decode("utf-8", "replace")


def plain(text: str) -> str:
    """Return an answer without what differs at every request."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)
    text = re.sub(
        r"'(X-Request-Id|ETag|Expires|RateLimit|Retry-After)': '[^']*'", "", text
    )
    return re.sub(r"csrftoken=[^;]*", "", text)


@pytest.mark.walk
def test_no_address_names_it_to_anybody_else(hidden: Hidden) -> None:
    """Asked about others, no answer names it; asked about it, it is not there."""
    leaks = []
    for address in addresses(hidden):
        for who, client in hidden.others.items():
            leaks += [f"{who}: {address}"] * _leaks(client, address)
    assert leaks == []


def _leaks(client: Client, address: str) -> bool:
    text = plain(text_of(client.get(address)))
    if MARKER not in address:
        return MARKER in text
    absent = plain(text_of(client.get(address.replace(MARKER, ABSENT))))
    return text.replace(MARKER, ABSENT) != absent


@pytest.mark.walk
@pytest.mark.parametrize("form", FORMS)
def test_no_question_finds_it(hidden: Hidden, form: str) -> None:
    leaks = []
    public = [found for found in addresses(hidden) if MARKER not in found]
    open_ended = [a for a in public if not re.search(r"\d|child|rival", a)]
    for address in open_ended:
        for who in ("anonymous", "other member"):
            client = hidden.others[who]
            asked = [query("acme--child", form), query(f"acme--{MARKER}", form)]
            leaks += [
                f"{who}: {address}{asking}"
                for asking in asked
                if _leaks(client, address + asking)
            ]
    assert leaks == []


@pytest.mark.walk
def test_nothing_that_is_sent_to_it_is_answered_differently(hidden: Hidden) -> None:
    leaks = []
    for address in addresses(hidden):
        for who, client in hidden.others.items():
            if MARKER not in address:
                continue
            for method in ("post", "put", "delete"):
                send = getattr(client, method)
                absent = address.replace(MARKER, ABSENT)
                answers = [
                    plain(text_of(send(a, "{}", content_type="application/json")))
                    for a in (address, absent)
                ]
                if answers[0].replace(MARKER, ABSENT) != answers[1]:
                    leaks.append(f"{who}: {method} {address}")
    assert leaks == []


UNKNOWN = 987_654_321


def test_what_has_a_number_is_not_there_either(hidden: Hidden) -> None:
    """A number that stands for something private is as good as one for nothing."""
    disputes = Dispute.objects.exclude(verification__in=_of_public())
    verdicts = Verification.objects.filter(revision__model=hidden.model)
    numbered: dict[str, Any] = {
        "/disputes/{}/": disputes,
        "/disputes/{}/withdraw/": disputes,
        "/api/v1/disputes/{}/": disputes,
        "/verifications/{}/": verdicts,
        "/api/v1/verifications/{}/statement/": verdicts,
        "/disputes/new/?verdict={}": verdicts,
        "/disputes/new/?edge={}": hidden.model.derivatives,
        reverse("registry:correction-answer", args=[0]).replace(
            "0", "{}"
        ): hidden.model.corrections,
        "/lineage/atlas/{}/": RegisteredModel.objects.filter(pk=hidden.model.pk),
    }
    for address, things in numbered.items():
        for thing in things.all():
            for who, client in hidden.others.items():
                got = client.get(address.format(thing.pk))
                absent = client.get(address.format(UNKNOWN))
                assert got.status_code == absent.status_code, (who, address)
                assert _numberless(got) == _numberless(absent), (who, address)


def _numberless(answer: Any) -> str:
    return re.sub(r"\d+", "N", plain(text_of(answer)))


def _of_public() -> Any:
    return Verification.objects.filter(revision__model__private=False)


def test_programs_that_name_it_hear_that_it_is_not_there(hidden: Hidden) -> None:
    """What is sent may name it as well as an address."""
    said = {"text": "No.", "evidence": [], "fact": "params"}
    sent = {
        "/api/v1/disputes/": [
            said | {"model": "{}"},
            {"text": "No.", "model": "acme--child", "parent": "{}"},
        ],
        "/api/v1/uploads/": [{"model": "{}", "files": []}],
        "/api/v1/uploads/models/": [
            {"organization": "acme", "name": "{}", "private": True}
        ],
        "/api/v1/registrations/": [
            {"organization": "rivals", "address": "x", "name": "X", "base": "{}"}
        ],
    }
    for address, bodies in sent.items():
        for body in bodies:
            for who, client in hidden.others.items():
                asked = json.dumps(body)
                answers = [
                    client.post(
                        address,
                        asked.replace("{}", f"acme--{name}"),
                        content_type="application/json",
                    )
                    for name in (MARKER, ABSENT)
                ]
                texts = [plain(text_of(answer)) for answer in answers]
                assert texts[0].replace(MARKER, ABSENT) == texts[1], (who, address)
                assert answers[0].status_code == answers[1].status_code


def test_a_dispute_about_a_public_verdict_does_not_name_it(hidden: Hidden) -> None:
    dispute = Dispute.objects.get(verification__in=_of_public())

    for client in hidden.others.values():
        page = client.get(f"/disputes/{dispute.pk}/").content.decode()
        listed = client.get("/disputes/").content.decode()
        contested = client.get("/models/acme--child/").content.decode()
        for text in (page, listed, contested):
            assert MARKER not in text
            assert PRIVATE_NOTE in text
    own = hidden.own_reader.get(f"/disputes/{dispute.pk}/").content.decode()
    assert MARKER in own


def test_its_people_read_its_disputes_and_the_verdict_that_waits(
    hidden: Hidden,
) -> None:
    own, token = hidden.own_reader, hidden.own_token
    hearing = Hearing.objects.get()

    for dispute in Dispute.objects.all():
        assert own.get(f"/disputes/{dispute.pk}/").status_code == 200
        assert token.get(f"/api/v1/disputes/{dispute.pk}/").status_code == 200
    assert MARKER in own.get(f"/disputes/?model=acme--{MARKER}").content.decode()
    waiting = own.get(f"/verifications/{hearing.verification_id}/").content.decode()
    assert "Only your team and the moderators see this verdict" in waiting
    assert len(token.get("/api/v1/disputes/").json()["results"]) == 5
    assert (
        len(hidden.others["anonymous"].get("/api/v1/disputes/").json()["results"]) == 1
    )


@pytest.mark.walk
def test_a_new_address_that_names_it_would_be_found(
    hidden: Hidden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.permissions.Sight.sees", lambda *_: True)
    monkeypatch.setattr(
        "registry.permissions.Sight.allows",
        lambda sight, path="": __import__("django").db.models.Q(),
    )

    leaks = {
        address
        for address in addresses(hidden)
        if _leaks(hidden.others["anonymous"], address)
    }

    expected = {
        f"/models/acme--{MARKER}/",
        "/models/",
        "/models/llama/",
        "/feed.atom",
        "/sitemap-models.xml",
        "/families/",
        "/lineage/",
        "/lineage/atlas/data.json",
        "/organizations/acme/",
        "/api/v1/models/",
        "/api/v1/models/facets/",
        "/api/models",
        f"/api/models/acme/{MARKER}",
        f"/acme/{MARKER}/resolve/main/config.json",
        "/disputes/",
        "/api/v1/disputes/",
    }
    assert expected <= leaks


def test_its_own_people_see_it_wherever_it_belongs(hidden: Hidden) -> None:
    slug = hidden.model.slug
    pages = [
        f"/models/{slug}/",
        f"/models/{slug}/history/",
        "/models/",
        "/models/llama/",
        "/models/acme--child/",
        "/organizations/acme/",
        f"/lineage/?focus={slug}",
        "/lineage/atlas/data.json",
        f"/compare/?model={slug}&model=llama",
        f"/acme/{MARKER}/resolve/main/{MARKER}.json",
        "/api/models",
    ]
    programs = [
        f"/api/v1/models/{slug}/",
        "/api/v1/models/",
        "/api/v1/models/llama/descendants/",
        f"/api/v1/lineage/path/?from=acme--child&to={slug}",
        "/api/v1/models/acme--child/parents/",
        "/api/v1/models/facets/",
        "/api/models",
        f"/api/models/acme/{MARKER}",
        f"/api/models/acme/{MARKER}/tree/main",
        f"/api/models/acme/{MARKER}/refs",
        f"/acme/{MARKER}/resolve/main/{MARKER}.json",
    ]

    for client, asked in ((hidden.own_reader, pages), (hidden.own_token, programs)):
        for address in asked:
            assert MARKER in text_of(client.get(address)), address


def test_who_runs_the_register_sees_it(hidden: Hidden) -> None:
    client = Client()
    client.force_login(factories.make_user(is_staff=True))

    assert client.get(f"/models/{hidden.model.slug}/").status_code == 200


def test_a_public_verdict_speaks_of_it_without_a_name(hidden: Hidden) -> None:
    page = hidden.others["anonymous"].get("/models/acme--child/").content.decode()
    chinese = hidden.others["anonymous"].get("/zh-hans/models/acme--child/")
    verdict = hidden.others["anonymous"].get("/api/v1/models/acme--child/").json()

    assert f"has the same weights as {PRIVATE_NOTE}" in page
    assert "其组织未公开的模型" in chinese.content.decode()
    assert verdict["verdict"]["compared_with"] is None
    assert verdict["verdict"]["comparison"]["a"] == PRIVATE_NOTE
    assert PRIVATE_NOTE in json.dumps(verdict["verdict"]["limits"])


def test_counts_leave_it_out_for_others(hidden: Hidden) -> None:
    anybody, own = hidden.others["anonymous"], hidden.own_token
    subtree = "/api/v1/models/llama/subtree/"
    teams = "/api/v1/organizations/"

    def n_models(client: Client) -> int:
        found = client.get(teams).json()["results"]
        return next(team["n_models"] for team in found if team["slug"] == "acme")

    assert anybody.get(subtree).json()["total"] == 2
    assert own.get(subtree).json()["total"] == 3
    assert (n_models(anybody), n_models(own)) == (1, 2)


def test_no_way_leads_through_it_for_others(hidden: Hidden) -> None:
    hidden.child.derivations.filter(parent=hidden.base).update(state="withdrawn")
    path = "/api/v1/lineage/path/?from=acme--child&to=llama"

    assert hidden.others["anonymous"].get(path).json()["paths"] == []
    assert len(hidden.own_token.get(path).json()["paths"]) == 1


def test_what_members_get_is_kept_by_nobody_between(hidden: Hidden) -> None:
    slug = hidden.model.slug
    seen = [
        hidden.own_reader.get(f"/models/{slug}/"),
        hidden.own_token.get(f"/api/v1/models/{slug}/"),
        hidden.own_token.get(f"/acme/{MARKER}/resolve/main/config.json"),
    ]

    for answer in seen:
        assert answer.status_code == 200
        assert "private" in answer["Cache-Control"]
        assert "Authorization" in answer["Vary"]
        text_of(answer)
    assert "Cookie" in seen[0]["Vary"]
    tag = seen[0].get("ETag", "")
    other = hidden.others["anonymous"].get(
        f"/models/{slug}/", headers={"If-None-Match": tag}
    )
    assert other.status_code == 404


def test_another_cannot_use_its_contents_by_their_hash(hidden: Hidden) -> None:
    person = factories.make_user()
    team = factories.make_organization(owner=person, slug="thief")
    factories.make_model(organization=team, repo_name="m", slug="thief--m")
    _, key = factories.make_token(user=person, organization=team)
    file = hidden.model.head.files.get(path=f"{MARKER}.json")  # type: ignore[union-attr]
    body = {
        "operation": "upload",
        "objects": [{"oid": file.blob_id, "size": file.blob.size_bytes}],
    }

    answer = Client(headers={"Authorization": f"Bearer {key}"}).post(
        "/thief/m.git/info/lfs/objects/batch", body, content_type="application/json"
    )

    assert "actions" in answer.json()["objects"][0]


def test_a_member_reads_the_api_by_links_and_changes_nothing_there(
    hidden: Hidden,
) -> None:
    address = f"/api/v1/lineage/graph/?focus={hidden.model.slug}&as=dot"

    assert hidden.own_reader.get(address).status_code == 200
    assert hidden.own_reader.get("/api/v1/registrations/").status_code == 401
