"""Strict readers for settings from the environment.

A value that is not understood stops the start with a sentence that names the variable and what it accepts:
a typing error must never become a silent default. A variable that is set but empty counts as not set,
because compose files pass empty values for what the operator left out.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_choice(name: str, choices: tuple[str, ...], default: str) -> str:
    value = env_str(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}. Accepted values: {', '.join(choices)}.")
    return value


def env_bool(name: str, *, default: bool) -> bool:
    value = env_str(name, str(default))
    if value not in {"True", "False"}:
        raise ImproperlyConfigured(f"{name} is {value!r}. Accepted values: True, False.")
    return value == "True"


def env_int(name: str, default: int, *, low: int, high: int) -> int:
    value = env_str(name, str(default))
    try:
        number = int(value)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise ImproperlyConfigured(f"{name} is {value!r}. Accepted: a whole number from {low} to {high}.")
    return number


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated; spaces around an entry are dropped, an empty entry is refused."""
    value = env_str(name, default)
    if not value:
        return []
    entries = [entry.strip() for entry in value.split(",")]
    if not all(entries):
        raise ImproperlyConfigured(f"{name} is {value!r} and has an empty entry. Separate entries by one comma.")
    return entries


def env_secret(name: str, default: str = "") -> str:
    """The variable itself, or the content of the file that NAME_FILE points to; never both."""
    path = env_str(f"{name}_FILE")
    if not path:
        return env_str(name, default)
    if env_str(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Set only one of them.")
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ImproperlyConfigured(f"{name}_FILE points to {path}, which cannot be read: {reason}.") from error
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE points to {path}, which is empty.")
    return value
