"""`{% icon "check" %}`: a symbol of templates/_sprite.html. The word beside it carries the meaning."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

ICONS = frozenset(
    {
        *("check", "clock", "cross", "down", "file", "flag", "grip"),
        *("info", "offline", "pause", "plus", "search", "up", "warn"),
    }
)


@register.simple_tag
def icon(name: str) -> SafeString:
    if name not in ICONS:
        raise template.TemplateSyntaxError(f"There is no icon “{name}”. Icons: {', '.join(sorted(ICONS))}.")
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)
