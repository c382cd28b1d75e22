"""Which paths a model may contain."""

from __future__ import annotations

import pytest

from registry import paths


@pytest.mark.parametrize(
    "path",
    [
        "model.safetensors",
        "onnx/model.onnx",
        ".gitattributes",
        "a..b/c.json",
        "文件.json",
        "with space.txt",
        "bin/readme.md",
        "x" * 400,
    ],
)
def test_an_ordinary_path_is_accepted(path: str) -> None:
    paths.check(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty or too long"),
        ("x" * 401, "empty or too long"),
        ("/etc/passwd", "relative path"),
        ("../outside", "relative path"),
        ("a/../../outside", "relative path"),
        ("a/./b", "relative path"),
        ("a//b", "relative path"),
        ("folder/", "relative path"),
        ("a\\b", "relative path"),
        ("a\x00b", "control characters"),
        ("a\nb", "control characters"),
        ("a\u202eb", "control characters"),
        (".git/config", r"'\.git'"),
        (".git", r"'\.git'"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str, reason: str) -> None:
    with pytest.raises(paths.PathRefused, match=reason):
        paths.check(path)


@pytest.mark.parametrize(
    "path",
    ["pytorch_model.bin", "x/MODEL.PT", "a.pth", "a.ckpt", "a.pkl", "a.pickle"],
)
def test_a_pickle_is_refused_with_the_way_to_convert_it(path: str) -> None:
    with pytest.raises(paths.PathRefused, match=r"safetensors\.torch\.save_file"):
        paths.check(path)
