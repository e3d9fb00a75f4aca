"""The rubric doctor: what a round says about its rubric, criterion by criterion, with the items that show it.

The verdicts are those of `analytics.stats.rubric_checks`; here they get words, items and a suggested change."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analytics.frames import round_frames
from analytics.sections.base import ReportData, measurement
from analytics.sections.scores import comparable, scored
from analytics.stats.coding import CodedRatings
from analytics.stats.results import Estimate
from analytics.stats.rubric_checks import Checked, Question, Sign, check_rubric
from annotation.models import Comment, Round
from projects.models import Item
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec
from rubrics.suggestions import Change

SHOWN = 3
TITLES = {
    "works": "Works",
    "does_not_work": "Does not work",
    "look": "Look at it",
    "unsettled": "Not settled",
}
# The verdicts that need somebody first.
ORDER = ("does_not_work", "look", "unsettled", "works")


@dataclass(frozen=True)
class ShownItem:
    """An item whose ratings show it: its name, and what was answered, lowest first."""

    item: str
    answers: tuple[str, ...]
    pk: int | None = None


@dataclass(frozen=True)
class Finding:
    cause: str
    sentence: str
    advice: str
    estimate: Estimate
    items: tuple[ShownItem, ...] = ()
    change: Change | None = None


@dataclass(frozen=True)
class Diagnosis:
    key: str
    question: str
    verdict: str
    sentence: str
    alpha: Estimate
    n: int
    findings: tuple[Finding, ...] = ()
    thin: str = ""  # what the rubric itself does not say
    confusion: tuple[tuple[str, tuple[int, ...]], ...] = ()  # level, and with which others its ratings were paired
    levels: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return TITLES[self.verdict]


@dataclass(frozen=True)
class Doctor:
    criteria: tuple[Diagnosis, ...]
    n_judgments: int
    n_comments: int
    settled: bool  # the round is closed
    text_only: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        return {
            "judgments": self.n_judgments,
            "comments": self.n_comments,
            "interim": not self.settled,
            "criteria": [_plain(each) for each in self.criteria],
        }


def rubric_doctor(round: Round) -> Doctor:
    frames = round_frames(round)
    data = ReportData(frames, spec_of(round.rubric_version).criteria)
    asked = [c for c in data.measured if not round.only_criteria or c.key in round.only_criteria]
    specs = {c.key: c for c in asked}
    # Labels in a set have no levels to be confused; everything else is coded.
    questions = [_question(data, c) for c in asked]
    pks = dict(Item.objects.filter(project_id=round.project_id).values_list("external_id", "pk"))
    found = [_diagnosis(data, specs[each.key], each, pks) for each in check_rubric(questions)]
    comments = Comment.objects.filter(assignment__seat__round=round, from_rater=True, erased_at__isnull=True).count()
    return Doctor(
        tuple(sorted(found, key=lambda d: ORDER.index(d.verdict))),
        n_judgments=len(frames.judgments),
        n_comments=comments,
        settled=round.state == Round.State.CLOSED,
        text_only=tuple(c.key for c in data.criteria if c.level_of_measurement == "text"),
    )


def _question(data: ReportData, criterion: CriterionSpec) -> Question:
    own = data.counted[data.counted["criterion"] == criterion.key]
    by_prompt = own.groupby("cluster")["cannot_judge"].agg(["size", "sum"])
    sides = comparable(data, criterion) if criterion in scored(data) else {}
    return Question(
        criterion.key,
        measurement(criterion),
        data.coded(criterion),
        sides,
        by_prompt["size"].to_numpy(dtype=np.int64),
        by_prompt["sum"].to_numpy(dtype=np.int64),
    )


def _diagnosis(data: ReportData, spec: CriterionSpec, found: Checked, pks: dict[str, int]) -> Diagnosis:
    table = data.coded(spec)
    names = _names(spec, table)
    listed = tuple(_finding(data, spec, sign, names, pks) for sign in found.signs)
    thin = _thin(spec) if found.verdict == "does_not_work" else ""
    if thin and not any(f.change for f in listed):
        listed += (_unguided(data, spec, found, names, pks, thin),)
    matrix = _confusion(table) if found.verdict == "does_not_work" and 2 < table.n_codes <= 9 else ()
    return Diagnosis(
        spec.key,
        spec.question,
        found.verdict,
        _sentence(found),
        found.alpha,
        len(table.code),
        listed,
        thin,
        tuple((names[code], row) for code, row in enumerate(matrix)),
        tuple(names) if matrix else (),
    )


# --- Words ------------------------------------------------------------------------------------------------


def _sentence(found: Checked) -> str:
    if found.verdict == "does_not_work":
        return "Raters agree about it hardly more than by chance, and not for want of prompts."
    if found.verdict == "works":
        return "Raters agree about it beyond chance, and nothing stands out."
    if found.verdict == "look":
        return "Something about it stands out beyond chance."
    if found.alpha.value is None:
        return f"It cannot be told yet: {found.alpha.reason[:1].lower()}{found.alpha.reason[1:]}"
    return "There are too few judgments to tell whether raters agree about it."


def _finding(data: ReportData, spec: CriterionSpec, sign: Sign, names: list[str], pks: dict[str, int]) -> Finding:
    sentence, advice, change = _WORDS[sign.cause](spec, sign, dict(zip(data.coded(spec).domain, names, strict=True)))
    return Finding(sign.cause, sentence, advice, sign.estimate, _items(data, spec, sign, names, pks), change)


def _confused(spec: CriterionSpec, sign: Sign, name: dict[Any, str]) -> tuple[str, str, Change | None]:
    low, high = (name[value] for value in sign.levels or ())
    codes = [spec.levels[place].code for place in _places(spec, sign)]
    change = Change("merge", spec.key, tuple(codes)) if len(codes) == 2 and len(spec.levels) > 2 else None
    return (
        f"“{low}” and “{high}” are exchanged as chance would exchange them: nobody can tell the two apart.",
        "Join them into one level, or write anchors that say where one ends and the other begins.",
        change,
    )


def _apart(spec: CriterionSpec, sign: Sign, name: dict[Any, str]) -> tuple[str, str, Change | None]:
    return (
        f"{sign.rater} reads it otherwise: without this one rater the others agree clearly better.",
        "Talk it over with the rater before you change the question. If the reading is a fair one, add it to the "
        "guidance with an example.",
        None,
    )


def _skew(spec: CriterionSpec, sign: Sign, name: dict[Any, str]) -> tuple[str, str, Change | None]:
    level = name[(sign.levels or ("",))[0]]
    return (
        f"Nearly every answer is “{level}”, so it tells the answers judged hardly apart.",
        "Divide that end of the scale into finer levels, or ask it only where the rare case can happen.",
        Change("open", spec.key),
    )


def _unable(spec: CriterionSpec, sign: Sign, name: dict[Any, str]) -> tuple[str, str, Change | None]:
    return (
        "Many raters cannot judge it.",
        "Say in the guidance what to look at and what to do where it is missing, or show the source beside the answer.",
        Change("open", spec.key),
    )


def _redundant(spec: CriterionSpec, sign: Sign, name: dict[Any, str]) -> tuple[str, str, Change | None]:
    return (
        f"It says what “{sign.other}” says: whoever knows one answer knows the other.",
        "Leave one of the two out, and raters have time for something else.",
        Change("drop", spec.key),
    )


def _flat(spec: CriterionSpec, sign: Sign, name: dict[Any, str]) -> tuple[str, str, Change | None]:
    return (
        "No system stands above another on it, and that is settled.",
        "If a decision hangs on it, this is an answer. If not, leave it out or ask for something finer.",
        Change("open", spec.key),
    )


_WORDS = {
    "levels_confused": _confused,
    "one_rater_apart": _apart,
    "skew": _skew,
    "cannot_judge": _unable,
    "redundant": _redundant,
    "does_not_separate": _flat,
}


def _thin(spec: CriterionSpec) -> str:
    bare = [level.label for level in spec.levels if not level.anchor]
    said = []
    if not spec.guidance:
        said.append("it has no guidance")
    if bare:
        said.append(f"{len(bare)} of its {len(spec.levels)} levels are not described")
    return f"{' and '.join(said)}.".capitalize() if said else ""


def _unguided(
    data: ReportData, spec: CriterionSpec, found: Checked, names: list[str], pks: dict[str, int], thin: str
) -> Finding:
    sign = Sign("levels_confused", found.alpha)
    advice = "Write what to look at and what not, and describe every level by an answer that deserves it."
    return Finding(
        "thin_guidance", thin, advice, found.alpha, _items(data, spec, sign, names, pks), Change("open", spec.key)
    )


def _names(spec: CriterionSpec, table: CodedRatings) -> list[str]:
    """The label of each code, as raters read it."""
    by_code = {level.code: level.label for level in spec.levels}
    by_number = {level.number: level.label for level in spec.levels if level.number is not None}
    return [by_number.get(v, f"{v:g}") if isinstance(v, float) else by_code.get(v, v) for v in table.domain]


def _places(spec: CriterionSpec, sign: Sign) -> list[int]:
    values = sign.levels or ()
    found = []
    for value in values:
        found += [n for n, level in enumerate(spec.levels) if value in (level.number, level.code)]
    return found


# --- Items ------------------------------------------------------------------------------------------------


def _items(
    data: ReportData, spec: CriterionSpec, sign: Sign, names: list[str], pks: dict[str, int]
) -> tuple[ShownItem, ...]:
    """The three items where it is seen best, each once."""
    frame = data.counted[data.counted["criterion"] == spec.key]
    if sign.cause == "cannot_judge":
        unable = frame[frame["cannot_judge"].astype(bool)].groupby("item").size().sort_values(ascending=False)
        most = [(str(item), n) for item, n in unable.head(SHOWN).items()]
        return tuple(ShownItem(item, (f"{n} could not judge",), pks.get(item)) for item, n in most)
    rated = data.of(spec)
    table = data.coded(spec)
    code = {value: n for n, value in enumerate(table.domain)}
    rated = rated.assign(code=rated["value"].map(code)).dropna(subset=["code"])
    units = rated.groupby(["item", "unit"], sort=True)[["code", "rater"]]
    weights = {(str(item), unit): _weight(part, sign, code) for (item, unit), part in units}
    best = sorted((key for key in weights if weights[key] > 0), key=lambda key: -weights[key])
    found: dict[str, ShownItem] = {}
    for item, unit in best:
        if item in found:
            continue
        answers = sorted(int(c) for c in rated.loc[rated["unit"] == unit, "code"])
        found[item] = ShownItem(item, tuple(names[c] for c in answers), pks.get(item))
        if len(found) == SHOWN:
            break
    return tuple(found.values())


def _weight(part: pd.DataFrame, sign: Sign, code: dict[Any, int]) -> float:
    """How clearly one output shows the sign; 0: not at all."""
    codes = part["code"].to_numpy(dtype=float)
    if sign.cause == "levels_confused" and sign.levels:
        low, high = (code[value] for value in sign.levels)
        return float(min((codes == low).sum(), (codes == high).sum()))
    if sign.cause == "one_rater_apart":
        own = (part["rater"] == sign.rater).to_numpy()
        return float(abs(codes[own].mean() - codes[~own].mean())) if own.any() and (~own).any() else 0.0
    if sign.cause in ("skew", "redundant", "does_not_separate"):
        return float(len(codes) > 1)
    return float(codes.max() - codes.min())


def _confusion(table: CodedRatings) -> tuple[tuple[int, ...], ...]:
    """How many pairs of ratings of one output had each two levels."""
    counts = table.counts()
    pairs = counts.T @ counts
    np.fill_diagonal(pairs, (counts * (counts - 1)).sum(axis=0) / 2)
    return tuple(tuple(int(n) for n in row) for row in pairs)


def _plain(each: Diagnosis) -> dict[str, Any]:
    return {
        "key": each.key,
        "question": each.question,
        "verdict": each.verdict,
        "sentence": each.sentence,
        "alpha": each.alpha.to_dict(),
        "n": each.n,
        "thin": each.thin,
        "findings": [
            {
                "cause": f.cause,
                "sentence": f.sentence,
                "advice": f.advice,
                "estimate": f.estimate.to_dict(),
                "items": [{"item": i.item, "answers": list(i.answers)} for i in f.items],
                "change": asdict(f.change) if f.change else None,
            }
            for f in each.findings
        ],
    }
