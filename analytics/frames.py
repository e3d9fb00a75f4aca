"""The only ORM → DataFrame code. Ratings record what was shown where; here they are turned to systems.

A pair is seen from its two systems in alphabetical order (a, b), whatever side each was shown on, so that
raters who saw different sides agree or disagree about the same thing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from django.db.models import Q

from analytics.order_frames import expanded
from annotation.models import (
    Adjudication,
    Assignment,
    GoldAnswer,
    Judgment,
    RaterExclusion,
    Rating,
    Round,
    Seat,
    Task,
    TaskOutput,
)
from projects.models import AutomatedScore, ItemTag, Metric
from rubrics.criteria import CRITERIA
from rubrics.criteria.spans import Spans

# What counts in figures. Gold, training and repeats are about the rater, not about the outputs.
COUNTED = (Assignment.Purpose.NORMAL, Assignment.Purpose.IMPORTED)

_JUDGMENT = ("id", "seat_id", "seconds", "active_seconds", "submitted_at")
_ASSIGNMENT = ("task_id", "occasion", "purpose", "shown_order", "order_known")
_RATING = ("judgment_id", "criterion__key", "target", "number", "label", "cannot_judge")
_SCORE = ("metric_id", "output_id", "output_b_id", "number", "label", "turn", "position", "judge")

_DIGESTED: tuple[str, ...] = (
    "item",
    "cluster",
    "system",
    "system_a",
    "system_b",
    "rater",
    "criterion",
    "target",
    "number",
    "label",
)
_DIGESTED += ("cannot_judge", "occasion", "purpose", "excluded", "a_first")


@dataclass(frozen=True)
class TaskTable:
    """Tasks of a round: `tasks` by task id (item, cluster, system_a, system_b), `outputs` by (task, position)."""

    tasks: pd.DataFrame
    outputs: pd.DataFrame


@dataclass(frozen=True)
class RoundFrames:
    tasks: TaskTable
    judgments: pd.DataFrame
    ratings: pd.DataFrame
    finals: pd.DataFrame  # final answers of reviewers, one a criterion and unit
    places: pd.DataFrame = field(default_factory=pd.DataFrame)  # one an output that was put in order
    marks: pd.DataFrame = field(default_factory=pd.DataFrame)  # one an answer that marks passages, in `data`

    @property
    def counted(self) -> pd.DataFrame:
        """Ratings that figures are made of: no excluded rater, one rating a rater and unit (the last)."""
        return _last_occasion(self._kept)

    @property
    def counted_by_order(self) -> pd.DataFrame:
        """The same, but a rater who judged a pair in both orders keeps both answers."""
        return _last_occasion(self._kept, "a_first")

    @property
    def _kept(self) -> pd.DataFrame:
        return self.ratings[self.ratings["counts"] & ~self.ratings["excluded"]]

    @property
    def with_excluded(self) -> pd.DataFrame:
        return _last_occasion(self.ratings[self.ratings["counts"]])


def round_frames(round: Round) -> RoundFrames:
    """Eight queries, whatever the size of the round."""
    tasks = _tasks(round)
    judgments = _judgments(round)
    structured = _structured(round)
    marking = structured["type"] == Spans.key
    ratings, places = expanded(_ratings(round, judgments, tasks), structured[~marking], tasks.outputs)
    marks = structured.loc[marking, ["judgment", "criterion", "target", "data"]]
    return RoundFrames(tasks, judgments, ratings, _finals(round, tasks), places, marks)


def _frame(rows: Any, columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame.from_records(list(rows), columns=columns)


def _tasks(round: Round) -> TaskTable:
    query = Task.objects.filter(round=round).values_list("id", "item__external_id", "item__cluster")
    tasks = _frame(query, ["task", "item", "cluster"]).set_index("task")
    rows = TaskOutput.objects.filter(task__round=round).order_by("task_id", "position")
    outputs = _frame(
        rows.values_list("task_id", "position", "output_id", "output__system__name", "output__system__version"),
        ["task", "position", "output", "name", "version"],
    )
    named = outputs["version"] != ""
    outputs["system"] = outputs["name"].where(~named, outputs["name"] + "@" + outputs["version"])
    outputs = outputs[["task", "position", "output", "system"]].astype({"position": "int64"})
    ranked = outputs.sort_values(["task", "system", "output"])
    sides = ranked.groupby("task")
    first, last, size = sides.first(), sides.last(), sides.size()
    pair = size == 2
    tasks["system_a"] = first["system"].where(pair, "").reindex(tasks.index)
    tasks["system_b"] = last["system"].where(pair, "").reindex(tasks.index)
    tasks["a_position"] = first["position"].where(pair, -1).reindex(tasks.index)
    tasks["output_a"] = first["output"].where(pair, -1).reindex(tasks.index)
    tasks["output_b"] = last["output"].where(pair, -1).reindex(tasks.index)
    tasks["n_outputs"] = size.reindex(tasks.index)
    return TaskTable(tasks, outputs)


def _judgments(round: Round) -> pd.DataFrame:
    """Current judgments with their rater and what was shown."""
    current = Judgment.objects.filter(seat__round=round, current=True, assignment__state=Assignment.State.JUDGED)
    query = current.values_list(*_JUDGMENT, *(f"assignment__{name}" for name in _ASSIGNMENT))
    columns = ["judgment", "seat", "seconds", "active_seconds", "submitted_at"]
    found = _frame(query, [*columns, "task", "occasion", "purpose", "shown_order", "order_known"])
    seats = _frame(
        Seat.objects.filter(round=round).values_list("id", "rater__pseudonym", "rater__identity_known"),
        ["seat", "rater", "rater_known"],
    )
    standing = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True)
    excluded = set(standing.values_list("seat_id", flat=True))
    found = found.merge(seats, on="seat", how="left")
    found["excluded"] = found["seat"].isin(excluded)
    found["counts"] = found["purpose"].isin([str(p) for p in COUNTED])
    return found.sort_values("judgment", ignore_index=True)


def _ratings(round: Round, judgments: pd.DataFrame, tasks: TaskTable) -> pd.DataFrame:
    query = Rating.objects.filter(judgment__seat__round=round, judgment__current=True).values_list(*_RATING)
    ratings = _frame(query, ["judgment", "criterion", "target", "number", "label", "cannot_judge"])
    ratings["number"] = pd.to_numeric(ratings["number"]).astype("float64")
    frame = ratings.merge(judgments, on="judgment").merge(tasks.tasks, left_on="task", right_index=True)
    if frame.empty:
        return frame.assign(unit="", output=-1, system="", a_first=None, towards_b=np.nan, side="")
    frame["position"], frame["turn"] = _canonical(frame)
    frame = frame.merge(tasks.outputs, on=["task", "position"], how="left")
    frame["output"] = frame["output"].fillna(-1).astype("int64")
    frame["system"] = frame["system"].fillna("")
    about = frame["position"].ge(0) & frame["target"].ne("")
    place = frame["output"].astype(str).where(about, "") + frame["turn"]
    frame["unit"] = frame["task"].astype(str) + (":" + place).where(place != "", "")
    return _sides(frame).sort_values(["criterion", "judgment", "unit"], ignore_index=True)


def _structured(round: Round) -> pd.DataFrame:
    """Answers that are more than a number or a label: orders of several outputs, marked passages."""
    kinds = [key for key, kind in CRITERIA.items() if kind.modes == ("rank",) or kind.reads_text]
    own = Rating.objects.filter(judgment__seat__round=round, judgment__current=True, data__isnull=False)
    query = own.filter(criterion__type__in=kinds).order_by("id")
    rows = query.values_list("judgment_id", "criterion__key", "target", "criterion__type", "data")
    return _frame(rows, ["judgment", "criterion", "target", "type", "data"])


def _canonical(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Canonical output position (-1: the whole of several outputs) and turn ('t2' or '') of each target."""
    keys = frame["shown_order"] + "|" + frame["target"]
    found: dict[str, tuple[int, str]] = {}
    for key in keys.unique():
        order, _, target = key.partition("|")
        if not target:
            found[key] = (0 if len(order) == 1 else -1, "")
        else:
            shown, _, turn = target[1:].partition("t")
            found[key] = (int(order[int(shown)]), f"t{turn}" if turn else "")
    position = keys.map({key: place for key, (place, _) in found.items()}).astype("int64")
    return position, keys.map({key: turn for key, (_, turn) in found.items()})


