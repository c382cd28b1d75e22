"""The page of one entry, its revisions, and its history."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Case, Prefetch, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from lineage import answers
from lineage.badges import badge_of
from lineage.drawings import Options, draw_derivations
from lineage.exports import FORMS
from lineage.hearing import verdict_for
from lineage.models import (
    Declaration,
    Derivation,
    DerivationQuerySet,
    Verification,
    VerificationQuerySet,
)
from lineage.tree import (
    HOPS_DOWN,
    MAX_HOPS,
    TreeQuery,
    derivations_near,
    drawn,
    read_tree_query,
)
from lineage.veils import declared
from lineage.views.around import around_verdict, disputes_of
from registry import card, markdown, storage
from registry.estimates import memory_needs
from registry.facts import Note, compute_of, facts_of, notes_on, number_sources
from registry.models import (
    HubImport,
    Job,
    RegisteredModel,
    Revision,
    RevisionFile,
    Tag,
)
from registry.permissions import (
    Sight,
    can_administer,
    can_push,
    sees_unpublished,
    sight_of,
)
from registry.services.registrations import is_described_by_form
from registry.templatetags.words import own_name
from registry.vocabulary import (
    CATEGORY_SHARES,
    WEIGHT_LAYERS,
    Category,
    StatementKind,
)

MAX_FILES = 200
MAX_CHILDREN = 12
MAX_REVISIONS = 5
MAIN = "main"
SHORT = 12
COMMIT = re.compile("[0-9a-f]{7,40}")
# With more lines than this the strip shows children and no grandchildren.
MOST_DRAWN = 60
CARD_PATH = "README.md"


def model(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an entry; another spelling of the slug leads to its own."""
    sight = sight_of(request.user)
    found = _find(slug, sight)
    if found.slug != slug:
        # A private one may be anybody else's not found tomorrow.
        return redirect(found, permanent=not found.private)
    kin = _kin(found, read_tree_query(request.GET, sight))
    context = _context(found, request, sight) | kin | _snippets(found, request)
    context |= _revisions(found, found.head, request)
    context["may_describe"] = _may_describe(found, request)
    team = found.organization if found.repo_name else None
    context["can_push"] = team is not None and can_push(request.user, team, token=None)
    context["can_administer"] = team is not None and can_administer(request.user, team)
    return render(request, "lineage/model.html", context)


def history(request: HttpRequest, slug: str) -> HttpResponse:
    """List an entry's revisions and the verdicts on them, newest first."""
    found = _find(slug, sight_of(request.user))
    revisions = found.revisions.select_related("author").prefetch_related(
        Prefetch("verifications", _seen(found, request)),
        Prefetch("tags", Tag.objects.order_by("name")),
    )
    context = {"model": found, "revisions": revisions.order_by("-id")[:MAX_FILES]}
    return render(request, "lineage/history.html", context)


