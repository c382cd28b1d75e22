"""What an id in a model card means, and which one somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import reduce
from operator import or_

from django.db.models import Q

from registry.models import RegisteredModel
from registry.permissions import PUBLIC, Sight
from registry.search import beginnings, tokens

MAX_SUGGESTIONS = 3
# Names that begin alike and are compared; there are never so many of one family.
MAX_CANDIDATES = 500
# Below this, two names are not two spellings of one.
ALIKE, ALIKE_IN_ANOTHER_TEAM = 0.8, 0.9

# How far a name is from the one that was asked for; the least is the nearest.
Distance = tuple[int, float]


def resolve(declared_id: str, sight: Sight = PUBLIC) -> RegisteredModel | None:
    """Return the entry that an id means: team/model here, a hub address, or a slug.

    What is private and not seen is not there.
    """
    team, _, name = declared_id.partition("/")
    seen = RegisteredModel.objects.filter(sight.allows())
    candidates = (
        seen.in_repo(team, name) if name else None,
        seen.filter(hub_repos__repo_id__lower=declared_id.lower()),
        seen.with_slug(declared_id),
    )
    for candidate in candidates:
        if candidate is not None and (found := candidate.first()) is not None:
            return found
    return None


def suggest(declared_id: str) -> list[str]:
    """Return at most three public ids that may have been meant, the likeliest first.

    Each of them can be written into a card. First comes what has that very name or
    alias, then longer and shorter names, then other spellings with the same numbers.
    Of an id with a team only the model's name is looked for, and closely.
    """
    asked = tokens(declared_id.rpartition("/")[2])
    has_team = "/" in declared_id
    found = [
        (distance, id_ == model.slug, id_)
        for model in _candidates(asked)
        if (nearest := _nearest(model, asked, has_team=has_team)) is not None
        for distance, id_ in [nearest]
    ]
    return [id_ for _, _, id_ in sorted(found)[:MAX_SUGGESTIONS]]


def hint(declared_id: str, sight: Sight) -> str:
    """Return what to tell who declares an id that means nothing here, or nothing."""
    if resolve(declared_id, sight) is not None or not (ids := suggest(declared_id)):
        return ""
    return (
        f"base_model: nothing is registered as {declared_id!r}, so this base stays "
        f"unresolved. Did you mean {' or '.join(ids)}? Then write that id into "
        "base_model and push the card again."
    )


def _candidates(asked: list[str]) -> Iterable[RegisteredModel]:
    """Return entries in whose names a word begins like one of those asked for."""
    begins = [Q(search_text__contains=text) for text in beginnings(asked)]
    if not begins:
        return []
    public = RegisteredModel.objects.listed().filter(PUBLIC.allows())
    found = public.filter(reduce(or_, begins))
    found = found.select_related("organization").prefetch_related("hub_repos")
    # The catalog before what teams pushed.
    return found.order_by("origin", "id")[:MAX_CANDIDATES]


def _nearest(
    model: RegisteredModel, asked: list[str], *, has_team: bool
) -> tuple[Distance, str] | None:
    """Return how near an entry's nearest name is, and the id that goes with it."""
    distances = (
        (distance, id_)
        for name, id_ in _names(model)
        if (distance := _distance(asked, tokens(name), has_team=has_team)) is not None
    )
    return min(distances, default=None)


def _names(model: RegisteredModel) -> Iterator[tuple[str, str]]:
    """Yield the names of an entry, each with the id to write for it."""
    for repo in model.hub_repos.all():
        yield repo.repo_id.rpartition("/")[2], repo.repo_id
    own = model.repo_id or model.slug
    for name in (model.name, model.name_zh, *model.aliases):
        yield name, own


def _distance(asked: list[str], name: list[str], *, has_team: bool) -> Distance | None:
    if asked == name:
        return 0, 0
    further = len(name) - len(asked)
    if not has_team and _contains(name, asked):
        return 1, further if name[: len(asked)] == asked else further + 1.5
    is_part = not has_team and _contains(asked, name) and 2 * len(name) >= len(asked)
    # "GPT" is no shorter name of GPT-4.
    if is_part and _numbers(name)[:1] == _numbers(asked)[:1]:
        return 2, -further
    if _numbers(asked) != _numbers(name):
        return None
    alike = SequenceMatcher(None, " ".join(asked), " ".join(name)).ratio()
    is_alike = alike >= (ALIKE_IN_ANOTHER_TEAM if has_team else ALIKE)
    return (3, 1 - alike) if is_alike else None


def _contains(longer: list[str], shorter: list[str]) -> bool:
    return bool(shorter) and f" {' '.join(shorter)} " in f" {' '.join(longer)} "


def _numbers(words: list[str]) -> list[str]:
    return [word for word in words if word.isdigit()]
