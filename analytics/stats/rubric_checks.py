"""Which criterion does not work, and the likely cause: what a pilot can tell about a rubric.

Every check asks for evidence of a fault, never for the absence of evidence that all is well, and every family of checks
shares one error rate (Bonferroni over everything that is asked at once, Holm for raters): so a sound rubric hears
nothing in 19 of 20 pilots or more, however small they are. Intervals are for these raters on other prompts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from analytics.stats._subsets import keep_ratings
from analytics.stats.agreement import krippendorff_alpha
from analytics.stats.association import spearman
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, Measurement
from analytics.stats.intervals import Scope, mean_over_clusters, ratio_over_clusters
from analytics.stats.multiplicity import holm
from analytics.stats.raters import leave_one_out_alpha
from analytics.stats.results import Estimate
from analytics.stats.scores import superiority

ERROR = 0.05
# Below this even the upper limit is "fair" at best (Landis & Koch, Biometrics 33, 1977).
FLOOR = 0.4
# Alpha rises by this without one rater before the rater is named.
GAIN = 0.1
UNABLE = 0.1  # share of "cannot judge"
CROWDED = 0.85  # share of one level of a scale
ALWAYS = 0.95  # of a yes/no: rare faults are what it is there for
SAME = 0.9  # correlation of two criteria over ratings
NO_GAP = 0.05  # chance to be above another system, from one half

Verdict = Literal["works", "does_not_work", "look", "unsettled"]
Cause = Literal["levels_confused", "one_rater_apart", "skew", "cannot_judge", "redundant", "does_not_separate"]


@dataclass(frozen=True)
class Question:
    """One criterion: its ratings, coded, the same for each system, and how often nobody could judge."""

    key: str
    measurement: Measurement
    table: CodedRatings
    systems: Mapping[str, CodedRatings]
    asked: IntArray  # ratings by prompt, "cannot judge" counted
    unable: IntArray  # "cannot judge" by prompt


@dataclass(frozen=True)
class Sign:
    """One cause and its figure. `levels`, `rater`, `other` say whom it is about."""

    cause: Cause
    estimate: Estimate
    levels: tuple[float | str, float | str] | None = None
    rater: str = ""
    other: str = ""


@dataclass(frozen=True)
class Checked:
    key: str
    verdict: Verdict
    alpha: Estimate
    signs: tuple[Sign, ...] = ()


def check_rubric(questions: list[Question]) -> list[Checked]:
    """The verdict of every criterion with its signs, worst first among each criterion's own.

    Alpha's upper limit (simultaneous over the criteria) below `FLOOR`: it does not work. Sources: Krippendorff 2019,
    ch. 12; for levels that are confused Krippendorff's alpha of the ratings that used one of the two, as Spitzer and
    Fleiss (British Journal of Psychiatry 125, 1974) read one category at a time."""
    raters = _apart(questions)
    twins = _redundant(questions)
    found = []
    for question in questions:
        level = 1 - ERROR / max(len(questions), 1)
        alpha = krippendorff_alpha(question.table, question.measurement, population="these_raters", level=level)
        broken = alpha.high is not None and alpha.high < FLOOR
        signs = _confused(question) if broken else []
        signs += [*raters.get(question.key, []), *_skewed(question, len(questions)), *_unable(question, len(questions))]
        signs += twins.get(question.key, [])
        signs += [] if broken else _flat(question, len(questions))
        found.append(Checked(question.key, _verdict(alpha, broken, signs), alpha, tuple(signs)))
    return found


def _verdict(alpha: Estimate, broken: bool, signs: list[Sign]) -> Verdict:
    if broken:
        return "does_not_work"
    if signs:
        return "look"
    return "works" if alpha.low is not None and alpha.low > 0 else "unsettled"


# --- Levels -----------------------------------------------------------------------------------------------


def _confused(question: Question) -> list[Sign]:
    """Two levels that raters exchange as chance would: among ratings that used either of them, agreement is poor."""
    data = question.table
    codes = range(data.n_codes)
    pairs = list(zip(codes, codes[1:], strict=False))
    if question.measurement == "nominal":
        pairs = list(combinations(codes, 2))
    if data.n_codes < 3 or not pairs:
        return []
    found = []
    for low, high in pairs:
        part = keep_ratings(data, (data.code == low) | (data.code == high))
        estimate = krippendorff_alpha(part, "nominal", population="these_raters", level=1 - ERROR / len(pairs))
        if estimate.high is not None and estimate.high < FLOOR:
            found.append(Sign("levels_confused", estimate, levels=(data.domain[low], data.domain[high])))
    return sorted(found, key=lambda sign: sign.estimate.value or 0)


def _skewed(question: Question, family: int) -> list[Sign]:
    """One level takes nearly everything, so the others tell nothing apart."""
    data = question.table
    if not len(data.code) or data.n_codes < 2:
        return []
    counts = np.bincount(data.code, minlength=data.n_codes)
    top = int(np.argmax(counts))
    by_prompt = _prompt_shares(data, data.code == top)
    estimate = mean_over_clusters(by_prompt, _scope(data, "share of one level", family), share=True)
    most = ALWAYS if data.n_codes == 2 else CROWDED
    if estimate.low is not None and estimate.low > most:
        return [Sign("skew", estimate, levels=(data.domain[top], data.domain[top]))]
    return []


def _prompt_shares(data: CodedRatings, hit: np.ndarray) -> FloatArray:
    prompt = data.cluster_of_unit[data.unit]
    n = np.bincount(prompt)
    return np.bincount(prompt, weights=hit.astype(float))[n > 0] / n[n > 0]


# --- Raters -----------------------------------------------------------------------------------------------


def _apart(questions: list[Question]) -> dict[str, list[Sign]]:
    """Raters without whom a criterion agrees better; one Holm family over all criteria and raters."""
    listed = [(q.key, f) for q in questions for f in leave_one_out_alpha(q.table, q.measurement).figures]
    adjusted = holm([figure.p_value for _, figure in listed])
    found: dict[str, list[Sign]] = {}
    for (key, figure), p in zip(listed, adjusted, strict=True):
        gain = figure.estimate.value
        if p is not None and p < ERROR and gain is not None and gain >= GAIN:
            found.setdefault(key, []).append(Sign("one_rater_apart", figure.estimate, rater=str(figure.rater)))
    return found


def _unable(question: Question, family: int) -> list[Sign]:
    asked = question.asked > 0
    scope = _scope(question.table, "share of “cannot judge”", family, judgments=int(question.asked.sum()))
    estimate = ratio_over_clusters(question.unable[asked].astype(float), question.asked[asked].astype(float), scope)
    return [Sign("cannot_judge", estimate)] if estimate.low is not None and estimate.low > UNABLE else []


# --- Criteria and systems -----------------------------------------------------------------------------------


def _redundant(questions: list[Question]) -> dict[str, list[Sign]]:
    """Pairs whose answers go together for nearly every rating: the second of them says what the first said."""
    ordered = [q for q in questions if q.measurement != "nominal" or q.table.n_codes == 2]
    pairs = list(combinations(ordered, 2))
    found: dict[str, list[Sign]] = {}
    for a, b in pairs:
        estimate = _together(a.table, b.table, len(pairs))
        if estimate is not None and estimate.low is not None and estimate.low > SAME:
            found.setdefault(b.key, []).append(Sign("redundant", estimate, other=a.key))
    return found


def _together(a: CodedRatings, b: CodedRatings, family: int) -> Estimate | None:
    """Spearman's rho between what one rater said of one output on both; None without ratings in common."""
    x, y = _by_rating(a), _by_rating(b)
    shared = sorted(x.keys() & y.keys())
    if not shared:
        return None
    prompt = [a.cluster_labels[a.cluster_of_unit[place]] for place in (x[key][1] for key in shared)]
    return spearman(
        np.array([x[key][0] for key in shared], float),
        np.array([y[key][0] for key in shared], float),
        np.array(prompt, dtype=object),
        level=1 - ERROR / family,
        n_raters=len({rater for _, rater in shared}),
        n_judgments=2 * len(shared),
    )


