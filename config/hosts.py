"""Host names and the mail server, as the settings need them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".test")
ACCEPTED = "Accepted: smtp://user:password@host:587?tls=True, smtps://user:password@host:465, console:, file:."


def is_public_host(host: str) -> bool:
    """Could someone outside this machine or its private network be meant?"""
    name = host.strip("[]").removeprefix(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name != "localhost" and not f".{name}".endswith(LOCAL_SUFFIXES) and name != "testserver"
    return not address.is_private


@dataclass(frozen=True, kw_only=True)
class EmailSettings:
    backend: str
    file_path: Path
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False


def email_settings(url: str, *, mail_dir: Path) -> EmailSettings:
    """Without EMAIL_URL each message becomes a file under DATA_DIR/mail: not lost, not logged."""
    scheme = url.partition(":")[0] if url else "file"
    if scheme in {"file", "console"}:
        kind = "filebased" if scheme == "file" else "console"
        return EmailSettings(backend=f"django.core.mail.backends.{kind}.EmailBackend", file_path=mail_dir)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"EMAIL_URL is not a valid address: {error}. {ACCEPTED}") from error
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    tls = options.pop("tls", "True" if scheme == "smtp" else "False")
    if scheme not in {"smtp", "smtps"} or not parts.hostname or options or tls not in {"True", "False"}:
        raise ImproperlyConfigured(f"EMAIL_URL is not understood. {ACCEPTED}")
    return EmailSettings(
        backend="django.core.mail.backends.smtp.EmailBackend",
        file_path=mail_dir,
        host=parts.hostname,
        port=port or (465 if scheme == "smtps" else 587),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=tls == "True" and scheme == "smtp",
        use_ssl=scheme == "smtps",
    )
