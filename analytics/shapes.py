"""Rows of a round, from the database or from an export, as the frames that the statistics work on. No models here.

Ratings record what was shown where; here they are turned to systems. A pair is seen from its two systems in
alphabetical order (a, b), whatever side each was shown on, so that raters who saw different sides agree or disagree
about the same thing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analytics.order_frames import expanded, expanded_finals
from rubrics.criteria import CRITERIA
from rubrics.specs import Answer

# What counts in figures. Gold, training and repeats are about the rater, not about the outputs.
COUNTED = ("normal", "imported")
GOLD = "gold"
Rows = Iterable[tuple[Any, ...]]

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


# Types whose answers are orders of several outputs or marked passages.
STRUCTURED = tuple(key for key, kind in CRITERIA.items() if kind.structured)


MARKS = tuple(key for key in STRUCTURED if CRITERIA[key].reads_text)
# Those of them that set outputs in order, and are counted as what they say of each two.
ORDERS = tuple(key for key in STRUCTURED if CRITERIA[key].answers == "pairs")
FINAL = "final answer"  # whose rows those of reviewers are


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
    structured: pd.DataFrame = field(default_factory=pd.DataFrame)  # one an order or a list of marks, in `data`

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


def whole(
    tasks: TaskTable, judgments: pd.DataFrame, ratings: pd.DataFrame, finals: pd.DataFrame, structured: Rows
) -> RoundFrames:
    """The frames, with one row a pair in the place of each order of several outputs. `structured`: judgment, criterion,
    target, type and data of the answers that are more than a number or a label (`STRUCTURED`)."""
    told = frame(structured, ["judgment", "criterion", "target", "type", "data"])
    marking = told["type"].isin(MARKS)
    rows, places = expanded(ratings, told[~marking], tasks.outputs)
    marks = told.loc[marking, ["judgment", "criterion", "target", "data"]]
    return RoundFrames(tasks, judgments, rows, finals, places, marks, told)


def frame(rows: Rows, columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame.from_records(list(rows), columns=columns)


def task_table(rows: Rows, task_outputs: Rows) -> TaskTable:
    """Tasks (id, item, cluster) and their outputs in canonical order (task, position, output, system, version)."""
    tasks = frame(rows, ["task", "item", "cluster"]).set_index("task")
    outputs = frame(task_outputs, ["task", "position", "output", "name", "version"])
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


def judgment_table(rows: Rows, seats: Rows, excluded: set[int]) -> pd.DataFrame:
    """Judgments (id, seat, times, task, occasion, purpose, what was shown) with their seat's rater and whether its work
    counts."""
    columns = ["judgment", "seat", "seconds", "active_seconds", "submitted_at"]
    found = frame(rows, [*columns, "task", "occasion", "purpose", "shown_order", "order_known"])
    found = found.merge(frame(seats, ["seat", "rater", "rater_known"]), on="seat", how="left")
    found["excluded"] = found["seat"].isin(excluded)
    found["counts"] = found["purpose"].isin(COUNTED)
    return found.sort_values("judgment", ignore_index=True)


def rating_table(rows: Rows, judgments: pd.DataFrame, tasks: TaskTable) -> pd.DataFrame:
    ratings = frame(rows, ["judgment", "criterion", "target", "number", "label", "cannot_judge"])
    ratings["number"] = pd.to_numeric(ratings["number"]).astype("float64")
    found = ratings.merge(judgments, on="judgment").merge(tasks.tasks, left_on="task", right_index=True)
    if found.empty:
        found = found.assign(unit="", position=-1, turn="", output=-1, system="", side="")
        return found.assign(a_first=None, towards_b=np.nan)
    found["position"], found["turn"] = _canonical(found)
    found = found.merge(tasks.outputs, on=["task", "position"], how="left")
    found["output"] = found["output"].fillna(-1).astype("int64")
    found["system"] = found["system"].fillna("")
    about = found["position"].ge(0) & found["target"].ne("")
    place = found["output"].astype(str).where(about, "") + found["turn"]
    found["unit"] = found["task"].astype(str) + (":" + place).where(place != "", "")
    return _sides(found).sort_values(["criterion", "judgment", "unit"], ignore_index=True)


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


def final_table(rows: Rows, tasks: TaskTable) -> pd.DataFrame:
    """Final answers that stand, said about systems as ratings are: `unit`, `towards_b`, `side`. An order is one row,
    with the whole of the task as its unit; `data` is that of an order or of marks, else None."""
    found = frame(rows, ["task", "criterion", "target", "number", "label", "unsettled", "type", "data"])
    found["data"] = pd.Series(map(read_data, found["type"], found["data"]), index=found.index, dtype=object)
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


def read_data(kind: str, raw: Any) -> Any:
    """What a structured answer says, from the database or from the JSON of an export."""
    if kind not in STRUCTURED:
        return None
    return (json.loads(raw) if raw else None) if isinstance(raw, str) else raw


def with_finals(ratings: pd.DataFrame, finals: pd.DataFrame, outputs: pd.DataFrame) -> pd.DataFrame:
    """The ratings with one answer in place of the raters' own where a reviewer gave a final one. It is nobody's: of no
    rater of known identity, and shown in no order. Of an order that is one row for each two outputs it sets apart."""
    given = finals[~finals["unsettled"].astype(bool)]
    ratings, ordered = _settled_orders(ratings, given[given["type"].isin(ORDERS)], outputs)
    given = given[~given["type"].isin(ORDERS)].set_index(["criterion", "unit"])
    places = pd.MultiIndex.from_frame(ratings[["criterion", "unit"]])
    settled = places.isin(given.index)
    one = ratings[settled].drop_duplicates(["criterion", "unit"]).copy()
    answers = given.loc[pd.MultiIndex.from_frame(one[["criterion", "unit"]])]
    for column in ("number", "label", "towards_b", "side"):
        one[column] = answers[column].to_numpy()
    both = pd.concat([ratings[~settled], _nobodys(one), *ordered])
    return both.sort_values(["criterion", "judgment", "unit"], ignore_index=True)


def _nobodys(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.assign(rater=FINAL, rater_known=False, cannot_judge=False, a_first=None, order_known=False)
    return rows.astype({"a_first": object})


def _settled_orders(
    ratings: pd.DataFrame, finals: pd.DataFrame, outputs: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """(ratings without those that a final order takes the place of, its rows)."""
    if finals.empty or ratings.empty:
        return ratings, []
    place = ["criterion", "task"]
    settled = _places(ratings, place).isin(_places(finals, place))
    one = ratings[settled].drop_duplicates(place)
    pairs, _ = expanded_finals(one, finals, outputs)
    return ratings[~settled], [_nobodys(pairs)]


def _places(frame: pd.DataFrame, columns: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[columns])


def finals_about(ratings: pd.DataFrame, finals: pd.DataFrame) -> pd.DataFrame:
    """The final answers about what these ratings are about. One whose raters were all left out since stands in for
    nothing: it would be counted and be in no figure."""
    about = _places(finals, ["criterion", "unit"]).isin(_places(ratings, ["criterion", "unit"]))
    tasks = _places(finals, ["criterion", "task"]).isin(_places(ratings, ["criterion", "task"]))
    return finals[about | (tasks & finals["type"].isin(ORDERS).to_numpy())]


def score_table(rows: Rows) -> pd.DataFrame:
    found = frame(rows, ["metric", "output", "output_b", "number", "label", "turn", "position", "judge"])
    found["number"] = pd.to_numeric(found["number"]).astype("float64")
    found["output_b"] = pd.to_numeric(found["output_b"]).fillna(-1).astype("int64")
    return found


def undrawn_table(rows: Rows, metrics: dict[str, int]) -> pd.DataFrame:
    """Scores of outputs that were not drawn, as `score_table` has those of the others, with what they are about."""
    named = ["metric", "item", "cluster", "stratum", "output", "name", "version", "second", "name_b", "version_b"]
    found = frame(rows, [*named, "turn", "position", "number", "label", "judge"])
    found["metric"] = found["metric"].map(metrics)
    found["number"] = pd.to_numeric(found["number"]).astype("float64")
    found["output"] = pd.to_numeric(found["output"]).astype("int64")
    found["output_b"] = pd.to_numeric(found["second"]).fillna(-1).astype("int64")
    for side in ("", "_b"):
        name, version = found[f"name{side}"], found[f"version{side}"]
        found[f"system{side}"] = name.where(version == "", name + "@" + version)
    return found.drop(columns=["name", "version", "second", "name_b", "version_b"])


def drawn_table(rows: Rows) -> pd.DataFrame:
    """The items that were drawn, with the chance that each had (NaN: not known) and its stratum."""
    found = frame(rows, ["item", "chance", "stratum"])
    found["chance"] = pd.to_numeric(found["chance"]).astype("float64")
    return found.sort_values("item", ignore_index=True)


MEASURED = ("latency_ms", "ttft_ms", "tokens_in", "tokens_out", "cost")


def measure_table(rows: Rows) -> pd.DataFrame:
    """What outputs took; what was not recorded is NaN, never 0; an output that is an error took no time to answer."""
    found = frame(rows, ["output", "item", "cluster", "name", "version", *MEASURED, "currency"])
    named = found["version"] != ""
    found["system"] = found["name"].where(~named, found["name"] + "@" + found["version"])
    for column in MEASURED:
        found[column] = pd.to_numeric(found[column]).astype("float64")
    return found.drop(columns=["name", "version"]).sort_values("output", ignore_index=True)


def gold_table(answers: Rows, frames: RoundFrames) -> pd.DataFrame:
    """Ratings of tasks whose answer is known, with whether they are `right`, within the tolerance of the answer."""
    known = frame(answers, ["task", "criterion", "place", "known_number", "known_label", "tolerance", "type", "known"])
    given = frames.ratings[frames.ratings["purpose"] == GOLD]
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
    both = both.assign(right=right.astype(bool) & ~both["cannot_judge"].astype(bool))
    more = both["type"].isin(STRUCTURED)
    return pd.concat([both[~more], _structured_gold(both[more], frames.structured)], ignore_index=True)


def _structured_gold(given: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """The same of orders and marks: one row an answer, whatever an order says of each two."""
    one = given.drop_duplicates(["judgment", "criterion", "target"])
    both = one.merge(told.drop(columns="type"), on=["judgment", "criterion", "target"], how="left")
    columns = (both[name] for name in ("type", "known", "data", "shown_order", "tolerance"))
    right = [_is_right(*row) for row in zip(*columns, strict=True)]
    unit = both["task"].astype(str).where(both["type"].isin(ORDERS), both["unit"])
    return both.assign(right=np.array(right, dtype=bool), unit=unit)


def _is_right(kind: str, known: Any, given: Any, order: str, tolerance: float) -> bool:
    wanted, said = (Answer(data=read_data(kind, data)) for data in (known, given))
    said = CRITERIA[kind].moved(said, [int(position) for position in order])
    return CRITERIA[kind].off(wanted, said) <= tolerance + 1e-9


def _marked(frames: RoundFrames) -> list[str]:
    """Beside each rating what it marks, in one form whatever the database keeps."""
    place = ["judgment", "criterion", "target"]
    both = frames.ratings[place].merge(frames.marks, on=place, how="left")
    read = [json.loads(raw) if isinstance(raw, str) else raw for raw in both["data"]]
    return [json.dumps(marks, sort_keys=True) if isinstance(marks, list) else "" for marks in read]


def _written(data: Any) -> list[str]:
    return [] if data is None else [json.dumps(data, sort_keys=True)]


def data_digest(frames: RoundFrames, *, finals: bool = False) -> str:
    """Of every current rating and what decides how it counts. Database keys and times stay out of it."""
    if finals:
        ratings = data_digest(frames)
        tasks = frames.tasks.tasks.loc[frames.finals["task"]]
        settled = frames.finals.assign(item=tasks["item"].to_numpy())
        names = ["item", "criterion", "target", "number", "label", "unsettled"]
        rows = zip(settled[names].itertuples(index=False), settled["data"], strict=True)
        told = sorted("\x1f".join(map(str, (*row, *_written(data)))) for row, data in rows)
        return hashlib.sha256("\n".join([ratings, *told]).encode()).hexdigest()
    columns = [frames.ratings[name].tolist() for name in _DIGESTED]
    if len(frames.marks):
        columns.append(_marked(frames))
    lines = sorted("\x1f".join(map(str, row)) for row in zip(*columns, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
