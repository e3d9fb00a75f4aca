"""Building a report in the background: asked for, told how far it is, cancelled, and done once.

A small round is built within the request: waiting for a worker would take longer."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import transaction
from django.utils import timezone

from analytics.models import Report, ReportRun
from analytics.services import report_build
from annotation.models import Rating, Round
from config.background.tasks import enqueue_once, settle
from projects.errors import Conflict, ServiceError

IN_REQUEST = 5_000  # ratings: about two seconds
State = ReportRun.State
_log = logging.getLogger(__name__)


def report_ask(*, round: Round, actor: Any, final_answers: bool = False, seed: int = 0) -> Report | ReportRun:
    """The report, or for a large round the run that a worker will do. Asked twice, it is the run that is under way."""
    if _is_small(round):
        return report_build(round=round, actor=actor, final_answers=final_answers, seed=seed)
    from analytics.build_tasks import build_report

    with transaction.atomic():
        row = Round.objects.select_for_update().get(pk=round.pk)
        active = row.report_runs.filter(state=State.RUNNING).first()
        if active is not None:
            return active
        run = ReportRun.objects.create(round=row, seed=seed, final_answers=final_answers, asked_by=actor)
        enqueue_once(build_report, f"report run {run.pk}", run.pk)
    return run


def _is_small(round: Round) -> bool:
    ratings = Rating.objects.filter(judgment__seat__round=round)
    return ratings.count() <= IN_REQUEST


def report_cancel(*, run: ReportRun) -> None:
    """Nothing is stored of it. One that is done stays done."""
    if not ReportRun.objects.filter(pk=run.pk, state=State.RUNNING).update(
        state=State.CANCELLED, finished_at=timezone.now()
    ):
        raise Conflict("This report is no longer being built.")


def run_build(run_id: int) -> None:
    """The worker's part. Running it again is harmless: only a run under way is done, and once."""
    rounds = ReportRun.objects.select_related("round__project", "round__rubric_version__rubric", "asked_by")
    run = rounds.filter(pk=run_id, state=State.RUNNING).first()
    if run is None:
        return

    def keep(report: Report) -> None:
        settle()
        _update(run, state=State.DONE, report=report, finished_at=timezone.now())

    try:
        report_build(
            round=run.round,
            actor=run.asked_by,
            seed=run.seed,
            final_answers=run.final_answers,
            progress=_Told(run),
            keep=keep,
        )
    except Conflict:
        _log.info("report_run_cancelled", extra={"fields": {"run": run_id}})
    except ServiceError as error:
        gave_up(error.message, run_id)


def gave_up(why: str, run_id: int) -> None:
    """What is read where the progress stood."""
    rows = ReportRun.objects.filter(pk=run_id, state=State.RUNNING)
    rows.update(state=State.FAILED, problem=why[:500], finished_at=timezone.now())


def _update(run: ReportRun, **values: Any) -> None:
    if not ReportRun.objects.filter(pk=run.pk, state=State.RUNNING).update(**values):
        raise Conflict("This report was cancelled.")


class _Told:
    """Keeps the progress in the row, at most once a second and at every new step; stops where it was cancelled."""

    def __init__(self, run: ReportRun) -> None:
        self._run, self._last, self._step = run, 0.0, ""

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what == self._step and time.monotonic() - self._last < 1:
            return
        self._last, self._step = time.monotonic(), what
        _update(self._run, step=what, done=done, total=total)
