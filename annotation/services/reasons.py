"""Why somebody did something that others must be able to follow."""

from __future__ import annotations

from django.utils.translation import gettext

from projects.errors import ServiceError


def reason_given(text: str, most: int, missing: str) -> str:
    """The reason without blanks around it; `missing` is what is said where there is none."""
    reason = text.strip()
    if not reason:
        raise ServiceError(missing, field="reason")
    if len(reason) > most:
        raise ServiceError(
            gettext("The reason may have at most %(most)s characters.") % {"most": f"{most:,}"}, field="reason"
        )
    return reason
