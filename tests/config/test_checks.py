from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.management.base import SystemCheckError

from config import checks


def ids(**options: Any) -> set[str | None]:
    return {message.id for message in run_checks(**options)}


def test_a_weak_key_is_reported(settings: Any) -> None:
    assert "config.W001" not in ids()
    settings.SECRET_KEY = "weak"
    assert "config.W001" in ids()


def test_links_must_lead_to_an_allowed_host(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["adjudge.example.org"]
    settings.BASE_URL = "https://adjudge.example.org"
    assert "config.W002" not in ids()
    settings.BASE_URL = "https://other.example.org"
    assert "config.W002" in ids()


def test_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(checks.sqlite3, "sqlite_version_info", (3, 34, 1))
    uses_sqlite = settings.DATABASES["default"]["ENGINE"] == "config.sqlite"
    assert ("config.E001" in ids()) is uses_sqlite


@pytest.mark.django_db
def test_demo_accounts_are_refused_in_production_only(settings: Any) -> None:
    demo = get_user_model().objects.create_user("alice@example.org", is_demo=True)
    assert "config.E003" not in ids(databases=["default"])
    settings.PRODUCTION = True
    assert "config.E003" in ids(databases=["default"])
    demo.is_active = False
    demo.save()
    assert "config.E003" not in ids(databases=["default"])


@pytest.mark.django_db(transaction=True)
def test_a_web_server_does_not_start_with_demo_accounts_in_production(settings: Any) -> None:
    from config import wsgi

    get_user_model().objects.create_user("alice@example.org", is_demo=True)
    wsgi.refuse_a_bad_start()
    settings.PRODUCTION = True
    with pytest.raises(SystemCheckError, match="1 demo account"):
        wsgi.refuse_a_bad_start()
