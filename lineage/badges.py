"""What a model's badge says, and how wide it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lineage.graph.labels import FONT_PIXELS, width_of
from lineage.models import Dispute
from registry.models import RegisteredModel
from registry.permissions import PUBLIC
from registry.vocabulary import FROM_SCRATCH, StatementKind, Verdict

TEXT_PIXELS: Final = 11.0
PADDING: Final = 7.0
MARK_PIXELS: Final = 12.0


@dataclass(frozen=True)
class Standing:
    """How a model's origin stands: a mark of the drawing language and its words."""

    mark: str
    words: Promise


DECLARED: Final = Standing("declared", _("declared, not verified"))
SERVICE: Final = Standing("declared", _("declared, no weights to verify"))
CITED: Final = Standing("cited", _("known from sources, not verified"))
REMOVED: Final = Standing("withdrawn", _("removed from the register"))
NOTHING: Final = Standing("withdrawn", _("nothing declared"))
DISPUTED: Final = Standing("disputed", _("disputed"))
FOUND: Final = Standing("found", _("undeclared base found"))
BY_VERDICT: Final[Mapping[str, Standing]] = {
    Verdict.CONSISTENT: Standing("verified", _("declared base verified")),
    Verdict.INDEPENDENT: Standing("verified", _("independent, as declared")),
    Verdict.UNDECLARED_BASE: FOUND,
    Verdict.RENAMED_COPY: FOUND,
    Verdict.NOT_DERIVED_FROM_DECLARED: Standing(
        "contradicted", _("declared base contradicted")
    ),
    Verdict.INCONCLUSIVE: Standing("open", _("not enough evidence")),
    Verdict.NOT_VERIFIABLE: Standing("open", _("not verifiable")),
}


@dataclass(frozen=True)
class Badge:
    """A badge in the reader's language, with its lengths in pixels."""

    mark: str
    brand: str
    words: str

    @property
    def title(self) -> str:
        """Return all that the badge says in one line."""
        return f"{self.brand}: {self.words}"

    @property
    def brand_width(self) -> float:
        """Return the width of the dark part."""
        return _width(self.brand) + 2 * PADDING

    @property
    def mark_x(self) -> float:
        """Return where the mark begins."""
        return self.brand_width + PADDING

    @property
    def words_x(self) -> float:
        """Return where the words begin."""
        return self.mark_x + MARK_PIXELS + 4

    @property
    def width(self) -> float:
        """Return the width of the whole."""
        return self.words_x + _width(self.words) + PADDING

    @property
    def edge_width(self) -> float:
        """Return the width of the line around it, which is drawn on its inside."""
        return self.width - 1


def badge_of(model: RegisteredModel) -> Badge:
    """Return the badge of a model as the register knows it now."""
    standing = _standing(model)
    words = str(standing.words)
    if _is_self_attested(model):
        words = gettext("%(words)s (self-attested)") % {"words": words}
    return Badge(standing.mark, gettext("Baimo"), words)


def _is_self_attested(model: RegisteredModel) -> bool:
    head: Any = model.head
    newest = head and head.verifications.order_by("-id").first()
    return bool(newest and newest.is_self_attested)


def _standing(model: RegisteredModel) -> Standing:
    """Return what the newest verdict on the head says, else what is on record."""
    if model.removal_id:
        return REMOVED
    head: Any = model.head
    newest = head and head.verifications.with_models().order_by("-id").first()
    if newest is None or not newest.is_public:
        return _on_record(model)
    if _is_disputed(model):
        return DISPUTED
    if newest.reason in ("nothing-declared", "no-model"):
        return NOTHING
    if newest.reason == "service-declared":
        return SERVICE
    return BY_VERDICT[newest.verdict]


def _is_disputed(model: RegisteredModel) -> bool:
    """Return whether somebody contests the verdict or an edge of the model."""
    undecided = Dispute.objects.undecided().on_public().visible_to(PUBLIC)
    undecided = undecided.filter(model=model, fact="")
    current = Q(verification=None) | Q(verification__revision=model.head)
    return undecided.filter(current).exists()


def _on_record(model: RegisteredModel) -> Standing:
    if _is_disputed(model):
        return DISPUTED
    states = set(model.derivations.values_list("state", flat=True))
    is_from_scratch = model.category in FROM_SCRATCH
    if StatementKind.DECLARED in states or (model.head and is_from_scratch):
        return DECLARED
    if model.head and model.head.declarations.exists():
        return DECLARED
    if StatementKind.CITED in states or is_from_scratch:
        return CITED
    return NOTHING


def _width(text: str) -> float:
    return width_of(text) * TEXT_PIXELS / FONT_PIXELS
