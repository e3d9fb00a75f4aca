"""What every section works on: the round's criteria and its ratings, coded for the statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from analytics.shapes import RoundFrames, drawn_table, finals_about, measure_table, undrawn_table, with_finals
from analytics.stats.coding import CodedRatings, Measurement, code_ratings
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec


@dataclass(frozen=True)
class MetricInfo:
    id: int
    key: str
    source: str
    kind: str
    direction: str
    criterion: str
    scale: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class RoundInfo:
    """What a report says of its round, whether it was read from the database or from an export."""

    project: str
    slug: str
    name: str
    mode: str
    state: str
    is_pilot: bool
    design: str
    frame_size: int | None
    frame_digest: str
    chances: tuple[float | None, float | None]  # the smallest and the largest that an item had to be drawn
    rubric: tuple[str, int, str]  # name, version, digest

    @property
    def is_closed(self) -> bool:
        return self.state == "closed"


@dataclass(frozen=True)
class SampleInfo:
    """How the round's items were drawn, and what metrics say of those that were not."""

    design: str = "unknown"
    frame_size: int | None = None
    drawn: pd.DataFrame = field(default_factory=lambda: drawn_table([]))
    undrawn: pd.DataFrame = field(default_factory=lambda: undrawn_table([], {}))


@dataclass
class ReportData:
    frames: RoundFrames
    criteria: tuple[CriterionSpec, ...]
    metrics: list[MetricInfo] = field(default_factory=list)
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    gold: pd.DataFrame = field(default_factory=pd.DataFrame)
    tags: pd.DataFrame = field(default_factory=pd.DataFrame)
    measures: pd.DataFrame = field(default_factory=lambda: measure_table([]))  # time, cost and tokens of outputs
    sample: SampleInfo = field(default_factory=SampleInfo)
    seed: int = 0
    level: float = 0.95
    # Final answers of reviewers in place of raters' own, where a figure is about the systems.
    final_answers: bool = False
    _of: dict[str, pd.DataFrame] = field(default_factory=dict)
    _coded: dict[str, CodedRatings] = field(default_factory=dict)
    _by_system: dict[tuple[str, str], dict[str, CodedRatings]] = field(default_factory=dict)

    @cached_property
    def counted(self) -> pd.DataFrame:
        return self.frames.counted

    @cached_property
    def finals(self) -> pd.DataFrame:
        return finals_about(self.counted, self.frames.finals)

    @cached_property
    def settled(self) -> pd.DataFrame:
        return self.settle(self.counted)

    def finals_of(self, criterion: CriterionSpec) -> pd.DataFrame:
        """The final answers of one criterion that settle something."""
        return self.finals[(self.finals["criterion"] == criterion.key) & ~self.finals["unsettled"].astype(bool)]

    def settle(self, frame: pd.DataFrame) -> pd.DataFrame:
        return with_finals(frame, self.finals, self.frames.tasks.outputs) if self.final_answers else frame

    @cached_property
    def metric_numbers(self) -> pd.Series:
        """By metric and output: the mean of the numbers that the metric gave to it."""
        given = self.scores[(self.scores["output_b"] < 0) & self.scores["number"].notna()] if len(self.scores) else None
        if given is None:
            return pd.Series(dtype="float64", index=pd.MultiIndex.from_arrays([[], []], names=["metric", "output"]))
        return given.groupby(["metric", "output"], sort=False)["number"].mean()

    def measure_by_prompt(self, name: str) -> pd.DataFrame:
        """Means of a measure, a row a prompt and a column a system; outputs without it are left out."""
        known = self.measures.dropna(subset=[name])
        return known.groupby(["cluster", "system"])[name].mean().unstack("system")

    @property
    def measured(self) -> list[CriterionSpec]:
        """The criteria that have figures: all but words."""
        return [c for c in self.criteria if c.level_of_measurement != "text"]

    def by_system(
        self, kind: str, criterion: CriterionSpec, make: Callable[[], dict[str, CodedRatings]]
    ) -> dict[str, CodedRatings]:
        """Tables of one criterion for each system, made once of each kind."""
        key = (kind, criterion.key)
        if key not in self._by_system:
            self._by_system[key] = make()
        return self._by_system[key]

    @cached_property
    def cannot_judge(self) -> dict[str, int]:
        """By rater, how often."""
        ratings = self.frames.ratings
        return {
            str(k): int(n) for k, n in ratings[ratings["cannot_judge"].astype(bool)].groupby("rater").size().items()
        }

    @property
    def systems(self) -> list[str]:
        return sorted(self.frames.tasks.outputs["system"].unique())

    def of(self, criterion: CriterionSpec) -> pd.DataFrame:
        """Counted ratings of one criterion, with `value` as the statistics take it: what raters said themselves.

        Not to be changed: it is kept."""
        if criterion.key not in self._of:
            self._of[criterion.key] = rated(self.counted, criterion)
        return self._of[criterion.key]

    def coded(self, criterion: CriterionSpec) -> CodedRatings:
        """The same as codes, made once for all sections."""
        if criterion.key not in self._coded:
            self._coded[criterion.key] = coded(self.of(criterion), criterion)
        return self._coded[criterion.key]

    def result_of(self, criterion: CriterionSpec) -> pd.DataFrame:
        """The same for figures about systems, with final answers if the report takes them."""
        if not self.final_answers:
            return self.of(criterion)
        return rated(self.settled, criterion)


def rated(frame: pd.DataFrame, criterion: CriterionSpec) -> pd.DataFrame:
    """Ratings of one criterion that gave an answer; "cannot judge" is counted apart."""
    own = frame[(frame["criterion"] == criterion.key) & ~frame["cannot_judge"].astype(bool)]
    return own.assign(value=_values(own, criterion))


def _values(frame: pd.DataFrame, criterion: CriterionSpec) -> pd.Series:
    ordered = criterion.level_of_measurement != "nominal"
    if is_of_pairs(criterion):
        return frame["towards_b"] if ordered else frame["side"]
    # An ordered yes/no has labels in a declared order; every other ordered criterion has numbers.
    return frame["number"] if ordered and criterion.type != "yes_no" else frame["label"]


def domain(criterion: CriterionSpec) -> list[Any] | None:
    """The declared levels; statistics count the unused ones too."""
    if criterion.type == "preference" and criterion.level_of_measurement == "nominal":
        return ["a", "b", *criterion.config["ties"]]
    return CRITERIA[criterion.type].domain(criterion)


def is_of_pairs(criterion: CriterionSpec) -> bool:
    """Whether its figures are made of what is said about two outputs: preferences, and orders of several."""
    return CRITERIA[criterion.type].answers == "pairs"


def measurement(criterion: CriterionSpec) -> Measurement:
    return criterion.level_of_measurement  # type: ignore[return-value]


def coded(frame: pd.DataFrame, criterion: CriterionSpec, levels: list[Any] | None = None) -> CodedRatings:
    """A frame of `rated` rows as codes; nameless raters are kept apart in each unit."""
    unit, cluster, rater = (frame[name].array for name in ("unit", "cluster", "rater"))
    return code_ratings(
        unit,
        cluster,
        rater,
        frame["value"].to_numpy(),
        levels if levels is not None else domain(criterion),
        rater_known=frame["rater_known"].to_numpy(dtype=bool),
    )
