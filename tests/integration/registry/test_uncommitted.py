"""Contents that were sent and never committed: removed in time, never too early."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry import storage
from registry.models import RegisteredModel, Revision, RevisionFile
from registry.services import pushes, uploads
from registry.services.revisions import Changes, CommitRefused
from tests import factories
from tests.integration.jobs.test_races import race


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Any) -> None:
    settings.STORAGE_DIR = tmp_path / "files"


def stored(content: bytes, *, days_ago: float = 8) -> str:
    """Return the SHA-256 of a content that was stored some days ago."""
    sha256 = storage.store_bytes(content)
    then = timezone.now().timestamp() - days_ago * 86_400
    os.utime(storage.path_of(sha256), (then, then))
    return sha256


def a_week_ago() -> datetime:
    return timezone.now() - timedelta(days=7)


def test_only_old_contents_of_no_revision_are_removed(db: None) -> None:
    revision = factories.make_revision()
    factories.make_file(revision=revision, path="a", content=b"committed")
    committed, old = stored(b"committed"), stored(b"old")
    new = stored(b"new", days_ago=6)

    n_removed = uploads.remove_uncommitted(before=a_week_ago())

    assert n_removed == 1
    assert [storage.has(sha256) for sha256 in (committed, old, new)] == [1, 0, 1]
    assert not list((storage.root() / "incoming").iterdir())


def test_more_than_are_removed_at_once_are_removed(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "REMOVED_AT_ONCE", 3)
    for number in range(8):
        stored(b"%d" % number)

    assert uploads.remove_uncommitted(before=a_week_ago()) == 8


def test_asking_for_a_content_keeps_it(db: None) -> None:
    model, user = factories.make_model(), factories.make_user()
    item = uploads.Delivery(user, model, stored(b"asked for"), 9)
    storage.note_arrival(uploads._key(user, model, item.sha256))

    assert item.is_here
    assert uploads.remove_uncommitted(before=a_week_ago()) == 0
    assert item.is_here


def test_what_is_renewed_while_it_is_removed_is_put_back(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    sha256 = stored(b"wanted at the last moment")
    rename = type(storage.root()).rename

    def renewed(path: Any, target: Any) -> Any:
        if path.name == sha256:
            storage.renew(sha256)
        return rename(path, target)

    monkeypatch.setattr(type(storage.root()), "rename", renewed)

    assert uploads.remove_uncommitted(before=a_week_ago()) == 0
    assert storage.has(sha256)


def test_a_commit_of_what_was_removed_is_refused_whole(db: None) -> None:
    model, user = factories.make_model(), factories.make_user()
    added = pushes.inline_file("notes.txt", b"going away")
    storage.path_of(added.sha256).unlink()

    with pytest.raises(CommitRefused, match="not kept any more; push again"):
        pushes.commit_push(
            model=model, author=user, changes=Changes([added]), summary="x"
        )

    assert not Revision.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(4))
def test_a_commit_at_the_same_moment_loses_nothing(attempt: int) -> None:
    user = factories.make_user()
    models = [factories.make_model() for _ in range(5)]
    contents = [b"%d" % number for number in range(40)]
    for content in contents:
        stored(content)

    def commit(model: RegisteredModel) -> Callable[[], Revision]:
        def run() -> Revision:
            added = [pushes.inline_file(c.decode(), c) for c in contents]
            return pushes.commit_push(
                model=model, author=user, changes=Changes(added), summary="x"
            )

        return run

    def remove() -> int:
        return uploads.remove_uncommitted(before=a_week_ago())

    results = race([*map(commit, models), remove, remove, remove])

    assert [type(result) for result in results[:5]] == [Revision] * 5
    named = RevisionFile.objects.values_list("blob_id", flat=True)
    assert len(named) == 200
    assert all(storage.has(sha256) for sha256 in named)
