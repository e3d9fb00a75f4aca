"""Training: tasks with a known answer and feedback, before a rater's first task. What it asks, and how far a rater is.

Whether a rater is in training stands on the seat, so that a claim learns it without asking for more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotation.models import Round, Seat, Task, TrainingTry

DEFAULT_PASS_MARK = 0.8
DEFAULT_TRIES = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """`pass_mark`: the share of known answers that must be given. `grants`: the qualification that passing gives."""

    pass_mark: float = DEFAULT_PASS_MARK
    tries: int = DEFAULT_TRIES
    grants: str = ""

    def needed(self, asked: int) -> int:
        """The fewest right answers that pass; a mark of 70 % of 10 is 7, whatever the floating point says."""
        return next(right for right in range(asked + 1) if right >= self.pass_mark * asked - 1e-9)


def rule_of(round: Round) -> Rule | None:
    """None: the round has no training tasks."""
    return kept_rule(round) if round.options.get("training", {}).get("tasks") else None


def kept_rule(round: Round) -> Rule:
    """What the lead has set, whether there are training tasks or not. Their number stands beside it."""
    kept: Mapping[str, Any] = round.options.get("training", {})
    return Rule(**{name: value for name, value in kept.items() if name != "tasks"})


def training_tasks(round: Round) -> list[Task]:
    """In the order in which raters meet them: that in which the lead put them down."""
    return list(round.tasks.filter(kind=Task.Kind.TRAINING).order_by("ordinal", "id"))


def first_state(round: Round, qualifications: list[str]) -> Seat.State:
    """Of a new seat. Who has the qualification that the training gives need not earn it again."""
    rule = rule_of(round)
    if rule is None or (rule.grants and rule.grants in qualifications):
        return Seat.State.ACTIVE
    return Seat.State.TRAINING


def state_due(seat: Seat, qualifications: list[str]) -> Seat.State:
    """Where a seat stands once a pause or an absence is over."""
    if rule_of(seat.round) is None or seat.n_assigned:
        return Seat.State.ACTIVE
    tries = list(seat.training_tries.all())
    if any(each.state in (TrainingTry.State.PASSED, TrainingTry.State.WAVED) for each in tries):
        return Seat.State.ACTIVE
    return first_state(seat.round, qualifications) if tries_left(seat.round, tries) else Seat.State.FAILED


def tries_left(round: Round, tries: list[TrainingTry]) -> int:
    """How often a rater may begin again."""
    rule = rule_of(round)
    used = sum(each.state == TrainingTry.State.FAILED and not each.forgiven for each in tries)
    return max(0, (rule.tries if rule else 0) - used)
