"""A job's life on its row: claimed, reported, lost, released, parked, rung."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from registry import jobs
from registry.models import Job
from tests.factories import make_job, make_revision


def claimed() -> jobs.Claim:
    claim = jobs.claim(make_job().pk)
    assert claim is not None
    return claim


def expire(claim: jobs.Claim) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=claim.job.pk).update(lease_expires_at=past)


def reloaded(claim: jobs.Claim) -> Job:
    return Job.objects.get(pk=claim.job.pk)


def broken(claim: jobs.Claim) -> None:
    raise RuntimeError("no luck")


def test_a_waiting_job_is_claimed_once() -> None:
    claim = claimed()

    assert jobs.claim(claim.job.pk) is None
    job = reloaded(claim)
    assert (job.state, job.attempts, job.lease) == ("running", 1, claim.lease)
    assert job.started_at is not None


def test_nobody_claims_a_job_that_is_gone() -> None:
    assert jobs.claim(uuid.uuid4()) is None


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_nobody_claims_a_finished_job(state: str) -> None:
    assert jobs.claim(make_job(state=state).pk) is None


def test_an_expired_lease_is_taken_over_from_the_start() -> None:
    first = claimed()
    first.report(0.7)
    expire(first)

    second = jobs.claim(first.job.pk)

    assert second is not None
    job = reloaded(first)
    assert (job.lease, job.attempts, job.progress) == (second.lease, 2, 0.0)


@pytest.mark.parametrize("write", ["report", "succeed", "fail", "release"])
def test_who_lost_the_lease_can_write_nothing(write: str) -> None:
    loser = claimed()
    expire(loser)
    winner = jobs.claim(loser.job.pk)
    assert winner is not None
    arguments: dict[str, list[Any]] = {
        "report": [0.5],
        "fail": ["x"],
        "release": ["x"],
    }

    with pytest.raises(jobs.LeaseLost):
        getattr(loser, write)(*arguments.get(write, []))

    job = reloaded(winner)
    assert (job.state, job.lease, job.error) == ("running", winner.lease, "")


def test_a_cancelled_job_is_lost_to_its_worker() -> None:
    claim = claimed()
    Job.objects.filter(pk=claim.job.pk).update(state=Job.State.CANCELLED)

    with pytest.raises(jobs.LeaseLost):
        claim.succeed()

    assert reloaded(claim).state == "cancelled"


def test_a_report_stores_progress_and_renews_the_lease() -> None:
    claim = claimed()
    expire(claim)

    claim.report(0.25)

    job = reloaded(claim)
    assert job.progress == 0.25
    assert job.lease_expires_at > timezone.now()
    assert jobs.claim(job.pk) is None


def test_reports_in_quick_succession_are_written_once() -> None:
    claim = claimed()

    claim.report(0.1)
    claim.report(0.2)

    assert reloaded(claim).progress == 0.1


@pytest.mark.parametrize(("said", "kept"), [(-1.0, 0.0), (1.5, 1.0)])
def test_progress_stays_a_share(said: float, kept: float) -> None:
    claim = claimed()

    claim.report(said)

    assert reloaded(claim).progress == kept


def test_work_that_ends_well_succeeds() -> None:
    job = make_job()

    jobs.run(job.pk, lambda claim: claim.report(0.5), expected=())

    job.refresh_from_db()
    assert (job.state, job.progress, job.lease) == ("succeeded", 1.0, None)
    assert job.finished_at is not None


def test_running_a_finished_job_again_does_nothing() -> None:
    job = make_job()
    jobs.run(job.pk, lambda claim: None, expected=())

    jobs.run(job.pk, broken, expected=())

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("succeeded", 1)


def test_an_expected_error_ends_the_job_with_its_text() -> None:
    job = make_job()

    jobs.run(job.pk, broken, expected=(RuntimeError,))

    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "no luck")
    assert job.finished_at is not None


def test_work_that_breaks_is_given_back_and_then_done() -> None:
    job = make_job()

    jobs.run(job.pk, broken, expected=())
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("queued", 1)
    assert "RuntimeError" in job.error
    jobs.run(job.pk, lambda claim: None, expected=())

    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == ("succeeded", 2, "")


def test_work_stops_quietly_when_its_lease_is_lost() -> None:
    job = make_job()

    def overtaken(claim: jobs.Claim) -> None:
        expire(claim)
        assert jobs.claim(job.pk) is not None
        claim.report(0.5)
        pytest.fail("the work went on")

    jobs.run(job.pk, overtaken, expected=())

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("running", 2)


def test_a_job_that_always_breaks_is_parked_with_its_reason(settings: Any) -> None:
    settings.JOB_MAX_ATTEMPTS = 3
    job = make_job()
    for _ in range(5):
        jobs.run(job.pk, broken, expected=())

    n_parked = jobs.park_exhausted(at=timezone.now())

    job.refresh_from_db()
    assert (n_parked, job.state, job.attempts) == (1, "failed", 3)
    assert job.error.startswith("Begun too often without an end.")
    assert "RuntimeError" in job.error
    assert job.finished_at is not None


def test_a_running_job_is_not_parked_on_its_last_attempt(settings: Any) -> None:
    settings.JOB_MAX_ATTEMPTS = 1
    claim = claimed()

    assert jobs.park_exhausted(at=timezone.now()) == 0

    claim.succeed()
    assert reloaded(claim).state == "succeeded"


def test_a_job_that_nobody_rang_for_is_silent() -> None:
    job = make_job()

    assert jobs.silent(at=timezone.now()) == [job]


def test_a_job_that_is_held_is_not_silent() -> None:
    claimed()

    assert jobs.silent(at=timezone.now()) == []


@pytest.mark.parametrize(
    ("n_rings", "seconds"), [(1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (40, 60)]
)
def test_a_bell_is_rung_again_ever_later(n_rings: int, seconds: int) -> None:
    now = timezone.now()
    job = make_job(rung_at=now, n_rings=n_rings)

    assert jobs.silent(at=now + timedelta(seconds=seconds - 0.5)) == []
    assert jobs.silent(at=now + timedelta(seconds=seconds + 0.5)) == [job]


def test_ringing_is_noted_on_the_row() -> None:
    job = make_job()

    jobs.note_ring(job.pk)
    jobs.note_ring(job.pk)

    job.refresh_from_db()
    assert job.n_rings == 2
    assert jobs.silent(at=timezone.now()) == []


def test_silent_jobs_come_oldest_first() -> None:
    made = [make_job() for _ in range(3)]

    assert jobs.silent(at=timezone.now()) == made


def test_submitting_twice_is_one_job() -> None:
    revision = make_revision()

    first = jobs.submit(Job.Kind.FINGERPRINT, revision)
    second = jobs.submit(Job.Kind.FINGERPRINT, revision)

    assert first == second
    assert Job.objects.count() == 1


def test_submitting_after_the_end_is_a_new_job() -> None:
    finished = make_job(state=Job.State.SUCCEEDED)

    assert jobs.submit(Job.Kind.FINGERPRINT, finished.revision) != finished


def test_jobs_of_two_kinds_stand_side_by_side() -> None:
    revision = make_revision()

    jobs.submit(Job.Kind.FINGERPRINT, revision)
    jobs.submit(Job.Kind.VERIFY, revision)

    assert Job.objects.unfinished().count() == 2


def test_the_database_refuses_a_second_waiting_job() -> None:
    job = make_job()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_job(revision=job.revision)

    make_job(revision=job.revision, state=Job.State.RUNNING)
    make_job(revision=job.revision, state=Job.State.FAILED)


def test_a_job_given_back_ends_where_another_waits_to_do_the_same() -> None:
    job = make_job()
    held = jobs.claim(job.pk)
    assert held is not None
    waiting = jobs.submit(Job.Kind.FINGERPRINT, job.revision)

    held.release("broke")

    assert waiting != job
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.CANCELLED, "broke")


def test_the_database_refuses_a_progress_beyond_one() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_job(progress=1.1)
