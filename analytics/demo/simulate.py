"""Raters who are not people: what they answer, given how good an answer is by design."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from annotation import claims
from annotation.claims import Outcome
from annotation.models import Round, Seat, TaskOutput
from annotation.services.judging import questions, read_answers, rubric_of, submission
from projects.models import Rater


@dataclass(frozen=True, slots=True)
class Simulated:
    """`severity` is added to what is perceived (negative is severe); `noise` is its standard deviation."""

    pseudonym: str
    severity: float
    noise: float
    seconds: float


RATERS = (
    Simulated("demo-careful", 0.0, 0.35, 52),
    Simulated("demo-quick", 0.1, 0.55, 21),
    Simulated("demo-severe", -0.6, 0.4, 44),
)


def work_through(round: Round, quality: dict[int, tuple[int, bool]], start: datetime, seed: int) -> int:
    """Let every simulated rater judge all they are given. `quality` is by output id."""
    done = 0
    for rater in RATERS:
        seat = _seat(round, rater)
        draw = random.Random(f"{seed} {rater.pseudonym}")  # noqa: S311 - a simulation
        now = start
        outcome = claims.claim(seat.pk, now=now)
        while outcome.status == "task":
            now += timedelta(seconds=max(5.0, draw.gauss(rater.seconds, rater.seconds / 4)))
            outcome = _judge(round, seat, outcome, rater, quality, draw, now)
            done += 1
    return done


def _seat(round: Round, rater: Simulated) -> Seat:
    row, _ = Rater.objects.get_or_create(project=round.project, pseudonym=rater.pseudonym)
    return Seat.objects.get_or_create(round=round, rater=row)[0]


def _judge(
    round: Round,
    seat: Seat,
    outcome: Outcome,
    rater: Simulated,
    quality: dict[int, tuple[int, bool]],
    draw: random.Random,
    now: datetime,
) -> Outcome:
    task = outcome.presentation
    if task is None:
        raise ValueError("An outcome with a task has a presentation.")
    output = TaskOutput.objects.values_list("output_id", flat=True).get(task__assignments=task.assignment)
    right, act = quality[output]
    asked = list(questions(rubric_of(round), 1))
    perceive: Callable[[float], float] = lambda true: draw.gauss(true + rater.severity, rater.noise)  # noqa: E731
    sent = {
        "c-correct": str(min(3, max(1, round_half(perceive(right))))),
        "c-act": "yes" if perceive(1.0 if act else 0.0) > 0.3 else "no",
    }
    s = submission(
        asked,
        read_answers(asked, sent),
        public_id=task.public_id,
        key=f"demo-{task.assignment:08d}",
        seconds=rater.seconds,
        active_seconds=rater.seconds,
    )
    return claims.submit(seat.pk, s, now=now)


def round_half(x: float) -> int:
    return int(x + 0.5)
