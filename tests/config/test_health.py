from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


def test_healthz_asks_no_database(client: Client) -> None:
    answer = client.get("/healthz")  # pytest-django fails this test on any query
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_is_ready_on_a_migrated_database(client: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(2):  # is there a table of migrations; which were applied
        client.get("/readyz")
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_says_that_migrations_are_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "migrate" in answer.text


def test_readyz_says_that_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: Any) -> None:
        raise OperationalError("connection to 10.0.0.7 as ann failed")

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", away)
    answer = client.get("/readyz")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "does not answer" in answer.text
    assert "10.0.0.7" not in answer.text


def test_probes_only_read(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
    assert client.post("/readyz").status_code == 405


@pytest.mark.django_db
def test_probes_are_answered_under_any_name_and_nothing_else_is(client: Client) -> None:
    """An orchestrator asks a container by its address, which is in nobody's ALLOWED_HOSTS."""
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/accounts/login/", 400), ("/healthz/", 400)):
        assert client.get(path, headers={"host": "10.0.0.7:8000"}).status_code == status
