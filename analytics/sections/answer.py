"""The conclusion in words, read off the numbers. A difference is claimed only where its interval claims it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from analytics.sections.advice import advice_words, prompts_to_settle
from projects.templatetags.numbers import times
from rubrics.specs import CriterionSpec

RELIABLE, TENTATIVE = 0.80, 0.667
_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One comparison of two systems: `better` is empty where the interval decides nothing."""

    criterion: str
    a: str
    b: str
    better: str
    worse: str
    estimate: dict[str, Any]
    kind: str  # win_rate or superiority


def answer_section(body: dict[str, Any], criteria: tuple[CriterionSpec, ...]) -> dict[str, Any]:
    """`headline`, `lead` (further sentences) and `figures` (the estimates they rest on)."""
    questions = {c.key: c.question for c in criteria}
    findings = [*_preferences(body), *_superiorities(body)]
    if not body["round"]["n_ratings"]:
        headline = "There are no judgments yet, so there is nothing to conclude."
        return {"headline": headline, "lead": [], "figures": [], "sentences": [], "advice": []}
    headline, figures = _headline(body, findings)
    advice = _advice(findings)
    said = [
        *((text, _section_of(figures[0]["kind"])) for text in _interval_words(figures[:1])),
        *((text, "preference") for text in _other_raters(body, findings)),
        *((text, "agreement") for text in _agreement_words(body, questions)),
        *_advice_words(advice),
    ]
    sentences = [{"text": text, "section": section} for text, section in said]
    lead = [text for text, _ in said]
    return {"headline": headline, "lead": lead, "figures": figures[:_SHOWN], "sentences": sentences, "advice": advice}


def _section_of(kind: str) -> str:
    return {"win_rate": "preference", "superiority": "scores", "alpha": "agreement"}[kind]


def _advice(findings: list[Finding]) -> list[dict[str, Any]]:
    """What more prompts would settle of what the intervals leave open."""
    found = []
    for f in findings:
        told = None if f.better else prompts_to_settle(f.estimate, 0.5)
        if told is not None:
            found.append({"criterion": f.criterion, "a": f.a, "b": f.b, "kind": f.kind, **told})
    return found


