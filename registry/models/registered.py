"""What is registered: models, products and tools, with a source for every fact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from registry.models.organizations import Organization
from registry.search import phrases, searchable
from registry.vocabulary import (
    ARCHITECTURE_LABELS,
    CATEGORY_LABELS,
    KIND_LABELS,
    Category,
    Kind,
)

# Names are looked up without case through the indexes on their lower form.
models.CharField.register_lookup(Lower)

SLUG_PATTERN = r"^[A-Za-z0-9._-]+\Z"


class AnyOf(models.Lookup):
    """`any_of`: one of very many ids, as `listed` writes them; faster than `in`.

    They are one parameter, where SQLite refuses a quarter of a million.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, values = self.process_lhs(compiler, connection)
        condition = f"{column} IN (SELECT value FROM json_each(%s))"
        return condition, [*values, f"[{self.rhs}]"]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        column, values = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s::bigint[])", [*values, f"{{{self.rhs}}}"]


models.BigAutoField.register_lookup(AnyOf)


def listed(ids: Iterable[int]) -> str:
    """Return ids as the lookup `any_of` takes them."""
    return ",".join(map(str, ids))


class RegisteredModelQuerySet(models.QuerySet["RegisteredModel"]):
    def with_slug(self, slug: str) -> RegisteredModelQuerySet:
        """Return the entry with that slug, whatever its case."""
        return self.filter(slug__lower=slug.lower())

    def among(self, ids: Iterable[int]) -> RegisteredModelQuerySet:
        """Return the entries with these ids, of which there may be very many."""
        return self.filter(id__any_of=listed(ids))

    def in_repo(self, team: str, name: str) -> RegisteredModelQuerySet:
        """Return the entry that a team pushed under that name, ignoring case."""
        return self.filter(
            organization__slug__lower=team.lower(), repo_name__lower=name.lower()
        )

    def listed(self) -> RegisteredModelQuerySet:
        """Return what lists show: the catalog, and what teams have really pushed.

        What was imported from a hub stands in lineages and has pages, but millions of
        entries that nobody described would bury the few that somebody did. What was
        removed has a page and stands in lineages too.
        """
        return self.filter(
            Q(origin=RegisteredModel.Origin.CATALOG) | Q(head__isnull=False),
            # Said in this way an index answers it.
            origin__in=RegisteredModel.DESCRIBED,
            removal=None,
        )

    def listed_or_imported(self) -> RegisteredModelQuerySet:
        """Return all but what a team has named and never pushed."""
        return self.exclude(origin=RegisteredModel.Origin.TEAM, head__isnull=True)

    def from_teams(self) -> RegisteredModelQuerySet:
        """Return what teams registered, without the catalog."""
        return self.filter(origin=RegisteredModel.Origin.TEAM)

    def from_catalog(self) -> RegisteredModelQuerySet:
        """Return what the catalog's data files describe."""
        return self.filter(origin=RegisteredModel.Origin.CATALOG)

    def from_hub(self) -> RegisteredModelQuerySet:
        """Return what was imported from a public hub."""
        return self.filter(origin=RegisteredModel.Origin.HUB)

    def searched(self, text: str) -> RegisteredModelQuerySet:
        """Return entries whose names contain every word of the text.

        Words after the twentieth are not looked at; punctuation alone finds nothing.
        """
        wanted = phrases(text)
        if text.strip() and not wanted:
            return self.none()
        found = self
        for phrase in wanted:
            found = found.filter(search_text__contains=phrase)
        return found

    def by_name(self, text: str) -> RegisteredModelQuerySet:
        """Return entries annotated with `closeness`: 0 for the very name, 1, 2 after.

        1 is a name that begins with the text.
        """
        name = text.strip()
        return self.annotate(
            closeness=models.Case(
                models.When(
                    Q(name__iexact=name)
                    | Q(name_zh__iexact=name)
                    | Q(slug__lower=name.lower()),
                    then=0,
                ),
                models.When(
                    Q(name__istartswith=name) | Q(name_zh__startswith=name), then=1
                ),
                default=2,
                output_field=models.SmallIntegerField(),
            )
        )


