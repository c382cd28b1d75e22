"""Gathering what a verdict rests on: declarations, kin and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Min

from lineage import queries, veils, verdict
from lineage.comparisons import Comparison, is_open
from lineage.models import Declaration, Verification
from lineage.services.looks import Compared, look_closer, worth_a_look
from registry.declaration import read_declaration
from registry.fingerprint import ENGINE, Sketch, compare
from registry.models import (
    Fingerprint,
    RegisteredModel,
    Revision,
    SelfAttestation,
)
from registry.naming import resolve
from registry.permissions import Sight, sight_for
from registry.vocabulary import WEIGHT_LAYERS

# The date of what nobody else has seen yet.
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def _kinship(sight: Sight) -> queries.Scope:
    """Return the derivations by which relatives are explained.

    What people took back or the weights contradict explains nobody.
    """
    return queries.Scope(layers=WEIGHT_LAYERS, sight=sight)


@dataclass(frozen=True)
class Gathered:
    """A revision's case, the revisions behind the slugs in it, and its own gaps.

    `gaps` are sentences on what the revision's files leave open by themselves;
    `is_self_attested`: the team computed its sketch, and the register saw no weights.
    """

    case: verdict.Case
    revisions: Mapping[str, Revision]
    gaps: Sequence[str]
    is_self_attested: bool = False


def gather(fingerprint: Fingerprint, *, report: Callable[[], None]) -> Gathered:
    """Return the case of a fingerprinted revision.

    Compares its sketch with the newest one of every other model that is public or of
    its own organisation, and again, with the weights, where the verdict may rest on
    it; `report` is called before each comparison and may raise to stop.
    """
    revision = fingerprint.revision
    sight = sight_for(revision.model)
    declarations = veils.declared(revision.declarations.with_parents(), sight)
    bases = {d.parent_id for d in declarations if d.parent_id is not None}
    explained = _explained(revision.model, bases, _kinship(sight))
    mine = Sketch.from_bytes(bytes(fingerprint.sketch))
    scan = list(_scan(revision, mine, report))
    chosen = worth_a_look(revision, scan, bases=bases, explained=explained)
    looked = look_closer(revision, mine, chosen, report=report)
    by_teams = _self_attested()
    comparisons = {c.model.pk: c.comparison for c in scan} | looked.comparisons
    related = {pk for pk, found in comparisons.items() if found["related"]}
    explained |= _kin_on_record(bases & related, related - explained - bases)
    others = [
        verdict.Relative(
            slug=other.model.slug,
            comparison=comparisons[other.model.pk],
            is_explained=other.model.pk in explained
            or _came_later(comparisons[other.model.pk], other.revision, than=revision),
            is_self_attested=other.model.pk in by_teams,
        )
        for other in scan
        if other.model.pk not in bases
    ]
    case = verdict.Case(
        declared=[
            _declared_base(d, comparisons, by_teams) for d in _for_weights(declarations)
        ],
        declares_scratch=read_declaration(revision.card).is_from_scratch,
        others=others,
    )
    return Gathered(
        case=case,
        revisions={other.model.slug: other.revision for other in scan},
        gaps=[*_gaps(revision, mine), *_unseen(fingerprint, case), *looked.gaps()],
        is_self_attested=_is_unseen(fingerprint),
    )


def _scan(
    revision: Revision, mine: Sketch, report: Callable[[], None]
) -> Iterable[Compared]:
    """Yield how every other model's newest sketch compares with this one."""
    for other in _other_fingerprints(revision.model, sight_for(revision.model)):
        report()
        theirs = Sketch.from_bytes(bytes(other.sketch))
        names = (other.revision.model.slug, revision.model.slug)
        comparison = compare(theirs, mine, names=names).to_json()
        yield Compared(other.revision, comparison, _same_form(theirs, mine))


def _self_attested() -> set[int]:
    """Return the models whose newest sketch only their own team has computed."""
    newest = Fingerprint.objects.newest(ENGINE)
    by_teams = newest.filter(self_attestation__in=SelfAttestation.objects.open())
    return set(by_teams.values_list("revision__model", flat=True))


def _same_form(a: Sketch, b: Sketch) -> bool:
    """Return whether width, depth and kind of units are alike."""
    forms = [(s.units.d, s.units.n_layers, s.units.is_gated) for s in (a, b) if s.units]
    return len(forms) == 2 and forms[0] == forms[1]


def _gaps(revision: Revision, sketch: Sketch) -> list[str]:
    gaps = []
    if not revision.files.filter(path="config.json").exists():
        gaps.append("There is no config.json; structure was read from the tensors.")
    if n := sketch.n_nan + sketch.n_inf:
        gaps.append(f"{n} values of this model are NaN or infinite.")
    return gaps


def _is_unseen(fingerprint: Fingerprint) -> bool:
    return SelfAttestation.objects.open().filter(fingerprint=fingerprint).exists()