def _sides(frame: pd.DataFrame) -> pd.DataFrame:
    """A preference as said about systems: `towards_b`, `side` (a, b or the kind of tie) and who stood first."""
    first = frame["shown_order"].str[0].astype("int64")
    a_first = first == frame["a_position"]
    frame["a_first"] = a_first.astype(object).where(frame["order_known"].astype(bool), None)
    turned = frame["number"].where(a_first, -frame["number"])
    frame["towards_b"] = turned + 0.0  # no negative zero
    swapped = frame["label"].replace({"a": "b", "b": "a"})
    frame["side"] = frame["label"].where(a_first, swapped)
    return frame


def _last_occasion(ratings: pd.DataFrame, *apart: str) -> pd.DataFrame:
    """Of one rater's ratings of one unit the last occasion counts: self-agreement is no agreement."""
    ordered = ratings.sort_values(["occasion", "judgment"], kind="stable")
    kept = ordered.drop_duplicates(["criterion", "unit", "rater", *apart], keep="last")
    return kept.sort_values(["criterion", "judgment", "unit"], ignore_index=True)


def _finals(round: Round, tasks: TaskTable) -> pd.DataFrame:
    """Final answers that stand, said about systems as ratings are: `unit`, `towards_b`, `side`."""
    query = Adjudication.objects.filter(task__round=round, current=True).order_by("id")
    rows = query.values_list("task_id", "criterion__key", "target", "number", "label", "unsettled")
    found = _frame(rows, ["task", "criterion", "target", "number", "label", "unsettled"])
    found["number"] = pd.to_numeric(found["number"]).astype("float64")
    outputs = tasks.outputs.set_index(["task", "position"])["output"]
    found["unit"] = [_unit(task, target, outputs) for task, target in zip(found["task"], found["target"], strict=True)]
    turned = tasks.tasks["a_position"].reindex(found["task"]).to_numpy() == 1
    found["towards_b"] = found["number"].where(~turned, -found["number"]) + 0.0
    found["side"] = found["label"].where(~turned, found["label"].replace({"a": "b", "b": "a"}))
    return found