class RegisteredModel(models.Model):
    """An entry of the register: a model, a product or a tool."""

    class Origin(models.TextChoices):
        CATALOG = "catalog", _("Catalog")
        TEAM = "team", _("Registered by its team")
        HUB = "hub", _("Imported from a public hub")

    # Origins of which somebody said here what the entry is.
    DESCRIBED = (Origin.CATALOG, Origin.TEAM)

    slug = models.CharField(
        _("slug"), max_length=200, validators=[RegexValidator(SLUG_PATTERN)]
    )
    origin = models.CharField(max_length=8, choices=Origin.choices)
    kind = models.CharField(
        _("kind"),
        max_length=8,
        choices=[(kind.value, label) for kind, label in KIND_LABELS.items()],
        default=Kind.MODEL.value,
    )
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    aliases = models.JSONField(_("aliases"), default=list, blank=True)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="models",
    )
    repo_name = models.CharField(max_length=96, blank=True)
    category = models.CharField(
        _("category"),
        max_length=24,
        blank=True,
        choices=[
            (category.value, label) for category, label in CATEGORY_LABELS.items()
        ],
    )
    family = models.CharField(_("family"), max_length=80, blank=True)
    architecture = models.CharField(
        _("architecture"),
        max_length=16,
        blank=True,
        choices=[(word.value, label) for word, label in ARCHITECTURE_LABELS.items()],
    )
    # "YYYY-MM": as exact as the sources are, and it sorts as text.
    released = models.CharField(_("released"), max_length=7, blank=True)
    params = models.BigIntegerField(_("parameters"), null=True, blank=True)
    license = models.CharField(_("licence"), max_length=80, blank=True)
    open = models.BooleanField(_("weights published"), null=True, blank=True)
    arxiv = models.CharField(_("paper"), max_length=20, blank=True)
    facts = models.JSONField(_("further facts"), default=dict, blank=True)
    claims = models.JSONField(_("claims in circulation"), default=list, blank=True)
    search_text = models.TextField(blank=True, editable=False)
    head = models.OneToOneField(
        "Revision", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Seen by its organisation alone: registry.permissions says by whom.
    private = models.BooleanField(_("private"), default=False)
    # Of a model that was removed and left its stone.
    removal = models.ForeignKey(
        "Removal", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("registered"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = RegisteredModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("registered model")
        verbose_name_plural = _("registered models")
        constraints = [
            models.UniqueConstraint(Lower("slug"), name="model_slug_unique"),
            models.UniqueConstraint(
                F("organization"),
                Lower("repo_name"),
                condition=~Q(repo_name=""),
                name="model_repo_unique",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.MODEL.value) | Q(category=""),
                name="only_models_have_a_category",
            ),
        ]
        indexes = [
            # The catalog list orders by date and name.
            models.Index(fields=["released", "id"], name="model_released"),
            # What lists show may be a few of millions.
            models.Index(fields=["origin"], name="model_origin"),
            # The few that most readers must not see.
            models.Index(
                fields=["organization"],
                condition=Q(private=True),
                name="model_private",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the search text beside the names it is made of."""
        self.search_text = self._search_text()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("lineage:model", args=[self.slug])

    @property
    def repo_id(self) -> str:
        """Return team/model, or an empty text for what was never pushed."""
        if not self.repo_name or self.organization is None:
            return ""
        return f"{self.organization.slug}/{self.repo_name}"

    def _search_text(self) -> str:
        """Return names, addresses and category, in every language of the site."""
        names = [self.slug, self.name, self.name_zh, self.family, *self.aliases]
        team = self.organization
        if team is not None:
            names += [team.slug, team.name, team.name_zh]
        if self.pk:
            names += self.hub_repos.order_by("id").values_list("repo_id", flat=True)
        if self.category:
            label = CATEGORY_LABELS[Category(self.category)]
            for language, _name in settings.LANGUAGES:
                with override(language):
                    names.append(gettext(label))
        return searchable(names)


class HubRepo(models.Model):
    """An address of the model on a public hub, under which others declare it."""

    model = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, related_name="hub_repos"
    )
    repo_id = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("repo_id"), name="hub_repo_unique")
        ]

    def __str__(self) -> str:
        return self.repo_id


class Source(models.Model):
    """Where facts come from: one source covers one or more facts of one entry."""

    # Keys of the pages that makers name as evidence for what they declare.
    MAKERS_PREFIX = "declared-"

    class Confidence(models.TextChoices):
        HIGH = "high", _("high")
        MEDIUM = "medium", _("medium")
        LOW = "low", _("low")

    model = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, related_name="sources"
    )
    key = models.CharField(max_length=80)
    title = models.CharField(max_length=300)
    url = models.URLField(max_length=500)
    checked = models.DateField()
    confidence = models.CharField(max_length=6, choices=Confidence.choices)
    covers = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "key"], name="source_key_unique")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_of_makers(self) -> bool:
        return self.key.startswith(self.MAKERS_PREFIX)
