"""Query strings, checked: every parameter of the API and the words it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import BigIntegerField, QuerySet, Value
from django.db.models.functions import Coalesce
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from lineage.api.pagination import DEFAULT_LIMIT, MAX_LIMIT
from lineage.exports import FORMS
from lineage.models import with_verdict
from lineage.queries import EVERY_LAYER, EVERY_RELATION, SHOWN_STATES, Scope
from registry.models import RegisteredModel
from registry.permissions import Sight
from registry.vocabulary import (
    Architecture,
    Category,
    Kind,
    Layer,
    Relation,
    StatementKind,
    Verdict,
)

ORDERINGS = {
    "name": "name",
    "released": "released",
    "params": "n_params",
    "registered": "id",
}
MAX_COMMON = 20
MAX_HOPS = 1000
MAX_GRAPH_NODES = 5000
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"


@extend_schema_field(OpenApiTypes.STR)
class WordListField(serializers.Field[Any, Any, Any, Any]):
    """A comma-separated list of words from one vocabulary."""

    def __init__(self, words: Any, **kwargs: Any) -> None:
        self.words = words
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> frozenset[Any]:
        """Return the words; raises ValidationError and names what is allowed."""
        try:
            return frozenset(
                self.words(word.strip())
                for word in str(data).split(",")
                if word.strip()
            )
        except ValueError as error:
            allowed = ", ".join(self.words)
            raise serializers.ValidationError(f"{error}; use {allowed}") from error


class PageParams(serializers.Serializer[Any]):
    """The slice of a list."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT
    )
    cursor = serializers.CharField(default="", allow_blank=True)


class ModelListParams(PageParams):
    """Filters of the list of models."""

    q = serializers.CharField(default="", allow_blank=True, max_length=200)
    repo = serializers.CharField(default="", allow_blank=True, max_length=200)
    kind = WordListField(Kind, required=False)
    category = WordListField(Category, required=False)
    architecture = WordListField(Architecture, required=False)
    open = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="weights published"
    )
    verdict = WordListField(Verdict, required=False)
    layer = WordListField(
        Layer, required=False, help_text="models with a parent in one of these layers"
    )
    family = serializers.CharField(required=False)
    organization = serializers.CharField(required=False)
    country = serializers.CharField(required=False, max_length=2)
    license = serializers.CharField(required=False)
    released_after = serializers.RegexField(MONTH, required=False)
    released_before = serializers.RegexField(MONTH, required=False)
    min_params = serializers.IntegerField(required=False, min_value=0)
    max_params = serializers.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1
    )
    ordering = serializers.ChoiceField(
        [*ORDERINGS, *(f"-{name}" for name in ORDERINGS)], default="name"
    )

    @property
    def column(self) -> str:
        """Return the database's ordering, `-` first when it is descending."""
        word: str = self.validated_data["ordering"]
        sign = "-" if word.startswith("-") else ""
        return sign + ORDERINGS[word.removeprefix("-")]

    def models(self, sight: Sight) -> QuerySet[RegisteredModel]:
        """Return the models that are seen and that every given filter lets through."""
        given = self.validated_data
        models: Any = (
            RegisteredModel.objects.listed()
            .filter(sight.allows())
            .searched(given["q"])
            .filter(
                **{
                    lookup: given[name]
                    for name, lookup in _LOOKUPS.items()
                    if name in given
                }
            )
        )
        if given["repo"]:
            team, _, name = given["repo"].partition("/")
            # Without a name nothing can match: entries that nobody pushed have none.
            models = models.in_repo(team, name or "/")
        if "layer" in given:
            models = models.filter(
                sight.allows("derivations__parent"),
                derivations__layer__in=given["layer"],
                derivations__state__in=SHOWN_STATES,
            ).distinct()
        if given["open"] is not None:
            models = models.filter(open=given["open"])
        if "verdict" in given:
            models = with_verdict(models).filter(verdict__in=given["verdict"])
        found: QuerySet[RegisteredModel] = models.annotate(
            n_params=Coalesce("params", Value(-1), output_field=BigIntegerField())
        )
        return found


