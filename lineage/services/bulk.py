"""The rules of derivations.py for the bases of a thousand children at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lineage import queries
from lineage.cycles import closing
from lineage.models import Derivation, Statement
from lineage.services.derivations import CARRYING, standing
from registry import bulk
from registry.locks import lock_register
from registry.models import listed
from registry.vocabulary import (
    RELATION_LAYER,
    WEIGHT_LAYERS,
    Relation,
    StatementKind,
)

# Child, parent and relation: what makes a derivation one.
Link = tuple[int, int, Relation]


@dataclass
class Declared:
    """What came of many declarations; a refused link would have closed a cycle."""

    n_new: int = 0
    n_withdrawn: int = 0
    refused: list[Link] = field(default_factory=list)


def declare_bases(
    bases: Mapping[int, Mapping[int, Relation]], *, source_key: str
) -> Declared:
    """Let the register's source say all that it declares of some children.

    `bases` has each child's parents with their relations, all as ids; the source of
    each child that has this key is the evidence. What the same speaker declared of
    these children before and no longer does is withdrawn; what it says again changes
    nothing. To be called within a transaction.
    """
    lock_register()
    wanted = {
        (child, parent, relation): None
        for child, parents in bases.items()
        for parent, relation in parents.items()
    }
    known = _known(bases)
    said = _last_words(pk for pk, _ in known.values())
    dropped = [
        pk
        for link, (pk, _) in known.items()
        if said.get(pk) == StatementKind.DECLARED and link not in wanted
    ]
    _say(StatementKind.WITHDRAWN, dropped, source_key)
    # Before anything is asked about cycles: what was withdrawn closes none.
    _derive_states(dropped)
    again = [
        link
        for link in wanted
        if link in known and said.get(known[link][0]) != StatementKind.DECLARED
    ]
    new = [link for link in wanted if link not in known]
    idle = [link for link in again if known[link][1] not in CARRYING.states]
    refused = _closing_a_cycle([*idle, *new])
    made = _insert([link for link in new if link not in refused])
    renewed = [known[link][0] for link in again if link not in refused]
    _say(StatementKind.DECLARED, [*made, *renewed], source_key)
    _derive_states(renewed)
    return Declared(len(made), len(dropped), sorted(refused))


def _known(children: Collection[int]) -> dict[Link, tuple[int, str]]:
    """Return the id and the state of every derivation of the children."""
    rows = Derivation.objects.filter(child__id__any_of=listed(children)).values_list(
        "pk", "state", "child", "parent", "relation"
    )
    return {
        (child, parent, Relation(relation)): (pk, state)
        for pk, state, child, parent, relation in rows
    }


def _last_words(derivations: Iterable[int]) -> dict[int, str]:
    """Return what the register's own source said last of each derivation."""
    spoken = Statement.objects.filter(derivation__id__any_of=listed(derivations))
    rows = spoken.order_by("id").values_list(
        "derivation", "kind", "author", "revision", "verification"
    )
    # Asked of the database, an index of all that nobody in particular said would be
    # read instead of a few derivations.
    return {derivation: kind for derivation, kind, *speaker in rows if not any(speaker)}


def _closing_a_cycle(links: Sequence[Link]) -> set[Link]:
    weighty = [link for link in links if RELATION_LAYER[link[2]] in WEIGHT_LAYERS]
    above = queries.pairs_above({parent for _, parent, _ in weighty}, CARRYING)
    positions = closing([link[:2] for link in weighty], above)
    return {weighty[position] for position in positions}


def _insert(links: Sequence[Link]) -> list[int]:
    """Make derivations that nobody spoke of before and return their ids."""
    last = bulk.insert(
        Derivation,
        ["child_id", "parent_id", "relation", "layer"],
        [
            (
                child,
                parent,
                relation.value,
                RELATION_LAYER[relation].value,
            )
            for child, parent, relation in links
        ],
        state=StatementKind.DECLARED.value,
    )
    return list(Derivation.objects.filter(pk__gt=last).values_list("pk", flat=True))


def _say(kind: StatementKind, derivations: Sequence[int], source_key: str) -> None:
    """Append a statement to derivations, with the sources of their children."""
    if not derivations:
        return
    spoken = Derivation.objects.filter(id__any_of=listed(derivations))
    last = bulk.insert_selected(
        Statement, ["derivation_id"], spoken.values_list("pk"), kind=kind.value
    )
    sources = Statement.objects.filter(
        pk__gt=last, derivation__child__sources__key=source_key
    )
    bulk.insert_selected(
        Statement.sources.through,
        ["statement_id", "source_id"],
        sources.values_list("pk", "derivation__child__sources"),
    )


def _derive_states(derivations: Iterable[int]) -> None:
    spoken: dict[int, list[tuple[str, int | None, str | None]]] = {}
    said = Statement.objects.filter(
        derivation__id__any_of=listed(derivations)
    ).order_by("id")
    columns = ("derivation", "kind", "dispute", "dispute__state")
    for derivation, *statement in said.values_list(*columns):
        spoken.setdefault(derivation, []).append(tuple(statement))
    bulk.update(
        Derivation,
        ["state"],
        [(standing(said).value, pk) for pk, said in spoken.items()],
    )
