"""A closer look: comparing again, with the weights, where sketches leave doubt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import structlog

from lineage.comparisons import Comparison, is_open, likeness
from registry.fingerprint import ENGINE, FingerprintError, Sketch, compare
from registry.fingerprint.judging.opened import OpenedModel
from registry.models import Fingerprint, RegisteredModel, Revision
from registry.services import weights
from registry.storage import StorageError

log = structlog.get_logger("baimo.looks")

# A look takes about as long as a thousand comparisons of sketches.
MOST_RELATIVES = 5
MOST_STRANGERS = 3
# Equal values need no second reading.
PROVEN = frozenset({"identical", "renamed", "cast"})
UNREADABLE = (FingerprintError, StorageError, OSError)


@dataclass(frozen=True)
class Compared:
    """Another model's newest weights and how their sketch compares.

    `same_form`: a disguise between the two could be undone.
    """

    revision: Revision
    comparison: Comparison
    same_form: bool

    @property
    def model(self) -> RegisteredModel:
        """Return the other model."""
        return self.revision.model


@dataclass
class Looked:
    """What looks gave: comparisons by model, and whose weights could not be read."""

    comparisons: dict[int, Comparison] = field(default_factory=dict)
    too_large: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def note_unreadable(self, revision: Revision, error: Exception) -> None:
        """Pass over weights that a second reading failed on."""
        log.warning("weights not readable", revision=revision.pk, error=str(error))
        self.unreadable.append(revision.model.slug)

    def gaps(self) -> list[str]:
        """Return sentences on the looks that were wanted and not possible."""
        reasons = {
            "Too large to read again, and so compared by sketches alone: ": (
                self.too_large
            ),
            "Not readable again, and so compared by sketches alone: ": self.unreadable,
        }
        return [f"{text}{', '.join(who)}." for text, who in reasons.items() if who]


def worth_a_look(
    revision: Revision,
    scan: Sequence[Compared],
    *,
    bases: Collection[int],
    explained: Collection[int],
) -> list[Compared]:
    """Return whose weights to read before a verdict: the verdict may rest on them.

    Every declared base; the strongest relatives and open cases that nothing
    explains, those first that were here before; and, unless a declared base is
    confirmed, the strangers most alike, who may be a base in disguise.
    """
    doubtful = [c for c in scan if c.comparison["relation"] not in PROVEN]
    declared = [c for c in doubtful if c.model.pk in bases]
    others = [c for c in doubtful if c.model.pk not in {*bases, *explained}]
    since = revision.created_at
    others.sort(key=lambda c: (c.revision.created_at > since, likeness(c.comparison)))
    relatives = [c for c in others if c.comparison["related"] or is_open(c.comparison)]
    chosen = declared + relatives[:MOST_RELATIVES]
    if any(c.comparison["related"] for c in scan if c.model.pk in bases):
        return chosen
    strangers = [c for c in others if c.comparison["related"] is False and c.same_form]
    return chosen + strangers[:MOST_STRANGERS]


def look_closer(
    revision: Revision,
    mine: Sketch,
    chosen: Sequence[Compared],
    *,
    report: Callable[[], None],
) -> Looked:
    """Return the comparisons of a revision with others, made with their weights.

    `report` is called before each look and may raise to stop. Weights that are too
    large or cannot be read are passed over, and the result says so.
    """
    looked = Looked()
    if not chosen:
        return looked
    with _opened(revision, looked) as own:
        for other in chosen if own else ():
            report()
            with _opened(other.revision, looked) as theirs:
                if own and theirs:
                    _compare((other.revision, theirs), (revision, own), mine, looked)
    return looked


@contextmanager
def _opened(revision: Revision, looked: Looked) -> Iterator[OpenedModel | None]:
    """Yield a revision's weights, or None after noting why they are not read."""
    if weights.too_large_for_a_look(revision):
        looked.too_large.append(revision.model.slug)
        yield None
        return
    with ExitStack() as stack:
        try:
            model = stack.enter_context(weights.opened(revision))
        except UNREADABLE as error:
            looked.note_unreadable(revision, error)
            yield None
        else:
            yield model


def _compare(
    other: tuple[Revision, OpenedModel],
    own: tuple[Revision, OpenedModel],
    mine: Sketch,
    looked: Looked,
) -> None:
    names = (other[0].model.slug, own[0].model.slug)
    stored = Fingerprint.objects.get(revision=other[0], engine=ENGINE)
    theirs = Sketch.from_bytes(bytes(stored.sketch))
    try:
        found = compare(theirs, mine, names=names, weights=(other[1], own[1]))
    except UNREADABLE as error:
        looked.note_unreadable(other[0], error)
    else:
        looked.comparisons[other[0].model.pk] = found.to_json()
