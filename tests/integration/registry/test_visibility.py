"""Making a model private or public, and what a verdict may rest on."""

from __future__ import annotations

from typing import Any

import pytest

from lineage.models import Derivation, Dispute, Verification
from lineage.services.disputes import Contested, open_dispute
from registry.models import AuditEntry, Job, Organization, RegisteredModel, Revision
from registry.naming import hint, resolve, suggest
from registry.permissions import PUBLIC, Sight, sight_for, sight_of
from registry.services import fingerprints
from registry.services.organizations import create_organization
from registry.services.revisions import register_model
from registry.services.uploads import may_use
from registry.services.visibility import set_private
from tests import factories
from tests.pushing import ZOO, push, work


@pytest.fixture(autouse=True)
def _store(settings: Any, tmp_path: Any) -> None:
    settings.STORAGE_DIR = tmp_path


def team(name: str) -> Organization:
    return create_organization(slug=name, owner=factories.make_user())


def private(repo_id: str, folder: str | None, **card: Any) -> RegisteredModel:
    """Push a private model of a team that is there."""
    slug, _, name = repo_id.partition("/")
    organization = Organization.objects.get(slug=slug)
    register_model(organization=organization, name=name, private=True)
    return push(repo_id, ZOO / folder if folder else None, **card).model


def verdict_on(model: RegisteredModel) -> Verification:
    newest = Verification.objects.filter(revision__model=model).order_by("-pk").first()
    assert newest is not None
    return newest


def test_members_see_what_is_theirs_and_those_who_run_the_register_all() -> None:
    organization = factories.make_organization()
    model = factories.make_model(organization=organization, private=True)
    reader, stranger = factories.make_user(), factories.make_user()
    factories.make_membership(organization=organization, user=reader, role="reader")
    other = factories.make_organization(owner=reader)
    token, _ = factories.make_token(user=reader, organization=other)

    assert sight_of(reader).sees(model)
    assert not sight_of(stranger).sees(model)
    assert sight_of(factories.make_user(is_staff=True)).sees(model)
    assert not sight_of(reader, token).sees(model)
    for sight in (PUBLIC, sight_of(reader), Sight(is_whole=True)):
        found = RegisteredModel.objects.filter(sight.allows(), pk=model.pk)
        assert found.exists() == sight.sees(model)


def test_a_change_is_written_down_once() -> None:
    owner = factories.make_user()
    organization = factories.make_organization(owner=owner)
    model = factories.make_model(organization=organization)

    set_private(model, True, by=owner)
    set_private(model, True, by=owner)
    set_private(model, False, by=owner)

    said = AuditEntry.objects.filter(organization=organization).order_by("pk")
    assert [entry.action for entry in said] == ["model-hidden", "model-shown"]
    assert {entry.subject for entry in said} == {model.repo_id}


def test_another_teams_verdict_rests_on_nothing_that_is_private() -> None:
    team("acme"), team("rival")
    secret = private("acme/secret", "small-1", baimo_category="base")
    work()
    copy = push("rival/copy", ZOO / "small-1", baimo_category="base").model
    work()

    assert verdict_on(copy).verdict != "renamed-copy"
    assert verdict_on(copy).n_compared == 0
    assert verdict_on(secret).n_compared == 1


def test_of_who_was_first_in_private_and_who_in_public_neither_is_accused() -> None:
    """Each may have taken the weights from the other: nobody can tell."""
    organization = team("acme")
    team("rival")
    secret = private("acme/secret", "small-1", baimo_category="base")
    work()
    own = push("rival/own", ZOO / "small-1", baimo_category="base").model
    work()

    job = set_private(secret, False, by=organization.members.get())
    assert job is not None
    work()

    for model in (secret, own):
        assert verdict_on(model).n_compared == 1
        assert verdict_on(model).verdict != "renamed-copy"


def test_to_hide_a_model_for_a_while_does_not_make_it_younger() -> None:
    organization = team("acme")
    team("rival")
    base = push("acme/base", ZOO / "small-1", baimo_category="base").model
    work()
    owner = organization.members.get()
    set_private(base, True, by=owner)
    copy = push("rival/copy", ZOO / "small-1", baimo_category="base").model
    work()

    set_private(base, False, by=owner)
    work()

    assert verdict_on(copy).verdict == "renamed-copy"
    assert verdict_on(base).verdict != "renamed-copy"


def test_within_an_organisation_what_was_there_first_is_first() -> None:
    organization = team("acme")
    secret = private("acme/secret", "small-1", baimo_category="base")
    work()
    copy = push("acme/copy", ZOO / "small-1", baimo_category="base").model
    work()

    set_private(secret, False, by=organization.members.get())
    work()

    assert verdict_on(copy).verdict == "renamed-copy"
    assert verdict_on(secret).verdict != "renamed-copy"


