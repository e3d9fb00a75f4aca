"""Exports over the API: a round as tables or in the form of another tool, one file an answer."""

from __future__ import annotations

from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from annotation.api import round_of
from annotation.exporters.back.answers import Choice
from annotation.exporters.downloads import download
from annotation.exporters.files import FORMATS
from config.api_base import PROBLEMS, ApiView, Problem
from config.errors import PROBLEM_TYPE
from projects.access import Action


class RoundExport(ApiView):
    @extend_schema(
        tags=["rounds"],
        summary="A round as a file",
        description=(
            "Tables (`csv`, `jsonl`, `parquet`: a ZIP), or what people answered in the form of another tool. There "
            "`Records` and `Left-Out` count what was written and what has no place in the form; 400 where nothing has."
        ),
        parameters=[
            OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=FORMATS),
            OpenApiParameter("final_answers", bool, description="Of reviewers, in place of the raters' own."),
            OpenApiParameter("texts", bool, description="What raters wrote, too."),
        ],
        responses={
            (200, "application/json"): OpenApiTypes.BINARY,
            (200, "application/jsonl"): OpenApiTypes.BINARY,
            (200, "application/zip"): OpenApiTypes.BINARY,
            **PROBLEMS,
            (400, PROBLEM_TYPE): Problem,
        },
    )
    def get(self, request: Request, project: str, round: str, kind: str) -> HttpResponseBase:
        row = round_of(self.project(Action.EXPORT), round)
        if kind not in FORMATS:
            raise Http404
        chosen = {name: request.query_params.get(name, "") in {"1", "true"} for name in ("final_answers", "texts")}
        return download(round=row, kind=kind, choice=Choice(**chosen))
