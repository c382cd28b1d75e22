"""manage.py token."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from registry.models import ApiToken, Membership, Organization
from registry.services.organizations import find_token
from tests.factories import make_organization, make_user


def token(*arguments: str) -> str:
    out = StringIO()
    call_command("token", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_it_prints_a_token_that_works_and_nothing_else() -> None:
    printed = token("ann", "--organization", "acme")

    found = find_token(printed.removesuffix("\n"))
    assert found is not None
    assert (found.user.username, found.organization.slug) == ("ann", "acme")
    assert found.scope == ApiToken.Scope.PUSH


def test_it_makes_the_user_an_owner_of_a_new_organization() -> None:
    token("ann", "--organization", "acme")

    membership = Membership.objects.get()
    assert membership.role == Membership.Role.OWNER
    assert not membership.user.has_usable_password()


def test_it_takes_an_organization_that_is_there_whatever_its_case() -> None:
    organization = make_organization(slug="Acme", owner=make_user(username="ann"))

    token("ann", "--organization", "acme", "--scope", "read")
    token("ann", "--organization", "ACME")

    assert Organization.objects.get() == organization
    assert organization.api_tokens.count() == 2


@pytest.mark.parametrize("name", ["api", "a b", "", "-x", "a--b"])
def test_a_name_that_cannot_be_used_is_one_clear_line(name: str) -> None:
    with pytest.raises(CommandError) as refused:
        token("ann", f"--organization={name}")

    assert "\n" not in str(refused.value)
    assert not Organization.objects.exists()
    assert not ApiToken.objects.exists()


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        token("ann", "--organization", "acme", "--scope", "everything")
