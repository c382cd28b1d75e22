"""Who acts: organisations, the people in them, and the tokens of their programs."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.vocabulary import is_reserved

NAME_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9]|[._-](?![._-]))*(?<![._-])\Z"
TOKEN_PREFIX = "baimo_"

validate_name = RegexValidator(
    NAME_PATTERN,
    _("Use letters, digits and single '.', '_' or '-' between them."),
)


def validate_not_reserved(name: str) -> None:
    """Raise ValidationError for a name that is a path of this site."""
    if is_reserved(name):
        raise ValidationError(_("This name is reserved."))


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def named(self, slug: str) -> OrganizationQuerySet:
        """Return the organisation of that name, whatever its case."""
        return self.filter(slug__lower=slug.lower())

    def of_member(self, user: User) -> OrganizationQuerySet:
        """Return the organisations that a user belongs to."""
        return self.filter(memberships__user=user)

    def with_n_models(self, seen: Q) -> models.QuerySet[Any]:
        """Return organisations annotated with `n_models`, of those that are seen."""
        standing = Q(models__removal=None)
        count = models.Count("models", filter=seen & standing, distinct=True)
        return self.annotate(n_models=count)


class Organization(models.Model):
    """A laboratory of the catalog, or a team that pushes its own models."""

    slug = models.CharField(
        _("name"), max_length=96, validators=[validate_name, validate_not_reserved]
    )
    name = models.CharField(_("display name"), max_length=200, blank=True)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    is_catalog = models.BooleanField(_("from the catalog"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="organizations"
    )

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("slug"),
                name="organization_name_unique",
                violation_error_message=_("This name is taken."),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        return reverse("registry:organization", args=[self.slug])

    @property
    def title(self) -> str:
        return self.name or self.slug


class Membership(models.Model):
    """A person's role in an organisation."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MAINTAINER = "maintainer", _("Maintainer")
        READER = "reader", _("Reader")

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="membership_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self, *, at: datetime) -> ApiTokenQuerySet:
        """Return tokens of active people that are neither revoked nor expired."""
        return self.filter(revoked_at=None, user__is_active=True).filter(
            Q(expires_at=None) | Q(expires_at__gt=at)
        )

    def matching(self, key: str) -> ApiTokenQuerySet:
        """Return the token whose secret this is; keys are compared as digests."""
        return self.filter(digest=ApiToken.digest_of(key))


class ApiToken(models.Model):
    """A named secret that lets a program act for a person in one organisation.

    Only the SHA-256 of the secret is stored: it has 32 random bytes, so a slow
    password hash would add nothing.
    """

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        PUSH = "push", _("Push")
        ADMIN = "admin", _("Administer")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(_("name"), max_length=80)
    scope = models.CharField(
        _("scope"), max_length=8, choices=Scope.choices, default=Scope.PUSH
    )
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(key: str) -> str:
        """Return the hexadecimal SHA-256 under which a secret is stored."""
        return hashlib.sha256(key.encode()).hexdigest()

    @staticmethod
    def new_key() -> str:
        """Return a fresh secret of 32 random bytes."""
        return TOKEN_PREFIX + secrets.token_urlsafe(32)

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def can_push(self) -> bool:
        return self.scope in {self.Scope.PUSH, self.Scope.ADMIN}
