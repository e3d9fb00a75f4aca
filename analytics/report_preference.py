"""Preference on the page: the matrix of pairs, and with three systems or more the order of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.charts import Axis, heat, interval, stacked
from analytics.report_orders import Orders, orders_part
from analytics.report_parts import SHARE_AXIS, Figures, Line, decided, figures, warnings_of
from analytics.report_words import Said, say

MISFIT = 0.05


@dataclass(frozen=True)
class Cell:
    css: str
    said: Said | None  # None: the system against itself
    n: str = ""


@dataclass(frozen=True)
class Ranking:
    """The chance of each system against an average one, and the ranks that its data allow."""

    lines: list[Line]
    population: str
    sentences: list[str]
    warnings: list[str]
    figures: Figures


@dataclass(frozen=True)
class Preference:
    key: str
    question: str
    systems: list[str]
    matrix: list[tuple[str, list[Cell]]]
    pairs: list[Line]
    axis: Axis
    ties: Said
    tie_counts: dict[str, int]
    position: Said
    position_n: int
    position_p: float | None
    n_inconsistent: int
    n_cannot_judge: int
    warnings: list[str]
    consistency: Said | None
    ranking: Ranking | None
    orders: Orders | None


def preference_part(
    criterion: dict[str, Any], found: dict[str, Any], orders: dict[str, Any] | None = None
) -> Preference:
    rates = found["win_rate"]
    systems = sorted(rates, key=lambda name: (-_mean_rate(rates[name]), name))
    matrix = [(a, [_cell(rates, a, b) for b in systems]) for a in systems]
    pairs = [(a, b) for n, a in enumerate(systems) for b in systems[n + 1 :] if b in rates[a]]
    bias = found["position_bias"]
    consistency = found.get("order_consistency")
    return Preference(
        key=criterion["key"],
        question=criterion["question"],
        systems=systems,
        matrix=matrix,
        pairs=[_pair(found, a, b) for a, b in pairs],
        axis=SHARE_AXIS,
        ties=say(found["ties"]),
        tie_counts=found["ties"]["counts"],
        position=say(bias),
        position_n=bias["n_judgments"],
        position_p=bias["p_value"],
        n_inconsistent=found["n_inconsistent"],
        n_cannot_judge=found["n_cannot_judge"],
        warnings=warnings_of(*(rates[a][b] for a, b in pairs)),
        consistency=say(consistency) if consistency and consistency["value"] is not None else None,
        ranking=_ranking(found),
        orders=orders_part(orders),
    )


def _mean_rate(row: dict[str, Any]) -> float:
    """For the order of rows only."""
    values = [e["value"] for e in row.values() if e["value"] is not None]
    return sum(values) / len(values) if values else 0.0


def _cell(rates: dict[str, Any], a: str, b: str) -> Cell:
    if a == b:
        return Cell("self", None)
    estimate = rates[a].get(b)
    if estimate is None:
        return Cell("self", Said("", "", "These two were not compared.", ""))
    css = f"heat-{heat(estimate['value'])}" if estimate["value"] is not None else "self"
    return Cell(css, say(estimate), str(estimate["n_clusters"]))


def _pair(found: dict[str, Any], a: str, b: str) -> Line:
    estimate = found["win_rate"][a][b]
    shares = {x["level"]: x["share"]["value"] or 0.0 for x in found["outcomes"][a][b]["levels"]}
    ties = shares["tie"] + shares["both_good"] + shares["both_bad"]
    parts = [(f"{a} wins", shares["win"], "wl-win"), ("tie", ties, "wl-tie"), (f"{b} wins", shares["loss"], "wl-loss")]
    return Line(
        name=f"{a} over {b}",
        mark=interval(estimate, SHARE_AXIS),
        said=say(estimate, digits=1),
        lead=decided(estimate, 0.5),
        cells=tuple(f"{100 * share:.0f}" for _, share, _ in parts),
        segments=tuple(stacked(parts)),
    )


# --- the order of all ----------------------------------------------------------------------------------


def _ranking(found: dict[str, Any]) -> Ranking | None:
    systems, about = found.get("bradley_terry", {}), found.get("ranking")
    if about is None or len(systems) < 3:
        return None
    ordered = sorted(systems, key=lambda name: (-(systems[name]["strength"]["value"] or 0.0), name))
    lines = [_ranked(name, systems[name]) for name in ordered]
    named = [figure for name in ordered for figure in _others(name, systems[name])]
    named += [(f"{name}, Davidson’s strength", e) for name, e in found.get("davidson", {}).get("strengths", {}).items()]
    named.append(("Davidson’s ν, how often equals tie", found.get("davidson", {}).get("tie_parameter")))
    named.append(("Advantage of the side shown first, logits", about["shown_first"]))
    sentences = [*_spans(about), *_first(systems), *_fits(about), *_circles(about)]
    return Ranking(lines, about["population"], sentences, about["warnings"], figures(named))


def _ranked(name: str, own: dict[str, Any]) -> Line:
    chance, ranks = own["against_average"], own["rank_set"]
    return Line(
        name=name,
        mark=interval(chance, SHARE_AXIS),
        said=say(chance),
        lead=decided(chance, 0.5),
        cells=(_ranks(ranks),),
    )


def _ranks(estimate: dict[str, Any]) -> str:
    if estimate["value"] is None:
        return "not estimable"
    if estimate["low"] is None:
        return f"{estimate['value']:.0f}, no interval"
    low, high = f"{estimate['low']:.0f}", f"{estimate['high']:.0f}"
    return low if low == high else f"{low} to {high}"


def _others(name: str, own: dict[str, Any]) -> list[tuple[str, dict[str, Any] | None]]:
    return [
        (f"{name}, strength in logits", own["strength"]),
        (f"{name}, strength, these raters", own["strength_these_raters"]),
        (f"{name}, win rate, prompts alike", own["win_rate_over_prompts"]),
        (f"{name}, win rate, judgments alike", own["win_rate_pooled"]),
        (f"{name}, win rate, opponents alike", own["win_rate_over_opponents"]),
    ]


def _spans(about: dict[str, Any]) -> list[str]:
    if about["n_groups"] > 1:
        return [f"The systems fall into {about['n_groups']} groups that never met: no order spans them."]
    return [about["reason"]] if about["reason"] else []


def _first(systems: dict[str, Any]) -> list[str]:
    """Who can be first, by sets of ranks that hold all at once."""
    sets = {name: own["rank_set"] for name, own in systems.items()}
    if any(e["low"] is None for e in sets.values()):
        return []
    may = sorted(name for name, e in sets.items() if e["low"] < 1.5)
    if len(may) == len(sets):
        return ["Any of them may be the first."]
    either = " or ".join([", ".join(may[:-1]), may[-1]] if len(may) > 1 else may)
    return [f"First is {either}."] if len(may) == 1 else [f"The first may be {either}, and no other."]


def _fits(about: dict[str, Any]) -> list[str]:
    """Only a misfit is news: it asks for the matrix in place of the order."""
    found = about.get("goodness_of_fit")
    if not found or found["p_value"] is None or found["p_value"] >= MISFIT:
        return []
    return [f"One order does not fit the pairs (p = {found['p_value']:.3f}): go by the matrix."]


def _circles(about: dict[str, Any]) -> list[str]:
    triads = about["circular_triads"]
    if not triads["circular"]:
        return []
    first, second, third = (triads["worst"][0][place] for place in ("first", "second", "third"))
    text = f"{triads['circular']} of {triads['decidable']} triads of systems go round"
    return [f"{text}: {first} is preferred to {second}, {second} to {third}, and {third} to {first}."]
