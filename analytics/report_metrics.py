"""Metrics against people on the page: how each follows them, and what a second person would reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.charts import interval
from analytics.report_epsilon import EpsilonCurve, epsilon_curve
from analytics.report_parts import CORRELATION_AXIS, Figures, Line, Missing, decided, figures, listed
from analytics.report_words import Said, level_name, points, say
from projects.templatetags.numbers import times

RANKS = {"kendall_tau_b": "Kendall’s τ-b", "spearman": "Spearman’s ρ"}


@dataclass(frozen=True)
class ErrorLine:
    """One level: how often the judge and how often another rater says more there, and less."""

    level: str
    more: tuple[Said, Said]
    less: tuple[Said, Said]
    lean: Said


@dataclass(frozen=True)
class MetricMore:
    key: str
    figures: Figures
    errors: list[ErrorLine]
    curve: EpsilonCurve | None = None


@dataclass(frozen=True)
class Automated:
    key: str
    question: str
    lines: list[Line]
    sentences: list[str]
    more: list[MetricMore]


def automated_part(body: dict[str, Any], criterion: dict[str, Any]) -> Automated:
    key = criterion["key"]
    rows = {metric: found[key] for metric, found in sorted(body["automated"].items()) if key in found}
    lines = [_line(metric, row) for metric, row in rows.items()]
    same = {metric: row for metric, row in rows.items() if row["declared_same_question"]}
    sentences = [text for metric, row in same.items() for text in _stands_in(metric, key, row)]
    more = [_more(metric, row, criterion) for metric, row in rows.items() if "ceiling" in row]
    sentences += [text for metric, row in same.items() for text in _leans(metric, row, criterion)]
    sentences += [text for metric, row in same.items() for text in _sides(metric, row.get("sides", {}))]
    return Automated(key, criterion["question"], lines, sentences, more)


def _line(metric: str, row: dict[str, Any]) -> Line:
    tau, rho, same = (row[name] for name in ("kendall_tau_b", "spearman", "agreement"))
    return Line(
        name=metric,
        mark=interval(tau, CORRELATION_AXIS),
        said=say(tau),
        lead=decided(tau, 0.0),
        tags=("same question",) if row["declared_same_question"] else (),
        cells=(_words(rho), _words(same), str(tau["n_units"] or same["n_units"])),
    )


def _words(estimate: dict[str, Any]) -> str:
    said = say(estimate)
    return f"{said.value} {said.interval}" if said.is_known else "not estimable"


# --- in a person's place -------------------------------------------------------------------------------


def _stands_in(metric: str, key: str, row: dict[str, Any]) -> list[str]:
    return [*_beside_a_person(metric, key, row), *_test(row.get("alt_test"))]


def _beside_a_person(metric: str, key: str, row: dict[str, Any]) -> list[str]:
    """Against one rater, as another rater: never against the consensus."""
    same = row.get("ceiling_same_answer")
    found = same if same and same["difference"]["value"] is not None else row.get("ceiling", {})
    gap = found.get("difference")
    if not gap or gap["status"] != "ok":
        return []
    judge, human, by = say(found["judge"]), say(found["human"]), points(gap)
    equal = found["measure"] == "agreement"
    does, unit, of = _EQUAL if equal else _CORRELATED
    over = times(gap["n_clusters"], "prompt,prompts")
    return [
        f"On “{key}”, over {over}, {metric} {does} {judge.value} {judge.interval} {unit}, another rater {human.value} "
        f"{human.interval}; the difference is {by.value}{of} {by.interval}: {_verdict(gap)}."
    ]


_EQUAL = ("gives the answer of one rater", "of the time", " points")
_CORRELATED = ("follows one rater with", "(Spearman’s ρ)", "")


def _verdict(gap: dict[str, Any]) -> str:
    """Only where the whole interval lies on one side."""
    if gap["low"] > 0:
        return "it does so more than another rater"
    if gap["high"] < 0:
        return "it does so less than another rater"
    return "whether it does so as well as another rater is not settled"


def _test(test: dict[str, Any] | None) -> list[str]:
    """The test answers yes only with its ε: so the whole of it is said."""
    if test is None or test["passes"] is None:
        return []
    rejected = sum(one["rejected"] for one in test["annotators"])
    people = len(test["annotators"])
    verdict = "passes" if test["passes"] else "does not pass"
    says = (
        f"In the alternative annotator test with ε = {test['epsilon']:g} it holds its own beside {rejected} of "
        f"{people} raters, and {verdict}."
    )
    start = test["passes_from"]
    if start is None:
        return [f"{says} No ε up to 0.4 would make it pass."]
    return [says if test["passes"] and start == test["epsilon"] else f"{says} It passes from ε = {start:g} on."]


def _sides(metric: str, sides: dict[str, Any]) -> list[str]:
    """What the judge does whatever the answers say, where it is beyond doubt."""
    found = []
    first, alike = sides.get("first_choice"), sides.get("order_consistency")
    if first and decided(first, 0.5):
        said = say(first)
        which = "first" if first["value"] > 0.5 else "last"
        found.append(
            f"{metric} chose the output that it read {which} more often than not: the first in {said.value} "
            f"{said.interval} of {times(first['n_judgments'], 'decided answer,decided answers')}."
        )
    if alike and alike["status"] == "ok":
        said = say(alike)
        over = times(alike["n_judgments"], "pair,pairs")
        found.append(f"Of {over} judged in both orders it gave {said.value} {said.interval} the same answer twice.")
    longer = sides.get("longer", {})
    if "people" in longer and longer["judge"]["status"] == longer["people"]["status"] == "ok":
        judge, people = say(longer["judge"]), say(longer["people"])
        found.append(
            f"It chose the longer output in {judge.value} {judge.interval} of its decided answers, people in "
            f"{people.value} {people.interval} of theirs."
        )
    return found


def _leans(metric: str, row: dict[str, Any], criterion: dict[str, Any]) -> list[str]:
    """Levels at which the whole interval lies on one side, each looked at by itself."""
    found = []
    for word, sign in (("higher", 1), ("lower", -1)):
        at = [each for each in row.get("errors_by_level", []) if decided(each["lean"], 0.0)]
        at = [each for each in at if each["lean"]["value"] * sign > 0]
        if at:
            told = listed(f"“{level_name(criterion, each['level'])}”" for each in at)
            found.append(f"Where a rater says {told}, {metric} goes {word} than another rater does.")
    return found


# --- behind the fold -----------------------------------------------------------------------------------


def _more(metric: str, row: dict[str, Any], criterion: dict[str, Any]) -> MetricMore:
    within, between = row.get("within_prompts", {}), row.get("between_systems", {})
    named = [(f"{RANKS[name]}, all outputs pooled", row[name]) for name in RANKS]
    named += [("Pearson’s r, all outputs pooled", row.get("pearson"))]
    named += [(f"{RANKS[name]}, within prompts", estimate) for name, estimate in within.items()]
    named += [("Pairs of a prompt put in people’s order", row.get("pairwise_accuracy"))]
    named += [(f"{RANKS.get(name, 'Pairs put in order')}, between systems", e) for name, e in between.items()]
    ceiling = row["ceiling"]
    named += [
        ("Spearman’s ρ with one rater", ceiling.get("judge")),
        ("Spearman’s ρ of another rater with the same one", ceiling.get("human")),
    ]
    named += [("Metric minus rater", ceiling.get("difference"))]
    test = row.get("alt_test", {})
    named += [("Advantage probability over the raters", test.get("advantage_probability"))]
    sides = row.get("sides", {})
    named += [("Took the one it read first", sides.get("first_choice"))]
    named += [("Same answer in both orders", sides.get("order_consistency"))]
    named += [("Of two unlike answers in both orders, stayed with the first", sides.get("order_test"))]
    named += [(f"Took the longer one: {who}", e) for who, e in sides.get("longer", {}).items()]
    found = figures(named)
    if "reason" in ceiling:
        found.missing.append(Missing("Spearman’s ρ with one rater", ceiling["reason"]))
    errors = [_error_line(each, criterion) for each in row.get("errors_by_level", [])]
    return MetricMore(metric, found, errors, epsilon_curve(metric, test))


def _error_line(each: dict[str, Any], criterion: dict[str, Any]) -> ErrorLine:
    def told(way: str) -> tuple[Said, Said]:
        return say(each["judge"][way]), say(each["rater"][way])

    return ErrorLine(level_name(criterion, each["level"]), told("above"), told("below"), points(each["lean"]))
