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
        "x" * 200 + "/" + "y" * 199,
    ],
)
def test_an_ordinary_path_is_accepted(path: str) -> None:
    paths.check(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("x/" * 10 + "y" * 381, "too long"),
        ("a/" * 24 + "b", "too deep"),
        ("模" * 86, "255 bytes"),
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


def test_no_path_lies_below_a_file() -> None:
    paths.check_together({"config.json", "onnx/config.json", "onnx/model.onnx"})

    with pytest.raises(paths.PathRefused, match=r"config\.json is a file"):
        paths.check_together({"config.json", "config.json/x.json"})
