"""Structured logs: one line an event, and nothing in it that says who a person is or what they judged.

Kept out: e-mail addresses, names, tokens, query strings, request and response bodies, SQL parameters, and the
messages of exceptions (a database error quotes the row). What is left of an exception is its class and its
stack frames; the request id ties the lines of one request together.

Our own code logs an event name and plain fields:
    logger.info("lease_lost", extra={"fields": {"round": round_id}})
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")

LONGEST_TEXT = 500
BASE_DIR = Path(__file__).resolve().parent.parent
# Addresses, our API tokens, and what follows "Key (email)=" in a database's own words.
PERSONAL = re.compile(r"[^\s@<>\"'(),:;=]+@[^\s@<>\"'(),:;=]+|\badj_\w+|\)=\([^)]*\)")
# Their messages quote the path, which may hold an invitation or a reset key; our request line has it masked.
QUOTING_LOGGERS = ("django.request", "django.security", "django.server")
PLACEHOLDER = re.compile(r"[\s(:'\"]*%[sdr][)'\"]*")


def redact(text: str) -> str:
    return PERSONAL.sub("[removed]", text)[:LONGEST_TEXT]


def event_of(record: logging.LogRecord) -> str:
    if record.name.startswith(QUOTING_LOGGERS):
        return redact(PLACEHOLDER.sub("", str(record.msg))) or record.name.rpartition(".")[2]
    return redact(record.getMessage())


def frames(error: BaseException) -> list[str]:
    """Where it happened, innermost last; no source text and no message."""
    stack = traceback.extract_tb(error.__traceback__)[-12:]
    return [f"{frame.filename.removeprefix(f'{BASE_DIR}/')}:{frame.lineno} {frame.name}" for frame in stack]


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The event's own fields: plain numbers as they are, everything else as redacted text."""
    fields = getattr(record, "fields", None) or {}
    plain: dict[str, Any] = {
        key: value if isinstance(value, (int, float, bool, type(None))) else redact(str(value))
        for key, value in fields.items()
    }
    if record.exc_info and record.exc_info[1] is not None:
        plain["error"] = type(record.exc_info[1]).__qualname__
        plain["stack"] = frames(record.exc_info[1])
    return plain


class RequestIdFilter(logging.Filter):
    """Stamps the id while the request's context is still there: a handler may format in another thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": event_of(record),
        }
        if identifier := getattr(record, "request_id", ""):
            line["request_id"] = identifier
        return json.dumps(line | fields_of(record), ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """For a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        fields = fields_of(record)
        stack = fields.pop("stack", [])
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        words = [moment, f"{record.levelname:<7}", event_of(record)]
        words += [f"{key}={value}" for key, value in fields.items() if value is not None]
        return "\n    ".join([" ".join(words), *stack])


def build(*, log_format: str, level: str) -> dict[str, Any]:
    """The dictionary for `logging.config.dictConfig`."""
    formatter = JsonFormatter if log_format == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": RequestIdFilter}},
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]},
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Named here only to take away Django's own handlers, one of which mails tracebacks.
            "django": {"handlers": [], "level": level},
            "django.request": {"level": "ERROR"},  # refusals are in our request line
            "django.server": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "django.db.backends": {"level": "WARNING"},  # SQL parameters are judgments
            "PIL": {"level": "WARNING"},
        },
    }
