"""Rankings, and answers of best and worst, as rows of pairs and of places. Pure: frames in, frames out.

Who puts n outputs in order has answered n(n−1)/2 questions about two of them. Every figure about pairs is made of those
rows, with the prompt as cluster, as they are anything but independent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from rubrics.criteria import CRITERIA

PLACES: tuple[str, ...] = (
    "judgment",
    "criterion",
    "task",
    "output",
    "system",
    "cluster",
    "rater",
    "rater_known",
    "counts",
)
PLACES += ("excluded", "occasion", "n_outputs", "standing", "unit")


def expanded(ratings: pd.DataFrame, orders: pd.DataFrame, outputs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(`ratings` with one row a pair in the place of each order, one row an output put in order).

    `orders`: judgment, criterion, target (the whole), type, data. `outputs`: those of a task by (task, position)."""
    if orders.empty or ratings.empty:
        return ratings, pd.DataFrame(columns=PLACES)
    names = zip(outputs["task"], outputs["position"], outputs["output"], outputs["system"], strict=True)
    shown = {(task, position): {"output": output, "system": system} for task, position, output, system in names}
    found = ratings.reset_index().merge(orders.drop(columns="target"), on=["judgment", "criterion"])
    pairs: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []
    rows = zip(found["index"], found["task"], found["shown_order"], found["type"], found["data"], strict=True)
    for row, task, order, kind, raw in rows:
        data = json.loads(raw) if isinstance(raw, str) else raw
        here = [shown[task, int(position)] for position in order]
        for ahead, behind, tied in CRITERIA[kind].comparisons(data, len(order)):
            pairs.append({"row": row, "task": task, **_pair(here, ahead, behind, tied)})
        for position, standing in CRITERIA[kind].standings(data, len(order)):
            places.append({"row": row, **here[position], "standing": standing})
    return _with_pairs(ratings, found["index"], pairs), _with_places(ratings, places)


def expanded_finals(
    one: pd.DataFrame, finals: pd.DataFrame, outputs: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Final orders as `expanded` has those of raters; they count by canonical position. `one`: a rating of each
    criterion and task, for all that a row says beside."""
    names = outputs.groupby("task")["position"].agg(lambda each: "".join(map(str, sorted(each))))
    asked = one.assign(shown_order=names.reindex(one["task"]).to_numpy()).reset_index(drop=True)
    place = ["criterion", "task"]
    told = asked[["judgment", *place]].merge(finals[[*place, "target", "type", "data"]], on=place)
    return expanded(asked, told.drop(columns="task"), outputs)


def _pair(here: list[dict[str, Any]], ahead: int, behind: int, tied: bool) -> dict[str, Any]:
    """As a preference of two systems in alphabetical order, whatever stood first."""
    a, b = sorted((ahead, behind), key=lambda n: (here[n]["system"], here[n]["output"]))
    towards_b = 0.0 if tied else (1.0 if ahead == b else -1.0)
    return {
        "system_a": here[a]["system"],
        "system_b": here[b]["system"],
        "output_a": here[a]["output"],
        "output_b": here[b]["output"],
        "towards_b": towards_b,
        "first": a < b,
    }


def _with_pairs(ratings: pd.DataFrame, orders: pd.Series, pairs: list[dict[str, Any]]) -> pd.DataFrame:
    made = pd.DataFrame(pairs, columns=["row", "task", *_PAIR])
    rows = ratings.loc[made["row"]].reset_index(drop=True)
    for name in ("system_a", "system_b", "output_a", "output_b", "towards_b"):
        rows[name] = made[name]
    rows["side"] = np.select([made["towards_b"] < 0, made["towards_b"] > 0], ["a", "b"], "tie")
    rows["number"] = made["towards_b"].where(made["first"], -made["towards_b"]) + 0.0
    rows["label"] = np.select([rows["number"] < 0, rows["number"] > 0], ["a", "b"], "tie")
    rows["a_first"] = made["first"].astype(object).where(rows["order_known"].astype(bool), None)
    rows["unit"] = [
        f"{task}:{a}-{b}" for task, a, b in zip(made["task"], made["output_a"], made["output_b"], strict=True)
    ]
    kept = ratings.drop(index=list(set(orders)))
    both = pd.concat([kept, rows.astype({"a_first": object})])
    return both.sort_values(["criterion", "judgment", "unit"], ignore_index=True)


_PAIR = ("system_a", "system_b", "output_a", "output_b", "towards_b", "first")


def _with_places(ratings: pd.DataFrame, places: list[dict[str, Any]]) -> pd.DataFrame:
    made = pd.DataFrame(places, columns=["row", "output", "system", "standing"])
    rows = ratings.loc[made["row"]].reset_index(drop=True)
    for name in ("output", "system", "standing"):
        rows[name] = made[name]
    rows["unit"] = rows["task"].astype(str) + ":" + rows["output"].astype(str)
    return rows[list(PLACES)]
