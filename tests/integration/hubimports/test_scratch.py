"""What an import puts on the disk meanwhile, and who takes it away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from safetensors.numpy import save

from registry import hubfiles, jobs, storage, tasks
from registry.jobs import Claim
from registry.management.commands.sweep import Sweeper
from registry.models import AuditEntry, Fingerprint, HubImport, Job, Revision
from registry.services import hubimports, hubreading
from registry.services.revisions import register_model
from tests.factories import make_organization, make_user
from tests.hubs import Hub
from tests.pushing import push, work

LAYERS, D, H = 32, 128, 512


@pytest.fixture
def shards(hub: Hub) -> dict[str, bytes]:
    """Let the hub serve a model of 32 layers in eight files, and return these."""
    random = np.random.default_rng(5)

    def drawn(*shape: int) -> Any:
        return random.normal(0, 0.02, shape).astype(np.float32)

    tensors: dict[str, Any] = {"embed.weight": drawn(500, D)}
    for n in range(LAYERS):
        layer = f"layers.{n}"
        tensors[f"{layer}.norm1.weight"] = 1 + drawn(D)
        tensors[f"{layer}.norm2.weight"] = 1 + drawn(D)
        tensors |= {f"{layer}.attention.{k}.weight": drawn(D, D) for k in "qkvo"}
        tensors |= {f"{layer}.mlp.{k}.weight": drawn(H, D) for k in ("gate", "up")}
        tensors[f"{layer}.mlp.down.weight"] = drawn(D, H)
    names = list(tensors)
    files, placed = {}, {}
    for number, some in enumerate(np.array_split(names, 8), start=1):
        path = f"model-{number:05}-of-00008.safetensors"
        files[path] = save({str(name): tensors[name] for name in some})
        placed |= {str(name): path for name in some}
    index = json.dumps({"metadata": {}, "weight_map": placed}).encode()
    hub.files = {"model.safetensors.index.json": index, **files}
    return files


def register(hub: Hub, **options: Any) -> Revision:
    team = make_organization(slug="team", owner=make_user())
    found = hubimports.inspect(hub.url, "kin/tuned", "main")
    return hubimports.register(
        found, organization=team, name="mine", user=None, **options
    )


def held_by(revision: Revision) -> int:
    folder = hubreading.folder_of(revision)
    return hubreading.bytes_in(folder) if folder.exists() else 0


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what lets something happen at every report of a worker."""

    def install(happen: Callable[[float], None]) -> None:
        report = Claim.report

        def reporting(claim: Claim, progress: float) -> None:
            happen(progress)
            # As if half a second had passed.
            claim._reported_at = 0.0
            report(claim, progress)

        monkeypatch.setattr(Claim, "report", reporting)

    return install


def sketch_of(revision: Revision) -> bytes:
    return bytes(Fingerprint.objects.get(revision=revision).sketch)


def folder_of(hub: Hub, tmp_path: Path) -> Path:
    """Return a folder with what the hub serves."""
    folder = tmp_path / "pushed"
    folder.mkdir()
    for path, content in hub.files.items():
        (folder / path).write_bytes(content)
    return folder


def sketch_of_pushed(hub: Hub, tmp_path: Path) -> bytes:
    """Return the sketch of the same files, pushed and read for themselves."""
    Fingerprint.objects.all().delete()
    pushed = push("kin/same", folder_of(hub, tmp_path))
    work()
    return sketch_of(pushed)


