"""Logs say what happened, and neither who nor what was judged."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.test import Client

from config import logs
from tests.config.routes import JUDGMENT

pytestmark = pytest.mark.urls("tests.config.routes")

EMAIL = "canary@people.example"
NAME = "Canary Person"


@pytest.fixture(params=["json", "text"])
def output(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that any logger says at any level, as our formatter writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter() if request.param == "json" else logs.TextFormatter())
    handler.addFilter(logs.RequestIdFilter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.django_db
def test_no_address_name_token_or_judgment_is_logged(output: io.StringIO) -> None:
    get_user_model().objects.create_user(EMAIL, "right-canary", name=NAME)
    client = Client(raise_request_exception=False)
    log_in = {"login": EMAIL, "password": "wrong-canary"}
    client.post("/accounts/login/", log_in)
    client.post(f"/accounts/login/?next=/{EMAIL}", {**log_in, "password": "right-canary"})
    client.post("/invitation/token-canary/", {"comment": JUDGMENT})
    client.post(f"/fail?comment={JUDGMENT}", {"comment": JUDGMENT})
    client.get("/nothing-here", {"email": EMAIL}, headers={"Authorization": "Token adj_canary"})
    client.get("/api/v1/private", headers={"Authorization": "Token adj_canary"})
    text = output.getvalue()
    assert "canary" not in text.lower()
    assert text.count("status") >= 6  # it did log
    assert not [line for line in text.splitlines() if line.endswith("ERROR   ") or '"event": ""' in line]


@pytest.mark.django_db
def test_a_database_error_does_not_quote_the_row(output: io.StringIO) -> None:
    logger = logging.getLogger("adjudge.test")
    get_user_model().objects.create_user(EMAIL)
    try:
        with transaction.atomic():
            get_user_model().objects.create_user(EMAIL)
    except IntegrityError as error:
        logger.exception("insert_failed")
        logger.error("insert failed: %s", error)
    text = output.getvalue()
    assert "canary" not in text
    assert "IntegrityError" in text
    assert connection.vendor in {"sqlite", "postgresql"}


@pytest.mark.django_db
def test_a_request_is_one_json_line(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(raise_request_exception=False)
    user = get_user_model().objects.create_user(EMAIL)
    client.force_login(user)
    with caplog.at_level(logging.DEBUG):
        answer = client.get("/accounts/email/?q=1")
    records = [record for record in caplog.records if record.name == "adjudge.request"]
    assert len(records) == 1
    stamped = logs.RequestIdFilter()
    stamped.filter(records[0])
    line = json.loads(logs.JsonFormatter().format(records[0]))
    assert {key: line[key] for key in ("event", "method", "path", "status", "user")} == {
        "event": "request",
        "method": "GET",
        "path": "/accounts/email/",
        "status": answer.status_code,
        "user": user.pk,
    }
    assert line["ms"] >= 0


def test_the_request_id_ties_lines_together(output: io.StringIO) -> None:
    answer = Client(raise_request_exception=False).get("/fail")
    lines = output.getvalue().splitlines()
    if not lines[0].startswith("{"):
        return  # the text form leaves the id out
    identifiers = {json.loads(line).get("request_id") for line in lines if "adjudge" in line or "django" in line}
    assert identifiers == {answer["X-Request-ID"]}


@pytest.mark.parametrize(
    ("path", "status", "level"),
    [
        ("/fail", 500, "ERROR"),
        ("/refuse", 403, "WARNING"),
        ("/nothing", 404, "INFO"),
        ("/healthz", 200, "DEBUG"),
    ],
)
def test_refusals_and_failures_stand_out(caplog: pytest.LogCaptureFixture, path: str, status: int, level: str) -> None:
    with caplog.at_level(logging.DEBUG, logger="adjudge.request"):
        assert Client(raise_request_exception=False).get(path).status_code == status
    assert [record.levelname for record in caplog.records if record.name == "adjudge.request"] == [level]


def test_an_event_keeps_its_plain_fields() -> None:
    record = logging.LogRecord("adjudge", logging.INFO, "", 0, "lease_lost", (), None)
    record.fields = {"round": 7, "late": True, "who": EMAIL}
    line: dict[str, Any] = json.loads(logs.JsonFormatter().format(record))
    assert (line["event"], line["round"], line["late"], line["who"]) == ("lease_lost", 7, True, "[removed]")