def _by_rating(data: CodedRatings) -> dict[tuple[str, str], tuple[int, int]]:
    """Code and unit of each rating by the labels of its unit and its rater; nameless raters cannot be matched."""
    known = data.rater >= 0
    rows = zip(data.unit[known].tolist(), data.rater[known].tolist(), data.code[known].tolist(), strict=True)
    return {(str(data.unit_labels[u]), str(data.rater_labels[r])): (code, u) for u, r, code in rows}


def _flat(question: Question, family: int) -> list[Sign]:
    """No system stands above another, and that is settled: every interval lies close to one half."""
    tables, level = question.systems, question.measurement
    names = [name for name in tables if tables[name].n_units]
    if len(names) < 2 or level == "nominal" or question.table.n_codes < 3:
        return []
    pairs = list(combinations(names, 2))
    gaps = [superiority(tables[a], tables[b], level, level=1 - ERROR / (family * len(pairs))) for a, b in pairs]
    if any(e.low is None or e.high is None or e.low < 0.5 - NO_GAP or e.high > 0.5 + NO_GAP for e in gaps):
        return []
    widest = max(gaps, key=lambda e: abs((e.value or 0.5) - 0.5))
    return [Sign("does_not_separate", widest)]


def _scope(data: CodedRatings, method: str, family: int, judgments: int | None = None) -> Scope:
    prompts = len(np.unique(data.cluster_of_unit[data.unit])) if len(data.unit) else 0
    return Scope(
        method=method,
        unit="share",
        level=1 - ERROR / max(family, 1),
        n_units=len(np.unique(data.unit)),
        n_clusters=prompts,
        n_raters=len(np.unique(data.rater[data.rater >= 0])),
        n_judgments=len(data.code) if judgments is None else judgments,
    )
