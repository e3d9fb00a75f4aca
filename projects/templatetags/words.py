"""`{% script_words %}`: what the scripts of a page say, in its language. In English the scripts hold it themselves."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import polib  # type: ignore[import-untyped]
from django import template
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import NaturalTimeFormatter
from django.utils.html import json_script
from django.utils.timesince import timesince
from django.utils.translation import get_language

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


@register.filter
def since(moment: datetime | None) -> str:
    """How long ago, to stand after “since” or before “ago”: languages that decline say it as they say the past."""
    if moment is None:
        return ""
    past = None if (get_language() or "en") == "en" else NaturalTimeFormatter.past_substrings
    return timesince(moment, time_strings=past)
