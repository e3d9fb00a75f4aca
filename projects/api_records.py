"""The neutral records of the API: JSON → what every importer yields. Names are those of the generic files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api_base import StrictSerializer
from projects.importers import limits, values
from projects.importers.generic_cells import name_and_version
from projects.importers.identity import user_message
from projects.importers.mapping import KINDS
from projects.importers.records import ItemRecord, OutputRecord, Record, ScoreRecord, Skip, SystemKey

_MESSAGES = {"type": "array", "items": {"type": "object", "additionalProperties": {}}}
_TEXTS = {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": {}}]}}
_TEXT_OR_MESSAGES = {"oneOf": [{"type": "string"}, _MESSAGES], "nullable": True}
_VALUE = {"oneOf": [{"type": "number"}, {"type": "boolean"}, {"type": "string"}], "nullable": True}
_DIRECTIONS = ("higher", "lower", "unknown")


@extend_schema_field(_MESSAGES)
class MessagesField(serializers.Field[Any, Any, Any, Any]):
    """[{role, content, …}]"""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return values.conversation(data if isinstance(data, list) else None)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(_TEXTS)
class TextsField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, list) or not all(isinstance(each, str | dict) for each in data):
            raise serializers.ValidationError("Accepted: a list of texts.")
        return values.texts(data)

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(_TEXT_OR_MESSAGES)
class AnswerField(serializers.Field[Any, Any, Any, Any]):
    """A text, or the messages of a conversation with its tool calls."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            return data, ()
        if not isinstance(data, list):
            raise serializers.ValidationError("Accepted: a text, or a list of messages with role and content.")
        try:
            messages = values.conversation(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        last = messages[-1]["content"]
        return (last if isinstance(last, str) else values.dump(last)), messages

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(_VALUE)
class ValueField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list | dict):
            raise serializers.ValidationError("Accepted: a number, true or false, a label, or null for none.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(OpenApiTypes.STR)
class SystemField(serializers.CharField):
    """`name`, or `name@version`."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return name_and_version(super().to_internal_value(data), "", "")
        except Skip as refused:
            raise serializers.ValidationError(refused.why) from refused


def _text(longest: int = limits.MAX_CELL_CHARS, **options: Any) -> serializers.CharField:
    options = {"required": False, "allow_blank": True, "trim_whitespace": False, "max_length": longest, **options}
    return serializers.CharField(**options)


def _name(longest: int = limits.MAX_NAME_CHARS, **options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=longest, **options)


def _count() -> serializers.IntegerField:
    return serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=limits.MAX_COUNT)


def _amount(**options: Any) -> serializers.FloatField:
    return serializers.FloatField(required=False, allow_null=True, **options)


class ItemPush(StrictSerializer):
    item = _name(limits.MAX_ID_CHARS, help_text="The item's id in your data.")
    prompt = _text(help_text="The text of a single question; or give messages.")
    messages = MessagesField(required=False)
    # Declared fields are taken off the class, so names of its own attributes do no harm.
    context = TextsField(required=False, help_text="Sources given with the prompt.")  # type: ignore[assignment]
    reference = TextsField(required=False, help_text="Reference answers.")
    choices = TextsField(required=False)
    tags = serializers.ListField(child=_name(limits.MAX_METRIC_CHARS), required=False)
    metadata = serializers.DictField(required=False)
    cluster = _text(limits.MAX_ID_CHARS, help_text="The family of prompts it belongs to.")
    language = _text(35)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("prompt") and attrs.get("messages"):
            raise serializers.ValidationError({"prompt": "Give the prompt or the messages, not both."})
        return attrs


class Target(StrictSerializer):
    system = SystemField(help_text="name, or name@version")
    repeat = serializers.IntegerField(
        required=False, min_value=0, max_value=limits.MAX_COUNT, help_text="Trial or epoch number."
    )
    variant = _text(limits.MAX_NAME_CHARS, help_text="Perturbation of the prompt.")


class OutputPush(Target):
    item = _name(limits.MAX_ID_CHARS)
    output = AnswerField(required=False, allow_null=True)
    error = _text(help_text="An error of the tool or the service; never counted as a bad answer.")
    latency_ms = _amount(min_value=0)
    ttft_ms = _amount(min_value=0)
    tokens_in = _count()
    tokens_out = _count()
    cost_usd = _amount(min_value=0)
    metadata = serializers.DictField(required=False)


class ScorePush(Target):
    item = _name(limits.MAX_ID_CHARS, required=False, help_text="Left out: the score is of a whole run.")
    system_b = SystemField(required=False, help_text="The second system of a preference.")
    metric = _name(limits.MAX_METRIC_CHARS)
    value = ValueField(allow_null=True, help_text="null: the score is missing, which is never 0.")
    kind = serializers.ChoiceField(KINDS, required=False)
    source = serializers.ChoiceField(["code", "llm"], required=False)  # type: ignore[assignment]
    judge = _text(limits.MAX_NAME_CHARS)
    explanation = _text()
    missing_reason = _text(300)
    passed = serializers.BooleanField(required=False, allow_null=True)
    minimum = _amount()
    maximum = _amount()
    threshold = _amount()
    direction = serializers.ChoiceField(_DIRECTIONS, required=False)
    position = serializers.ChoiceField(["a_first", "b_first"], required=False)
    turn = _count()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        other = attrs.get("system_b")
        kind = attrs.get("kind") or ("preference" if other else "")
        if kind == "preference" and not (other and attrs.get("item")):
            raise serializers.ValidationError({"system_b": "A preference needs an item and a second system."})
        found = values.score(attrs["value"], kind)
        if found.wrong:
            raise serializers.ValidationError({"value": found.wrong})
        return {**attrs, "found": found, "kind": found.kind or kind or "number"}


class Push(StrictSerializer):
    """Items, outputs and scores, in any combination. What is there already changes nothing."""

    items = ItemPush(many=True, required=False)
    outputs = OutputPush(many=True, required=False)
    scores = ScorePush(many=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not any(attrs.values()):
            raise serializers.ValidationError("There is nothing in it. Accepted: items, outputs, scores.")
        return attrs

    def records(self) -> Iterator[Record]:
        data = cast(dict[str, list[dict[str, Any]]], self.validated_data)
        yield from map(_item, data.get("items", ()))
        yield from map(_output, data.get("outputs", ()))
        yield from map(_score, data.get("scores", ()))


def _item(row: dict[str, Any]) -> ItemRecord:
    return ItemRecord(
        external_id=row["item"],
        messages=row.get("messages") or (user_message(row["prompt"]) if row.get("prompt") else ()),
        context=row.get("context", ()),
        reference=row.get("reference", ()),
        choices=row.get("choices", ()),
        metadata=row.get("metadata", {}),
        tags=tuple(row.get("tags", ())),
        cluster=row.get("cluster") or None,
        language=row.get("language", ""),
    )


def _output(row: dict[str, Any]) -> OutputRecord:
    text, messages = row.get("output") or (None, ())
    cost = row.get("cost_usd")
    return OutputRecord(
        item=row["item"],
        system=row["system"],
        text=text,
        messages=messages,
        repeat=row.get("repeat", 0),
        variant=row.get("variant", ""),
        error=row.get("error", ""),
        latency_ms=row.get("latency_ms"),
        ttft_ms=row.get("ttft_ms"),
        tokens_in=row.get("tokens_in"),
        tokens_out=row.get("tokens_out"),
        cost=cost,
        currency="" if cost is None else "USD",
        raw=row.get("metadata", {}),
    )


def _score(row: dict[str, Any]) -> ScoreRecord:
    found: values.Value = row["found"]
    other: SystemKey | None = row.get("system_b")
    judge = row.get("judge", "")
    return ScoreRecord(
        metric=row["metric"],
        item=row.get("item"),
        system=row["system"],
        system_b=other,
        repeat=row.get("repeat", 0),
        variant=row.get("variant", ""),
        kind=row["kind"],
        number=found.number,
        label=found.label,
        passed=row.get("passed"),
        source=row.get("source") or ("llm" if judge else "code"),
        minimum=row.get("minimum"),
        maximum=row.get("maximum"),
        threshold=row.get("threshold"),
        direction=row.get("direction", "unknown"),
        judge=judge,
        explanation=row.get("explanation", ""),
        missing_reason=row.get("missing_reason", "") if found.missing else "",
        position=row.get("position", ""),
        turn=row.get("turn"),
    )
