"""Consensus and rankings at a hundred thousand and a million judgments, beside the library people use for each."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analytics.stats.battles import Battles, code_battles
from analytics.stats.bradley_terry import bradley_terry
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.dawid_skene import dawid_skene
from analytics.stats.ranks import rank_table
from bench import environments, figures
from tools.console import say

REPEATS = 5
RATERS, OVERLAP, LEVELS = 10, 3, 5
SYSTEMS, BATTLES, BATTLES_A_PROMPT = 100, 1_000_000, 5
SMALL, LARGE = 100_000, 1_000_000
HEADER = (
    "work",
    "s",
    "of the promise",
    "CPU s",
    "beside it",
    "s",
    "CPU s",
    "times faster",
    "times the CPU",
    "promised",
)


class Cost(NamedTuple):
    """Medians: elapsed and processor time."""

    seconds: float
    cpu: float


def measure(home: Path) -> str:
    rows: list[list[str]] = []
    notes: list[str] = []
    small, large = _labels(SMALL), _labels(LARGE)
    theirs = _beside("crowd-kit", "dawid_skene", small, home, notes)
    ours = _cost(lambda: dawid_skene(_coded(small)))
    rows.append(_row(f"Dawid-Skene, {SMALL:,}", ours, 0.5, "crowd-kit, as it stops", theirs.get("again")))
    ours = _cost(lambda: dawid_skene(_coded(small), tolerance=-1.0, max_iterations=100))
    name = f"Dawid-Skene, {SMALL:,}, a hundred iterations"
    rows.append(_row(name, ours, math.nan, "crowd-kit, a hundred", theirs.get("hundred"), 50))
    rows.append(_row(f"Dawid-Skene, {LARGE:,}", _cost(lambda: dawid_skene(_coded(large))), 1.0))
    battles = _battles()
    theirs = _beside("arena-rank", "bradley_terry", battles[_SEEN], home, notes)
    ours = _cost(lambda: rank_table(bradley_terry(_coded_battles(battles))))
    name = f"Bradley-Terry, cluster-robust, rank intervals: {SYSTEMS} systems, {BATTLES:,} battles"
    rows.append(_row(name, ours, 1.5, "arena-rank", theirs.get("again"), 5))
    text = "\n\n".join([figures.table(HEADER, rows), *notes])
    say(text)
    return text


def _row(
    work: str, ours: Cost, promise: float, library: str = "–", theirs: Cost | None = None, ratio: float = math.nan
) -> list[str]:
    beside = theirs or Cost(math.nan, math.nan)
    return [
        work,
        figures.number(ours.seconds),
        figures.number(ours.seconds / promise),
        figures.number(ours.cpu),
        library,
        figures.number(beside.seconds),
        figures.number(beside.cpu),
        figures.number(figures.ratio(beside.seconds, ours.seconds)),
        figures.number(figures.ratio(beside.cpu, ours.cpu)),
        "–" if math.isnan(ratio) else f"{ratio:.0f}",
    ]


def _beside(library: str, program: str, data: pd.DataFrame, home: Path, notes: list[str]) -> dict[str, Cost]:
    """The library on the same rows, by what its program measures; nothing, and a note, where it cannot be had."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{program}.parquet"
    data.to_parquet(path, index=False)
    try:
        found: dict[str, Any] = environments.measured(library, program, str(path))
    except environments.Unavailable as error:
        notes.append(str(error))
        return {}
    say(f"  {library}: {found}")
    return {name: Cost(cost["seconds"], cost["cpu"]) for name, cost in found.items()}


def _cost(work: Callable[[], object]) -> Cost:
    """Of REPEATS runs after one that warms up."""
    work()
    walls, cpus = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Cost(statistics.median(walls), statistics.median(cpus))


def _labels(size: int) -> pd.DataFrame:
    """Three of ten raters on each output, five levels; raters are right in 60 to 92 of 100 cases."""
    rng = np.random.default_rng(1)
    units = size // OVERLAP
    unit = np.repeat(np.arange(units), OVERLAP)
    rater = np.argsort(rng.random((units, RATERS)), axis=1)[:, :OVERLAP].ravel()
    truth = rng.integers(1, LEVELS + 1, units)[unit]
    right = rng.random(len(unit)) < np.linspace(0.5, 0.9, RATERS)[rater]
    label = np.where(right, truth, rng.integers(1, LEVELS + 1, len(unit)))
    return pd.DataFrame({"task": unit, "worker": rater, "label": label})


def _coded(labels: pd.DataFrame) -> CodedRatings:
    levels = list(range(1, LEVELS + 1))
    return code_ratings(labels["task"], None, labels["worker"], labels["label"], levels, keep_repeats=True)


_SEEN = ["model_a", "model_b", "winner"]
_WINNER = {"model_a": "win", "model_b": "loss", "tie": "tie"}


def _battles() -> pd.DataFrame:
    """Random pairs of a hundred systems, five to a prompt, a seventh of them ties."""
    rng = np.random.default_rng(2)
    strength = rng.normal(0, 1, SYSTEMS)
    a = rng.integers(0, SYSTEMS, BATTLES)
    b = (a + rng.integers(1, SYSTEMS, BATTLES)) % SYSTEMS
    won = rng.random(BATTLES) < 1 / (1 + np.exp(strength[b] - strength[a]))
    winner = np.where(rng.random(BATTLES) < 0.15, "tie", np.where(won, "model_a", "model_b"))
    names = np.array([f"system {number:03}" for number in range(SYSTEMS)], dtype=object)
    return pd.DataFrame(
        {
            "model_a": names[a],
            "model_b": names[b],
            "winner": winner.astype(object),
            "prompt": np.arange(BATTLES) // BATTLES_A_PROMPT,
            "rater": rng.integers(0, 1000, BATTLES),
        }
    )


def _coded_battles(battles: pd.DataFrame) -> Battles:
    outcome = battles["winner"].astype("category").cat.rename_categories(_WINNER)
    return code_battles(battles["prompt"], battles["rater"], battles["model_a"], battles["model_b"], outcome)
