"""What a person can judge, as a list or a form says it: languages by their codes, qualifications in the project's own
words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.utils.translation import gettext

from projects.errors import ServiceError

MAX_WORD = 30
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")
_BETWEEN = re.compile(r"[,;/|]")


def parted(cell: str) -> list[str]:
    """Several in one cell of a table."""
    return _BETWEEN.split(cell)


def qualifications_of(given: Sequence[str]) -> list[str]:
    words = sorted({word.strip() for word in given if word.strip()})
    for word in words:
        if len(word) > MAX_WORD:
            raise ServiceError(
                gettext("“%(word)s” is too long for a qualification: at most %(most)s characters.")
                % {"word": word[:40], "most": MAX_WORD},
                field="qualifications",
            )
    return words


def languages_of(given: Sequence[str]) -> list[str]:
    languages = sorted({language.strip() for language in given if language.strip()})
    for language in languages:
        if not _LANGUAGE.fullmatch(language):
            raise ServiceError(
                gettext("“%(language)s” is not a language. Accepted: codes such as en, de or pt-BR.")
                % {"language": language[:40]},
                field="languages",
            )
    return languages
