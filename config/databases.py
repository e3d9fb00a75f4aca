"""DATABASE_URL to Django's DATABASES entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ACCEPTED = "Accepted: sqlite:///relative/path, sqlite:////absolute/path, or postgresql://user:password@host:port/name."
# What an operator may say about the connection in the query string; anything else is a typing error.
POSTGRESQL_PARAMETERS = {
    *(
        "application_name",
        "channel_binding",
        "connect_timeout",
        "host",
        "options",
        "passfile",
        "port",
        "user",
    ),
    *("service", "sslcert", "sslcrl", "sslkey", "sslmode", "sslpassword", "sslrootcert", "tcp_user_timeout"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "target_session_attrs"),
}
SQLITE_PRAGMAS = "PRAGMA synchronous=FULL"  # write-ahead logging: config/sqlite/base.py
BUSY_TIMEOUT_SECONDS = 20


def database_from_url(url: str, *, base_dir: Path, pool_size: int, pooler: bool) -> dict[str, Any]:
    """`pooler` says that pgbouncer or the like stands between, in transaction mode: no session state then."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not a valid address: {error}. {ACCEPTED}") from error
    if parts.scheme == "sqlite":
        return sqlite(parts, base_dir=base_dir)
    if parts.scheme in {"postgresql", "postgres"}:
        return postgresql(parts, port, pool_size=pool_size, pooler=pooler)
    # The URL itself is never repeated: it may hold a password.
    raise ImproperlyConfigured(f"DATABASE_URL begins with {parts.scheme!r}. {ACCEPTED}")


def sqlite(parts: SplitResult, *, base_dir: Path) -> dict[str, Any]:
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or not path or parts.query:
        raise ImproperlyConfigured(f"DATABASE_URL names SQLite but no plain path. {ACCEPTED}")
    name: str | Path = path if path == ":memory:" else (base_dir / path)
    if isinstance(name, Path) and not name.parent.is_dir():
        raise ImproperlyConfigured(
            f"DATABASE_URL: there is no folder {name.parent} for the SQLite file. Make it first. {ACCEPTED}"
        )
    return {
        "ENGINE": "config.sqlite",
        "NAME": name,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": BUSY_TIMEOUT_SECONDS,
            "transaction_mode": "IMMEDIATE",
            "init_command": SQLITE_PRAGMAS,
        },
    }


def postgresql(parts: SplitResult, port: int | None, *, pool_size: int, pooler: bool) -> dict[str, Any]:
    name = unquote(parts.path).removeprefix("/")
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(parameters) - POSTGRESQL_PARAMETERS)
    if not name or "/" in name:
        raise ImproperlyConfigured(f"DATABASE_URL names PostgreSQL but no database. {ACCEPTED}")
    if unknown:
        raise ImproperlyConfigured(
            f"DATABASE_URL has the unknown parameter {unknown[0]!r}. "
            f"Accepted: {', '.join(sorted(POSTGRESQL_PARAMETERS))}."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or "") or parameters.pop("user", ""),
        "PASSWORD": unquote(parts.password or ""),
        # A socket folder may stand in the query (?host=/run/postgresql) or percent-encoded as the host.
        "HOST": parameters.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(port or parameters.pop("port", "")),
        "CONN_MAX_AGE": 0,  # Django requires 0 with a pool: the pool keeps the connections.
        "DISABLE_SERVER_SIDE_CURSORS": pooler,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": pool_size, "timeout": 5},
            "server_side_binding": not pooler,
            # Prepared after the fifth run; through a pooler never, for the session is not ours.
            "prepare_threshold": None if pooler else 5,
            "connect_timeout": 5,
            **parameters,
        },
    }
