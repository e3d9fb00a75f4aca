"""Projects over the API: what they hold, and the door through which pipelines push."""

from __future__ import annotations

import io
import json
from typing import Any, cast

from django.db.models import Prefetch
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api_base import PROBLEMS, WRITE_PROBLEMS, ApiView, FilePush, FormParser, Found, JsonParser, Listed
from projects.access import Action, visible_projects
from projects.api_records import Push, ValueField
from projects.importers import IMPORTERS
from projects.models import AutomatedScore, Item, ItemRevision, Metric, Output, Project, System
from projects.selectors import count_of
from projects.services.importing import ImportResult, import_file, import_records


class ProjectOut(serializers.ModelSerializer[Project]):
    items = serializers.IntegerField(source="n_items")
    systems = serializers.IntegerField(source="n_systems")
    outputs = serializers.IntegerField(source="n_outputs")

    class Meta:
        model = Project
        fields = ["slug", "name", "description", "created_at", "items", "systems", "outputs"]


class ItemOut(serializers.ModelSerializer[Item]):
    item = serializers.CharField(source="external_id")
    tags = serializers.SerializerMethodField()
    messages = serializers.SerializerMethodField()
    context = serializers.SerializerMethodField()  # type: ignore[assignment]
    reference = serializers.SerializerMethodField()
    outputs = serializers.IntegerField(source="n_outputs")

    class Meta:
        model = Item
        fields = [
            *("item", "cluster", "language", "tags", "metadata"),
            *("messages", "context", "reference", "outputs"),
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_tags(self, row: Item) -> list[str]:
        return sorted(tag.tag for tag in row.tags.all())

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_messages(self, row: Item) -> Any:
        return _current(row, "messages")

    @extend_schema_field(serializers.ListField())
    def get_context(self, row: Item) -> Any:
        return _current(row, "context")

    @extend_schema_field(serializers.ListField())
    def get_reference(self, row: Item) -> Any:
        return _current(row, "reference")


def _current(row: Item, name: str) -> list[Any]:
    """From the current revision, the only one that is loaded; an item known by scores alone has none."""
    revisions = list(row.revisions.all())
    return cast(list[Any], getattr(revisions[0], name)) if revisions else []


class SystemOut(serializers.ModelSerializer[System]):
    system = serializers.CharField(source="label", help_text="As commands and files name it.")
    replaces = serializers.SerializerMethodField()
    outputs = serializers.IntegerField(source="n_outputs")

    class Meta:
        model = System
        fields = ["system", "name", "version", "replaces", "description", "outputs"]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_replaces(self, row: System) -> str | None:
        return row.replaces.label if row.replaces else None


class MetricOut(serializers.ModelSerializer[Metric]):
    metric = serializers.CharField(source="key")
    minimum = serializers.FloatField(source="scale_min", allow_null=True)
    maximum = serializers.FloatField(source="scale_max", allow_null=True)
    criterion = serializers.CharField(source="criterion_key", help_text="The criterion it answers as well.")
    scores = serializers.IntegerField(source="n_scores")

    class Meta:
        model = Metric
        fields = ["metric", "source", "kind", "minimum", "maximum", "threshold", "direction", "criterion", "scores"]


def _projects(person: Any) -> Any:
    return visible_projects(person, Action.VIEW).annotate(
        n_items=count_of(Item.objects.all(), "project"),
        n_systems=count_of(System.objects.all(), "project"),
        n_outputs=count_of(Output.objects.all(), "item__project"),
    )


@extend_schema(tags=["projects"], summary="The projects you may see", responses={200: ProjectOut, **PROBLEMS})
class ProjectList(Listed):
    serializer_class = ProjectOut

    def get_queryset(self) -> Any:
        return _projects(self.request.user)


class ProjectDetail(ApiView):
    @extend_schema(tags=["projects"], summary="One project", responses={200: ProjectOut, **PROBLEMS})
    def get(self, request: Request, project: str) -> Response:
        row = self.project(Action.VIEW)
        return Response(ProjectOut(_projects(request.user).get(pk=row.pk)).data)


@extend_schema(tags=["projects"], summary="Items with their text", responses={200: ItemOut, **PROBLEMS})
class ItemList(Listed):
    serializer_class = ItemOut

    def get_queryset(self) -> Any:
        current = ItemRevision.objects.filter(current=True).defer("html")
        return (
            Item.objects.filter(project=self.project(Action.VIEW))
            .annotate(n_outputs=count_of(Output.objects.all(), "item"))
            .prefetch_related("tags", Prefetch("revisions", queryset=current))
        )


@extend_schema(tags=["projects"], summary="Systems", responses={200: SystemOut, **PROBLEMS})
class SystemList(Listed):
    serializer_class = SystemOut

    def get_queryset(self) -> Any:
        rows = System.objects.filter(project=self.project(Action.VIEW)).select_related("replaces")
        return rows.annotate(n_outputs=count_of(Output.objects.all(), "system"))


@extend_schema(tags=["projects"], summary="Automated metrics", responses={200: MetricOut, **PROBLEMS})
class MetricList(Listed):
    serializer_class = MetricOut

    def get_queryset(self) -> Any:
        rows = Metric.objects.filter(project=self.project(Action.VIEW))
        return rows.annotate(n_scores=count_of(AutomatedScore.objects.all(), "metric"))


# --- pushing --------------------------------------------------------------------------------------------


class OutputsFile(FilePush):
    format = serializers.ChoiceField(["auto", *IMPORTERS], default="auto")


class KindCounts(serializers.Serializer[Any]):
    items = serializers.IntegerField()
    systems = serializers.IntegerField()
    outputs = serializers.IntegerField()
    scores = serializers.IntegerField()
    judgments = serializers.IntegerField()


class ImportOut(KindCounts):
    """Counts are of what the request held; `new` and `changed` of what it brought."""

    format = serializers.CharField()
    new = KindCounts()
    changed = KindCounts()
    skipped = Found(many=True, help_text="What was left out, and why.")
    notes = Found(many=True, help_text="What was read in a way you should know of.")


class Row(serializers.Serializer[Any]):
    """A row of a generic file, long or wide; further columns as docs/api.md has them."""

    item = serializers.CharField(required=False)
    system = serializers.CharField(required=False)
    output = serializers.CharField(required=False)
    metric = serializers.CharField(required=False)
    value = ValueField(required=False)


class OutputsPush(ApiView):
    parser_classes = [JsonParser, FormParser]

    @extend_schema(
        tags=["projects"],
        summary="Push items, outputs and automated scores",
        description=(
            "Three forms: records (an object with `items`, `outputs`, `scores`), a list of rows as in a generic "
            "file, or a file of any format that can be imported (multipart/form-data). Identity is by content, so "
            "the same request again changes nothing. A refused request writes nothing."
        ),
        request={
            "application/json": PolymorphicProxySerializer(
                component_name="PushOrRows",
                serializers=[Push, Row(many=True)],
                resource_type_field_name=None,
                many=False,
            ),
            "multipart/form-data": OutputsFile,
        },
        responses={200: ImportOut, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, project: str) -> Response:
        row = self.project(Action.IMPORT)
        return Response(_push(row, request).to_dict())


def _push(project: Project, request: Request) -> ImportResult:
    if isinstance(request.data, list):
        return _rows(project, request)
    if request.content_type.startswith("multipart/"):
        form = OutputsFile(data=request.data)
        form.is_valid(raise_exception=True)
        upload = form.validated_data["file"]
        return import_file(
            project=project,
            stream=upload.file,
            file_name=upload.name,
            format=form.validated_data["format"],
            actor=request.user,
        )
    push = Push(data=request.data)
    push.is_valid(raise_exception=True)
    return import_records(project=project, records=push.records(), actor=request.user)


def _rows(project: Project, request: Request) -> ImportResult:
    """The reader of JSON files takes them, so that a row means the same in a file and in a request."""
    data = json.dumps(request.data, ensure_ascii=False).encode()
    return import_file(
        project=project, stream=io.BytesIO(data), file_name="request", format="jsonl", actor=request.user
    )
