"""Rounds, tasks, assignments, judgments and their quality, one module a noun."""

from annotation.models.assignments import Assignment, Seat, SideTally, Slot
from annotation.models.crowd import JoinLink, Participant
from annotation.models.disagreements import Disagreement, DisagreementOrder
from annotation.models.judgments import FreeText, Judgment, Rating
from annotation.models.leaks import LeakDecision
from annotation.models.quality import Adjudication, Comment, Flag, GoldAnswer, RaterExclusion
from annotation.models.review import Reviewed, RevisionRequest
from annotation.models.round_links import RoundLink
from annotation.models.rounds import Renewal, Round, RoundItem, RoundSystem, Unblinding
from annotation.models.tasks import Task, TaskOutput
from annotation.models.training import TrainingStep, TrainingTry

__all__ = [
    "Adjudication",
    "Assignment",
    "Comment",
    "Disagreement",
    "DisagreementOrder",
    "Flag",
    "FreeText",
    "GoldAnswer",
    "JoinLink",
    "Judgment",
    "LeakDecision",
    "Participant",
    "RaterExclusion",
    "Rating",
    "Renewal",
    "Reviewed",
    "RevisionRequest",
    "Round",
    "RoundItem",
    "RoundLink",
    "RoundSystem",
    "Seat",
    "SideTally",
    "Slot",
    "Task",
    "TaskOutput",
    "TrainingStep",
    "TrainingTry",
    "Unblinding",
]