def _unseen(fingerprint: Fingerprint, case: verdict.Case) -> list[str]:
    """Return sentences on sketches of which the register has not seen the weights."""
    told = []
    if _is_unseen(fingerprint):
        told.append(
            "The team computed this sketch; the register has not seen the bytes."
        )
    named = {base.slug for base in case.declared if base.is_self_attested}
    named |= {
        other.slug
        for other in case.others
        if other.is_self_attested and other.comparison["related"]
    }
    if named:
        who = ", ".join(sorted(str(slug) for slug in named))
        told.append(f"Compared with sketches that their own teams computed: {who}.")
    return told


def _other_fingerprints(model: RegisteredModel, sight: Sight) -> Iterable[Fingerprint]:
    return (
        Fingerprint.objects.newest(ENGINE)
        .filter(sight.allows("revision__model"))
        .exclude(revision__model=model)
        .select_related("revision__model")
        .order_by("id")
        .iterator()
    )


def _came_later(comparison: Comparison, other: Revision, *, than: Revision) -> bool:
    """Return whether what may be kin came after these weights, so is not their base.

    A stranger counts as earlier: nobody needs to know. Who kept weights private and who
    showed the same ones first may each have taken them from the other, so that between
    organisations either date is enough.
    """
    if not (comparison["related"] or is_open(comparison)):
        return False
    team = than.model.organization_id
    is_own = team is not None and other.model.organization_id == team
    dates = ("created_at",) if is_own else ("created_at", "public_since")
    return any(_weights_since(other, d) > _weights_since(than, d) for d in dates)


def _weights_since(revision: Revision, date: str) -> datetime:
    """Return when one of these weight files first came into this model, or in public.

    Editing a card makes a new revision and leaves this date alone.
    """
    blobs = revision.weight_files().values("blob")
    revisions = revision.model.revisions.filter(files__blob__in=blobs)
    first: datetime | None = revisions.aggregate(first=Min(date))["first"]
    return first or getattr(revision, date) or _NEVER


def _explained(
    model: RegisteredModel, bases: Iterable[int], kinship: queries.Scope
) -> set[int]:
    """Return the models whose kinship the declarations account for.

    The declared bases' ancestors and all descendants of any of these, and whatever
    descends from the model itself.
    """
    roots = set(bases)
    for base in bases:
        roots |= queries.ancestors(base, kinship)
    explained = set(roots)
    for root in roots | {model.pk}:
        explained |= queries.descendants(root, kinship)
    return explained - {model.pk}


def _kin_on_record(confirmed: set[int], among: set[int]) -> set[int]:
    """Return the models that the register's verdicts call kin of a confirmed base.

    Nobody may have declared it: the weights of both come from that base.
    """
    if not (confirmed and among):
        return set()
    verdicts = Verification.objects.current().filter(
        revision__model__in=confirmed | among
    )
    kin: dict[int, set[str]] = {}
    slugs: dict[int, str] = {}
    for found in verdicts.select_related("revision__model", "compared_with"):
        model = found.revision.model
        slugs[model.pk] = model.slug
        kin[model.pk] = found.kin()
    return {
        pk
        for pk in among & kin.keys()
        for base in confirmed & kin.keys()
        if slugs[base] in kin[pk] or slugs[pk] in kin[base]
    }


def _for_weights(declarations: Sequence[Declaration]) -> Sequence[Declaration]:
    """Return the declarations that weights can confirm; all where there are none."""
    weighty = [d for d in declarations if d.layer in WEIGHT_LAYERS]
    return weighty or declarations


def _declared_base(
    declaration: Declaration,
    comparisons: Mapping[int, Comparison],
    by_teams: Collection[int],
) -> verdict.DeclaredBase:
    parent = declaration.parent
    comparison = comparisons.get(parent.pk) if parent else None
    obstacle = _obstacle(declaration)
    is_related = comparison is not None and comparison["related"] is True
    if declaration.layer not in WEIGHT_LAYERS and not is_related:
        # Whoever asks a model, or learns from its outputs, has none of its weights.
        comparison, obstacle = None, obstacle or "relation-not-in-weights"
    return verdict.DeclaredBase(
        declared_id=declaration.declared_id,
        relation=declaration.relation,
        slug=parent.slug if parent else None,
        comparison=comparison,
        obstacle=obstacle,
        is_self_attested=declaration.parent_id in by_teams,
    )


def _obstacle(declaration: Declaration) -> str | None:
    """Return the reason word why no verdict can follow a declaration, or None."""
    model, parent = declaration.revision.model, declaration.parent
    sight = sight_for(model)
    if resolve(declaration.declared_id, sight) == model:
        return "declares-itself"
    if parent and model.pk in queries.ancestors(parent.pk, _kinship(sight)):
        return "declaration-circular"
    return None
