"""How files travel, and what a .gitignore keeps back."""

from __future__ import annotations

import pytest

from registry.uploadrules import is_ignored, is_large


@pytest.mark.parametrize(
    ("path", "size_bytes", "expected"),
    [
        ("model.safetensors", 8, True),
        ("a/MODEL.GGUF", 8, True),
        ("tokenizer.model", 8, True),
        ("tokenizer.json", 100, False),
        ("tokenizer.json", 101, True),
        ("README.md", 0, False),
    ],
)
def test_weights_and_big_files_travel_on_their_own(
    path: str, size_bytes: int, expected: bool
) -> None:
    assert is_large(path, size_bytes, max_inline_bytes=100) is expected


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        ("", "a.log", False),
        ("# a.log", "a.log", False),
        ("*.log", "a.log", True),
        ("*.log", "deep/a.log", True),
        ("*.log", "a.logs", False),
        ("/a.log", "deep/a.log", False),
        ("/a.log", "a.log", True),
        ("runs/", "runs/1/x", True),
        ("runs/", "deep/runs/x", True),
        ("runs/", "runs", False),
        ("runs", "runs/x", True),
        ("a/b", "a/b/c", True),
        ("a/b", "x/a/b", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("**/z", "a/b/z", True),
        ("a/**", "a/b/c", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("v[0-9].txt", "v1.txt", True),
        ("v[!0-9].txt", "v1.txt", False),
        ("*.log\n!keep.log", "keep.log", False),
        ("*.log\n!keep.log", "other.log", True),
        ("\\#odd", "#odd", True),
        ("a.log   ", "a.log", True),
        ("(a+)+$", "a" * 40, False),
        ("[z-a]", "b", False),
    ],
)
def test_a_gitignore_is_read_as_git_reads_it(
    lines: str, path: str, expected: bool
) -> None:
    assert is_ignored(path, lines) is expected