_LOOKUPS = {
    "kind": "kind__in",
    "category": "category__in",
    "architecture": "architecture__in",
    "family": "family__iexact",
    "organization": "organization__slug__iexact",
    "country": "organization__country__iexact",
    "license": "license__iexact",
    "released_after": "released__gte",
    "released_before": "released__lte",
    "min_params": "params__gte",
    "max_params": "params__lte",
}


class ScopeParams(serializers.Serializer[Any]):
    """Which derivations a walk through the lineage may use; every other is no way."""

    layer = WordListField(
        Layer, required=False, help_text=f"of {', '.join(Layer)}; without it, all"
    )
    relation = WordListField(
        Relation, required=False, help_text=f"of {', '.join(Relation)}; without it, all"
    )
    state = WordListField(
        StatementKind,
        required=False,
        help_text=f"of {', '.join(StatementKind)}; without it, "
        "all but contradicted and withdrawn",
    )

    def scope(self, sight: Sight) -> Scope:
        """Return the layers, relations and states in which to walk, as seen."""
        return scope_of(self.validated_data, sight)


class SubtreeParams(ScopeParams):
    """How far to walk, and over which derivations."""

    depth = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="the most hops away, where hops is the length of the shortest path; "
        "1 is parents or children only; without it there is no limit",
    )


class WalkParams(SubtreeParams, PageParams):
    """Which derivations a walk uses, how far it goes, and what of it is listed."""

    category = WordListField(
        Category,
        required=False,
        help_text="list only models of these categories; "
        "the walk itself goes through all others too",
    )
    ordering = serializers.ChoiceField(
        ["hops", "name", "-name", "released", "-released"],
        default="hops",
        help_text="hops: nearest first. A cursor of any order stays where it is while "
        "models are added. Where derivations are removed between two pages, the hops "
        "of a model may change, and only the orders by name and by date promise that "
        "every model that stays is listed once",
    )


def scope_of(given: Mapping[str, Any], sight: Sight) -> Scope:
    """Return the scope of the words given; what is not given is not narrowed."""
    return Scope(
        layers=given.get("layer", EVERY_LAYER),
        states=given.get("state", SHOWN_STATES),
        relations=given.get("relation", EVERY_RELATION),
        sight=sight,
    )


class PathParams(ScopeParams):
    """The two ends of a path."""

    to = serializers.CharField(help_text="a slug: an ancestor or a descendant of from")

    def get_fields(self) -> dict[str, Any]:
        """Return the fields with `from`, a word that Python keeps for itself."""
        return {"from": serializers.CharField(), **super().get_fields()}


class CommonParams(ScopeParams):
    """The models whose common ancestors are asked for."""

    models = serializers.CharField(help_text="a comma list of two to twenty slugs")

    def validate_models(self, value: str) -> list[str]:
        """Return the slugs, each once; raises ValidationError for too few or many."""
        slugs = {slug.strip().lower(): slug.strip() for slug in value.split(",")}
        slugs.pop("", None)
        if not 2 <= len(slugs) <= MAX_COMMON:
            raise serializers.ValidationError(f"name two to {MAX_COMMON} models")
        return list(slugs.values())


class GraphParams(ScopeParams):
    """What is near a model, and in which form."""

    focus = serializers.CharField(help_text="the slug in the middle")
    up = serializers.IntegerField(
        default=2, min_value=0, max_value=MAX_HOPS, help_text="hops towards the roots"
    )
    down = serializers.IntegerField(
        default=2, min_value=0, max_value=MAX_HOPS, help_text="hops towards the leaves"
    )
    limit = serializers.IntegerField(
        default=MAX_LIMIT,
        min_value=1,
        max_value=MAX_GRAPH_NODES,
        help_text="the most nodes; the nearest are kept, the others are `truncated`",
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields with `as`, a word that Python keeps for itself."""
        forms = serializers.ChoiceField(list(FORMS), default="json")
        return {**super().get_fields(), "as": forms}
