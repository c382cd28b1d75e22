"""Verdicts for which the weights are read again: disguises, noise, common starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lineage.models import Verification
from lineage.services import looks
from lineage.services.cases import gather
from registry import storage
from registry.models import Revision
from registry.vocabulary import Verdict
from tests.pushing import ZOO, push, work
from tests.zoo import derive
from tests.zoo.derive import Tensors

BASE, OTHER, TUNED = ZOO / "small-1", ZOO / "small-2", ZOO / "small-1-tuned"
WIDTH = 64


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> None:
    settings.STORAGE_DIR = tmp_path_factory.mktemp("files")


def newest(revision: Revision) -> Verification:
    return revision.verifications.latest("id")


def kinds(verification: Verification) -> set[str]:
    return {item["kind"] for item in verification.comparison["evidence"]}


def disguised(tensors: Tensors) -> Tensors:
    """Return the model rotated, and its units and coordinates in another order."""
    turned = derive.rotate_width(tensors, WIDTH, seed=1)
    return derive.permute_units(derive.permute_width(turned, WIDTH, seed=2), seed=3)


def push_disguised(repo_id: str, source: Path, folder: Path, **card: Any) -> Revision:
    made = derive.make(disguised(derive.read(source)), folder / "made", like=source)
    return push(repo_id, made, **card)


def test_a_copy_in_disguise_is_found_with_the_evidence_of_its_weights(
    tmp_path: Path,
) -> None:
    push("acme/base", BASE, baimo_category="base")
    push("rival/other", OTHER, baimo_category="base")
    copy = push_disguised("rival/own", BASE, tmp_path, baimo_category="base")

    work()

    found = newest(copy)
    assert found.verdict == Verdict.RENAMED_COPY
    assert found.compared_with is not None
    assert found.compared_with.name == "base"
    assert {"aligned-units", "kept-directions", "corrected-p"} <= kinds(found)


def test_a_fine_tune_in_disguise_is_an_undeclared_base(tmp_path: Path) -> None:
    push("acme/base", BASE, baimo_category="base")
    child = push_disguised("rival/own", TUNED, tmp_path, baimo_category="base")

    work()

    found = newest(child)
    assert (found.verdict, found.reason) == (
        Verdict.UNDECLARED_BASE,
        "related-to-undeclared",
    )


def test_a_model_disguised_and_then_trained_is_an_undeclared_base() -> None:
    push("acme/base", BASE, baimo_category="base")
    child = push("rival/own", ZOO / "small-1-disguised", baimo_category="base")

    work()

    assert newest(child).verdict == Verdict.UNDECLARED_BASE


def test_a_disguised_child_of_its_declared_base_is_consistent(tmp_path: Path) -> None:
    push("acme/base", BASE, baimo_category="base")
    child = push_disguised("acme/own", TUNED, tmp_path, base_model="acme/base")

    work()

    found = newest(child)
    assert found.verdict == Verdict.CONSISTENT
    assert "corrected-p" not in kinds(found)


def test_a_copy_with_noise_is_a_renamed_copy(tmp_path: Path) -> None:
    push("acme/base", BASE, baimo_category="base")
    noised = derive.add_noise(derive.read(BASE), 0.02, seed=1)
    made = derive.make(noised, tmp_path / "made", like=BASE)
    copy = push("rival/own", made, baimo_category="base")

    work()

    found = newest(copy)
    assert (found.verdict, found.comparison["relation"]) == (
        Verdict.RENAMED_COPY,
        "noised",
    )
    assert "white-noise" in kinds(found)


@pytest.mark.parametrize("base", ["acme/base", None])
def test_a_common_random_start_is_never_an_accusation(base: str | None) -> None:
    push("acme/base", BASE, baimo_category="base")
    push("rival/other", OTHER, baimo_category="base")
    card = {"base_model": base} if base else {"baimo_category": "base"}
    apart = push("rival/own", ZOO / "small-1-start", **card)

    work()

    found = newest(apart)
    assert found.verdict in (Verdict.INDEPENDENT, Verdict.INCONCLUSIVE)
    assert found.comparison["related"] is not True
    assert not found.statements.exists()


def test_an_honest_sibling_agrees_with_its_declared_base() -> None:
    push("acme/base", BASE, baimo_category="base")
    push("rival/first", TUNED, base_model="acme/base")
    second = push("acme/second", ZOO / "small-1-more", base_model="acme/base")

    work()

    found = newest(second)
    assert (found.verdict, found.reason) == (
        Verdict.CONSISTENT,
        "declared-base-confirmed",
    )
    assert [(r["slug"], r["explained"]) for r in found.relatives] == [
        ("rival--first", True)
    ]


def test_kin_of_the_declared_base_on_record_accuses_nobody(tmp_path: Path) -> None:
    """A merge that hides both parents is found as the other one's child only."""
    push("acme/base", BASE, baimo_category="base")
    push("rival/other", OTHER, baimo_category="base")
    tuned, other = derive.read(TUNED), derive.read(OTHER)
    layers = [(other, 0), (other, 1), (tuned, 2), (tuned, 3)]
    mixed = derive.make(derive.arrange_layers(layers), tmp_path / "mixed", like=BASE)
    hidden = push("rival/hidden", mixed, baimo_category="base")
    work()
    assert newest(hidden).compared_with.name == "other"
    honest = push("acme/honest", ZOO / "small-1-more", base_model="acme/base")

    work()

    found = newest(honest)
    assert found.verdict == Verdict.CONSISTENT
    assert [(r["slug"], r["explained"]) for r in found.relatives] == [
        ("rival--hidden", True)
    ]


def test_weights_over_the_limit_are_not_read_and_the_verdict_says_so(
    settings: Any,
) -> None:
    settings.LOOK_MAX_BYTES = 0
    push("acme/base", BASE, baimo_category="base")
    child = push("acme/child", TUNED, base_model="acme/base")

    work()

    found = newest(child)
    limit = "Too large to read again, and so compared by sketches alone: acme--child."
    assert limit in found.limits
    assert "kept-directions" not in kinds(found)
    assert found.verdict in (Verdict.CONSISTENT, Verdict.INCONCLUSIVE)


def test_lost_files_leave_the_comparison_of_sketches() -> None:
    base = push("acme/base", BASE, baimo_category="base")
    work()
    weights = base.weight_files().get()
    storage.path_of(weights.blob_id).unlink()
    child = push("acme/child", TUNED, base_model="acme/base")

    work()

    found = newest(child)
    assert found.verdict in (Verdict.CONSISTENT, Verdict.INCONCLUSIVE)
    limit = "Not readable again, and so compared by sketches alone: acme--base."
    assert limit in found.limits


def test_looks_are_few_and_each_is_reported(monkeypatch: Any) -> None:
    """Of three relatives that nobody declared two are read again."""
    push("acme/base", BASE, baimo_category="base")
    for i in range(2):
        push(f"acme/child-{i}", TUNED, base_model="acme/base")
    found = push("rival/own", ZOO / "small-1-more", baimo_category="base")
    work()
    monkeypatch.setattr(looks, "MOST_RELATIVES", 2)
    compared, reported = [], []
    compare = looks.compare

    def counted(*args: Any, **options: Any) -> Any:
        compared.append(options["names"])
        return compare(*args, **options)

    monkeypatch.setattr(looks, "compare", counted)
    gather(found.fingerprints.get(), report=lambda: reported.append(None))

    assert len(compared) == 2
    assert len(reported) == 3 + 2
