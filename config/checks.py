"""System checks: what the settings' own readers cannot see. Each has an id and a hint."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections
from django.http.request import validate_host

from config.secret_key import weakness

# RETURNING, which one-request claims rest on.
OLDEST_SQLITE = (3, 35, 0)
OLDEST_POSTGRESQL = 150_000

Apps = Sequence[AppConfig] | None


@register(Tags.security)
def secret_key_is_strong(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Production refuses to start with a weak key; a local run is told."""
    if not (problem := weakness(settings.SECRET_KEY)):
        return []
    hint = "Give 50 or more random characters, or leave SECRET_KEY out: this machine then makes its own."
    return [Warning(f"SECRET_KEY is too weak: {problem}.", hint=hint, id="config.W001")]


@register(Tags.urls)
def base_url_is_served(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Links in invitations begin with BASE_URL; people who follow them must not be turned away."""
    host = urlsplit(settings.BASE_URL).hostname or ""
    if validate_host(host, settings.ALLOWED_HOSTS):
        return []
    hint = f"Add {host} to ALLOWED_HOSTS, or correct BASE_URL."
    return [Warning(f"BASE_URL names {host}, which is not an allowed host.", hint=hint, id="config.W002")]


@register(Tags.compatibility)
def sqlite_is_recent(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    uses_sqlite = any(connections[alias].vendor == "sqlite" for alias in connections)
    if not uses_sqlite or sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return []
    needed = ".".join(map(str, OLDEST_SQLITE))
    hint = "Use a Python that is built with a newer SQLite, or PostgreSQL through DATABASE_URL."
    message = f"SQLite is {sqlite3.sqlite_version}; {needed} or later is needed."
    return [Error(message, hint=hint, id="config.E001")]


@register(Tags.database)
def postgresql_is_recent(
    app_configs: Apps, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection: Any = connections[alias]
        if connection.vendor == "postgresql" and connection.pg_version < OLDEST_POSTGRESQL:
            message = f"PostgreSQL is {connection.pg_version // 10_000}; 15 or later is needed."
            found.append(Error(message, hint="Upgrade the database server.", id="config.E002"))
    return found


@register(Tags.database)
def no_demo_accounts_in_production(
    app_configs: Apps, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """The demo prints its passwords on a terminal: no such account where the public can log in."""
    if not settings.PRODUCTION or not databases:
        return []
    try:
        count = get_user_model().objects.using(databases[0]).filter(is_demo=True, is_active=True).count()
    except DatabaseError:  # not migrated yet, or not there: /readyz says which
        return []
    if not count:
        return []
    hint = "Delete or deactivate these accounts, or use a new database."
    message = f"{count} demo account(s) can log in with ADJUDGE_ENV=production."
    return [Error(message, hint=hint, id="config.E003")]