def test_one_file_at_a_time_is_on_the_disk(
    hub: Hub,
    shards: dict[str, bytes],
    during: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(hubfiles, "CHUNK_BYTES", 1 << 16)
    revision = register(hub)
    held: list[int] = []
    during(lambda _: held.append(held_by(revision)))
    hub.asked.clear()

    work()

    total, largest = sum(map(len, shards.values())), max(map(len, shards.values()))
    # Eight layers of 32 and the tokens are needed a second time; of every tensor some
    # kilobytes stay.
    again = total / 4 + 500 * D * 4 + LAYERS * 9 * (10 << 10)
    assert largest < max(held) < largest + again
    assert max(held) < total / 2
    assert not hubreading.folder_of(revision).exists()
    assert sketch_of(revision) == sketch_of_pushed(hub, tmp_path)


@pytest.mark.parametrize("keeps_copy", [False, True])
def test_what_others_store_meanwhile_changes_nothing(
    hub: Hub,
    shards: dict[str, bytes],
    during: Callable[..., None],
    tmp_path: Path,
    keeps_copy: bool,
) -> None:
    last = max(shards)
    revision = register(hub, keeps_copy=keeps_copy)

    def store(progress: float) -> None:
        if progress > 0.3:
            storage.store_bytes(shards[last])

    during(store)
    hub.asked.clear()

    work()

    assert any(path.endswith(last) for path, _, _ in hub.asked)
    assert sketch_of(revision) == sketch_of_pushed(hub, tmp_path)


@pytest.mark.parametrize("private", [True, False])
def test_what_others_keep_private_is_fetched_all_the_same(
    hub: Hub, shards: dict[str, bytes], tmp_path: Path, private: bool
) -> None:
    organization = make_organization(slug="kin", owner=make_user())
    register_model(organization=organization, name="same", private=private)
    push("kin/same", folder_of(hub, tmp_path))
    register(hub)
    hub.asked.clear()

    work()

    assert bool(hub.asked) == private


def test_a_copy_goes_to_the_store_file_by_file(
    hub: Hub, shards: dict[str, bytes], during: Callable[..., None]
) -> None:
    revision = register(hub, keeps_copy=True)
    held: list[int] = []
    during(lambda _: held.append(held_by(revision)))

    work()

    assert max(held) < 2 * max(map(len, shards.values()))
    assert all(storage.has(file.blob_id) for file in revision.weight_files())
    assert HubImport.objects.get().read_at
    assert Fingerprint.objects.filter(revision=revision).exists()


def test_files_that_a_killed_worker_had_read_are_not_read_again(
    hub: Hub, shards: dict[str, bytes]
) -> None:
    revision = register(hub)
    held = jobs.claim(revision.jobs.get().pk)
    assert held is not None

    def die(share: float) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hubreading.sketch(revision.hub_import, progress=die)
    held.release("killed")
    hubreading.remove_scratch()
    assert held_by(revision)
    hub.asked.clear()

    work()

    assert Fingerprint.objects.filter(revision=revision).exists()
    asked = {path.rpartition("/")[2] for path, _, _ in hub.asked}
    assert asked == set(sorted(shards)[5:])


def test_a_cancelled_import_stops_and_leaves_nothing(
    hub: Hub, shards: dict[str, bytes], during: Callable[..., None]
) -> None:
    revision, user = register(hub), make_user()
    job = revision.jobs.get()

    def cancel(progress: float) -> None:
        if progress > 0.5:
            hubimports.cancel(job, by=user)

    during(cancel)
    hub.asked.clear()

    tasks.fingerprint_revision.run(str(job.pk))

    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert job.progress < 0.7
    assert not hubreading.folder_of(revision).exists()
    assert not Fingerprint.objects.exists()
    last = sorted(shards)[-1]
    assert not any(path.endswith(last) and r[6:8] != "0-" for path, r, _ in hub.asked)
    actions = AuditEntry.objects.order_by("id").values_list("action", "actor")
    assert list(actions)[-2:] == [("import-asked", None), ("import-cancelled", user.pk)]


def test_a_cancelled_import_does_not_wait_for_a_silent_hub(
    hub: Hub, during: Callable[..., None]
) -> None:
    revision = register(hub)
    hub.held_back_from = 100_000
    began = time.monotonic()
    during(lambda _: hubimports.cancel(revision.jobs.get(), by=make_user()))

    work()

    assert time.monotonic() - began < 5
    assert not hub.may_go_on.is_set()
    assert not hubreading.folder_of(revision).exists()


def test_a_cancelled_import_is_done_after_all(
    hub: Hub, shards: dict[str, bytes]
) -> None:
    revision, user = register(hub), make_user()
    job = revision.jobs.get()
    assert hubimports.cancel(job, by=user)
    assert not hubimports.cancel(job, by=user)
    job.refresh_from_db()

    again = hubimports.try_again(job, by=user)
    assert hubimports.try_again(job, by=user) == again
    work()

    assert Fingerprint.objects.filter(revision=revision).exists()
    said = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    imports = [action for action in said if "import" in action]
    assert imports == ["import-asked", "import-cancelled", "import-asked", "imported"]


@pytest.mark.parametrize("end", ["parked", "cancelled"])
def test_the_next_sweep_removes_what_a_killed_import_left(
    hub: Hub, shards: dict[str, bytes], end: str
) -> None:
    revision = register(hub)
    job = revision.jobs.get()
    assert jobs.claim(job.pk)

    def die(share: float) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hubreading.sketch(revision.hub_import, progress=die)
    assert held_by(revision)
    if end == "parked":
        Job.objects.update(attempts=99, lease_expires_at=timezone.now())
    else:
        hubimports.cancel(job, by=make_user())

    Sweeper()._sweep_rows(timezone.now())

    assert not hubreading.folder_of(revision).exists()


def test_a_failed_import_leaves_nothing_and_is_written_down(
    hub: Hub, shards: dict[str, bytes]
) -> None:
    hub.stated[sorted(shards)[3]] = "0" * 64
    revision = register(hub)

    work()

    assert revision.jobs.get().state == Job.State.FAILED
    assert not hubreading.folder_of(revision).exists()
    newest = AuditEntry.objects.latest("id")
    assert newest.action == "import-failed"
    assert newest.subject.endswith("→ team/mine")


def test_a_sweep_leaves_what_a_worker_still_reads(
    hub: Hub, shards: dict[str, bytes]
) -> None:
    revision = register(hub)

    def cancelled(share: float) -> None:
        jobs.cancel(revision.jobs.get().pk)
        assert hubreading.remove_scratch() == 0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hubreading.sketch(revision.hub_import, progress=cancelled)
    assert hubreading.remove_scratch() == 1


def test_where_a_reading_is_follows_from_its_share(
    hub: Hub, shards: dict[str, bytes]
) -> None:
    revision = register(hub)
    sizes = [len(shards[path]) for path in sorted(shards)]

    first = hubreading.position(revision, 0.0)
    middle = hubreading.position(revision, hubreading.READING_SHARE * 0.5)
    last = hubreading.position(revision, hubreading.READING_SHARE * 0.999)

    assert first and middle and last
    assert (first.path, first.number, first.n_bytes) == (min(shards), 1, 0)
    assert (middle.number, middle.n_files) in {(4, 8), (5, 8)}
    assert (last.path, last.n_bytes) == (max(shards), round(sum(sizes) * 0.999))
    assert hubreading.position(revision, hubreading.READING_SHARE) is None
