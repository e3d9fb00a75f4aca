"""The methods page, written from the registry: `python -m analytics.stats.methods > docs/methods.md`.

A test compares the page that is committed with this one, so that it cannot go stale.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from functools import partial

from analytics.stats.metric import Design, Invariance, Kind, Metric
from analytics.stats.registry import METRICS

TITLES: dict[Kind, tuple[str, str]] = {
    "agreement": ("Agreement of raters", "algorithms/agreement.md"),
    "benchmark": ("What an agreement is called", "algorithms/agreement.md"),
    "rater": ("Raters", "algorithms/raters.md"),
    "consensus": ("Consensus of several raters", "algorithms/consensus.md"),
    "score": ("Scores of one system", "algorithms/agreement.md"),
    "comparison": ("Two systems by their scores", "algorithms/agreement.md"),
    "preference": ("Preferences between two systems", "algorithms/agreement.md"),
    "battles": ("Preferences among many systems", "algorithms/preference.md"),
    "association": ("An automated metric beside people", "algorithms/automated.md"),
    "automated": ("What an automated judge is worth, and what it can be used for", "algorithms/automated.md"),
    "gate": ("Release gates", "algorithms/automated.md"),
    "slice": ("Slices", "algorithms/slices-and-totals.md"),
    "multiplicity": ("Many tests at once", "algorithms/slices-and-totals.md"),
    "total": ("Totals of several criteria", "algorithms/slices-and-totals.md"),
    "proportion": ("Proportions", "algorithms/agreement.md"),
    "measure": ("Time, tokens and cost of outputs", "algorithms/slices-and-totals.md"),
}
DESIGNS: dict[Design, str] = {
    "single ratings": "One rating of each output is enough; more are averaged.",
    "repeated ratings": "Outputs with two ratings or more, by different raters; ratings may be missing.",
    "two systems": "Two systems on the same prompts.",
    "many systems": "Three systems or more.",
    "known order": "It is known which output was shown first.",
    "automated scores": "A score of a metric, or a judge's answer, for the same outputs.",
    "random sample": "The rated outputs are a random sample of all, or their inclusion probabilities are known.",
    "slices": "Prompts with a tag, a domain or another property.",
    "several criteria": "Ratings of the same outputs on several criteria.",
    "several tests": "The p values of a family of tests.",
    "error marks": "Errors marked in the outputs, each with a category and a severity.",
    "rankings": "Outputs of one prompt put in order by two raters or more.",
    "measured outputs": "A time, a count of tokens or a cost of each output; no ratings are needed.",
    "trials": "Successes out of independent trials.",
    "both orders": "The same pair judged in both orders by the same rater or judge.",
    "known answers": "Tasks whose answer is known.",
    "known raters": "It is known which ratings come from the same rater.",
    "crossed raters": "The same raters rated the same outputs; gaps are allowed where it says so.",
    "named pair of raters": "Two raters, by name, on the same outputs.",
    "one output a prompt": "One output of each prompt, so that outputs are independent.",
    "repeated judgments": "Tasks that the same rater judged more than once.",
    "times": "How long each judgment took.",
    "order of judging": "In which order a rater judged.",
}
UNCHANGED: dict[Invariance, str] = {
    "row_order": "the order of the rows",
    "rater_names": "other names of the raters",
    "category_names": "other names of nominal categories",
    "reversal": "turning the scale round",
    "affine": "other units of an interval scale",
    "duplication": "every item twice (the value; the interval narrows)",
    "lone_rater": "one more rater who shares no output with another",
    "swap": "exchanging A and B, which gives 1 less the value",
    "sides": "writing a judgment from its other side",
    "system_names": "other names of the systems, which rename the results",
    "opposite": "turning every outcome round, which turns a share p to 1 - p and a strength to its negative",
}

_HEAD = """# Methods

<!-- Written by `python -m analytics.stats.methods` from the registry. Change the registry, not this page. -->

Every statistic that `analytics.stats` computes, from the registry of the code: what it is, which levels of measurement
it fits, what a study must have for it, what it takes for granted, what it does not depend on (a test holds it to that),
and where it comes from. Each has a reference value among the tests, published or worked by hand.

Intervals are 95 % unless something else is said, and treat the prompt as the unit of independence. A figure that cannot
be estimated has a reason in place of a value; it is never 0.

## What a study must have

{designs}
"""


def page() -> str:
    """The whole page in Markdown."""
    designs = "\n".join(f"- **{name}**: {text}" for name, text in DESIGNS.items())
    parts = [_HEAD.format(designs=designs)]
    for kind, (title, link) in TITLES.items():
        entries = {name: metric for name, metric in METRICS.items() if metric.kind == kind}
        if entries:
            parts.append(f"\n## {title}\n\nMore in [{link.rpartition('/')[2]}]({link}).\n")
            parts += [_entry(name, metric) for name, metric in entries.items()]
    return "".join(parts)


def description(metric: Metric) -> str:
    """Its own description, or the first paragraph of the function's docstring on one line."""
    return metric.description or " ".join((inspect.getdoc(_function(metric)) or "").split("\n\n")[0].split())


def title(name: str, metric: Metric) -> str:
    return metric.title or name.replace("_", " ").capitalize()


def _entry(name: str, metric: Metric) -> str:
    lines = [
        f"\n### {title(name, metric)}\n",
        f"{description(metric)}\n",
        f"- Name: `{name}`, by `{_call(metric)}`",
        f"- Levels of measurement: {', '.join(metric.levels)}",
        f"- Needs: {', '.join(metric.designs) or 'nothing in particular'}",
    ]
    if metric.assumptions:
        lines.append(f"- Takes for granted: {' '.join(metric.assumptions)}")
    if metric.invariances:
        lines.append(f"- Does not depend on: {'; '.join(_in_order(metric.invariances))}")
    lines.append(f"- Source: {metric.source}")
    return "\n".join(lines) + "\n"


def _in_order(invariances: Iterable[Invariance]) -> list[str]:
    return [text for name, text in UNCHANGED.items() if name in invariances]


def _function(metric: Metric) -> object:
    return metric.function.func if isinstance(metric.function, partial) else metric.function


def _call(metric: Metric) -> str:
    """The dotted name, with the arguments that the registry fixes."""
    function = _function(metric)
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__name__', '')}"
    if not isinstance(metric.function, partial):
        return name
    fixed = [repr(value) for value in metric.function.args]
    fixed += [f"{key}={value!r}" for key, value in metric.function.keywords.items()]
    return f"{name}({', '.join(fixed)}, …)"


if __name__ == "__main__":
    sys.stdout.write(page())