def _advice_words(advice: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Of the nearest to be settled, one of each criterion."""
    nearest = sorted(advice, key=lambda row: (row["more"] is None, row["more"] or row["more_than"] or 0))
    shown: dict[str, dict[str, Any]] = {}
    for row in nearest:
        shown.setdefault(row["criterion"], row)
    for row in list(shown.values())[:_SHOWN]:
        verb = "is preferred" if row["kind"] == "win_rate" else "scores higher"
        text = advice_words(row, f"whether {row['a']} or {row['b']} {verb} on “{row['criterion']}”")
        if text:
            yield text, _section_of(row["kind"])


def _preferences(body: dict[str, Any]) -> Iterator[Finding]:
    for criterion, section in body["preference"].items():
        for a, b, estimate in upper(section["win_rate"]):
            yield _finding(criterion, a, b, estimate, "win_rate")


def _superiorities(body: dict[str, Any]) -> Iterator[Finding]:
    for criterion, pairs in body["comparisons"].items():
        chances = {a: {b: found["superiority"] for b, found in row.items()} for a, row in pairs.items()}
        for a, b, estimate in upper(chances):
            yield _finding(criterion, a, b, estimate, "superiority")


def upper(table: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each pair once, the one that is ahead first."""
    for a, row in table.items():
        for b, estimate in row.items():
            value, other = estimate["value"], table[b][a]["value"]
            known = value is not None and other is not None
            if (value, b) > (other, a) if known else a < b:
                yield a, b, estimate


def _finding(criterion: str, a: str, b: str, estimate: dict[str, Any], kind: str) -> Finding:
    better = worse = ""
    if estimate["status"] == "ok" and estimate["low"] > 0.5:
        better, worse = a, b
    elif estimate["status"] == "ok" and estimate["high"] < 0.5:
        better, worse = b, a
    return Finding(criterion, a, b, better, worse, estimate, kind)


def _headline(body: dict[str, Any], findings: list[Finding]) -> tuple[str, list[dict[str, Any]]]:
    if not findings:
        return _one_system(body)
    first = [f for f in findings if f.criterion == findings[0].criterion and f.kind == findings[0].kind]
    words = {"win_rate": _preference_headline, "superiority": _score_headline}[first[0].kind](first)
    decided = [f for f in findings if f.better]
    if not any(f.better for f in first) and decided:
        words += " " + _elsewhere(decided)
    best = _beats_all([f for f in first if f.better], first)
    ordered = sorted(first, key=lambda f: (not (best and f.better == best), not f.better))
    others = [f for f in findings if f not in first]
    return words, [_figure(f) for f in [*ordered, *others]]


def _preference_headline(found: list[Finding]) -> str:
    decided = [f for f in found if f.better]
    if len(found) == 1 and decided:
        f = found[0]
        share = f.estimate["value"] if f.better == f.a else 1 - f.estimate["value"]
        return f"{f.better} is preferred to {f.worse}: it wins {100 * share:.0f} % of prompts, ties as half."
    if len(found) == 1:
        return _undecided(found[0], f"whether {found[0].a} or {found[0].b} is preferred")
    best = _beats_all(decided, found)
    if best:
        return f"{best} is preferred to each of the other {len(_systems(found)) - 1} systems."
    if decided:
        return f"{len(decided)} of {len(found)} comparisons are decided; no system is preferred to all others."
    return f"The data cannot yet say which of {len(_systems(found))} systems is preferred."


def _score_headline(found: list[Finding]) -> str:
    decided = [f for f in found if f.better]
    name = f"“{found[0].criterion}”"
    if len(found) == 1 and decided:
        return f"{decided[0].better} scores higher than {decided[0].worse} on {name}."
    if len(found) == 1:
        return _undecided(found[0], f"whether {found[0].a} or {found[0].b} scores higher on {name}")
    best = _beats_all(decided, found)
    if best:
        return f"{best} scores higher on {name} than each of the other {len(_systems(found)) - 1} systems."
    if decided:
        return f"{len(decided)} of {len(found)} comparisons on {name} are decided; no system is above all others."
    return f"The data cannot yet say which of {len(_systems(found))} systems scores highest on {name}."


def _undecided(finding: Finding, what: str) -> str:
    if finding.estimate["status"] == "ok":
        return f"The data cannot yet say {what}."
    return f"There is not enough data to say {what}. {finding.estimate['reason']}"


def _elsewhere(decided: list[Finding]) -> str:
    verbs = {"win_rate": "is preferred to", "superiority": "scores higher than"}
    parts = [f"{f.better} {verbs[f.kind]} {f.worse} on “{f.criterion}”" for f in decided[:_SHOWN]]
    return f"{'; '.join(parts)}."


def _systems(found: list[Finding]) -> set[str]:
    return {name for f in found for name in (f.a, f.b)}


def _beats_all(decided: list[Finding], found: list[Finding]) -> str:
    others = len(_systems(found)) - 1
    for name in sorted(_systems(found)):
        if sum(f.better == name for f in decided) == others:
            return name
    return ""


def _figure(f: Finding) -> dict[str, Any]:
    said = "Win rate, {a} against {b}" if f.kind == "win_rate" else "Chance that {a} is above {b}, “{c}”"
    label = said.format(a=f.a, b=f.b, c=f.criterion)
    return {"label": label, "kind": f.kind, "criterion": f.criterion, "reference": 0.5, "estimate": f.estimate}


def _one_system(body: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """One system, nothing to compare: what the raters agree about is the result."""
    figures = []
    for key, found in body["agreement"].items():
        label = f"Krippendorff’s α, “{key}”"
        alpha = found["krippendorff_alpha"]
        figures.append({"label": label, "kind": "alpha", "criterion": key, "reference": TENTATIVE, "estimate": alpha})
    reliable = [key for key, found in body["agreement"].items() if _verdict(found) == "reliable"]
    total = len(body["agreement"])
    if not total:
        return "The rubric asks for words only, so there are no figures.", []
    if total == 1:
        key, found = next(iter(body["agreement"].items()))
        return _one_criterion(key, found), figures
    return f"Raters agree reliably on {len(reliable)} of {total} criteria.", figures


def _one_criterion(key: str, found: dict[str, Any]) -> str:
    verdict = _verdict(found)
    if verdict == "unknown":
        return f"How far raters agree on “{key}” cannot be told yet. {found['krippendorff_alpha']['reason']}"
    words = {
        "reliable": f"Raters agree on “{key}” well enough to rely on.",
        "tentative": f"Raters agree on “{key}” well enough for tentative conclusions only.",
        "open": f"Whether raters agree well enough on “{key}” is not settled: the interval is too wide.",
        "unreliable": f"Raters do not agree on “{key}” well enough to rely on it.",
    }
    return words[verdict]


def _verdict(found: dict[str, Any]) -> str:
    """Krippendorff's thresholds, held against the limits of the interval and never against the value."""
    alpha = found["krippendorff_alpha"]
    if alpha["status"] != "ok":
        return "unknown"
    if alpha["low"] >= RELIABLE:
        return "reliable"
    if alpha["low"] >= TENTATIVE:
        return "tentative"
    return "unreliable" if alpha["high"] < TENTATIVE else "open"


def _interval_words(figures: list[dict[str, Any]]) -> list[str]:
    if not figures or figures[0]["estimate"]["status"] != "ok":
        return []
    e, reference = figures[0]["estimate"], figures[0]["reference"]
    scale, unit = (100, "\u00a0%") if e["unit"] == "share" else (1, "")
    digits = 0 if scale == 100 else 2
    low, high = (f"{scale * e[side]:.{digits}f}" for side in ("low", "high"))
    text = f"{figures[0]['label']}: the {100 * e['level']:.0f} % interval is [{low},\u00a0{high}]{unit}"
    if figures[0]["kind"] == "alpha":
        return [text + "."]
    text += f" over {times(e['n_clusters'], 'prompt,prompts')}, for these raters on prompts like these"
    if e["low"] <= reference <= e["high"]:
        return [text + "; it includes no difference at all."]
    return [text + "."]


def _other_raters(body: dict[str, Any], findings: list[Finding]) -> list[str]:
    """Leads among these raters that do not hold for all raters like these, as the strengths tell them."""
    decided = [f for f in findings if f.better and f.kind == "win_rate"]
    decided = [f for f in decided if f.criterion == decided[0].criterion]
    about = body["preference"][decided[0].criterion].get("ranking", {}) if decided else {}
    if about.get("population") != "raters like these":
        return []
    sure = {
        frozenset((gap["system"], gap["other"]))
        for gap in about.get("differences", [])
        if gap["status"] == "ok" and not gap["low"] <= 0 <= gap["high"]
    }
    unsure = sum(frozenset((f.a, f.b)) not in sure for f in decided)
    if not unsure or not about.get("differences"):
        return []
    if len(decided) == 1:
        return ["For other raters like these that is not settled."]
    verb = "is" if unsure == 1 else "are"
    return [f"For other raters like these, {unsure} of {len(decided)} such leads {verb} not settled."]


def _agreement_words(body: dict[str, Any], questions: dict[str, str]) -> list[str]:
    by_verdict: dict[str, list[str]] = {}
    for key, found in body["agreement"].items():
        by_verdict.setdefault(_verdict(found), []).append(f"“{key}”")
    words = []
    if by_verdict.get("reliable"):
        words.append(f"Raters agree reliably on {_list(by_verdict['reliable'])}.")
    if by_verdict.get("tentative"):
        words.append(f"Agreement on {_list(by_verdict['tentative'])} allows tentative conclusions.")
    if by_verdict.get("open"):
        words.append(f"On {_list(by_verdict['open'])} the interval is too wide to say whether raters agree.")
    if by_verdict.get("unreliable"):
        words.append(f"Raters do not agree well enough on {_list(by_verdict['unreliable'])}.")
    skewed = [f"“{key}”" for key, found in body["agreement"].items() if is_skewed(found)]
    if skewed:
        words.append(f"On {_list(skewed)} one answer dominates or the coefficients disagree: read α and AC together.")
    return words


def is_skewed(found: dict[str, Any]) -> bool:
    return any(text.startswith("Skewed categories") for text in found["warnings"])


def _list(names: list[str]) -> str:
    shown = names[:5]
    more = len(names) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
