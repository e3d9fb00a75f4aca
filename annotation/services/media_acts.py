"""An image or a sound that is taken away: not while raters have it before them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext

from annotation.media_uses import uses_of
from projects.errors import ServiceError
from projects.models import Media
from projects.services.media import media_remove


def shown_file_remove(*, media: Media, actor: Any) -> None:
    """Where a file is missing raters read its name, which may tell the system: so open rounds keep theirs."""
    if open_ones := [each.round.name for each in uses_of(media).rounds if each.going]:
        raise ServiceError(
            gettext(
                "%(rounds)s shows it to raters. Without it they would read its name, which may tell which system "
                "answered. Put another file in its place, or close the round first."
            )
            % {"rounds": ", ".join(f"“{name}”" for name in open_ones)}
        )
    media_remove(media=media, actor=actor)
