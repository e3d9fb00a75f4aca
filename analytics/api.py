"""Reports over the API: the newest as it is stored, and building one."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.digests import body_json
from analytics.gate_services import gate_decide, gate_register
from analytics.models import Report
from analytics.report_forms import FORMS, file_of
from analytics.services import report_build
from annotation.api import round_of
from config.api_base import PROBLEMS, WRITE_PROBLEMS, ApiView, StrictSerializer
from projects.access import Action
from projects.located import of_value

MAX_SEED = 2**31 - 1


class ReportBuild(StrictSerializer):
    seed = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=MAX_SEED, help_text="Of the resampled intervals."
    )
    final_answers = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Final answers of reviewers in place of raters' own, in figures about systems.",
    )


class ReportOut(serializers.ModelSerializer[Report]):
    number = serializers.IntegerField()  # declared: a model field's range depends on the database
    seed = serializers.IntegerField()

    class Meta:
        model = Report
        fields = ["number", "built_at", "seed", "digest", "data_digest"]


class RoundReport(ApiView):
    @extend_schema(
        tags=["reports"],
        summary="The newest report",
        description=(
            "The bytes of `report.json` (docs/report.schema.json); their SHA-256 is in the ETag. 404 where no "
            "report was built yet."
        ),
        responses={(200, "application/json"): OpenApiTypes.OBJECT, **PROBLEMS},
    )
    def get(self, request: Request, project: str, round: str) -> HttpResponse:
        row = round_of(self.project(Action.VIEW), round)
        report = row.reports.order_by("-number").first()
        if report is None:
            raise Http404
        headers = {"ETag": f'"{report.digest}"'}
        return HttpResponse(body_json(report.body), content_type="application/json", headers=headers)

    @extend_schema(
        tags=["reports"],
        summary="Build a report",
        description="Takes seconds. Where nothing changed since the newest one, that one is answered, with 200.",
        request=ReportBuild,
        responses={200: ReportOut, 201: ReportOut, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.REPORT), round)
        wanted = self.read(ReportBuild)
        before = row.reports.order_by("-number").values_list("pk", flat=True).first()
        report = report_build(round=row, actor=self.person, **wanted)
        made = status.HTTP_200_OK if report.pk == before else status.HTTP_201_CREATED
        return Response(ReportOut(report).data, status=made)


class RoundReportFile(ApiView):
    @extend_schema(
        operation_id="projects_rounds_report_file",
        tags=["reports"],
        summary="The newest report as a file",
        description=(
            "The same report as PDF, web page, workbook, JSON, or its figures as CSV or Parquet. 404 where no report "
            "was built yet."
        ),
        parameters=[OpenApiParameter("file", str, OpenApiParameter.PATH, enum=sorted(FORMS))],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **PROBLEMS},
    )
    def get(self, request: Request, project: str, round: str, file: str) -> HttpResponse:
        row = round_of(self.project(Action.EXPORT), round)
        report = row.reports.select_related("round").order_by("-number").first()
        if report is None or file not in FORMS:
            raise Http404
        response = file_of(report, file)
        response["ETag"] = f'"{report.digest}-{file}"'
        return response


class RoundDoctor(ApiView):
    @extend_schema(
        operation_id="projects_rounds_doctor",
        tags=["reports"],
        summary="The rubric doctor",
        description=(
            "What the round's judgments say about each criterion, worst first: `does_not_work`, `look`, `unsettled` or "
            "`works`, with the likely causes, their figures, three items that show each, and a change of the rubric."
        ),
        responses={(200, "application/json"): OpenApiTypes.OBJECT, **PROBLEMS},
    )
    def get(self, request: Request, project: str, round: str) -> HttpResponse:
        from analytics.doctor import rubric_doctor  # pandas and scipy take over a second to load

        found = rubric_doctor(round_of(self.project(Action.VIEW), round))
        return HttpResponse(body_json(found.to_dict()), content_type="application/json")


class GateDefinition(StrictSerializer):
    definition = serializers.JSONField(help_text="new, old, rule, alpha, power, conditions: see docs/how-to/gate.md.")


class RoundGate(ApiView):
    @extend_schema(
        tags=["reports"],
        summary="The registered gate, decided",
        description="Against the current judgments: `verdict` is pass, fail or insufficient. 404 where there is none.",
        responses={200: OpenApiTypes.OBJECT, **PROBLEMS},
    )
    def get(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.VIEW), round)
        if not row.gates.filter(preregistered=True).exists():
            raise Http404
        return Response(gate_decide(round=row).to_dict())

    @extend_schema(
        tags=["reports"],
        summary="Decide another gate",
        description="It was not registered before the data, and the answer says so. Nothing is stored.",
        request=GateDefinition,
        responses={200: OpenApiTypes.OBJECT, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.VIEW), round)
        source = of_value(self.read(GateDefinition)["definition"], "definition")
        return Response(gate_decide(round=row, source=source).to_dict())

    @extend_schema(
        tags=["reports"],
        summary="Register a gate",
        description="While the round is a draft. Another one takes the place of the first.",
        request=GateDefinition,
        responses={200: OpenApiTypes.OBJECT, **WRITE_PROBLEMS},
    )
    def put(self, request: Request, project: str, round: str) -> Response:
        row = round_of(self.project(Action.RUN), round)
        source = of_value(self.read(GateDefinition)["definition"], "definition")
        gate = gate_register(round=row, source=source, actor=self.person)
        return Response({"registered": True, "digest": gate.digest, "definition": gate.definition})
