"""The sample register comes out as its index says, however often it is loaded."""

from __future__ import annotations

import pytest

from lineage.models import Verification
from registry.models import Job, Revision
from registry.services.samples import load_samples, sample_index
from tests.pushing import work


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory, settings: object) -> None:
    settings.STORAGE_DIR = tmp_path_factory.mktemp("files")  # type: ignore[attr-defined]


def test_every_sample_gets_the_verdict_of_the_index() -> None:
    load_samples()
    work()

    current = Verification.objects.current().select_related("revision__model")
    found = {v.revision.model.repo_id: v.verdict for v in current}
    assert found == {sample["id"]: sample["verdict"] for sample in sample_index()}


def test_loading_the_samples_again_changes_nothing() -> None:
    n_jobs = len(load_samples())

    assert len(load_samples()) == n_jobs == len(sample_index())
    assert Revision.objects.count() == Job.objects.count() == n_jobs
