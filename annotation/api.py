"""Rounds over the API: how far they are, their judgments out, existing judgments in."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, renderers, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.exporters.base import Column, Row
from annotation.exporters.finals import FINAL_COLUMNS, final_rows
from annotation.exporters.tables import RATING_COLUMNS, RATINGS, current_ratings, rating_rows
from annotation.exporters.writers import csv_lines
from annotation.models import Assignment, Rating, Renewal, Round, Unblinding
from annotation.pairing import PAIRINGS
from annotation.selectors import Progress, progress_of, rounds_of
from annotation.services.adjudication import Ruling, adjudicate, place_named
from annotation.services.draw_facts import DrawFacts, Stratum, draw_facts
from annotation.services.eligibility import GroupProgress, groups_progress, requirements_of
from annotation.services.imported import ImportResult, judgments_import
from annotation.services.imported_rows import COLUMNS
from annotation.services.renewing import INTERVALS, narrow_of, renews
from annotation.services.round_tasks import pairs_of, sample_of
from annotation.services.unblinding import KeyRow, expect_unblinded, judged, key_rows, round_unblind
from config.api_base import (
    PROBLEMS,
    WRITE_PROBLEMS,
    ApiView,
    FilePush,
    FormParser,
    Found,
    JsonParser,
    Listed,
    Problem,
    StrictSerializer,
)
from config.errors import PROBLEM_TYPE
from projects.access import Action
from projects.errors import ServiceError
from projects.models import Project
from rubrics.models import RubricVersion


def round_of(project: Project, slug: str) -> Round:
    row = Round.objects.select_related("project", "rubric_version__rubric").filter(project=project, slug=slug).first()
    if row is None:
        raise Http404
    return row


class RubricOut(serializers.ModelSerializer[RubricVersion]):
    slug = serializers.CharField(source="rubric.slug")
    name = serializers.CharField(source="rubric.name")
    version = serializers.IntegerField(source="number")

    class Meta:
        model = RubricVersion
        fields = ["slug", "name", "version"]


class CountsOut(serializers.Serializer[Any]):
    """Judgments wanted and made."""

    wanted = serializers.IntegerField(source="n_wanted")
    judged = serializers.IntegerField(source="n_judged")


_ROUND = ["slug", "name", "mode", "state", "is_pilot", "overlap", "strategy", "design", "rubric"]
_ROUND += ["created_at", "opened_at", "closed_at", "progress"]


class RoundOut(serializers.ModelSerializer[Round]):
    rubric = RubricOut(source="rubric_version")
    overlap = serializers.IntegerField()  # declared: a model field's range depends on the database
    progress = CountsOut(source="*")

    class Meta:
        model = Round
        fields = _ROUND


class ProgressOut(serializers.Serializer[Progress]):
    """Judgments wanted, made, in somebody's hands; tasks; judgments imported from files."""

    wanted = serializers.IntegerField()
    judged = serializers.IntegerField()
    leased = serializers.IntegerField()
    left = serializers.IntegerField()
    tasks = serializers.IntegerField()
    tasks_done = serializers.IntegerField()
    imported = serializers.IntegerField()


class StratumOut(serializers.Serializer[Stratum]):
    """A stratum: how many items of how many were drawn, each with which chance. `size` is empty where not known."""

    name = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)
    drawn = serializers.IntegerField()
    chance = serializers.FloatField(allow_null=True)


class SampleOut(serializers.Serializer[Any]):
    """How the items were drawn, or would be when a draft opens; `lowest` and `highest` are of the items' chances to be
    drawn, and empty where those are not known."""

    design = serializers.ChoiceField(choices=Round.Design.choices)
    seed = serializers.IntegerField()
    tag = serializers.CharField()
    by = serializers.CharField(help_text="What the strata are: language, or what the tags begin with.")
    weight = serializers.CharField(help_text="The metadata of an item that holds its weight.")
    drawn = serializers.IntegerField()
    frame = serializers.IntegerField(allow_null=True)
    lowest = serializers.FloatField(allow_null=True)
    highest = serializers.FloatField(allow_null=True)
    strata = StratumOut(many=True)


class PairsOut(serializers.Serializer[Any]):
    """Which pairs are compared; empty in a round that scores."""

    design = serializers.CharField(help_text=f"One of {', '.join(PAIRINGS)}.")
    per_item = serializers.IntegerField(allow_null=True)
    baseline = serializers.CharField(allow_null=True)


