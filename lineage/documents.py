"""Rows into the JSON documents of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lineage import veils
from lineage.ego import Ego
from lineage.exports import Entry, Extract
from lineage.graph import Edge as GraphEdge
from lineage.hearing import Shown
from lineage.models import Declaration, Derivation, Dispute, Verification
from lineage.queries import Edge
from registry.models import Job, RegisteredModel, Revision
from registry.naming import suggest
from registry.permissions import Sight

Json = dict[str, Any]


def model_row(model: Any) -> Json:
    """Return an entry in a list; the model carries its `verdict`."""
    team = model.organization
    return {
        "slug": model.slug,
        "kind": model.kind,
        "name": model.name,
        "name_zh": model.name_zh,
        "organization": team.slug if team else None,
        "country": (team.country or None) if team else None,
        "released": model.released or None,
        "params": model.params,
        "category": model.category or None,
        "family": model.family or None,
        "architecture": model.architecture or None,
        "open": model.open,
        "license": model.license or None,
        "private": model.private,
        "removed": _removed(model),
        "verdict": model.verdict,
    }


def _removed(model: RegisteredModel) -> Json | None:
    removal = model.removal
    if removal is None:
        return None
    return {
        "at": removal.at.isoformat(),
        "by": removal.by.get_username(),
        "reason": removal.reason or None,
    }


def model_document(model: Any, shown: Shown, sight: Sight) -> Json:
    """Return everything that somebody may know of an entry, and what is shown of it."""
    head: Revision | None = model.head
    return model_row(model) | {
        "aliases": model.aliases,
        "hf_repo": [repo.repo_id for repo in model.hub_repos.order_by("id")],
        "repo": model.repo_id or None,
        "arxiv": model.arxiv or None,
        "facts": model.facts,
        "claims": model.claims,
        "sources": [_source(source) for source in model.sources.order_by("id")],
        "derivations": [_derivation(d) for d in _derivations(model, sight)],
        "revision": head.commit_id if head else None,
        "files": _files(head) if head and not model.removal else [],
        "declared": _declared(head, sight) if head else [],
        "job": _job(shown.job) if shown.job else None,
        "verdict": _verdict(shown.verification) if shown.verification else None,
        "verdict_pending_until": shown.until.isoformat() if shown.until else None,
        "disputes": [dispute_row(dispute) for dispute in _disputes(model, sight)],
    }


def drawing(
    hops: Mapping[int, int], edges: Iterable[Edge]
) -> tuple[list[Json], list[Json]]:
    """Return the nodes in the order of `hops`, and the edges with both ends there."""
    rows = RegisteredModel.objects.among(hops).values_list(
        "pk", "slug", "name", "kind", "category", "released", "removal"
    )
    found = {row[0]: row[1:] for row in rows}
    nodes = [_node(*found[key], distance) for key, distance in hops.items()]
    among = [
        {
            "child": found[edge.child][0],
            "parent": found[edge.parent][0],
            "layer": edge.layer,
            "relation": edge.relation,
            "state": edge.state,
        }
        for edge in edges
        if edge.child in found and edge.parent in found
    ]
    return nodes, among


def graph(ego: Ego, edges: Iterable[Edge]) -> Json:
    """Return what is near a model as nodes and edges."""
    nodes, among = drawing(ego.hops, edges)
    return {
        "focus": nodes[0]["slug"],
        "total": ego.total,
        "truncated": ego.truncated_reason is not None,
        "truncated_reason": ego.truncated_reason,
        "nodes": nodes,
        "edges": among,
    }


def extract(ego: Ego, edges: Iterable[Edge]) -> Extract:
    """Return the same as `graph` with all that the exports need to know."""
    rows = RegisteredModel.objects.among(ego.hops).values_list(
        *("pk", "slug", "name", "kind", "category", "released", "family", "license"),
        "removal",
    )
    entries = {
        pk: Entry._make([*words, ego.hops[pk], removal is not None])
        for pk, *words, removal in rows
    }
    return Extract(
        entries=[entries[key] for key in ego.hops],
        derivations=[
            GraphEdge(
                child=entries[edge.child].slug,
                parent=entries[edge.parent].slug,
                layer=edge.layer,
                relation=edge.relation,
                state=edge.state,
            )
            for edge in edges
        ],
        above=frozenset(entries[key].slug for key in ego.above & ego.hops.keys()),
        total=ego.total,
        truncated_reason=ego.truncated_reason,
    )


def _node(
    slug: str,
    name: str,
    kind: str,
    category: str,
    released: str,
    removal: int | None,
    hops: int,
) -> Json:
    node: Json = {
        "slug": slug,
        "name": name,
        "kind": kind,
        "category": category or None,
        "released": released or None,
        "hops": hops,
    }
    # A tenth of the answer, were it said of everybody.
    return node if removal is None else node | {"removed": True}


def _source(source: Any) -> Json:
    return {
        "id": source.key,
        "title": source.title,
        "url": source.url,
        "checked": source.checked.isoformat(),
        "confidence": source.confidence,
        "covers": source.covers,
    }


def _derivations(model: RegisteredModel, sight: Sight) -> Iterable[Derivation]:
    shown = Derivation.objects.filter(child=model).visible_to(sight)
    return (
        shown.select_related("parent")
        .prefetch_related("statements__sources")
        .order_by("id")
    )


def _derivation(derivation: Derivation) -> Json:
    keys = {
        source.key
        for statement in derivation.statements.all()
        for source in statement.sources.all()
    }
    return {
        "parent": derivation.parent.slug,
        "layer": derivation.layer,
        "relation": derivation.relation,
        "state": derivation.state,
        "note": derivation.note,
        "sources": sorted(keys),
    }


def _files(head: Revision) -> list[Json]:
    return [
        {"path": file.path, "size": file.blob.size_bytes, "sha256": file.blob_id}
        for file in head.files.select_related("blob").order_by("path")
    ]


def _declared(head: Revision, sight: Sight) -> list[Json]:
    declarations: Iterable[Declaration] = head.declarations.select_related(
        "parent"
    ).order_by("position")
    return [
        {
            "id": declaration.declared_id,
            "slug": declaration.parent.slug if declaration.parent else None,
            "relation": declaration.relation,
            "suggestions": []
            if declaration.parent
            else suggest(declaration.declared_id),
        }
        for declaration in veils.declared(declarations, sight)
    ]


def _job(job: Job) -> Json:
    return {"id": str(job.pk), "state": job.state}


def _disputes(model: RegisteredModel, sight: Sight) -> Iterable[Dispute]:
    undecided = Dispute.objects.undecided().on_public().visible_to(sight)
    return undecided.with_things().filter(model=model).order_by("id")


def _verdict(verification: Verification) -> Json:
    contested = verification.revision.verifications.values("pk")
    undecided = Dispute.objects.undecided().on_public()
    disputes = undecided.filter(verification__in=contested)
    return verdict_document(verification) | {
        "public": verification.is_public,
        "disputed": disputes.exists(),
    }


def verdict_document(verification: Verification) -> Json:
    """Return a verdict with the comparison it rests on."""
    other = verification.compared_with
    return {
        "verdict": verification.verdict,
        "reason": verification.reason,
        "compared_with": (other.slug or None) if other else None,
        "comparison": verification.comparison,
        "limits": verification.limits,
        "revision": verification.revision.commit_id,
        "sketch_by": "team" if verification.is_self_attested else "register",
        "engine": verification.engine,
        "created": verification.created_at.isoformat(),
    }


def dispute_row(dispute: Dispute) -> Json:
    """Return a dispute in a list."""
    derivation, verification = dispute.derivation, dispute.verification
    return {
        "id": dispute.pk,
        "about": dispute.kind,
        "model": dispute.model.slug,
        "fact": dispute.fact or None,
        "derivation": {
            "child": derivation.child.slug,
            "parent": derivation.parent.slug,
            "relation": derivation.relation,
        }
        if derivation
        else None,
        "verdict": verification.verdict if verification else None,
        "verification": verification.pk if verification else None,
        "state": dispute.state,
        "opened_by": dispute.opened_by.get_username(),
        "opened": dispute.opened_at.isoformat(),
        "answer_until": dispute.answer_until.isoformat(),
        "overdue": dispute.is_overdue,
    }


def dispute_document(dispute: Dispute) -> Json:
    """Return a dispute with everything that was said in it."""
    events = dispute.events.select_related("author").order_by("id")
    return dispute_row(dispute) | {
        "answers": [team.slug for team in dispute.other_side()],
        "events": [
            {
                "kind": event.kind,
                "author": event.author.get_username(),
                "text": event.text,
                "evidence": event.evidence,
                "ruling": event.ruling,
                "created": event.created_at.isoformat(),
            }
            for event in events
        ],
    }
