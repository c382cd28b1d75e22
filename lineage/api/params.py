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
from lineage.models import with_verdict
from lineage.queries import EVERY_LAYER, EVERY_RELATION, SHOWN_STATES, Scope
from registry.models import RegisteredModel
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

    def models(self) -> QuerySet[RegisteredModel]:
        """Return the models that every given filter lets through."""
        given = self.validated_data
        models: Any = (
            RegisteredModel.objects.listed()
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


class WalkParams(PageParams):
    """Which derivations a walk through the lineage uses, and how far it goes."""

    depth = serializers.IntegerField(
        required=False, min_value=1, help_text="1 is parents or children only"
    )
    layer = WordListField(Layer, required=False)
    state = WordListField(StatementKind, required=False)
    relation = WordListField(Relation, required=False)

    @property
    def scope(self) -> Scope:
        """Return the layers and states in which to walk."""
        return scope_of(self.validated_data)


def scope_of(given: Mapping[str, Any]) -> Scope:
    """Return the scope of the words given; what is not given is not narrowed."""
    return Scope(
        layers=given.get("layer", EVERY_LAYER),
        states=given.get("state", SHOWN_STATES),
        relations=given.get("relation", EVERY_RELATION),
    )


class PathParams(serializers.Serializer[Any]):
    """The two ends of a path."""

    to = serializers.CharField()
    layer = WordListField(Layer, required=False)
    state = WordListField(StatementKind, required=False)

    @property
    def scope(self) -> Scope:
        """Return the layers and states in which to look for paths."""
        return scope_of(self.validated_data)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields with `from`, a word that Python keeps for itself."""
        return {"from": serializers.CharField(), **super().get_fields()}
