"""A hub's dump in the register: complete, repeatable, and never over what is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pyarrow import parquet

from lineage import queries
from lineage.models import Derivation, Statement
from lineage.services import catalog, imports
from lineage.services.declarations import record_declaration
from lineage.services.imports import ImportElsewhere, Step
from registry.catalog import DATA, load_catalog
from registry.hubdump import open_dump
from registry.models import (
    HubRepo,
    RegisteredModel,
    Source,
    UnfinishedImport,
)
from registry.services.imports import Report
from registry.vocabulary import Relation, StatementKind
from tests.bench import hub_dump
from tests.factories import (
    make_catalog_model,
    make_model,
    make_organization,
    make_revision,
)

HUB = "https://hub.example.org"


def row(repo_id: str, *bases: str, **overrides: Any) -> dict[str, Any]:
    """Return a row of a dump; bases are "relation:id"."""
    tags = [f"base_model:{base}" for base in bases]
    return {"id": repo_id, "createdAt": "2024-05-01", "tags": tags} | overrides


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Report]:
    """Return a function that imports rows, as a file that is written anew each time."""

    def load_rows(
        *rows: object, tell: Callable[[Step], None] = lambda step: None
    ) -> Report:
        path = tmp_path / "dump.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return imports.import_dump(open_dump(path, form="jsonl"), hub=HUB, tell=tell)

    return load_rows


def edges() -> dict[tuple[str, str], str]:
    """Return the state of every derivation, by the names of child and parent."""
    rows = Derivation.objects.values_list("child__name", "parent__name", "state")
    return {(child, parent): state for child, parent, state in rows}


def everything() -> list[Any]:
    """Return what the register holds, without ids and times."""
    names = RegisteredModel.objects.order_by("slug")
    statements = Statement.objects.values_list(
        "derivation__child__slug", "derivation__parent__slug", "kind", "sources__url"
    )
    return [
        list(names.values("slug", "name", "category", "license", "facts", "released")),
        sorted(HubRepo.objects.values_list("repo_id", "model__slug")),
        sorted(edges().items()),
        sorted(map(str, statements)),
    ]


def test_a_model_becomes_an_entry_with_its_page_as_source(load: Any) -> None:
    load(row("Acme/LLM-7b", downloads=12, likes=3, license="mit"))

    model = RegisteredModel.objects.get()
    assert (model.slug, model.name) == ("hub--Acme--LLM-7b", "Acme/LLM-7b")
    assert model.origin == RegisteredModel.Origin.HUB
    assert (model.released, model.license, model.category) == ("2024-05", "mit", "")
    assert model.facts == {"downloads": 12, "likes": 3}
    assert model.hub_repos.get().repo_id == "Acme/LLM-7b"
    assert model.sources.get().url == f"{HUB}/Acme/LLM-7b"
    model.full_clean()


@pytest.mark.parametrize(
    ("base", "relation", "category"),
    [
        ("a/base", Relation.SFT, "sft"),
        ("finetune:a/base", Relation.SFT, "sft"),
        ("adapter:a/base", Relation.ADAPTER, "adapter"),
        ("merge:a/base", Relation.MERGE, "merge"),
        ("quantized:A/Base", Relation.QUANTIZED, "quantized"),
    ],
)
def test_a_base_becomes_a_declared_edge(
    load: Any, base: str, relation: Relation, category: str
) -> None:
    report = load(row("a/child", base), row("a/base"))

    derivation = Derivation.objects.get()
    assert (derivation.child.name, derivation.parent.name) == ("a/child", "a/base")
    assert (derivation.relation, derivation.layer) == (relation, "weights")
    assert derivation.state == StatementKind.DECLARED
    assert derivation.child.category == category
    statement = derivation.statements.get()
    assert statement.kind == StatementKind.DECLARED
    assert statement.sources.get() == derivation.child.sources.get()
    assert (report.n_new, report.n_edges_new) == (2, 1)


def test_importing_again_changes_nothing(load: Any) -> None:
    rows = list(hub_dump.rows(300, seed=3))
    first = load(*rows)
    before = everything()

    second = load(*rows)

    assert everything() == before
    assert (first.n_new, second.n_new, second.n_unchanged) == (300, 0, 300)
    assert (second.n_edges_new, second.n_edges_withdrawn) == (0, 0)
    assert second.faults == first.faults


def test_a_newer_dump_brings_entries_and_edges_up_to_date(load: Any) -> None:
    load(row("a/base"), row("a/other"), row("a/child", "a/base", downloads=1))

    report = load(row("a/child", "a/other", downloads=2))
    assert (report.n_updated, report.n_edges_new, report.n_edges_withdrawn) == (1, 1, 1)
    assert edges() == {
        ("a/child", "a/base"): StatementKind.WITHDRAWN,
        ("a/child", "a/other"): StatementKind.DECLARED,
    }

    load(row("a/child", "a/base", downloads=2))
    assert edges() == {
        ("a/child", "a/base"): StatementKind.DECLARED,
        ("a/child", "a/other"): StatementKind.WITHDRAWN,
    }
    assert Statement.objects.count() == 5


def test_two_models_may_change_places(load: Any) -> None:
    load(row("a/one", "a/two"), row("a/two"))

    report = load(row("a/one"), row("a/two", "a/one"))

    assert report.faults == {}
    assert edges() == {
        ("a/one", "a/two"): StatementKind.WITHDRAWN,
        ("a/two", "a/one"): StatementKind.DECLARED,
    }


def test_faults_are_reported_and_stop_nothing(load: Any) -> None:
    report = load(
        row("a/base", license="x" * 100),
        row("a/one", "merge:a/two", "merge:a/two", "merge:gone/model"),
        "no object",
        row("a/two", "a/TWO", "banana:a/one", "adapter:a/one"),
        row("A/Two"),
    )

    assert report.faults == {
        "unreadable rows": 2,
        "repeated rows": 1,
        "repeated parents": 1,
        "self references": 1,
        "unreadable bases": 1,
        "missing parents": 1,
        "cycles refused": 1,
    }
    assert report.examples["missing parents"] == ["gone/model, named by a/one"]
    assert report.examples["cycles refused"] == ["a/two from a/one"]
    assert report.examples["unreadable rows"][1] == "row 3: it is no JSON object"
    assert list(edges()) == [("a/one", "a/two")]


def test_a_cycle_over_several_batches_is_refused(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 1)
    ring = [row(f"a/m{i}", f"a/m{(i + 1) % 5}") for i in range(5)]

    report = load(*ring)

    assert report.faults == {"cycles refused": 1}
    assert Derivation.objects.count() == 4


def test_random_faulty_dumps_leave_no_cycle(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 40)
    monkeypatch.setattr(hub_dump, "FAULTY", 0.3)

    report = load(*hub_dump.rows(400, seed=5))

    assert report.faults["cycles refused"] > 10
    scope = queries.Scope()
    for model in RegisteredModel.objects.all():
        above = {edge.parent for edge in queries.edges_above(model.pk, scope)}
        assert model.pk not in above


def test_a_missing_parent_is_connected_when_it_has_come(load: Any) -> None:
    child = row("a/child", "a/base")
    assert load(child).faults == {"missing parents": 1}

    load(child, row("a/base"))

    assert list(edges()) == [("a/child", "a/base")]


class Killed(BaseException):
    """What ends an import in the middle of it."""


@pytest.mark.parametrize("n_steps", [1, 3, 7, 9, 14])
def test_an_import_that_died_goes_on_where_it_was(
    load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, n_steps: int
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 40)
    monkeypatch.setattr(hub_dump, "FAULTY", 0.1)
    rows = list(hub_dump.rows(270, seed=1))
    steps: list[Step] = []

    def die(step: Step) -> None:
        steps.append(step)
        if len(steps) == n_steps:
            raise Killed

    with pytest.raises(Killed):
        load(*rows, tell=die)
    assert UnfinishedImport.objects.get().position == steps[-1].position

    dump = open_dump(tmp_path / "dump.jsonl", form="jsonl")
    resumed: list[Step] = []
    report = imports.import_dump(dump, hub=HUB, tell=resumed.append)

    assert len(resumed) < 14
    assert report.n_new == report.n_rows == 270
    assert report.n_edges_new == Derivation.objects.count() > 100
    assert Statement.objects.count() == report.n_edges_new
    assert not UnfinishedImport.objects.exists()
    assert load(*rows).faults == report.faults


def test_an_import_that_another_goes_on_with_stops(
    load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 40)
    reports: list[Report] = []
    steps: list[Step] = []

    def let_another_go_on(step: Step) -> None:
        steps.append(step)
        if len(steps) == 3:
            dump = open_dump(tmp_path / "dump.jsonl", form="jsonl")
            reports.append(imports.import_dump(dump, hub=HUB, tell=lambda step: None))

    with pytest.raises(ImportElsewhere):
        load(*hub_dump.rows(270, seed=1), tell=let_another_go_on)

    assert len(steps) == 3
    assert reports[0].n_new == reports[0].n_rows == 270
    assert reports[0].n_edges_new == Statement.objects.count() > 100
    assert not UnfinishedImport.objects.exists()


def test_a_dump_that_changed_meanwhile_is_read_from_its_beginning(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 1)

    def die(step: Step) -> None:
        raise Killed

    with pytest.raises(Killed):
        load(row("a/one"), row("a/two"), tell=die)

    report = load(row("b/one"), row("a/one"), row("a/two"))

    assert (report.n_new, report.n_unchanged) == (2, 1)


def test_what_the_catalog_describes_is_left_alone(load: Any) -> None:
    entry = make_catalog_model(slug="llama", name="LLaMA", license="own")
    HubRepo.objects.create(model=entry, repo_id="meta/LLaMA")

    report = load(
        row("meta/llama", "a/base", license="mit"),
        row("a/base"),
        row("a/child", "meta/Llama"),
    )

    entry.refresh_from_db()
    assert (entry.name, entry.license, entry.origin) == ("LLaMA", "own", "catalog")
    assert report.n_left_alone == 1
    assert list(edges()) == [("a/child", "LLaMA")]


def test_what_a_team_has_pushed_is_left_alone(load: Any) -> None:
    team = make_organization(slug="Acme")
    pushed = make_model(
        organization=team, slug="Acme--llm", name="llm", repo_name="llm"
    )
    make_revision(model=pushed)

    report = load(row("acme/LLM", "a/base"), row("a/base"), row("a/kid", "acme/llm"))

    pushed.refresh_from_db()
    assert (pushed.name, pushed.origin, pushed.released) == ("llm", "team", "2026-11")
    assert report.n_left_alone == 1
    assert list(edges()) == [("a/kid", "llm")]


def test_a_team_called_hub_from_before_keeps_its_models(load: Any) -> None:
    team = make_organization(slug="hub")
    make_model(organization=team, slug="hub--gpt2", name="ours", repo_name="gpt2")

    report = load(row("gpt2"))

    assert report.n_left_alone == 1
    assert RegisteredModel.objects.get().name == "ours"


def test_a_team_may_push_what_was_imported_before(load: Any) -> None:
    load(row("acme/llm"), row("a/kid", "acme/llm"))
    make_model(
        organization=make_organization(slug="acme"), slug="acme--llm", repo_name="llm"
    )

    report = load(row("acme/llm"), row("a/kid", "acme/llm"))

    assert report.n_unchanged == 2
    assert list(edges()) == [("a/kid", "acme/llm")]


def test_lists_leave_out_what_was_imported(load: Any, client: Client) -> None:
    load(row("a/base"), row("a/child", "a/base"))

    assert not RegisteredModel.objects.listed().exists()
    assert client.get("/api/v1/models/").json()["total"] == 0
    page = client.get("/models/hub--a--child/")
    assert page.status_code == 200
    assert "a/base" in page.content.decode()
    alone = client.get("/models/hub--a--base/").content.decode()
    assert "imported from a public hub; its page there names no base." in alone
    above = client.get("/api/v1/models/hub--a--child/ancestors/").json()
    assert [node["slug"] for node in above["results"]] == ["hub--a--base"]


def test_the_tree_draws_imports_only_where_one_looks(load: Any, client: Client) -> None:
    load(row("a/base"), row("a/child", "a/base"))

    whole = client.get("/lineage/").content.decode()
    focused = client.get("/lineage/?focus=A/Child").content.decode()

    assert "hub--a--base" not in whole
    assert 'data-slug="hub--a--base"' in focused


def test_a_pushed_card_finds_its_base_once_it_is_imported(load: Any) -> None:
    revision = make_revision(card={"base_model": "a/Base"})
    record_declaration(revision)
    assert not Derivation.objects.exists()

    load(row("a/base"))

    assert revision.declarations.get().parent == RegisteredModel.objects.get(
        name="a/base"
    )
    assert list(edges()) == [(revision.model.name, "a/base")]


def test_the_catalog_takes_over_what_was_imported(load: Any) -> None:
    whole = load_catalog(DATA)
    entry = next(entry for entry in whole.entries if entry.hf_repo)
    address = entry.hf_repo[0]
    rows = [row("a/base"), row(address, "a/base"), row("a/kid", address)]
    load(*rows)

    catalog.load(whole)

    repo = HubRepo.objects.get(repo_id__lower=address.lower())
    assert repo.model.slug == entry.slug
    assert edges()["a/kid", entry.name] == StatementKind.DECLARED
    assert edges()[address, "a/base"] == StatementKind.WITHDRAWN
    before = everything()
    assert load(*rows).n_left_alone == 1
    catalog.load(whole)
    assert everything() == before


def test_an_address_that_left_the_catalog_is_imported_again(load: Any) -> None:
    load(row("a/base"))
    entry = make_catalog_model()
    imports.give_way(RegisteredModel.objects.from_hub().get(), to=entry)
    assert not HubRepo.objects.exists()

    load(row("a/base"), row("a/child", "a/base"))

    assert list(edges()) == [("a/child", "a/base")]
    assert RegisteredModel.objects.from_hub().count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_end_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 50)
    path = tmp_path / "dump.jsonl"
    hub_dump.write(400, path)
    reports: list[Report] = []
    stopped: list[ImportElsewhere] = []

    def run() -> None:
        dump = open_dump(path, form="jsonl")
        try:
            reports.append(imports.import_dump(dump, hub=HUB, tell=lambda step: None))
        except ImportElsewhere as error:
            stopped.append(error)
        connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    # Both come to an end where one begins when the other is done.
    assert len(reports) + len(stopped) == 2
    assert sum(report.n_new for report in reports) == 400
    assert RegisteredModel.objects.count() == Source.objects.count() == 400
    n_edges = sum(report.n_edges_new for report in reports)
    assert n_edges == Derivation.objects.count() == Statement.objects.count() > 200
    assert not UnfinishedImport.objects.exists()


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("hub", "import", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_reports_what_it_did(tmp_path: Path) -> None:
    path = tmp_path / "dump.jsonl"
    path.write_text(json.dumps(row("a/one", "gone/model")) + "\n")

    said = command(str(path), "--hub", f"{HUB}/")

    assert "1 rows: 1 models new, 0 updated" in said
    assert "1 missing parents: gone/model, named by a/one" in said
    assert Source.objects.get().url == f"{HUB}/a/one"


@pytest.mark.parametrize("source", ["missing.jsonl", "missing.parquet", "http://[::1"])
def test_what_cannot_be_read_is_one_line_and_status_2(source: str) -> None:
    with pytest.raises(CommandError) as refused:
        command(source)

    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)


def test_parquet_says_the_same_as_lines(tmp_path: Path) -> None:
    rows = list(hub_dump.rows(120))
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "d.parquet")
    lines = tmp_path / "d.jsonl"
    hub_dump.write(120, lines)
    command(str(lines))
    before = everything()

    said = command(str(tmp_path / "d.parquet"))

    assert "0 models new, 0 updated, 120 unchanged" in said
    assert everything() == before
