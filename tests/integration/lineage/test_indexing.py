"""The index beside the database: exact, fresh, and never of another register."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from lineage import index, indexing, queries, tasks
from lineage.models import Change, Derivation
from lineage.queries import Scope
from lineage.services.derivations import Speech, add_derivation, say
from registry.models import RegisteredModel
from registry.permissions import EVERYTHING, PUBLIC, Sight
from registry.services.visibility import set_private
from registry.vocabulary import Layer, Relation, StatementKind
from tests.factories import (
    make_catalog_model,
    make_derivation,
    make_model,
    make_organization,
    make_user,
)

# The size of a register is the number of its last change, so each test begins at one.
pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

SCOPES = [
    Scope(),
    Scope(layers=frozenset({Layer.WEIGHTS})),
    Scope(states=frozenset({StatementKind.VERIFIED, StatementKind.WITHDRAWN})),
    Scope(relations=frozenset({Relation.MERGE})),
]
SAID = (StatementKind.DECLARED, StatementKind.WITHDRAWN, StatementKind.DISPUTED)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path, monkeypatch: Any) -> Iterator[Path]:
    """Let every register have an index, in a folder of its own."""
    settings.INDEX_DIR = tmp_path / "index"
    monkeypatch.setattr(indexing, "MIN_CHANGES", 1)
    monkeypatch.setattr(tasks, "_rung_at", -tasks.RING_AGAIN_SECONDS)
    indexing.forget()
    yield settings.INDEX_DIR
    indexing.forget()


def make_models(n: int) -> list[RegisteredModel]:
    return [make_catalog_model(slug=f"m{i}", name=f"m{i}") for i in range(n)]


def derive(child: RegisteredModel, parent: RegisteredModel) -> Derivation:
    return add_derivation(
        child=child,
        parent=parent,
        relation=Relation.SFT,
        speech=Speech(kind=StatementKind.DECLARED),
    )


def hops(model: RegisteredModel, scope: Scope) -> dict[int, int]:
    reached = queries.below(model.pk, scope)
    return dict(zip(reached.ids.tolist(), reached.hops.tolist(), strict=True))


def hops_in_sql(model: RegisteredModel, scope: Scope) -> dict[int, int]:
    # Inside a transaction it is SQL that walks.
    with transaction.atomic():
        return hops(model, scope)


def walks_of(model: RegisteredModel, scope: Scope) -> list[Any]:
    above = queries.above(model.pk, scope)
    return [
        queries.edges_above(model.pk, scope),
        sorted(queries.pairs_above([model.pk, model.pk + 3], scope)),
        queries.edges_among([model.pk, *above.ids.tolist()[::2]], scope),
        above.pairs(0, len(above)),
    ]


def agree(models: list[RegisteredModel]) -> None:
    for scope in SCOPES:
        for model in models:
            assert hops(model, scope) == hops_in_sql(model, scope)
            found = walks_of(model, scope)
            with transaction.atomic():
                assert found == walks_of(model, scope)


@pytest.mark.parametrize("seed", range(3))
def test_the_index_says_what_sql_says_whatever_happens(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    models = make_models(20)
    for i in range(1, 12):
        for parent in chance.sample(models[:i], k=min(i, chance.choice([0, 1, 3]))):
            relation = chance.choice([Relation.SFT, Relation.MERGE, Relation.CONTAINS])
            make_derivation(child=models[i], parent=parent, relation=relation)
    agree(models)
    (built,) = index.names(folder)

    for _ in range(30):
        if chance.random() < 0.5:
            i = chance.randrange(1, 20)
            derive(models[i], models[chance.randrange(i)])
        else:
            derivation = chance.choice(list(Derivation.objects.order_by("pk")))
            say(derivation, Speech(kind=chance.choice(SAID)))
    agree(models)

    indexing.refresh()
    assert index.names(folder)[0] != built
    agree(models)
    indexing.forget()
    agree(models)


def test_what_was_written_is_read(folder: Path) -> None:
    base, child, grandchild = make_models(3)
    derivation = derive(child, base)
    assert hops(base, Scope()) == {child.pk: 1}

    derive(grandchild, child)
    assert hops(base, Scope()) == {child.pk: 1, grandchild.pk: 2}

    say(derivation, Speech(kind=StatementKind.WITHDRAWN))
    assert hops(base, Scope()) == {}
    assert hops(child, Scope()) == {grandchild.pk: 1}
    assert len(index.names(folder)) == 1


def test_the_parts_of_an_answer_are_of_one_moment() -> None:
    base, child, other = make_models(3)
    derive(child, base)
    with indexing.one_moment():
        before = walks_of(child, Scope())
        derive(other, base)
        derive(child, other)
        assert hops(base, Scope()) == {child.pk: 1}
        assert walks_of(child, Scope()) == before

    assert hops(base, Scope()) == {child.pk: 1, other.pk: 1}
    assert walks_of(child, Scope()) != before


def test_the_api_answers_alike_with_an_index_and_without(
    client: Any, monkeypatch: Any
) -> None:
    chance = random.Random(7)
    models = make_models(16)
    for i in range(1, 14):
        for parent in chance.sample(models[:i], k=min(i, chance.choice([0, 1, 3]))):
            relation = chance.choice([Relation.SFT, Relation.MERGE, Relation.CONTAINS])
            make_derivation(child=models[i], parent=parent, relation=relation)
    hops(models[0], Scope())
    for i in (14, 15):
        derive(models[i], models[chance.randrange(14)])
    addresses = [
        *(
            f"/api/v1/models/m{i}/{which}/?layer=weights,component&limit=5"
            for i in range(16)
            for which in ("ancestors", "descendants", "roots", "subtree")
        ),
        *(f"/api/v1/lineage/graph/?focus=m{i}&limit=9" for i in range(16)),
        *(f"/api/v1/lineage/path/?from=m{i}&to=m0" for i in range(1, 16)),
        *(f"/api/v1/lineage/common-ancestors/?models=m{i},m15" for i in range(15)),
    ]

    with_index = [client.get(address).json() for address in addresses]

    monkeypatch.setattr(indexing, "_newest", lambda: None)
    assert [client.get(address).json() for address in addresses] == with_index


def test_what_was_rolled_back_was_never_seen() -> None:
    base, child, other = make_models(3)
    derive(child, base)
    hops(base, Scope())

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        derive(other, base)
        assert hops(base, Scope()) == {child.pk: 1, other.pk: 1}
        raise ZeroDivisionError

    assert hops(base, Scope()) == {child.pk: 1}


def test_a_small_register_has_no_index(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(indexing, "MIN_CHANGES", 3)
    base, child = make_models(2)
    derive(child, base)

    assert hops(base, Scope()) == {child.pk: 1}

    indexing.refresh()
    assert not indexing.is_due()
    assert index.names(folder) == []


@pytest.mark.parametrize("strange", ["1-0123456789abcdef", "999-0123456789abcdef"])
def test_a_snapshot_of_another_register_is_not_opened(
    folder: Path, strange: str
) -> None:
    base, child = make_models(2)
    derive(child, base)
    index.save(index.build(np.array([], dtype=index.EDGE)), folder, strange)

    assert hops(base, Scope()) == {child.pk: 1}


def test_a_broken_snapshot_is_made_again(folder: Path) -> None:
    base, child = make_models(2)
    derive(child, base)
    hops(base, Scope())
    (name,) = index.names(folder)
    (folder / name / "up-others.npy").write_bytes(b"\x93NUMPY half")
    indexing.forget()

    assert hops(base, Scope()) == {child.pk: 1}
    assert index.names(folder) == [name]


def test_a_stale_snapshot_is_due_and_the_newer_one_is_taken(
    folder: Path, monkeypatch: Any
) -> None:
    base, *others = make_models(6)
    derive(others[0], base)
    assert indexing.is_due()
    hops(base, Scope())
    assert not indexing.is_due()
    for child in others[1:]:
        derive(child, base)
    assert indexing.is_due()
    hops(base, Scope())
    old = index.names(folder)

    indexing.refresh()

    assert index.names(folder)[1:] == old
    assert not indexing.is_due()
    opened: list[str] = []
    monkeypatch.setattr(index, "open_snapshot", _noting(opened, index.open_snapshot))
    for _ in range(2):
        assert len(hops(base, Scope())) == len(others)
    assert opened == index.names(folder)[:1]


def _noting(opened: list[str], original: Any) -> Any:
    def noting(folder: Path, name: str) -> index.Snapshot:
        opened.append(name)
        snapshot: index.Snapshot = original(folder, name)
        return snapshot

    return noting


def test_the_sweeper_rings_for_a_new_snapshot(folder: Path, monkeypatch: Any) -> None:
    base, child = make_models(2)
    derive(child, base)
    rung: list[bool] = []
    monkeypatch.setattr(tasks.refresh_index, "delay", lambda: rung.append(True))

    call_command("sweep")
    call_command("sweep")
    assert rung == [True]

    tasks.refresh_index()
    assert len(index.names(folder)) == 1


def test_a_broker_that_is_away_costs_time_only(monkeypatch: Any) -> None:
    base, child = make_models(2)
    derive(child, base)

    def away() -> None:
        raise OSError("nobody there")

    monkeypatch.setattr(tasks.refresh_index, "delay", away)

    call_command("sweep")

    assert hops(base, Scope()) == {child.pk: 1}


def test_the_database_logs_every_writer_and_only_changes() -> None:
    base, *children = make_models(4)
    Derivation.objects.bulk_create(
        Derivation(
            child=child,
            parent=base,
            relation=Relation.SFT,
            layer=Layer.WEIGHTS,
            state=StatementKind.DECLARED,
        )
        for child in children
    )
    Derivation.objects.filter(child=children[0]).update(state=StatementKind.WITHDRAWN)
    Derivation.objects.update(state=StatementKind.WITHDRAWN, note="said again")

    logged = Change.objects.order_by("pk").values_list("derivation__child", flat=True)
    assert list(logged)[:4] == [*(child.pk for child in children), children[0].pk]
    assert sorted(logged) == sorted(2 * [child.pk for child in children])


def test_readers_beside_writers_see_what_was_committed() -> None:
    base, *children = make_models(25)
    derive(children[0], base)
    hops(base, Scope())
    seen: list[int] = []
    writing = Thread(target=_write, args=(children[1:], base))

    writing.start()
    while writing.is_alive():
        seen.append(len(hops(base, Scope())))
    writing.join()

    assert seen == sorted(seen)
    assert len(hops(base, Scope())) == len(children)


def _write(children: list[RegisteredModel], base: RegisteredModel) -> None:
    try:
        for child in children:
            derive(child, base)
    finally:
        connection.close()


def some_private_graph() -> tuple[list[RegisteredModel], list[Sight]]:
    """Return models of which each third is private to one of two teams, and sights."""
    rng = random.Random(7)
    teams = [make_organization(), make_organization()]
    models = [
        make_model(
            organization=teams[i % 2],
            slug=f"t--{i}",
            repo_name=f"{i}",
            private=i % 3 == 0,
        )
        for i in range(30)
    ]
    for child, parent in itertools.combinations(reversed(models), 2):
        if rng.random() < 0.12:
            derive(child, parent)
    own = [Sight(frozenset({team.pk})) for team in teams]
    return models, [PUBLIC, EVERYTHING, *own]


def test_nobody_walks_through_what_they_do_not_see() -> None:
    models, sights = some_private_graph()

    for sight in sights:
        scope = Scope(sight=sight)
        hidden = {model.pk for model in models if not sight.sees(model)}
        for model in models:
            if model.pk in hidden:
                continue
            found = hops(model, scope)
            assert found == hops_in_sql(model, scope)
            assert not hidden & found.keys()
            walked = queries.edges_above(model.pk, scope)
            assert not hidden & {end for edge in walked for end in edge[:2]}
            with transaction.atomic():
                assert walked == queries.edges_above(model.pk, scope)


def test_hiding_and_showing_is_seen_at_once() -> None:
    owner = make_user()
    team = make_organization(owner=owner)
    base, middle, leaf = (
        make_model(organization=team, slug=f"t--{name}", repo_name=name)
        for name in ("base", "middle", "leaf")
    )
    derive(middle, base)
    derive(leaf, middle)
    own = Scope(sight=Sight(frozenset({team.pk})))
    assert hops(base, Scope()) == {middle.pk: 1, leaf.pk: 2}

    set_private(middle, True, by=owner)

    assert hops(base, Scope()) == {}
    assert hops(base, own) == {middle.pk: 1, leaf.pk: 2}
    indexing.forget()
    assert hops(base, Scope()) == {}

    set_private(middle, False, by=owner)

    assert hops(base, Scope()) == {middle.pk: 1, leaf.pk: 2}


def test_a_snapshot_holds_no_way_through_a_private_model(folder: Path) -> None:
    owner = make_user()
    team = make_organization(owner=owner)
    base, middle = (
        make_model(organization=team, slug=f"t--{name}", repo_name=name)
        for name in ("base", "middle")
    )
    derive(middle, base)
    set_private(middle, True, by=owner)
    indexing.forget()

    built = indexing.current()

    assert built is not None
    assert index.names(folder)
    assert len(built.down.walk([base.pk], Scope().as_codes())) == 0
