"""Query strings, checked: every parameter of the API and the words it takes."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, QuerySet, Value
from django.db.models.functions import Coalesce
from rest_framework import serializers

from lineage.api.pagination import DEFAULT_LIMIT, MAX_LIMIT
from lineage.models import with_verdict
from lineage.queries import EVERY_LAYER, EVERY_RELATION, SHOWN_STATES, Scope
from registry.models import RegisteredModel
from registry.vocabulary import Category, Kind, Layer, Relation, StatementKind, Verdict

ORDERINGS = {
    "name": "name",
    "released": "released",
    "params": "n_params",
    "registered": "id",
}
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"


class WordListField(serializers.CharField):
    """A comma-separated list of words from one vocabulary."""

    def __init__(self, words: Any, **kwargs: Any) -> None:
        self.words = words
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> frozenset[Any]:
        """Return the words; raises ValidationError and names what is allowed."""
        try:
            return frozenset(
                self.words(word.strip())
                for word in super().to_internal_value(data).split(",")
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
        models = RegisteredModel.objects.searched(given["q"]).filter(
            **{
                lookup: given[name]
                for name, lookup in _LOOKUPS.items()
                if name in given
            }
        )
        if given["repo"]:
            team, _, name = given["repo"].partition("/")
            models = models.in_repo(team, name)
        if "layer" in given:
            models = models.filter(
                derivations__layer__in=given["layer"],
                derivations__state__in=SHOWN_STATES,
            ).distinct()
        if "verdict" in given:
            models = with_verdict(models).filter(verdict__in=given["verdict"])
        return models.annotate(
            n_params=Coalesce("params", Value(-1), output_field=BigIntegerField())
        )


_LOOKUPS = {
    "kind": "kind__in",
    "category": "category__in",
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
    layer = WordListField(Layer, default=EVERY_LAYER)
    state = WordListField(StatementKind, default=SHOWN_STATES)
    relation = WordListField(Relation, default=EVERY_RELATION)

    @property
    def scope(self) -> Scope:
        """Return the layers and states in which to walk."""
        return Scope(
            layers=self.validated_data["layer"],
            states=self.validated_data["state"],
            relations=self.validated_data["relation"],
        )


class PathParams(serializers.Serializer[Any]):
    """The two ends of a path."""

    to = serializers.CharField()
    layer = WordListField(Layer, default=EVERY_LAYER)
    state = WordListField(StatementKind, default=SHOWN_STATES)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields with `from`, a word that Python keeps for itself."""
        return {"from": serializers.CharField(), **super().get_fields()}