def _unit(task: int, target: str, outputs: pd.Series) -> str:
    if not target:
        return str(task)
    position, turn, number = target[1:].partition("t")
    return f"{task}:{outputs[(task, int(position))]}{turn}{number}"


def with_finals(ratings: pd.DataFrame, finals: pd.DataFrame) -> pd.DataFrame:
    """The ratings with one answer in place of the raters' own where a reviewer gave a final one. It is nobody's: of no
    rater of known identity, and shown in no order."""
    given = finals[~finals["unsettled"].astype(bool)].set_index(["criterion", "unit"])
    places = pd.MultiIndex.from_frame(ratings[["criterion", "unit"]])
    settled = places.isin(given.index)
    one = ratings[settled].drop_duplicates(["criterion", "unit"]).copy()
    answers = given.loc[pd.MultiIndex.from_frame(one[["criterion", "unit"]])]
    for column in ("number", "label", "towards_b", "side"):
        one[column] = answers[column].to_numpy()
    one = one.assign(rater="final answer", rater_known=False, cannot_judge=False, a_first=None, order_known=False)
    both = pd.concat([ratings[~settled], one.astype({"a_first": object})])
    return both.sort_values(["criterion", "judgment", "unit"], ignore_index=True)


def finals_about(ratings: pd.DataFrame, finals: pd.DataFrame) -> pd.DataFrame:
    """The final answers about what these ratings are about. One whose raters were all left out since stands in for
    nothing: it would be counted and be in no figure."""
    about = pd.MultiIndex.from_frame(ratings[["criterion", "unit"]])
    return finals[pd.MultiIndex.from_frame(finals[["criterion", "unit"]]).isin(about)]


