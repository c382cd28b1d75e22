"""Who may do what. Every rule of access stands here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet

from registry.models import (
    ApiToken,
    Claim,
    Correction,
    Membership,
    Organization,
    RegisteredModel,
    RevisionFile,
)

WRITERS = (Membership.Role.OWNER, Membership.Role.MAINTAINER)


@dataclass(frozen=True)
class Sight:
    """Whose private models somebody sees: those of some organisations, or all."""

    teams: frozenset[int] = frozenset()
    is_whole: bool = False

    def sees(self, model: RegisteredModel) -> bool:
        """Return whether the model is public, or private and among the own."""
        return not model.private or self.is_whole or model.organization_id in self.teams

    def allows(self, path: str = "") -> Q:
        """Return the condition that the model at this path of a query is seen."""
        if self.is_whole:
            return Q()
        at = f"{path}__" if path else ""
        public = Q(**{f"{at}private": False})
        if not self.teams:
            return public
        return public | Q(**{f"{at}organization__in": sorted(self.teams)})


PUBLIC: Final = Sight()
EVERYTHING: Final = Sight(is_whole=True)


def sight_of(user: User | AnonymousUser, token: ApiToken | None = None) -> Sight:
    """Return what of private models someone sees.

    A person sees those of their organisations, whatever the role; who runs the
    register sees all; a token sees those of its own organisation.
    """
    if not isinstance(user, User) or not user.is_active:
        return PUBLIC
    if token is None and is_moderator(user):
        return EVERYTHING
    own = Membership.objects.filter(user=user)
    if token is not None:
        own = own.filter(organization=token.organization_id)
    return Sight(frozenset(own.values_list("organization_id", flat=True)))


def sight_for(model: RegisteredModel) -> Sight:
    """Return what a verdict on the model may rest on, and its declaration name.

    What is public, and what its own organisation keeps private: nobody learns from
    a verdict what another organisation keeps.
    """
    team = model.organization_id
    return PUBLIC if team is None else Sight(frozenset({team}))


def sight_of_readers(model: RegisteredModel) -> Sight:
    """Return what every reader of a model sees: of a public one, what is public."""
    return sight_for(model) if model.private else PUBLIC


def can_push(
    user: User | AnonymousUser,
    organization: Organization,
    *,
    token: ApiToken | None,
) -> bool:
    """Return whether someone may write the organisation's models.

    A person needs a writing role; a token needs that person's role, its own scope,
    and this very organisation.
    """
    if token is not None and not (
        token.can_push and token.organization_id == organization.pk
    ):
        return False
    return isinstance(user, User) and _has_role(user, organization, WRITERS)


def may_push_to(user: User) -> QuerySet[Organization]:
    """Return the organisations whose models a person may write."""
    roles = Membership.objects.filter(user=user, role__in=WRITERS)
    return Organization.objects.filter(pk__in=roles.values("organization"))


def can_administer(
    user: User | AnonymousUser,
    organization: Organization,
    *,
    token: ApiToken | None = None,
) -> bool:
    """Return whether someone may manage members, webhooks and everybody's tokens.

    And hide, show and remove models. A person must be an owner: a webhook tells the
    world outside, as a token does. A program needs an owner's token with the scope
    to administer this organisation.
    """
    if token is not None and not (
        token.scope == ApiToken.Scope.ADMIN and token.organization_id == organization.pk
    ):
        return False
    return isinstance(user, User) and _has_role(
        user, organization, (Membership.Role.OWNER,)
    )


def scopes_for(
    user: User | AnonymousUser, organization: Organization
) -> tuple[ApiToken.Scope, ...]:
    """Return the scopes that someone may give a token of their own; none to strangers.

    A token never does what its person may not, so none is offered that could.
    """
    scope = ApiToken.Scope
    if can_administer(user, organization):
        return (scope.READ, scope.PUSH, scope.ADMIN)
    if can_push(user, organization, token=None):
        return (scope.READ, scope.PUSH)
    return (scope.READ,) if is_member(user, organization) else ()


def can_revoke(user: User | AnonymousUser, token: ApiToken) -> bool:
    """Return whether someone may revoke a token: whose it is, and the owners."""
    return user == token.user or can_administer(user, token.organization)


def is_member(user: User | AnonymousUser, organization: Organization) -> bool:
    """Return whether someone may see who belongs to the organisation."""
    return isinstance(user, User) and _has_role(
        user, organization, tuple(Membership.Role)
    )


def is_moderator(user: User | AnonymousUser) -> bool:
    """Return whether someone may see the queues of what people ask of the register."""
    return isinstance(user, User) and user.is_active and user.is_staff


def can_decide(user: User | AnonymousUser, claim: Claim) -> bool:
    """Return whether someone may decide on a claim: a moderator, not on their own."""
    return is_moderator(user) and claim.claimant_id != user.pk


def can_see_claim(user: User | AnonymousUser, claim: Claim) -> bool:
    """Return whether someone may read a claim: who made it, owners, and moderators."""
    is_own = claim.claimant_id == user.pk
    return is_own or is_moderator(user) or can_object(user, claim)


def can_object(user: User | AnonymousUser, claim: Claim) -> bool:
    """Return whether someone may speak against a claim: the organisation's owners."""
    is_own = claim.claimant_id == user.pk
    return not is_own and can_administer(user, claim.organization)


