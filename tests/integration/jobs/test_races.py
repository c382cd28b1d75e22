"""Writers that race: threads with a database connection of their own each."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from lineage.models import Derivation
from lineage.services.derivations import CycleRefused, Speech, add_derivation
from registry import jobs
from registry.models import Job, RegisteredModel
from registry.vocabulary import Relation, StatementKind
from tests.factories import make_job, make_model, make_revision

pytestmark = pytest.mark.django_db(transaction=True)
N_RACERS = 8


def race(runners: list[Callable[[], Any]]) -> list[Any]:
    """Start all at one moment; return what each returned or raised."""
    barrier = Barrier(len(runners))
    results: list[Any] = [None] * len(runners)

    def run(position: int, runner: Callable[[], Any]) -> None:
        connection.ensure_connection()
        barrier.wait(timeout=30)
        try:
            results[position] = runner()
        except Exception as error:
            results[position] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=item) for item in enumerate(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def test_one_of_many_workers_gets_the_job() -> None:
    job = make_job()

    claims = race([lambda: jobs.claim(job.pk)] * N_RACERS)

    held = [claim for claim in claims if claim is not None]
    assert [type(claim) for claim in held] == [jobs.Claim]
    job.refresh_from_db()
    assert (job.lease, job.attempts) == (held[0].lease, 1)


def test_many_workers_share_many_jobs_without_overlap() -> None:
    ids = [make_job().pk for _ in range(12)]

    def claim_all() -> list[object]:
        return [pk for pk in ids if jobs.claim(pk) is not None]

    claimed = [pk for result in race([claim_all] * 4) for pk in result]

    assert sorted(claimed) == sorted(ids)
    assert set(Job.objects.values_list("attempts", flat=True)) == {1}


def test_submitting_at_once_ends_in_one_unfinished_job() -> None:
    revision = make_revision()

    submitted = race([lambda: jobs.submit(Job.Kind.FINGERPRINT, revision)] * N_RACERS)

    assert {result.pk for result in submitted} == {Job.objects.get().pk}


def derive(child: RegisteredModel, parent: RegisteredModel) -> Callable[[], Derivation]:
    return lambda: add_derivation(
        child=child,
        parent=parent,
        relation=Relation.SFT,
        speech=Speech(kind=StatementKind.DECLARED),
    )


@pytest.mark.parametrize("attempt", range(5))
def test_opposite_derivations_at_once_close_no_cycle(attempt: int) -> None:
    one, other = make_model(), make_model()

    results = race([derive(one, other), derive(other, one)])

    assert {type(result) for result in results} == {Derivation, CycleRefused}
    assert Derivation.objects.count() == 1


def test_a_ring_of_derivations_at_once_stays_open() -> None:
    models = [make_model() for _ in range(4)]
    pairs = zip(models, models[1:] + models[:1], strict=True)

    results = race([derive(child, parent) for child, parent in pairs])

    kinds = [type(result) for result in results]
    assert kinds.count(CycleRefused) == 1
    assert kinds.count(Derivation) == Derivation.objects.count() == 3


def test_the_same_derivation_said_at_once_is_one_row() -> None:
    child, parent = make_model(), make_model()

    results = race([derive(child, parent)] * N_RACERS)

    assert {result.pk for result in results} == {Derivation.objects.get().pk}
    assert Derivation.objects.get().statements.count() == 1
