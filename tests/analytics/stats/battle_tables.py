"""Tables of judgments between systems, small and large, for the tests of rankings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.stats.battles import Battles, code_battles

if TYPE_CHECKING:
    from tests.analytics.stats.builders import Table

OUTCOMES = np.array(["win", "tie", "both_good", "both_bad", "loss"], dtype=object)
TURNED = {"win": "loss", "loss": "win", "tie": "tie", "both_good": "both_good", "both_bad": "both_bad", None: None}

# Agresti, Categorical Data Analysis, 2nd ed. 2002, table 10.10: American League 1987, home team in the row,
# games won by it and by the visitor.
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
HOME_GAMES = (
    "   - 4-3 4-2 4-3 6-1 4-2 6-0",
    " 3-3   - 4-2 4-3 6-0 6-1 4-3",
    " 2-5 4-3   - 2-4 4-3 4-2 6-0",
    " 3-3 5-1 2-5   - 4-3 4-2 6-1",
    " 5-1 2-5 3-3 4-2   - 5-2 6-0",
    " 2-5 3-3 3-4 4-3 4-2   - 2-4",
    " 2-5 1-5 1-6 2-4 1-6 3-4   -",
)


@dataclass(frozen=True)
class BattleTable:
    """Columns for `code_battles`, one entry per showing."""

    cluster: np.ndarray
    rater: np.ndarray
    system_a: np.ndarray
    system_b: np.ndarray
    outcome: np.ndarray
    a_first: np.ndarray
    unit: np.ndarray
    gold: np.ndarray
    features: Mapping[str, np.ndarray] = field(default_factory=dict)

    def coded(self) -> Battles:
        return code_battles(
            self.cluster,
            self.rater,
            self.system_a,
            self.system_b,
            self.outcome,
            self.a_first,
            unit=self.unit,
            gold=self.gold,
            features=self.features,
        )


def of_table(table: Table) -> BattleTable:
    """The general table read as judgments between five systems; every second pair is seen in both orders."""
    both = np.flatnonzero(table.unit % 2 == 0)
    rows = np.concatenate([np.arange(len(table.unit)), both])
    again = np.arange(len(rows)) >= len(table.unit)
    unit = table.unit[rows]
    names = np.array(["ash", "birch", "cedar", "elm", "fir"], dtype=object)
    # On every second of these pairs the answer stays with the side, more or less.
    second = np.where(unit % 4 == 0, 6 - table.value_b[rows], table.value_b[rows])
    value = np.where(again, second, table.value[rows]).astype(int)
    gold = np.array(["win", "win", "loss", None, None], dtype=object)
    return BattleTable(
        cluster=table.cluster[rows],
        rater=table.rater[rows],
        system_a=names[unit % 5],
        system_b=names[(unit + 1 + unit % 2) % 5],
        outcome=OUTCOMES[value - 1],
        a_first=table.first[rows] != again,
        unit=unit,
        gold=gold[unit % 5],
        features={"length": table.metric[rows]},
    )


def other_sides(table: BattleTable) -> BattleTable:
    """Every judgment written from its other side."""
    return replace(
        table,
        system_a=table.system_b,
        system_b=table.system_a,
        outcome=turned(table.outcome),
        gold=turned(table.gold),
        a_first=~table.a_first,
        features={name: -values for name, values in table.features.items()},
    )


def with_other_names(table: BattleTable, names: Mapping[str, str]) -> BattleTable:
    a, b = (np.array([names[x] for x in column], dtype=object) for column in (table.system_a, table.system_b))
    return replace(table, system_a=a, system_b=b)


def with_outcomes_turned(table: BattleTable) -> BattleTable:
    return replace(table, outcome=turned(table.outcome))


def turned(outcome: np.ndarray) -> np.ndarray:
    return np.array([TURNED[x] for x in outcome], dtype=object)


def independent(rows: Sequence[tuple[str, str, Any]], first: Sequence[bool] | None = None, **columns: Any) -> Battles:
    """(system a, system b, outcome), each on a prompt of its own by a nameless rater."""
    a, b, outcome = zip(*rows, strict=True) if rows else ((), (), ())
    return code_battles(range(len(rows)), [None] * len(rows), a, b, outcome, first, **columns)


def from_counts(counts: Sequence[tuple[str, str, int, int, int]], *, first: bool | None = None) -> Battles:
    """(system a, system b, wins of a, ties, losses) as independent judgments."""
    rows = [
        (a, b, outcome)
        for a, b, *numbers in counts
        for outcome, number in zip(("win", "tie", "loss"), numbers, strict=True)
        for _ in range(number)
    ]
    return independent(rows, None if first is None else [first] * len(rows))


def baseball() -> Battles:
    """The home team is the side shown first."""
    counts = [
        (home, away, int(cell.split("-")[0]), 0, int(cell.split("-")[1]))
        for home, line in zip(TEAMS, HOME_GAMES, strict=True)
        for away, cell in zip(TEAMS, line.split(), strict=True)
        if cell != "-"
    ]
    return from_counts(counts, first=True)


def tournament(beats: Mapping[str, str]) -> Battles:
    """One decided judgment for each pair: `beats["a"] = "bc"` says that a beat b and c."""
    return independent([(winner, loser, "win") for winner, losers in beats.items() for loser in losers])


def simulated(
    rng: np.random.Generator,
    strengths: np.ndarray,
    prompts: int,
    per_prompt: int,
    *,
    raters: int = 20,
    prompt_sd: float = 0.0,
    rater_sd: float = 0.0,
    first: float = 0.0,
    log_nu: float | None = None,
    length: float = 0.0,
) -> Battles:
    """Judgments on several pairs of each prompt. A prompt suits some systems more than others (`prompt_sd` on the
    strengths), and so do raters like some more (`rater_sd`)."""
    systems = len(strengths)
    cluster = np.repeat(np.arange(prompts), per_prompt)
    rows = len(cluster)
    a = rng.integers(0, systems, rows)
    b = (a + rng.integers(1, systems, rows)) % systems
    rater = rng.integers(0, raters, rows)
    liked = strengths + rng.normal(0, prompt_sd, (prompts, systems)) if prompt_sd else np.tile(strengths, (prompts, 1))
    taste = rng.normal(0, rater_sd, (raters, systems))
    a_first = rng.random(rows) < 0.5
    longer = rng.normal(0, 1, rows) + (strengths[a] - strengths[b]) / 2
    eta = liked[cluster, a] - liked[cluster, b] + taste[rater, a] - taste[rater, b]
    eta = eta + first * np.where(a_first, 1, -1) + length * longer
    win, tie = np.exp(eta / 2), 0.0 if log_nu is None else np.exp(log_nu)
    total = win + 1 / win + tie
    draw = rng.random(rows) * total
    outcome = np.where(draw < win, 1.0, np.where(draw < win + tie, 0.5, 0.0))
    return code_battles(cluster, rater, a, b, outcome, a_first, unit=np.arange(rows), features={"length": longer})