class OrderOut(serializers.Serializer[Any]):
    """What an order that follows the judgments narrows, and when it was last worked out; empty for other orders."""

    criterion = serializers.CharField(help_text="Empty: the first of the rubric.")
    interval = serializers.ChoiceField(choices=list(INTERVALS))
    worked_out_at = serializers.DateTimeField(allow_null=True)
    judgments = serializers.IntegerField()
    words = serializers.CharField()


class EligibleOut(serializers.Serializer[Any]):
    """Who may judge what. `tags`: items with the tag are for raters with that qualification."""

    qualification = serializers.CharField(help_text="Without it nobody takes part; empty: all raters.")
    language = serializers.BooleanField(help_text="Only items in a language that the rater reads.")
    tags = serializers.DictField(child=serializers.CharField())


class GroupOut(serializers.Serializer[GroupProgress]):
    """Judgments by a required group, and how many people can make them. The name is empty for anybody."""

    name = serializers.CharField()
    wanted = serializers.IntegerField()
    judged = serializers.IntegerField()
    leased = serializers.IntegerField()
    left = serializers.IntegerField()
    people = serializers.IntegerField()


class RoundDetailOut(serializers.ModelSerializer[Round]):
    rubric = RubricOut(source="rubric_version")
    overlap = serializers.IntegerField()  # declared: a model field's range depends on the database
    progress = serializers.SerializerMethodField()
    sample = serializers.SerializerMethodField()
    pairs = serializers.SerializerMethodField()
    order = serializers.SerializerMethodField()
    eligible = serializers.SerializerMethodField()
    groups = serializers.SerializerMethodField()

    class Meta:
        model = Round
        fields = [*_ROUND, "sample", "pairs", "order", "eligible", "groups"]

    @extend_schema_field(EligibleOut)
    def get_eligible(self, row: Round) -> dict[str, Any]:
        wants = requirements_of(row)
        return {"qualification": wants.qualification, "language": wants.language, "tags": dict(wants.tags)}

    @extend_schema_field(GroupOut(many=True))
    def get_groups(self, row: Round) -> list[Any]:
        return [GroupOut(group).data for group in groups_progress(row)]

    @extend_schema_field(PairsOut(allow_null=True))
    def get_pairs(self, row: Round) -> dict[str, Any] | None:
        if row.mode != Round.Mode.COMPARE:
            return None
        pairs = pairs_of(row)
        baseline = row.baseline.label if row.baseline else None
        return {"design": pairs.design, "per_item": pairs.per_item, "baseline": baseline}

    @extend_schema_field(OrderOut(allow_null=True))
    def get_order(self, row: Round) -> dict[str, Any] | None:
        if not renews(row):
            return None
        narrow, renewal = narrow_of(row), Renewal.objects.filter(round=row).first()
        return {
            "criterion": narrow.criterion,
            "interval": narrow.interval,
            "worked_out_at": renewal.done_at if renewal else None,
            "judgments": renewal.n_judgments if renewal else 0,
            "words": renewal.words if renewal else "",
        }

    @extend_schema_field(SampleOut)
    def get_sample(self, row: Round) -> dict[str, Any]:
        sample = sample_of(row)
        try:
            facts = draw_facts(row)
        except ServiceError:  # a draft that cannot be drawn as things stand; opening it says why
            facts = DrawFacts()
        return {
            "design": row.design,
            "seed": row.seed,
            "tag": sample.tag,
            "by": sample.strata,
            "weight": sample.weight,
            **{key: getattr(facts, key) for key in ("drawn", "frame", "lowest", "highest")},
            "strata": [StratumOut(stratum).data for stratum in facts.strata],
        }

    @extend_schema_field(ProgressOut)
    def get_progress(self, row: Round) -> dict[str, Any]:
        found = progress_of(row)
        return {**asdict(found), "left": found.left}


@extend_schema(tags=["rounds"], summary="Rounds", description="Newest last.", responses={200: RoundOut, **PROBLEMS})
class RoundList(Listed):
    serializer_class = RoundOut
    queryset = Round.objects.none()

    def get_queryset(self) -> Any:
        return rounds_of(self.project(Action.VIEW))


class RoundDetail(ApiView):
    @extend_schema(
        tags=["rounds"],
        summary="One round: state, mode, progress",
        description="Counts are of this moment.",
        responses={200: RoundDetailOut, **PROBLEMS},
    )
    def get(self, request: Request, project: str, round: str) -> Response:
        return Response(RoundDetailOut(round_of(self.project(Action.VIEW), round)).data)


