"""Inviting, joining, changing roles, leaving; and what is written down of it."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from registry.models import AuditEntry, Invitation, Membership, Organization
from registry.services.members import (
    AlreadyMember,
    InvitationGone,
    LastOwner,
    accept_invitation,
    change_role,
    invite,
    remove_member,
    withdraw_invitation,
)
from registry.services.organizations import create_token, find_token, revoke_token
from tests import factories

Role = Membership.Role


@pytest.fixture
def owner(db: None) -> User:
    return factories.make_user()


@pytest.fixture
def team(owner: User) -> Organization:
    return factories.make_organization(owner=owner)


def acts(team: Organization) -> list[tuple[str, str]]:
    """Return what was done in a team, oldest first."""
    entries = team.audit_entries.order_by("id")
    return [(entry.action, entry.subject) for entry in entries]


def test_an_invitation_is_accepted_once(team: Organization, owner: User) -> None:
    invitation, key = invite(team, role=Role.MAINTAINER, email="a@b.example", by=owner)
    first, second = factories.make_user(), factories.make_user()

    membership = accept_invitation(key, first)

    assert (membership.user, membership.role) == (first, Role.MAINTAINER)
    with pytest.raises(InvitationGone):
        accept_invitation(key, second)
    assert key not in str(vars(invitation))
    assert acts(team) == [
        ("invited", "a@b.example (maintainer)"),
        ("joined", "maintainer"),
    ]


def test_an_old_withdrawn_or_unknown_invitation_is_gone(
    team: Organization, owner: User
) -> None:
    old, old_key = invite(team, role=Role.READER, email="", by=owner)
    Invitation.objects.filter(pk=old.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    withdrawn, withdrawn_key = invite(team, role=Role.READER, email="", by=owner)
    withdraw_invitation(withdrawn, by=owner)

    for key in (old_key, withdrawn_key, "guessed"):
        with pytest.raises(InvitationGone):
            accept_invitation(key, factories.make_user())


def test_a_member_leaves_the_invitation_to_others(
    team: Organization, owner: User
) -> None:
    _, key = invite(team, role=Role.READER, email="", by=owner)

    with pytest.raises(AlreadyMember):
        accept_invitation(key, owner)

    other = factories.make_user()
    assert accept_invitation(key, other).user == other
    assert team.memberships.get(user=owner).role == Role.OWNER


def test_the_last_owner_stays_one(team: Organization, owner: User) -> None:
    membership = team.memberships.get(user=owner)

    with pytest.raises(LastOwner):
        change_role(membership, Role.READER, by=owner)
    with pytest.raises(LastOwner):
        remove_member(membership, by=owner)

    assert team.memberships.get().role == Role.OWNER


def test_with_a_second_owner_the_first_may_go(team: Organization, owner: User) -> None:
    second = factories.make_membership(
        organization=team, user=factories.make_user(), role=Role.READER
    )
    change_role(second, Role.OWNER, by=owner)

    remove_member(team.memberships.get(user=owner), by=owner)

    assert team.memberships.get().user == second.user
    assert acts(team) == [
        ("role-changed", f"{second.user.username} (owner)"),
        ("left", ""),
    ]


def test_whoever_is_removed_loses_their_tokens_here_alone(
    team: Organization, owner: User
) -> None:
    gone = factories.make_user()
    elsewhere = factories.make_organization(owner=gone)
    member = factories.make_membership(
        organization=team, user=gone, role=Role.MAINTAINER
    )
    _, key = factories.make_token(user=gone, organization=team)
    _, other_key = factories.make_token(user=gone, organization=elsewhere)

    remove_member(member, by=owner)

    assert find_token(key) is None
    assert find_token(other_key) is not None
    assert acts(team)[-1] == ("member-removed", gone.username)


def test_tokens_are_written_down_without_their_secret(
    team: Organization, owner: User
) -> None:
    token, key = create_token(user=owner, organization=team, name="ci", scope="push")
    revoke_token(token, by=owner)

    assert [action for action, _ in acts(team)] == ["token-made", "token-revoked"]
    assert all(key not in subject for _, subject in acts(team))


@pytest.mark.usefixtures("append_only")
def test_the_database_keeps_the_record(team: Organization, owner: User) -> None:
    invite(team, role=Role.READER, email="", by=owner)

    for change in (
        lambda: AuditEntry.objects.update(subject="nothing"),
        lambda: AuditEntry.objects.filter(organization=team)._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert acts(team) == [("invited", "reader")]


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_leave_one_behind() -> None:
    first, second = factories.make_user(), factories.make_user()
    team = factories.make_organization(owner=first)
    factories.make_membership(organization=team, user=second)
    start, refused = Barrier(2), []

    def leave(user: User) -> None:
        membership = team.memberships.select_related("user").get(user=user)
        start.wait()
        try:
            remove_member(membership, by=user)
        except LastOwner as error:
            refused.append(error)
        connection.close()

    threads: list[Any] = [Thread(target=leave, args=[user]) for user in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len(refused) == 1 and team.memberships.count() == 1
