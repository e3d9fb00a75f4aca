"""What every API handler stands on: who asks, what they may send, and how it is read.

Apart from `config.api`, which the framework's settings load before the models can be imported.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, cast

from django.conf import settings
from django.utils import timezone
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework import authentication, exceptions, generics, parsers, permissions, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import ApiToken, User
from config.api import TooLarge
from config.errors import PROBLEM_TYPE
from projects.access import Action, get_project
from projects.importers import jsonscan, limits
from projects.models import Project

FORM_BYTES = 1024 * 1024  # what a form may add to the file it carries


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]  # knox has no types
    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        if not token.isascii():  # knox decodes it, and would fail as a server error
            raise exceptions.AuthenticationFailed("Invalid token.")
        user, found = super().authenticate_credentials(token)
        today = timezone.now().date()
        if found.last_used_on != today:  # a write a day, not one a request
            ApiToken.objects.filter(pk=found.pk).update(last_used_on=today)
        return user, found


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication  # type: ignore[assignment]
    name = "token"


class TokenMayWrite(permissions.BasePermission):
    message = "This token is for reading only. Make one that may write, under API tokens."

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        return request.method in permissions.SAFE_METHODS or not isinstance(token, ApiToken) or token.can_write


class JsonParser(parsers.BaseParser):
    """JSON as RFC 8259 has it, within limits; what a database cannot keep is refused by name."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        data = stream.read(most + 1)
        if len(data) > most:
            raise TooLarge(
                f"The JSON is larger than {most // 1024 // 1024} MiB, the most accepted in a body. "
                "Send it in parts, or as a file (multipart/form-data)."
            )
        try:
            return strict_json(data)
        except ValueError as error:
            raise exceptions.ParseError(str(error)) from error


def strict_json(data: bytes) -> Any:
    """ValueError with a sentence for anything that is not plain JSON of finite numbers and whole characters."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"The JSON is not UTF-8: byte {error.start} is 0x{data[error.start]:02X}.") from None
    if jsonscan.too_deep(data):
        raise ValueError(jsonscan.depth_sentence())
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_finite, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"The JSON cannot be read at character {error.pos + 1}: {error.msg}.") from None
    if "\\u" in text and jsonscan.clean(value) != value:
        raise ValueError("A text holds half a character (a lone surrogate) or NUL, which is not accepted.")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number. Accepted: finite numbers, or null where there is none.")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"An object names the key '{jsonscan.clean_text(twice)}' more than once.")
    return found


class FormParser(parsers.MultiPartParser):
    """A file with its fields; refused by its announced size before a byte of it is stored."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request = (parser_context or {})["request"]
        if int(request.META.get("CONTENT_LENGTH") or 0) > limits.MAX_BYTES + FORM_BYTES:
            raise TooLarge(str(limits.too_large("The request")))
        return super().parse(stream, media_type=media_type, parser_context=parser_context)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know, and those it only ever tells, instead of leaving them out silently."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            fields = self.fields
            accepted = [name for name, field in fields.items() if not field.read_only]
            if wrong := [str(name) for name in data if name not in accepted]:
                raise serializers.ValidationError(
                    {name: [_why_not(name in fields, accepted)] for name in wrong}, code="unknown"
                )
        return super().to_internal_value(data)


def _why_not(known: bool, accepted: list[str]) -> str:
    said = "This field cannot be written." if known else "There is no such field."
    return f"{said} Accepted: {', '.join(accepted)}."


# Without docstrings: the schema would repeat them as descriptions of every handler.
class ApiView(APIView):
    authentication_classes = [TokenAuthentication, authentication.SessionAuthentication]
    permission_classes = [permissions.IsAuthenticated, TokenMayWrite]
    parser_classes = [JsonParser]
    metadata_class = None  # no OPTIONS: the schema describes the API

    def project(self, action: Action) -> Project:
        return get_project(self.request.user, self.kwargs["project"], action)

    @property
    def person(self) -> User:
        return cast(User, self.request.user)

    def read(self, serializer: type[StrictSerializer]) -> dict[str, Any]:
        found = serializer(data=self.request.data)
        found.is_valid(raise_exception=True)
        return cast(dict[str, Any], found.validated_data)


class Listed(ApiView, generics.ListAPIView[Any]):
    pass


class FilePush(StrictSerializer):
    file = serializers.FileField(allow_empty_file=True, max_length=300)  # the importer says that it is empty


class Found(serializers.Serializer[Any]):
    """Where something was left out or read in a way to know of, and why."""

    where = serializers.CharField()
    why = serializers.CharField()


class ErrorAt(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) to the field.")
    detail = serializers.CharField()
    code = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A full sentence.")
    errors = ErrorAt(many=True, required=False)  # type: ignore[assignment]


PROBLEMS = {(status, PROBLEM_TYPE): Problem for status in (401, 404)}
WRITE_PROBLEMS = PROBLEMS | {(status, PROBLEM_TYPE): Problem for status in (400, 403, 409, 413, 415)}
