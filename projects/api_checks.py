"""Built-in checks over the API: which there are, how their runs stand, and asking for one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from config.api_base import PROBLEMS, WRITE_PROBLEMS, ApiView, StrictSerializer
from projects.access import Action
from projects.checks import CHECKS
from projects.errors import ServiceError
from projects.models import ImportBatch, System
from projects.services.checking import FORMAT, checks_enqueue, wanted_from

_LISTED = 100


class CheckIn(StrictSerializer):
    check = serializers.ChoiceField(choices=list(CHECKS))
    name = serializers.CharField(required=False, default="", allow_blank=True, help_text="Of the metric it fills.")
    options = serializers.DictField(required=False, default=dict)


class ChecksIn(StrictSerializer):
    checks = CheckIn(many=True, allow_empty=False)
    systems = serializers.ListField(
        child=serializers.CharField(), required=False, default=list, help_text="name or name@version; empty: all."
    )


class CheckRunOut(serializers.Serializer[Any]):
    run = serializers.IntegerField(source="pk")
    state = serializers.CharField(help_text="running, done or failed.")
    metrics = serializers.SerializerMethodField()
    counts = serializers.DictField()
    problems = serializers.ListField(child=serializers.DictField())

    def get_metrics(self, batch: ImportBatch) -> list[str]:
        return [each["metric"] for each in batch.mapping["checks"]]


class Checks(ApiView):
    @extend_schema(
        tags=["projects"],
        summary="Runs of checks",
        description="The last hundred, the newest first.",
        responses={200: CheckRunOut(many=True), **PROBLEMS},
    )
    def get(self, request: Request, project: str) -> Response:
        runs = ImportBatch.objects.filter(project=self.project(Action.VIEW), format=FORMAT)[:_LISTED]
        return Response(CheckRunOut(runs, many=True).data)

    @extend_schema(
        tags=["projects"],
        summary="Run checks",
        description="A worker carries it out; outputs that are as they were are not checked again.",
        request=ChecksIn,
        responses={202: CheckRunOut, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, project: str) -> Response:
        row = self.project(Action.IMPORT)
        asked = self.read(ChecksIn)
        known = {system.label: system.pk for system in System.objects.filter(project=row)}
        if unknown := [name for name in asked["systems"] if name not in known]:
            raise ServiceError(f"There is no system “{unknown[0][:100]}” in this project.", field="systems")
        systems = [known[name] for name in asked["systems"]]
        wanted = wanted_from(asked["checks"])
        batch = checks_enqueue(project=row, checks=wanted, systems=systems, actor=self.person)
        return Response(CheckRunOut(batch).data, status=status.HTTP_202_ACCEPTED)