# --- who answered: after the blind was lifted ---------------------------------------------------------


class StoodOut(serializers.Serializer[Any]):
    letter = serializers.CharField(help_text="As shown; empty for a single output.")
    system = serializers.CharField()


class KeyOut(serializers.Serializer[KeyRow]):
    """Which system stood where, for one judgment."""

    item = serializers.CharField()
    task = serializers.CharField()
    rater = serializers.CharField(help_text="A pseudonym; empty where the rater's identity is not known.")
    purpose = serializers.CharField()
    systems = StoodOut(many=True)


class UnblindingOut(serializers.ModelSerializer[Unblinding]):
    """When the blind was lifted. Who did it stands in the audit log."""

    class Meta:
        model = Unblinding
        fields = ["unblinded_at"]


class RoundKey(ApiView, generics.GenericAPIView[Any]):
    queryset = Assignment.objects.none()

    @extend_schema(
        tags=["rounds"],
        summary="Which system stood where",
        description="One row a judgment, in the order they were made. 409 until a lead has unblinded the closed round.",
        responses={200: KeyOut(many=True), **PROBLEMS, (409, PROBLEM_TYPE): Problem},
    )
    def get(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.VIEW), round)
        expect_unblinded(row)
        page = self.paginate_queryset(judged(row))
        return self.get_paginated_response([_key(each) for each in key_rows(page or [])])

    @extend_schema(
        tags=["rounds"],
        summary="Unblind a closed round",
        description="For good, and in the audit log. 409 while the round is not closed; again changes nothing.",
        request=None,
        responses={200: UnblindingOut, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.RUN), round)
        return Response(UnblindingOut(round_unblind(round=row, actor=request.user)).data)


def _key(row: KeyRow) -> dict[str, Any]:
    stood = [{"letter": letter, "system": system} for letter, system in row.systems]
    return {"item": row.item, "task": row.task, "rater": row.rater, "purpose": row.purpose, "systems": stood}


# --- judgments ------------------------------------------------------------------------------------------

_MAY_LACK = {"number", "moment"}
_FIELDS: dict[str, type[serializers.Field[Any, Any, Any, Any]]] = {
    "text": serializers.CharField,
    "number": serializers.FloatField,
    "integer": serializers.IntegerField,
    "boolean": serializers.BooleanField,
    "moment": serializers.DateTimeField,
}


