"""`{% script_words %}`: what the scripts of a page say, in its language. In English the scripts hold it themselves."""

from __future__ import annotations

from functools import lru_cache

import polib  # type: ignore[import-untyped]
from django import template
from django.conf import settings
from django.utils.html import json_script
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