def can_answer(user: User | AnonymousUser, correction: Correction) -> bool:
    """Return whether someone may answer for the entry that is to be corrected."""
    team = correction.model.organization
    return team is not None and can_push(user, team, token=None)


def moderators() -> QuerySet[User]:
    """Return everybody who decides disputes."""
    return User.objects.filter(is_active=True, is_staff=True)


def writers_of(organizations: Iterable[Organization]) -> QuerySet[User]:
    """Return everybody who may write the models of some organisations."""
    teams = [organization.pk for organization in organizations]
    held = Membership.objects.filter(organization__in=teams, role__in=WRITERS)
    return User.objects.filter(is_active=True, memberships__in=held).distinct()


def can_open_dispute(
    user: User | AnonymousUser, *, token: ApiToken | None = None
) -> bool:
    """Return whether someone may contest what is public: whoever is signed in."""
    return isinstance(user, User) and (token is None or token.can_push)


def can_answer_dispute(
    user: User | AnonymousUser,
    *,
    opener: User,
    other_side: Sequence[Organization],
    token: ApiToken | None = None,
) -> bool:
    """Return whether someone speaks for the other side of a dispute.

    That is who may write its models; where it has nobody, a moderator.
    """
    if user == opener or not can_open_dispute(user, token=token):
        return False
    if not other_side:
        return is_moderator(user)
    return any(can_push(user, team, token=token) for team in other_side)


def can_decide_dispute(
    user: User | AnonymousUser,
    *,
    opener: User,
    model: RegisteredModel,
    token: ApiToken | None = None,
) -> bool:
    """Return whether a moderator may decide: not in a cause of their own."""
    if token is not None and token.scope != ApiToken.Scope.ADMIN:
        return False
    if not is_moderator(user) or user == opener:
        return False
    return model.organization is None or not is_member(user, model.organization)


def sees_unpublished(
    user: User | AnonymousUser,
    model: RegisteredModel,
    *,
    token: ApiToken | None = None,
) -> bool:
    """Return whether someone may read a verdict that waits for its team's answer.

    A token sees what its own organisation sees.
    """
    team = model.organization
    if token is not None and token.organization_id != model.organization_id:
        return False
    return is_moderator(user) or (team is not None and is_member(user, team))


def can_read_content(model: RegisteredModel, sha256: str) -> bool:
    """Return whether a content may be put into a model by whoever did not bring it.

    What is public may, and what the model's own organisation keeps private, whoever
    asks and with whatever token: a person of two organisations carries nothing from
    one to the other by its hash. What was sent and not yet committed, or was removed,
    may not.
    """
    standing = RevisionFile.objects.standing().filter(blob_id=sha256)
    return standing.filter(sight_for(model).allows("revision__model")).exists()


def _has_role(
    user: User,
    organization: Organization,
    roles: tuple[Membership.Role, ...],
) -> bool:
    return Membership.objects.filter(
        user=user, organization=organization, role__in=roles
    ).exists()
