"""Numbers for reading: grouped, with a sensible number of decimals. What is not known is a dash, never 0."""

from __future__ import annotations

import math
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import ngettext

register = template.Library()

UNKNOWN = "–"


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


@register.filter
def number(value: Any, decimals: int = 0) -> str:
    """`{{ n|number }}` → 1,512; `{{ mean|number:2 }}` → 0.58."""
    found = _finite(value)
    if found is None:
        return UNKNOWN
    return number_format(round(found, decimals), decimals, use_l10n=True, force_grouping=True)


@register.filter
def chance(value: Any) -> str:
    """A probability in per cent, with three digits that matter: 0.0213 → 2.13 %, 1 → 100 %."""
    found = _finite(value)
    if found is None:
        return UNKNOWN
    percent = 100 * found
    return f"{number_format(f'{percent:.3g}' if 0 < percent < 100 else round(percent), use_l10n=True)} %"


@register.filter
def milliseconds(value: Any) -> str:
    """Under a second in ms, else in seconds: 840 ms, 1.2 s."""
    found = _finite(value)
    if found is None:
        return UNKNOWN
    if found < 1000:
        return f"{number(found)} ms"
    return f"{number(found / 1000, 1)} s"


@register.filter
def cost(value: Any, currency: str = "") -> str:
    """Four decimals under one unit, for a single answer costs fractions of a cent."""
    found = _finite(value)
    if found is None:
        return UNKNOWN
    amount = number(found, 2 if found >= 1 else 4)
    return f"{amount} {currency}" if currency else amount


def times(count: Any, words: str) -> str:
    """`times(n, "item,items")` → 1 item, 1,512 items; in English, as reports are written."""
    one, many = words.split(",", 1)
    return f"{number(count)} {one if count == 1 else many}"


@register.filter(name="times")
def counted(count: Any, words: str) -> str:
    """`{{ n|times:"item,items" }}` → 1 item, 1,512 items, in the language of the page. Counted words stand by
    themselves, so translations give them in the nominative. tools/messages.py reads them where they are used."""
    one, many = words.split(",", 1)
    return ngettext(f"%(n)s {one}", f"%(n)s {many}", 1 if count == 1 else 2) % {"n": number(count)}
