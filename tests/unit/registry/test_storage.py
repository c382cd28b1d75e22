"""The content-addressed file store, on a folder of its own."""

from __future__ import annotations

import hashlib
import resource
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from registry import storage

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def root(settings: Any, tmp_path: Path) -> Path:
    settings.STORAGE_DIR = tmp_path / "files"
    return tmp_path / "files"


def stored_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def store(content: bytes = CONTENT, **announced: Any) -> Path:
    announced = {"sha256": SHA256, "size_bytes": len(CONTENT)} | announced
    return storage.store([content[:100], content[100:]], **announced)


def test_a_stored_content_lies_under_its_hash(root: Path) -> None:
    path = store()

    assert path.read_bytes() == CONTENT
    assert path == storage.path_of(SHA256)
    assert storage.has(SHA256)
    assert stored_files(root) == [path]


@pytest.mark.parametrize(
    "announced",
    [{"sha256": "0" * 64}, {"size_bytes": 6999}, {"size_bytes": 7001}],
    ids=["wrong hash", "too long", "too short"],
)
def test_a_content_unlike_its_announcement_leaves_nothing(
    root: Path, announced: dict[str, Any]
) -> None:
    with pytest.raises(storage.ContentMismatch):
        store(**announced)

    assert stored_files(root) == []


def test_an_endless_upload_is_cut_off_at_its_announced_size(root: Path) -> None:
    n_read = 0

    def endless() -> Any:
        nonlocal n_read
        while True:
            n_read += 1
            yield bytes(1000)

    with pytest.raises(storage.ContentMismatch, match="more than the announced"):
        storage.store(endless(), sha256=SHA256, size_bytes=5000)

    assert n_read == 6
    assert stored_files(root) == []


def test_an_upload_that_breaks_off_leaves_nothing(root: Path) -> None:
    def broken() -> Any:
        yield CONTENT[:100]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        storage.store(broken(), sha256=SHA256, size_bytes=len(CONTENT))

    assert stored_files(root) == []
    assert not storage.has(SHA256)


def test_a_failed_second_upload_spares_the_first(root: Path) -> None:
    path = store()

    with pytest.raises(storage.ContentMismatch):
        store(b"x" * len(CONTENT))

    assert path.read_bytes() == CONTENT


def test_a_disk_without_room_is_named_and_leaves_nothing(root: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(storage.DiskFull):
            store()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert stored_files(root) == []


def test_room_is_kept_free(settings: Any) -> None:
    settings.MIN_FREE_BYTES = 0
    storage.check_room(1)
    settings.MIN_FREE_BYTES = 2**62

    with pytest.raises(storage.DiskFull, match="room for 0 more bytes"):
        storage.check_room(1)


def test_racing_writers_end_in_one_whole_file(root: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: store(), range(32)))

    assert stored_files(root) == [storage.path_of(SHA256)] == list(paths)
    assert storage.path_of(SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "sha256", ["", "../../etc/passwd", SHA256.upper(), SHA256[:-1], SHA256 + "0"]
)
def test_what_is_no_hash_has_no_path(sha256: str) -> None:
    with pytest.raises(storage.ContentMissing, match="not a sha256"):
        storage.path_of(sha256)


def test_bytes_stored_twice_are_one_file(root: Path) -> None:
    assert storage.store_bytes(CONTENT) == storage.store_bytes(CONTENT) == SHA256
    assert len(stored_files(root)) == 1


def test_checkout_shows_contents_under_their_paths() -> None:
    store()

    with storage.checkout(
        [("a.bin", SHA256), ("deep/er/b.bin", SHA256)], name="it"
    ) as folder:
        assert (folder / "a.bin").read_bytes() == CONTENT
        assert (folder / "deep/er/b.bin").read_bytes() == CONTENT

    assert not folder.exists()
    assert storage.has(SHA256)


def test_checkout_names_the_file_whose_content_is_missing() -> None:
    store()

    with (
        pytest.raises(storage.ContentMissing, match=r"gone\.safetensors"),
        storage.checkout([("a", SHA256), ("gone.safetensors", "0" * 64)], name="it"),
    ):
        pytest.fail("the folder is incomplete")


def test_what_a_killed_upload_left_is_removed_in_time(root: Path) -> None:
    path = store()
    left = root / "incoming" / "half"
    left.write_bytes(b"half")
    now = datetime.now(UTC)

    assert storage.remove_abandoned(before=now - timedelta(hours=1)) == 0
    assert storage.remove_abandoned(before=now + timedelta(hours=1)) == 1
    assert stored_files(root) == [path]
