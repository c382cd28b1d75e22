"""What programs and the upload page send, and what they hear, for the schema too."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from registry.declaration import DEFAULT_RELATION, MAX_BASES, RELATION_WORDS
from registry.vocabulary import Category

# As many as one question may name, and one commit.
MAX_ASKED, MAX_COMMITTED = 1000, 10_000


class Sha256Field(serializers.RegexField):
    """64 hexadecimal digits in lower case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("^[0-9a-f]{64}\\Z", **kwargs)


class NameForm(serializers.Serializer[Any]):
    """The name of a new model."""

    organization = serializers.CharField(max_length=96)
    name = serializers.CharField(max_length=200)
    private = serializers.BooleanField(
        default=False, help_text="Only the organisation sees it."
    )


class NamedShape(serializers.Serializer[Any]):
    """An entry to which files can be sent."""

    slug = serializers.CharField()
    id = serializers.CharField()


class FileForm(serializers.Serializer[Any]):
    """A file to be sent; with its hash the answer knows what is here already."""

    path = serializers.CharField(
        allow_blank=True, trim_whitespace=False, max_length=4096
    )
    size = serializers.IntegerField(min_value=0)
    sha256 = Sha256Field(required=False)


class PlanForm(serializers.Serializer[Any]):
    """What somebody is about to send; without a model only names and card are read."""

    model = serializers.CharField(max_length=200, required=False)
    files = FileForm(many=True, max_length=MAX_ASKED)  # type: ignore[call-arg]  # of the list
    card = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False
    )


class ProblemShape(serializers.Serializer[Any]):
    """Why a file cannot be registered."""

    code = serializers.ChoiceField(choices=["pickle", "name", "size"])
    detail = serializers.CharField()


class TravelShape(serializers.Serializer[Any]):
    """How a file is to be sent: not at all, whole (`part_bytes` 0) or in parts."""

    path = serializers.CharField()
    problem = ProblemShape(allow_null=True)
    is_large = serializers.BooleanField()
    is_here = serializers.BooleanField()
    part_bytes = serializers.IntegerField()
    parts = serializers.ListField(child=serializers.IntegerField())


class DeclaredBaseShape(serializers.Serializer[Any]):
    """A base that a card names."""

    id = serializers.CharField()
    relation = serializers.CharField()


class CardShape(serializers.Serializer[Any]):
    """What a README.md declares, or why it cannot be read."""

    bases = DeclaredBaseShape(many=True)
    category = serializers.CharField(allow_null=True)
    problem = serializers.CharField(allow_null=True)


class PlanShape(serializers.Serializer[Any]):
    """How each file is to be sent."""

    files = TravelShape(many=True)
    card = CardShape(allow_null=True)


class ArrivedShape(serializers.Serializer[Any]):
    """A file of a commit, whose content has arrived."""

    path = serializers.CharField(trim_whitespace=False, max_length=4096)
    sha256 = Sha256Field()


class DeclarationForm(serializers.Serializer[Any]):
    """Where the model comes from; it is written into the front matter of README.md."""

    bases = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=MAX_BASES
    )
    relation = serializers.ChoiceField(
        choices=[str(word) for word in RELATION_WORDS], default=DEFAULT_RELATION
    )
    category = serializers.ChoiceField(
        choices=[str(word) for word in Category], allow_null=True, default=None
    )


class CommitForm(serializers.Serializer[Any]):
    """A commit; without a declaration README.md stays as it was sent."""

    summary = serializers.CharField(max_length=200)
    description = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=10_000
    )
    files = ArrivedShape(many=True, max_length=MAX_COMMITTED)  # type: ignore[call-arg]  # of the list
    declaration = DeclarationForm(allow_null=True, default=None)


class CommitShape(serializers.Serializer[Any]):
    """The revision that a commit made, and the job that its weights wait for."""

    slug = serializers.CharField()
    commit = serializers.CharField()
    job = serializers.UUIDField(allow_null=True)
