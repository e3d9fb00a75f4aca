"""The product's addresses, and some that fail on purpose."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from config.urls import handler400, handler403, handler404, handler429, handler500

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500"]

JUDGMENT = "The-answer-invents-a-source-canary"


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError(JUDGMENT)


def refuse(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def misunderstand(request: HttpRequest) -> HttpResponse:
    raise BadRequest


def invitation(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse(request.POST.get("comment", ""))


class Score(serializers.Serializer[Any]):
    value = serializers.IntegerField(max_value=5)


class Scores(serializers.Serializer[Any]):
    system = serializers.CharField()
    scores = Score(many=True)


@api_view(["POST"])
@permission_classes([AllowAny])
def push(request: Request) -> Response:
    Scores(data=request.data).is_valid(raise_exception=True)
    return Response({})


@api_view(["GET"])
def private(request: Request) -> Response:
    return Response({})


urlpatterns = [
    path("fail", fail),
    path("refuse", refuse),
    path("misunderstand", misunderstand),
    path("invitation/<str:token>/", invitation),
    path("api/v1/push", push),
    path("api/v1/private", private),
    path("api/v1/fail", fail),
    path("", include("config.urls")),
]
