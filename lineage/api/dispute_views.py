"""Endpoints of disputes: listed, read, opened, answered, decided, taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage import documents
from lineage.api import shapes
from lineage.api.pagination import DEFAULT_LIMIT, MAX_LIMIT, page_by_id
from lineage.api.views import find_model
from lineage.models import Derivation, Dispute, Verification
from lineage.services import disputes as service
from lineage.services.derivations import CycleRefused
from lineage.services.disputes import Contested, DisputeRefused
from lineage.services.rulings import NEEDED, RELATIONS, STATES, Ruling
from registry.api.auth import bearer_of, person_of, sight_of_request
from registry.facts import CORRECTABLE
from registry.permissions import (
    can_answer_dispute,
    can_decide_dispute,
    can_open_dispute,
    sees_unpublished,
)
from registry.vocabulary import Verdict

MAX_EVIDENCE: Final = 10
TEXT_LENGTH: Final = 4000


class Refused(APIException):
    """What the state of a dispute does not allow."""

    status_code = status.HTTP_409_CONFLICT


class DisputeListParams(serializers.Serializer[Any]):
    """Filters of the list of disputes."""

    state = serializers.ChoiceField(choices=Dispute.State.choices, required=False)
    about = serializers.ChoiceField(choices=tuple(Dispute.ABOUT), required=False)
    model = serializers.CharField(required=False)
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT
    )
    cursor = serializers.CharField(default="")


class SpeechParams(serializers.Serializer[Any]):
    """What a side says, and where its evidence stands."""

    text = serializers.CharField(max_length=TEXT_LENGTH)
    evidence = serializers.ListField(
        child=serializers.URLField(max_length=500), max_length=MAX_EVIDENCE, default=[]
    )


class OpeningParams(SpeechParams):
    """What is contested: a verification, a derivation, or a fact of a model."""

    model = serializers.CharField()
    verification = serializers.IntegerField(required=False)
    parent = serializers.CharField(  # type: ignore[assignment]  # DRF's own word
        required=False
    )
    relation = serializers.ChoiceField(choices=RELATIONS, default="")
    fact = serializers.ChoiceField(choices=CORRECTABLE, required=False)


class DecisionParams(serializers.Serializer[Any]):
    """A decision with its reasons, and what takes the contested thing's place."""

    outcome = serializers.ChoiceField(choices=[s.value for s in Dispute.DECISIONS])
    reasons = serializers.CharField(max_length=TEXT_LENGTH)
    verdict = serializers.ChoiceField(choices=[v.value for v in Verdict], default="")
    state = serializers.ChoiceField(choices=STATES, default="")
    relation = serializers.ChoiceField(choices=RELATIONS, default="")
    right = serializers.CharField(max_length=2000, default="")
    source = serializers.URLField(  # type: ignore[assignment]  # DRF's own word
        max_length=500, default=""
    )


class DisputeList(APIView):
    """Everything that was ever contested in public."""

    @extend_schema(
        operation_id="disputes_list",
        parameters=[DisputeListParams],
        responses=shapes.DisputeListShape,
    )
    def get(self, request: Request) -> Response:
        """Return a page of disputes, the newest first."""
        params = DisputeListParams(data=request.query_params)
        params.is_valid(raise_exception=True)
        given = params.validated_data
        seen = Dispute.objects.visible_to(sight_of_request(request))
        found = seen.on_public().with_things()
        if "state" in given:
            found = found.filter(state=given["state"])
        if "about" in given:
            found = found.filter(Dispute.ABOUT[given["about"]])
        if "model" in given:
            found = found.filter(model__slug__lower=given["model"].lower())
        page = page_by_id(found, limit=given["limit"], cursor=given["cursor"])
        results = [documents.dispute_row(dispute) for dispute in page.rows]
        return Response(page.as_json(request, results))

    @extend_schema(request=OpeningParams, responses={201: shapes.DisputeDetailShape})
    def post(self, request: Request) -> Response:
        """Open a dispute: `model` with `verification`, `parent`, or `fact`.

        A derivation is named by its `parent`, and by `relation` where there are
        several. What the weights said of it is contested at the verdict.
        """
        if not can_open_dispute(request.user, token=bearer_of(request)):
            raise PermissionDenied("This needs a token that may push.")
        params = OpeningParams(data=request.data)
        params.is_valid(raise_exception=True)
        given = params.validated_data
        try:
            opened = service.open_dispute(
                _thing(request, given),
                reason=given["text"],
                evidence=given["evidence"],
                by=person_of(request),
            )
        except service.TooManyOpen as refused:
            raise _too_many(refused) from refused
        except DisputeRefused as refused:
            raise Refused(str(refused)) from refused
        return Response(documents.dispute_document(opened), status=201)


class DisputeDetail(APIView):
    """One dispute."""

    @extend_schema(responses=shapes.DisputeDetailShape)
    def get(self, request: Request, pk: int) -> Response:
        """Return the dispute with everything that was said in it."""
        return Response(documents.dispute_document(_find(request, pk)))