def scores_frame(round: Round) -> pd.DataFrame:
    """Automated scores of the outputs and pairs that the round judged; missing ones are left out.

    What people answered in a tool's file is no metric to be held against people: as judgments it comes in by itself."""
    used = TaskOutput.objects.filter(task__round=round).values("output_id")
    query = AutomatedScore.objects.filter(Q(output_b__isnull=True) | Q(output_b__in=used), output__in=used)
    rows = (
        query.filter(missing_reason="").exclude(metric__source=Metric.Source.HUMAN).order_by("id").values_list(*_SCORE)
    )
    frame = _frame(rows, ["metric", "output", "output_b", "number", "label", "turn", "position", "judge"])
    frame["number"] = pd.to_numeric(frame["number"]).astype("float64")
    frame["output_b"] = pd.to_numeric(frame["output_b"]).fillna(-1).astype("int64")
    return frame


def gold_frame(round: Round, ratings: pd.DataFrame) -> pd.DataFrame:
    """Ratings of gold tasks beside the known answer, in `right`. Training is no test."""
    query = GoldAnswer.objects.filter(task__round=round, data__isnull=True)
    known = _frame(
        query.values_list("task_id", "criterion__key", "target", "number", "label", "tolerance"),
        ["task", "criterion", "place", "known_number", "known_label", "tolerance"],
    )
    given = ratings[ratings["purpose"] == str(Assignment.Purpose.GOLD)]
    if known.empty or given.empty:
        return given.assign(right=False).iloc[:0]
    # A gold answer names outputs by canonical position, and leans towards the second output of the task.
    about = given["target"].ne("") & given["position"].ge(0)
    place = ("o" + given["position"].astype(str)).where(about, "") + given["turn"]
    turned = (given["shown_order"] == "10") & ~about
    number = given["number"].where(~(turned & given["label"].isin(["a", "b"])), -given["number"])
    both = given.assign(place=place, said=number).merge(known, on=["task", "criterion", "place"], how="inner")
    wanted = pd.to_numeric(both["known_number"])
    near = (both["said"] - wanted).abs() <= both["tolerance"] + 1e-9
    right = near.where(wanted.notna(), both["label"] == both["known_label"])
    return both.assign(right=right.astype(bool) & ~both["cannot_judge"].astype(bool))


def tags_frame(round: Round) -> pd.DataFrame:
    """The tags of the items that the round judges: `item` (its name) and `tag`."""
    items = Task.objects.filter(round=round, kind=Task.Kind.NORMAL).values("item_id")
    rows = ItemTag.objects.filter(item__in=items).order_by("tag", "item__external_id")
    return _frame(rows.values_list("item__external_id", "tag"), ["item", "tag"])


def _marked(frames: RoundFrames) -> list[str]:
    """Beside each rating what it marks, in one form whatever the database keeps."""
    both = frames.ratings[["judgment", "criterion", "target"]].merge(
        frames.marks, on=["judgment", "criterion", "target"], how="left"
    )
    read = [json.loads(raw) if isinstance(raw, str) else raw for raw in both["data"]]
    return [json.dumps(marks, sort_keys=True) if isinstance(marks, list) else "" for marks in read]


def data_digest(frames: RoundFrames, *, finals: bool = False) -> str:
    """Of every current rating and what decides how it counts. Database keys and times stay out of it."""
    if finals:
        ratings = data_digest(frames)
        tasks = frames.tasks.tasks.loc[frames.finals["task"]]
        settled = frames.finals.assign(item=tasks["item"].to_numpy())
        names = ["item", "criterion", "target", "number", "label", "unsettled"]
        told = sorted("\x1f".join(map(str, row)) for row in settled[names].itertuples(index=False))
        return hashlib.sha256("\n".join([ratings, *told]).encode()).hexdigest()
    columns = [frames.ratings[name].tolist() for name in _DIGESTED]
    if len(frames.marks):
        columns.append(_marked(frames))
    lines = sorted("\x1f".join(map(str, row)) for row in zip(*columns, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
