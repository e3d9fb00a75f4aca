from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env, secret_key
from config.databases import database_from_url
from config.hosts import email_settings, is_public_host


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", " ")
    assert env.env_str("THING", "default") == "default"
    assert env.env_bool("THING", default=True) is True
    assert env.env_int("THING", 3, low=1, high=9) == 3
    assert env.env_list("THING") == []


@pytest.mark.parametrize(
    ("value", "read", "expected"),
    [
        ("True", lambda: env.env_bool("THING", default=False), True),
        ("12", lambda: env.env_int("THING", 1, low=1, high=20), 12),
        ("a, b", lambda: env.env_list("THING"), ["a", "b"]),
        ("json", lambda: env.env_choice("THING", ("json", "text"), "text"), "json"),
    ],
)
def test_what_is_accepted(monkeypatch: pytest.MonkeyPatch, value: str, read: Callable[[], Any], expected: Any) -> None:
    monkeypatch.setenv("THING", value)
    assert read() == expected


@pytest.mark.parametrize(
    ("value", "read", "sentence"),
    [
        (
            "yes",
            lambda: env.env_bool("THING", default=False),
            "THING is 'yes'. Accepted values: True, False.",
        ),
        ("true", lambda: env.env_bool("THING", default=False), "Accepted values: True, False."),
        ("21", lambda: env.env_int("THING", 1, low=1, high=20), "Accepted: a whole number from 1 to 20."),
        ("1.5", lambda: env.env_int("THING", 1, low=1, high=20), "Accepted: a whole number from 1 to 20."),
        ("a,,b", lambda: env.env_list("THING"), "has an empty entry"),
        ("xml", lambda: env.env_choice("THING", ("json", "text"), "text"), "Accepted values: json, text."),
    ],
)
def test_nonsense_stops_the_start_in_words(
    monkeypatch: pytest.MonkeyPatch, value: str, read: Callable[[], Any], sentence: str
) -> None:
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured, match="THING") as error:
        read()
    assert sentence in str(error.value)


def test_a_secret_comes_from_a_file_or_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    monkeypatch.setenv("THING_FILE", str(file))
    assert env.env_secret("THING") == "from the file"
    monkeypatch.setenv("THING", "from the variable")
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.env_secret("THING")


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_missing_or_empty_secret_file_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("THING_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match="THING_FILE"):
        env.env_secret("THING")


def test_the_machine_key_is_strong_private_and_stays(tmp_path: Path) -> None:
    key = secret_key.machine_key(tmp_path)
    assert not secret_key.weakness(key)
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert secret_key.machine_key(tmp_path) == key
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("key", ["short", "ab" * 40, "django-insecure-" + "abcdefghij" * 6])
def test_weak_keys_are_named_weak(key: str) -> None:
    assert secret_key.weakness(key)


def database(url: str, base: Path = Path("/"), *, pooler: bool = False) -> dict[str, Any]:
    return database_from_url(url, base_dir=base, pool_size=5, pooler=pooler)


def test_sqlite_paths_are_relative_with_three_slashes_and_absolute_with_four(tmp_path: Path) -> None:
    assert database("sqlite:///a.db", tmp_path)["NAME"] == tmp_path / "a.db"
    assert database(f"sqlite:///{tmp_path}/b%20c.db", Path("/nowhere"))["NAME"] == tmp_path / "b c.db"
    assert database("sqlite:///a.db", tmp_path)["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_postgresql_parts_and_parameters() -> None:
    found = database("postgresql://ann:p%40ss@db.example:6543/evals?sslmode=require")
    assert [found[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        *("ann", "p@ss", "db.example", "6543", "evals")
    ]
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["pool"]["max_size"] == 5
    assert found["OPTIONS"]["server_side_binding"] is True
    assert database("postgresql:///evals?host=/run/pg&port=5544")["HOST"] == "/run/pg"
    assert database("postgresql:///evals?host=/run/pg&port=5544")["PORT"] == "5544"


def test_behind_a_pooler_nothing_is_kept_in_the_session() -> None:
    found = database("postgresql://db/evals", pooler=True)
    assert found["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert found["OPTIONS"]["prepare_threshold"] is None
    assert found["OPTIONS"]["server_side_binding"] is False


@pytest.mark.parametrize(
    "url",
    [
        *("", "mysql://db/evals", "sqlite://", "sqlite://host/a.db", "sqlite:///a.db?mode=ro", "sqlite:///"),
        *(
            "sqlite:////no/such/folder/a.db",
            "postgresql://db",
            "postgresql://db:x/evals",
            "postgresql://db/a/b",
        ),
        "postgresql://db/evals?sslmod=require",
    ],
)
def test_other_database_addresses_are_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database(url)


def test_a_refused_database_address_is_not_repeated() -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        database("mysql://ann:canary@db/evals")
    assert "canary" not in str(error.value)


def test_mail_goes_to_files_until_a_server_is_named(tmp_path: Path) -> None:
    assert email_settings("", mail_dir=tmp_path).backend.endswith("filebased.EmailBackend")
    found = email_settings("smtp://ann:p%40ss@mail.example", mail_dir=tmp_path)
    assert (found.host, found.port, found.user, found.password) == ("mail.example", 587, "ann", "p@ss")
    assert (found.use_tls, found.use_ssl) == (True, False)
    found = email_settings("smtps://mail.example", mail_dir=tmp_path)
    assert (found.port, found.use_tls, found.use_ssl) == (465, False, True)


@pytest.mark.parametrize("url", ["imap://mail.example", "smtp://", "smtp://mail?tls=yes", "smtp://mail?ssl=True"])
def test_other_mail_addresses_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        email_settings(url, mail_dir=tmp_path)


@pytest.mark.parametrize(
    ("host", "public"),
    [
        *(("localhost", False), ("127.0.0.1", False), ("[::1]", False), ("10.1.2.3", False)),
        *(("box.local", False), ("*", True), ("adjudge.example.org", True), (".example.org", True)),
        ("8.8.8.8", True),
    ],
)
def test_which_hosts_are_public(host: str, public: bool) -> None:
    assert is_public_host(host) is public
