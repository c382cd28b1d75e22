"""What a model card declares about where the model comes from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from registry.card import CardInvalid
from registry.description import read_kind
from registry.vocabulary import (
    FROM_SCRATCH,
    HUB_RELATIONS,
    RELATION_CATEGORY,
    Category,
    Kind,
    Relation,
    agreeing_relations,
)

# What the public hub takes a base for when nothing is said of it.
DEFAULT_RELATION: Final = "finetune"
# Whoever says that there is only a service behind it has said how it comes from it.
SERVICE_RELATION: Final[Mapping[str, Relation]] = {
    Category.PROMPT_WRAPPER: Relation.PROMPT_WRAPPER,
    Category.API_RESKIN: Relation.API_RESKIN,
    Kind.PRODUCT: Relation.POWERS,
    Kind.TOOL: Relation.POWERS,
}
RELATION_WORDS: Final = (
    *HUB_RELATIONS,
    *(r for r in Relation if r not in HUB_RELATIONS),
)
MAX_BASES: Final = 50
MAX_ID_LENGTH: Final = 200
_HUB_ADDRESS: Final = "https://huggingface.co/"


@dataclass(frozen=True)
class Declared:
    """The declaration in a card: (id, relation word) pairs and a category."""

    bases: tuple[tuple[str, str], ...]
    category: Category | None

    @property
    def is_from_scratch(self) -> bool:
        """Return whether training from scratch is declared: a base without a base."""
        return not self.bases and self.category in FROM_SCRATCH


def read_declaration(metadata: Mapping[str, Any]) -> Declared:
    """Return what the front matter of a card declares.

    `base_model_relation` holds for every base, or is a list with a word for each;
    without it the relation follows from a category of services, else it is the hub's.
    Raises CardInvalid, with the words that are allowed, for anything else than ids
    and words of the vocabulary.
    """
    ids = [plain_id(text) for text in _texts(metadata, "base_model")]
    words = _texts(metadata, "base_model_relation") or [_usual_relation(metadata)]
    if len(words) == 1:
        words *= len(ids)
    if ids and len(words) != len(ids):
        raise CardInvalid(
            f"base_model_relation has {len(words)} words for {len(ids)} base models; "
            "give one for all, or one for each"
        )
    pairs = zip(ids, words, strict=False)
    bases = tuple({i: _relation(word) for i, word in pairs}.items())
    return Declared(bases=bases, category=_category(metadata, bases))


def front_matter(
    bases: Sequence[str], relation: str, category: str | None
) -> dict[str, Any]:
    """Return the fields of a card that declare this; None for what it must not say."""
    return {
        "base_model": bases[0] if len(bases) == 1 else [*bases] or None,
        "base_model_relation": relation if bases else None,
        "baimo_category": category,
    }


def _usual_relation(metadata: Mapping[str, Any]) -> str:
    stated = [*_texts(metadata, "baimo_category"), read_kind(metadata)]
    return SERVICE_RELATION.get(stated[0], DEFAULT_RELATION)


def _texts(metadata: Mapping[str, Any], key: str) -> list[str]:
    """Return a field that is one text or a list of texts; raises CardInvalid."""
    value = metadata.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(item, str) and item.strip() for item in items):
        raise CardInvalid(f"{key} must be a text or a list of texts")
    if len(items) > MAX_BASES:
        raise CardInvalid(f"{key} has more than {MAX_BASES} entries")
    return [item.strip() for item in items]


def plain_id(text: str) -> str:
    """Return an id without the hub's address before it; raises CardInvalid."""
    declared_id = text.removeprefix(_HUB_ADDRESS).rstrip("/")
    if len(declared_id) > MAX_ID_LENGTH:
        raise CardInvalid(f"base_model is longer than {MAX_ID_LENGTH} letters")
    return declared_id


def _relation(word: str) -> str:
    if word not in RELATION_WORDS:
        allowed = ", ".join(RELATION_WORDS)
        raise CardInvalid(f"base_model_relation: {word[:60]!r} is none of {allowed}")
    return word


def _category(
    metadata: Mapping[str, Any], bases: tuple[tuple[str, str], ...]
) -> Category | None:
    words = _texts(metadata, "baimo_category")
    kind = read_kind(metadata)
    if kind != Kind.MODEL:
        if words:
            raise CardInvalid(f"a {kind} has no baimo_category; leave it out")
        return None
    if words:
        if len(words) > 1 or words[0] not in set(Category):
            allowed = ", ".join(Category)
            raise CardInvalid(f"baimo_category: use one of {allowed}")
        return Category(words[0])
    if not bases:
        return None
    return RELATION_CATEGORY.get(agreeing_relations(bases[0][1])[0])