# The columns of the export, so that the schema, the file and the answer never differ.
def _fields(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {c.name: _FIELDS[c.kind](help_text=c.meaning, allow_null=c.kind in _MAY_LACK) for c in columns}


RatingOut = type(
    "RatingOut",
    (serializers.Serializer,),
    {"__doc__": "One rating, with the columns of `export`.", **_fields(RATING_COLUMNS)},
)
FinalOut = type(
    "FinalOut",
    (serializers.Serializer,),
    {"__doc__": "One final answer, with the columns of `export`.", **_fields(FINAL_COLUMNS)},
)


class CsvRenderer(renderers.BaseRenderer):
    """Only named: the handler streams. It makes `?format=csv` and `Accept: text/csv` known."""

    media_type, format = "text/csv", "csv"


class JsonLinesRenderer(renderers.BaseRenderer):
    media_type, format = "application/jsonl", "jsonl"


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(_named(row), ensure_ascii=False, allow_nan=False) + "\n"


def _named(row: Row, columns: tuple[Column, ...] = RATING_COLUMNS) -> dict[str, Any]:
    return {column.name: cell for column, cell in zip(columns, row, strict=True)}


class JudgmentsFile(FilePush):
    """CSV, TSV, JSON Lines, a JSON list or Parquet."""


class JudgmentRow(serializers.Serializer[Any]):
    """A row of existing human judgments; further columns as docs/api.md has them."""

    item = serializers.CharField()
    system = serializers.CharField()
    system_b = serializers.CharField(required=False)
    rater = serializers.CharField(required=False)
    criterion = serializers.CharField()
    value = serializers.JSONField()


class JudgmentsIn(serializers.Serializer[ImportResult]):
    """What the import did. `ratings` are new ones; the rest was changed or there already."""

    format = serializers.CharField()
    rows = serializers.IntegerField()
    items = serializers.IntegerField()
    systems = serializers.IntegerField()
    outputs = serializers.IntegerField()
    scores = serializers.IntegerField()
    tasks = serializers.IntegerField()
    raters = serializers.IntegerField()
    judgments = serializers.IntegerField()
    ratings = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = Found(many=True)


class Judgments(ApiView, generics.GenericAPIView[Any]):
    parser_classes = [JsonParser, FormParser]
    renderer_classes = [renderers.JSONRenderer, CsvRenderer, JsonLinesRenderer]
    queryset = Rating.objects.none()

    @extend_schema(
        tags=["rounds"],
        summary="Judgments as tidy ratings",
        description=(
            "One row a rating, with the columns of `export`, in the order they were made. JSON comes in pages; "
            "`?format=csv` and `?format=jsonl` stream all of them at once."
        ),
        responses={
            (200, "application/json"): RatingOut(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/jsonl"): OpenApiTypes.STR,
            **PROBLEMS,
        },
    )
    def get(self, request: Request, project: str, round: str) -> HttpResponseBase:
        row = round_of(self.project(Action.EXPORT), round)
        kind = request.accepted_renderer.format
        if kind != "json":
            return _stream(row, kind)
        page = self.paginate_queryset(current_ratings(row).only("pk"))
        rows = rating_rows(row, [rating.pk for rating in page or ()])
        return self.get_paginated_response([_named(each) for each in rows])

    @extend_schema(
        tags=["rounds"],
        summary="Import existing human judgments",
        description="A list of rows, or a file. The same row twice changes nothing; a refused request writes nothing.",
        request={
            "application/json": JudgmentRow(many=True),
            "multipart/form-data": JudgmentsFile,
        },
        responses={(200, "application/json"): JudgmentsIn, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.IMPORT), round)
        stream, name = _sent(request)
        return Response(judgments_import(round=row, stream=stream, name=name, actor=request.user).to_dict())


class FinalIn(StrictSerializer):
    """A final answer, in canonical order, as `export` has it: a preference is signed towards the second output."""

    task = serializers.CharField(help_text="As in `export`.")
    criterion = serializers.CharField()
    canonical_target = serializers.CharField(required=False, default="", allow_blank=True)
    value = serializers.CharField(help_text="As the form of the criterion sends it; `unsettled` where it cannot be.")
    reason = serializers.CharField(max_length=5_000)
    revision = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=10_000, help_text="Of the final answer that stands; 0: none."
    )


class FinalAnswers(ApiView):
    @extend_schema(
        tags=["rounds"],
        summary="Final answers of reviewers",
        description="All that stand, in the order they were given. They are never among the judgments.",
        responses={200: FinalOut(many=True), **PROBLEMS},
    )
    def get(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.VIEW), round)
        return Response([_named(each, FINAL_COLUMNS) for each in final_rows(row)])

    @extend_schema(
        tags=["rounds"],
        summary="Give a final answer",
        description="Again the same changes nothing; 409 where another revision stands by now.",
        request=FinalIn,
        responses={200: FinalOut, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.REVIEW), round)
        sent = self.read(FinalIn)
        place = place_named(row, sent["task"], sent["criterion"], sent["canonical_target"])
        ruling = Ruling(value=sent["value"], reason=sent["reason"], revision=sent["revision"])
        made = adjudicate(round=row, place=place, ruling=ruling, actor=self.person)
        [stands] = final_rows(row, made.pk)
        return Response(_named(stands, FINAL_COLUMNS))


def _sent(request: Request) -> tuple[Any, str]:
    """The file, or the rows as one: a row means the same in a file and in a request."""
    if request.content_type.startswith("multipart/"):
        form = JudgmentsFile(data=request.data)
        form.is_valid(raise_exception=True)
        upload = form.validated_data["file"]
        return upload.file, upload.name
    if not isinstance(request.data, list) or not request.data:
        raise serializers.ValidationError(f"Accepted: a list of rows with the columns {', '.join(COLUMNS)}.")
    return io.BytesIO(json.dumps(request.data, ensure_ascii=False).encode()), "request"


def _stream(round: Round, kind: str) -> StreamingHttpResponse:
    rows = rating_rows(round)
    content = csv_lines(RATINGS, rows) if kind == "csv" else json_lines(rows)
    types = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
    name = f"{round.project.slug}-{round.slug}-ratings.{kind}"
    return StreamingHttpResponse(
        content, content_type=types[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
