"""Automated scores in words: a preference is said from the side of the output it stands beside."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from projects.models import AutomatedScore

register = template.Library()

_WORDS = {"a": "this output", "b": "the other", "tie": "tie", "both_good": "both good", "both_bad": "both bad"}


@register.filter
def preferred(score: AutomatedScore) -> SafeString:
    """The side a judge prefers, or its number with what the ends of the scale mean: 0.00006303 is not 0.000."""
    if score.label or score.number is None:
        return format_html("{}", _WORDS.get(score.label, score.label))
    low, high = score.metric.scale_min, score.metric.scale_max
    known = low is not None and high is not None
    ends = f"{low:g}: this output, {high:g}: the other" if known else "above 0: the other"
    return format_html('{}<span class="sub">{}</span>', _significant(score.number), ends)


def _significant(number: float) -> str:
    """Four digits that say something, never as a power of ten."""
    text = f"{number:.{max(0, 4 - _leading(number))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _leading(number: float) -> int:
    """Digits before the point; negative: zeros behind it."""
    return int(f"{number:.3e}".partition("e")[2]) + 1 if number else 1
