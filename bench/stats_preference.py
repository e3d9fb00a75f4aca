"""Consensus and rankings at a hundred thousand and a million judgments, beside the library people use for each."""

from __future__ import annotations

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
# Seconds that the product promises, and how many times faster than the library.
PROMISED = {"Dawid-Skene, 100,000": 0.5, "Dawid-Skene, 1,000,000": 1.0, "Bradley-Terry": 1.5}
PROMISED_RATIO = {"crowd-kit": 50.0, "arena-rank": 5.0}
HEADER = ("work", "s", "of the promise", "CPU s", "beside it", "s", "times faster", "promised")


class Cost(NamedTuple):
    """Medians: elapsed and processor time."""

    seconds: float
    cpu: float


def measure(home: Path) -> str:
    rows: list[list[str]] = []
    notes: list[str] = []
    for size in (100_000, 1_000_000):
        labels = _labels(size)
        ours = _cost(lambda labels=labels: dawid_skene(_coded(labels)))  # type: ignore[misc]
        library = "crowd-kit" if size == 100_000 else ""
        rows.append(_row(f"Dawid-Skene, {size:,}", ours, library, "dawid_skene", labels, home, notes))
    battles = _battles()
    ours = _cost(lambda: rank_table(bradley_terry(_coded_battles(battles))))
    work = f"Bradley-Terry, cluster-robust, rank intervals: {SYSTEMS} systems, {BATTLES:,} battles"
    rows.append(_row(work, ours, "arena-rank", "bradley_terry", battles[_SEEN], home, notes))
    text = "\n\n".join([figures.table(HEADER, rows), *notes])
    say(text)
    return text


def _row(
    work: str, ours: Cost, library: str, program: str, data: pd.DataFrame, home: Path, notes: list[str]
) -> list[str]:
    theirs, promised = float("nan"), "–"
    if library:
        promised = f"{PROMISED_RATIO[library]:.0f}"
        try:
            theirs = _beside(library, program, data, home)
        except environments.Unavailable as error:
            notes.append(str(error))
    promise = next(seconds for start, seconds in PROMISED.items() if work.startswith(start))
    return [
        work,
        figures.number(ours.seconds),
        figures.number(ours.seconds / promise),
        figures.number(ours.cpu),
        library or "–",
        figures.number(theirs),
        figures.number(figures.ratio(theirs, ours.seconds)),
        promised,
    ]


def _beside(library: str, program: str, data: pd.DataFrame, home: Path) -> float:
    """Seconds of the library on the same rows; where it compiles first, of a later run."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{program}.parquet"
    data.to_parquet(path, index=False)
    found: dict[str, Any] = environments.measured(library, program, str(path))
    say(f"  {library}: {found}")
    return float(found.get("again", found)["seconds"])


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
    outcome = battles["winner"].map(_WINNER)
    return code_battles(battles["prompt"], battles["rater"], battles["model_a"], battles["model_b"], outcome)