class DisputeAnswer(APIView):
    """What the sides say in a dispute."""

    @extend_schema(request=SpeechParams, responses=shapes.DisputeDetailShape)
    def post(self, request: Request, pk: int) -> Response:
        """Answer for the other side; the opener, or who has answered, adds to it."""
        found = _find(request, pk)
        params = SpeechParams(data=request.data)
        params.is_valid(raise_exception=True)
        may_answer = can_answer_dispute(
            request.user,
            opener=found.opened_by,
            other_side=found.other_side(),
            token=bearer_of(request),
        )
        may_speak = can_open_dispute(request.user, token=bearer_of(request))
        is_opener = may_speak and request.user == found.opened_by
        if not may_answer and not is_opener:
            raise PermissionDenied("Only the two sides speak in a dispute.")
        is_answer = may_answer and found.state == Dispute.State.OPEN
        say = service.answer if is_answer else service.add
        given = params.validated_data
        return _done(found, lambda: say(found, by=person_of(request), **given))


class DisputeDecision(APIView):
    """The decision of a dispute."""

    @extend_schema(request=DecisionParams, responses=shapes.DisputeDetailShape)
    def post(self, request: Request, pk: int) -> Response:
        """Decide; for moderators, with a token that may administer.

        Upheld or amended, a verdict needs `verdict`, a derivation `state` (and
        perhaps `relation`), a fact `right` and `source`.
        """
        found = _find(request, pk)
        may = can_decide_dispute(
            request.user,
            opener=found.opened_by,
            model=found.model,
            token=bearer_of(request),
        )
        if not may:
            raise PermissionDenied("Moderators decide, but not in their own cause.")
        params = DecisionParams(data=request.data)
        params.is_valid(raise_exception=True)
        given = dict(params.validated_data)
        outcome = Dispute.State(given.pop("outcome"))
        reasons = given.pop("reasons")
        missing = [name for name in NEEDED[found.kind] if not given[name]]
        if missing and outcome in Dispute.GRANTED:
            raise serializers.ValidationError({missing[0]: "say what takes its place"})
        return _done(
            found,
            lambda: service.decide(
                found,
                outcome,
                reasons=reasons,
                ruling=Ruling(**given),
                by=person_of(request),
            ),
        )


class DisputeWithdrawal(APIView):
    """The end of a dispute without a decision."""

    @extend_schema(request=None, responses=shapes.DisputeDetailShape)
    def post(self, request: Request, pk: int) -> Response:
        """Take a dispute back; for who opened it."""
        found = _find(request, pk)
        may_speak = can_open_dispute(request.user, token=bearer_of(request))
        if not may_speak or request.user != found.opened_by:
            raise PermissionDenied("Only who opened a dispute takes it back.")
        return _done(found, lambda: service.withdraw(found, by=person_of(request)))


def _done(found: Dispute, act: Callable[[], None]) -> Response:
    """Return the dispute after the act, or the refusal as an error of the API."""
    try:
        act()
    except (DisputeRefused, CycleRefused) as refused:
        raise Refused(str(refused)) from refused
    return Response(documents.dispute_document(found))


def _too_many(refused: Exception) -> APIException:
    error = APIException(str(refused))
    error.status_code = status.HTTP_429_TOO_MANY_REQUESTS
    return error


def _find(request: Request, pk: int) -> Dispute:
    seen = Dispute.objects.visible_to(sight_of_request(request))
    found = seen.with_things().filter(pk=pk).first()
    if found is None or not _may_read(request, found.verification):
        raise NotFound("There is no such dispute.")
    return found


def _may_read(request: Request, verification: Verification | None) -> bool:
    if verification is None or verification.is_public:
        return True
    model = verification.revision.model
    return sees_unpublished(request.user, model, token=bearer_of(request))


def _thing(request: Request, given: dict[str, Any]) -> Contested:
    """Return what is contested; raises NotFound, ValidationError, NotContestable."""
    sight = sight_of_request(request)
    model = find_model(given["model"], sight)
    named = [name for name in ("verification", "parent", "fact") if given.get(name)]
    if len(named) != 1:
        raise serializers.ValidationError(
            {"model": "name one of verification, parent and fact"}
        )
    if "fact" in named:
        return Contested(model=model, fact=given["fact"])
    if "verification" in named:
        verdicts = Verification.objects.with_models().filter(revision__model=model)
        found = verdicts.filter(pk=given["verification"]).first()
        if found is None or not _may_read(request, found):
            raise NotFound(f"There is no such verdict on {model.slug}.")
        return service.thing_of_verdict(found)
    edges = Derivation.objects.visible_to(sight).filter(
        child=model, parent__slug__lower=given["parent"].lower()
    )
    edges = edges.select_related(
        "child__head", "child__organization", "parent__organization"
    )
    if given["relation"]:
        edges = edges.filter(relation=given["relation"])
    if len(edges) != 1:
        said = "There is no such derivation." if not edges else "Name the relation too."
        raise NotFound(said)
    return service.thing_of_edge(edges[0])