def test_a_declared_private_base_of_the_same_team_is_compared() -> None:
    team("acme")
    private("acme/secret", "small-1", baimo_category="base")
    work()
    child = push(
        "acme/child",
        ZOO / "small-1-tuned",
        base_model="acme/secret",
        base_model_relation="finetune",
    ).model
    work()

    assert verdict_on(child).verdict == "consistent"


def test_a_private_id_means_nothing_to_others_until_it_is_public() -> None:
    organization = team("acme")
    team("rival")
    secret = private("acme/secret", None, baimo_category="base")
    child = push("rival/child", None, base_model="acme/secret").model
    declaration = child.head.declarations.get()  # type: ignore[union-attr]

    assert declaration.parent is None
    assert resolve("acme/secret", sight_for(child)) is None
    assert resolve("acme/secret", sight_for(secret)) == secret

    set_private(secret, False, by=organization.members.get())

    declaration.refresh_from_db()
    assert declaration.parent == secret
    assert child.derivations.get().parent == secret


def test_a_hidden_base_is_not_taken_back_by_the_next_push() -> None:
    organization = team("acme")
    team("rival")
    base = push("acme/base", None, baimo_category="base").model
    child = push("rival/child", None, base_model="acme/base").model
    set_private(base, True, by=organization.members.get())

    push("rival/child", None, base_model="acme/base", license="mit")

    assert child.derivations.get().state == "declared"
    assert Job.objects.count() == 0


@pytest.mark.parametrize("is_staff", [False, True])
def test_a_hash_carries_nothing_from_one_organisation_to_another(
    is_staff: bool,
) -> None:
    acme, rival = team("acme"), team("rival")
    person = factories.make_user(is_staff=is_staff)
    factories.make_membership(organization=rival, user=person)
    factories.make_membership(organization=acme, user=person, role="reader")
    secret = private("acme/secret", "small-1", baimo_category="base")
    weights = secret.head.weight_files().get().blob_id  # type: ignore[union-attr]
    theirs = register_model(organization=rival, name="theirs")
    own = register_model(organization=acme, name="own")

    assert may_use(person, own, weights)
    assert not may_use(person, theirs, weights)

    set_private(secret, False, by=person)

    assert may_use(person, theirs, weights)


def test_nobody_is_suggested_an_id_that_is_private() -> None:
    team("acme")
    secret = private("acme/secretive", None, baimo_category="base")

    assert suggest("secretive") == []
    assert hint("secretive", sight_for(secret)) == ""


def test_a_family_is_not_learned_from_a_base_that_is_private() -> None:
    team("acme")
    secret = private("acme/secret", "small-1", baimo_category="base")
    RegisteredModel.objects.filter(pk=secret.pk).update(family="Secret")

    public = push("acme/public", None, base_model="acme/secret").model
    kept = private("acme/kept", None, base_model="acme/secret")

    assert RegisteredModel.objects.get(pk=public.pk).family == ""
    assert RegisteredModel.objects.get(pk=kept.pk).family == "Secret"


@pytest.mark.parametrize("hides", ["child", "parent"])
def test_a_dispute_has_no_side_that_does_not_see_the_other(hides: str) -> None:
    base = push("rival/base", None, baimo_category="base").model
    child = push("acme/child", None, base_model="rival/base").model
    edge = Derivation.objects.get(child=child, parent=base)
    opener = factories.make_user()
    thing = Contested(model=child, derivation=edge)
    dispute = open_dispute(thing, reason="No.", evidence=[], by=opener)
    assert [side.slug for side in dispute.other_side()] == ["acme", "rival"]

    hidden = child if hides == "child" else base
    set_private(hidden, True, by=opener)

    found = Dispute.objects.with_things().get(pk=dispute.pk)
    assert [side.slug for side in found.other_side()] == ["acme"]
    seen = Dispute.objects.visible_to(sight_of(opener))
    assert not seen.exists()
    assert Dispute.objects.visible_to(sight_for(hidden)).exists()


def test_the_same_weights_are_read_again_for_who_does_not_see_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    sketch = fingerprints._sketch

    def noted(revision: Revision, *more: Any) -> bytes:
        read.append(revision.model.repo_id)
        return sketch(revision, *more)

    monkeypatch.setattr(fingerprints, "_sketch", noted)
    team("acme"), team("rival")
    private("acme/secret", "small-1", baimo_category="base")
    work()
    for repo_id in ("rival/copy", "rival/again", "acme/own"):
        push(repo_id, ZOO / "small-1", baimo_category="base")
        work()

    assert read == ["acme/secret", "rival/copy"]


def test_what_others_keep_costs_as_much_to_ask_for_as_what_is_not_here(
    django_assert_num_queries: Any,
) -> None:
    team("acme")
    rival = team("rival")
    secret = private("acme/secret", "small-1", baimo_category="base")
    weights = secret.head.weight_files().get().blob_id  # type: ignore[union-attr]
    theirs = register_model(organization=rival, name="theirs")
    person = rival.members.get()

    for sha256 in (weights, "a" * 64):
        with django_assert_num_queries(1):
            assert not may_use(person, theirs, sha256)
