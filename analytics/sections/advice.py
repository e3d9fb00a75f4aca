"""How many more prompts would settle what the data leave open.

From a difference d of G prompts with standard error SE, G ((z_{.975} + z_{.8}) SE / d)^2 prompts show it with a chance
of 80 %. As d is itself uncertain, a range is said, from the ends of its 50 % interval; where that reaches no difference
at all, only what it would take at the least. Source: Cochran, Sampling Techniques, 1977, ch. 4. What power these data
had is not said: at the difference seen it is the p value again (Hoenig & Heisey, The American Statistician 55, 2001).
"""

from __future__ import annotations

import math
from typing import Any

POWER = 0.8
HALF = 0.6744897501960817  # the 75 % point of the normal
MAX_PROMPTS = 100_000  # beyond it the advice is not to ask for more prompts


def prompts_to_settle(estimate: dict[str, Any], reference: float) -> dict[str, Any] | None:
    """`more` prompts, between `low` and `high`; or at least `more_than`. None where it is settled or cannot be told."""
    if estimate["status"] != "ok" or estimate["n_clusters"] < 2:
        return None
    low, high, prompts = estimate["low"], estimate["high"], estimate["n_clusters"]
    if not low <= reference <= high or high <= low:
        return None
    level = estimate["level"]
    from scipy.special import stdtrit  # the words of a report are read without it

    error = (high - low) / 2 / float(stdtrit(prompts - 1, 0.5 + level / 2))
    gap = abs(estimate["value"] - reference)
    far, near = gap + HALF * error, gap - HALF * error
    least = _more(prompts, error, far, level)
    if near <= 0:
        return {"more": None, "low": least, "high": None, "more_than": least, "n_prompts": prompts}
    most = _more(prompts, error, near, level)
    return {
        "more": _more(prompts, error, gap, level),
        "low": least,
        "high": most,
        "more_than": None,
        "n_prompts": prompts,
    }


def _more(prompts: int, error: float, gap: float, level: float) -> int:
    from scipy.special import ndtri

    wanted = float(ndtri(0.5 + level / 2)) + float(ndtri(POWER))
    needed = prompts * (wanted * error / gap) ** 2
    return max(0, math.ceil(needed) - prompts)


def advice_words(found: dict[str, Any], what: str) -> str:
    """A sentence, never with more digits than it knows."""
    if found["more_than"] is not None:
        if found["more_than"] >= MAX_PROMPTS:
            return ""
        least = _round(found["more_than"])
        return f"More than {least:,} further prompts would be needed to settle {what}." if least else ""
    if found["more"] >= MAX_PROMPTS:
        return f"No number of prompts that could be judged would settle {what}."
    low, high = _round(found["low"]), min(_round(found["high"]), MAX_PROMPTS)
    return f"About {_round(found['more']):,} more prompts ({low:,} to {high:,}) would probably settle {what}."


def _round(count: int) -> int:
    """Two digits: 1,234 is 1,200."""
    if count < 100:
        return count
    step = 10 ** (len(str(count)) - 2)
    return round(count / step) * step