def revision(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Show an entry as it stood at a tag or a commit."""
    sight = sight_of(request.user)
    found = _find(slug, sight)
    shown = _revision(found, name)
    current = verdict_for(request.user, found, shown, sight)
    verification = current.verification
    kept = shown if shown.emptied_at is None else None
    is_commit = shown.commit_id.startswith(name)
    context = {
        "model": found,
        "asked": name[:SHORT] if is_commit else name,
        "current": current,
        "verification": verification,
        **(around_verdict(verification, request.user) if verification else {}),
        "declarations": declarations_of(shown, sight),
        "files": _files(kept),
        "card": _card(kept),
    }
    context |= _revisions(found, shown, request)
    return render(request, "lineage/revision.html", context)


def declarations_of(revision: Revision, sight: Sight) -> list[Declaration]:
    """Return what a revision declares, with all that a link to a base needs."""
    declarations = revision.declarations.with_parents()
    return declared(declarations.select_related("parent__organization"), sight)


def _find(slug: str, sight: Sight) -> RegisteredModel:
    seen = RegisteredModel.objects.filter(sight.allows())
    models = seen.select_related("organization", "head", "removal__by")
    return get_object_or_404(models.with_slug(slug))


def _revision(model: RegisteredModel, name: str) -> Revision:
    """Return what a tag, a commit by seven digits or more, or main means.

    Raises Http404.
    """
    if name == MAIN and model.head is not None:
        return model.head
    tag = model.tags.filter(name=name).select_related("revision__author").first()
    if tag is not None:
        return tag.revision
    if not COMMIT.fullmatch(name):
        raise Http404
    commits = model.revisions.filter(commit_id__startswith=name)
    found = list(commits.select_related("author")[:2])
    if len(found) != 1:
        raise Http404
    return found[0]


def _seen(found: RegisteredModel, request: HttpRequest) -> VerificationQuerySet:
    """Return the verdicts that somebody may read, the newest first."""
    seen = Verification.objects.select_related("hearing").order_by("-id")
    return seen if sees_unpublished(request.user, found) else seen.public()


def _revisions(
    found: RegisteredModel, shown: Revision | None, request: HttpRequest
) -> dict[str, Any]:
    """Return the newest revisions with their verdicts, and how to load one of them."""
    if shown is None:
        return {}
    newest = found.revisions.order_by("-id").prefetch_related(
        Prefetch("verifications", _seen(found, request)),
        Prefetch("tags", Tag.objects.order_by("name")),
    )
    rows = list(newest[:MAX_REVISIONS])
    if shown not in rows:
        rows.append(newest.get(pk=shown.pk))
    tags = [tag.name for row in rows if row == shown for tag in row.tags.all()]
    at = tags[-1] if tags else shown.commit_id
    loading = f'AutoModel.from_pretrained("{found.repo_id}", revision="{at}")'
    is_kept = shown.emptied_at is None and shown.weight_files().exists()
    return {
        "shown": shown,
        "revisions": [(row, next(iter(row.verifications.all()), None)) for row in rows],
        "loading": loading if is_kept else "",
    }


def _files(kept: Revision | None) -> list[RevisionFile]:
    if kept is None:
        return []
    return list(kept.files.select_related("blob").order_by("path")[:MAX_FILES])


def _context(
    found: RegisteredModel, request: HttpRequest, sight: Sight
) -> dict[str, Any]:
    head = found.head
    kept = head if found.removal is None else None
    notes = number_sources(found)
    parents = _parents(found, notes, sight)
    said = [derivation for derivation, _ in parents]
    current = verdict_for(request.user, found, head, sight)
    verification = current.verification
    declarations = declarations_of(head, sight) if head else []
    children = _children(found, sight)
    return {
        "model": found,
        "answer": answers.answer(found, said, verification, declarations),
        "shares": _shares(found, verification),
        "share_notes": notes_on("contribution", notes) or notes_on("category", notes),
        "facts": facts_of(found, notes),
        "notes": notes,
        "parents": parents,
        "children": children[:MAX_CHILDREN],
        "n_children": children.count(),
        "needs": memory_needs(found.params) if found.params else [],
        "compute": compute_of(found),
        "verification": verification,
        "current": current,
        **(around_verdict(verification, request.user) if verification else {}),
        "disputes": disputes_of(found, sight),
        "declarations": declarations,
        "claims": _claims(found, notes),
        "job": _job_to_show(current.job) if kept else None,
        "files": _files(kept),
        "card": _card(kept),
        "origin": HubImport.objects.filter(revision=head).first() if head else None,
    }


def _may_describe(found: RegisteredModel, request: HttpRequest) -> bool:
    """Return whether this reader may edit the entry in a form: it has no weights."""
    team = found.organization
    if team is None or not can_push(request.user, team, token=None):
        return False
    return is_described_by_form(found)


def _snippets(found: RegisteredModel, request: HttpRequest) -> dict[str, Any]:
    """Return how to cite and to link the page, and how a program asks for it."""
    page = request.build_absolute_uri(found.get_absolute_url())
    api = request.build_absolute_uri(reverse("api-model", args=[found.slug]))
    citation = (
        f"@misc{{baimo-{found.slug},\n"
        f"  title = {{{found.repo_id or own_name(found)}}},\n"
        f"  howpublished = {{Baimo, the family register of large models}},\n"
        f"  url = {{{page}}},\n"
        f"  note = {{entry of {found.updated_at:%Y-%m-%d}}}\n}}"
    )
    badge = badge_of(found)
    image = request.build_absolute_uri(reverse("lineage:badge", args=[found.slug]))
    return {
        "citation": citation,
        "query": f"curl {api}ancestors/",
        "badge": badge,
        "markdown": f"[![{badge.title}]({image})]({page})",
    }


def _kin(found: RegisteredModel, query: TreeQuery) -> dict[str, Any]:
    """Return the drawing of who is near, and the address of one generation more.

    Without a wish, children are drawn, and grandchildren where they are not too many.
    """
    shown = drawn(query.sight)
    children = shown.filter(parent=found)
    # Counted apart, as an index answers either question, and not both at once.
    below = children.count()
    if below <= MOST_DRAWN:
        below += shown.filter(parent__in=children.values("child")).count()
    is_crowded = below > MOST_DRAWN
    down = 1 if query.down == HOPS_DOWN and is_crowded else query.down
    near = derivations_near(found, up=2, down=down, shown=shown)
    asked = TreeQuery(down=query.down, opened=query.opened)
    options = Options(focus=found.slug, query=asked, page=found.get_absolute_url())
    drawing = draw_derivations(near.derivations, alone=[found], options=options)
    return {
        "drawing": drawing,
        "generations_down": down,
        "cut_at": near.cut_at,
        "exports": FORMS,
        "further": asked.address(down=down + 1) if down < MAX_HOPS else "",
    }


def _parents(
    found: RegisteredModel, notes: list[Note], sight: Sight
) -> list[tuple[Derivation, list[Note]]]:
    """Return all that is said of the model's origin, with the sources' numbers."""
    derivations = (
        Derivation.objects.filter(child=found)
        .visible_to(sight)
        .exclude(state=StatementKind.WITHDRAWN)
        .with_ends()
        .prefetch_related("statements__sources", "statements__verification")
        .order_by("id")
    )
    return [(derivation, _notes_of(derivation, notes)) for derivation in derivations]


def _children(found: RegisteredModel, sight: Sight) -> DerivationQuerySet:
    """Return what others made from the model, what carries weights first."""
    carries = Case(When(layer__in=WEIGHT_LAYERS, then=0), default=1)
    made = Derivation.objects.filter(parent=found).visible_to(sight)
    children = made.shown().with_ends()
    return children.order_by(carries, "child__released", "id")


def _notes_of(derivation: Derivation, notes: list[Note]) -> list[Note]:
    cited = {
        source.pk
        for statement in derivation.statements.all()
        for source in statement.sources.all()
    }
    return [note for note in notes if note.source.pk in cited]


def _claims(
    found: RegisteredModel, notes: list[Note]
) -> list[tuple[dict[str, Any], list[Note]]]:
    """Return wrong claims in circulation with the sources of the right value."""
    return [
        (claim, [n for n in notes if n.source.key in claim.get("sources", ())])
        for claim in found.claims
    ]


def _shares(
    found: RegisteredModel, verification: Verification | None
) -> dict[str, str] | None:
    """Return what the makers did themselves: data, architecture, compute.

    None where nobody says, and where the verdict leaves the declaration unsettled.
    """
    if verification and verification.verdict in answers.UNSETTLING:
        return None
    stated = found.facts.get("contribution")
    if stated:
        return dict(stated)
    if not found.category:
        return None
    shares = CATEGORY_SHARES[Category(found.category)]
    return dict(zip(("data", "architecture", "compute"), shares, strict=True))


def _job_to_show(job: Job | None) -> Job | None:
    """Return a revision's newest job unless it ended well."""
    return job if job and job.state != Job.State.SUCCEEDED else None


def _card(head: Revision | None) -> str:
    file = head.files.filter(path=CARD_PATH).first() if head else None
    if file is None or not storage.has(file.blob_id):
        return ""
    try:
        parsed = card.parse_card(storage.path_of(file.blob_id).read_bytes())
    except card.CardInvalid:
        return ""
    return markdown.render(parsed.body)
