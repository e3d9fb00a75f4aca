"""`{% script_words %}`: what the scripts of a page say, in its language. In English the scripts hold it themselves."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import polib  # type: ignore[import-untyped]
from django import template
from django.conf import settings
from django.utils.html import json_script
from django.utils.timesince import timesince
from django.utils.translation import get_language, npgettext_lazy

register = template.Library()

CONTEXT = "script"  # of the messages that the scripts say; tools/messages.py finds them


@register.simple_tag
def script_words() -> str:
    return _words(get_language() or "en")


@lru_cache(maxsize=16)
def _words(language: str) -> str:
    path = settings.LOCALE_PATHS[0] / language / "LC_MESSAGES" / "django.mo"
    if not path.is_file():
        return ""
    kept = {entry.msgid: entry.msgstr for entry in polib.mofile(str(path)) if entry.msgctxt == CONTEXT}
    return json_script(kept, "words")


@register.filter
def in_sentence(words: object) -> str:
    """A label within a sentence: English makes it small, other languages know which of their words are."""
    said = str(words)
    return said.lower() if (get_language() or "en") == "en" else said


_PAST: dict[str, Any] = {
    "year": npgettext_lazy("past", "%(num)d year", "%(num)d years", "num"),
    "month": npgettext_lazy("past", "%(num)d month", "%(num)d months", "num"),
    "week": npgettext_lazy("past", "%(num)d week", "%(num)d weeks", "num"),
    "day": npgettext_lazy("past", "%(num)d day", "%(num)d days", "num"),
    "hour": npgettext_lazy("past", "%(num)d hour", "%(num)d hours", "num"),
    "minute": npgettext_lazy("past", "%(num)d minute", "%(num)d minutes", "num"),
}


@register.filter
def since(moment: datetime | None) -> str:
    """How long ago, to stand after “since” or before “ago”: German declines it, “vor 3 Tagen”."""
    return timesince(moment, time_strings=_PAST) if moment is not None else ""
