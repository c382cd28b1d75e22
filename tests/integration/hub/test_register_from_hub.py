"""Registering a model by its id where the hub is a running register of our own."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from registry import storage
from registry.models import Fingerprint, HubImport
from registry.services import hubimports
from tests.factories import make_organization
from tests.integration.hub.conftest import LiveRegister
from tests.pushing import ZOO, work

pytestmark = [
    pytest.mark.processes,
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


def test_a_model_of_a_live_hub(
    live_register: LiveRegister, settings: Any, tmp_path: Path
) -> None:
    settings.STORAGE_DIR = tmp_path
    settings.IMPORT_HUBS = [live_register.url]
    settings.OUTBOUND_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    api = live_register.api(live_register.token("ann", "kin"))
    api.create_repo("kin/tuned")
    pushed = api.upload_folder(repo_id="kin/tuned", folder_path=ZOO / "small-1-tuned")

    found = hubimports.inspect(live_register.url, "kin/tuned", "main")
    revision = hubimports.register(
        found, organization=make_organization(), name="tuned", user=None
    )
    work()

    origin = HubImport.objects.get(revision=revision)
    assert (origin.commit_id, origin.read_at is not None) == (pushed.oid, True)
    assert Fingerprint.objects.filter(revision=revision).exists()
    assert not storage.has(revision.weight_files().get().blob_id)
    at_commit = hubimports.inspect(live_register.url, "kin/tuned", pushed.oid)
    assert at_commit.snapshot.commit_id == pushed.oid
