"""Object ids, checked against values that git itself gives."""

from __future__ import annotations

import hashlib

from registry import gitoid


def test_the_id_of_a_content_is_gits() -> None:
    # git hash-object -t blob --stdin, for nothing and for "hello world\n"
    assert gitoid.of_content(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert (
        gitoid.of_content(b"hello world\n")
        == "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"
    )


def test_a_large_file_has_the_id_of_its_pointer() -> None:
    sha256 = hashlib.sha256(b"weights").hexdigest()

    pointer = gitoid.pointer(sha256, 7)

    assert pointer.decode().splitlines() == [
        "version https://git-lfs.github.com/spec/v1",
        f"oid sha256:{sha256}",
        "size 7",
    ]
    assert gitoid.of_large_file(sha256, 7) == gitoid.of_content(pointer)


def test_a_folder_changes_its_id_with_any_file_below_it() -> None:
    before = gitoid.of_folder([("a", "1"), ("b", "2")])

    assert gitoid.of_folder([("b", "2"), ("a", "1")]) == before
    assert gitoid.of_folder([("a", "1"), ("b", "3")]) != before
    assert gitoid.of_folder([("a", "1"), ("c", "2")]) != before
