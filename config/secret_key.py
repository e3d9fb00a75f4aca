"""The secret key: given in production, made once per machine otherwise."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

MINIMUM_LENGTH = 50
MINIMUM_DISTINCT = 10


def weakness(key: str) -> str:
    """Why this key is too weak to sign sessions with; empty when it is not."""
    if len(key) < MINIMUM_LENGTH:
        return f"it has {len(key)} characters and needs at least {MINIMUM_LENGTH}"
    if len(set(key)) < MINIMUM_DISTINCT:
        return f"it has {len(set(key))} different characters and needs at least {MINIMUM_DISTINCT}"
    if key.startswith("django-insecure-"):
        return "it is one of Django's example keys"
    return ""


def machine_key(folder: Path) -> str:
    """Read this machine's key, or make it. Web and worker may start at once: both must get the same."""
    path = folder / "secret_key"
    if not path.exists():
        draft = folder / f".secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)  # whole or not at all; the first one wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = path.read_text(encoding="ascii").strip()
    if problem := weakness(key):
        raise ImproperlyConfigured(f"The key in {path} is too weak: {problem}. Delete the file to get a new one.")
    return key
