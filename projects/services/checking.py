"""Built-in checks over a project's outputs: asked for, carried out a part at a time, cancelled.

A run is an `ImportBatch` of the format `checks`: its scores know which run gave them. Every part is written by itself,
with the outputs that were checked; so a run that was killed goes on where it was, and running it again does nothing for
an output whose text, item and check are as they were.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from config.background.tasks import enqueue_once, settle
from config.stopping import point_of_no_return
from projects import audit
from projects.checks import CHECKS
from projects.checks.base import Check, Given, OptionError
from projects.checks.runner import ChecksStopped, Runner
from projects.errors import Conflict, ServiceError
from projects.importers.limits import MAX_METRIC_CHARS
from projects.models import AutomatedScore, ImportBatch, Item, ItemRevision, Metric, Output, OutputRevision, Project
from projects.services.check_inputs import given_of

FORMAT = "checks"
PART = 100  # outputs checked between two short write transactions
_MOST_CHECKS = 50
State = ImportBatch.State
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One check with its settings, and the metric it fills."""

    check: str
    metric: str
    options: dict[str, Any]

    @property
    def judge(self) -> str:
        return f"Adjudge {self.check} {CHECKS[self.check].version}"


@dataclass(slots=True)
class Outcome:
    """What a run did. `scores` are new or changed values, `missing` those with a reason, `unchanged` were there."""

    outputs: int = 0
    scores: int = 0
    missing: int = 0
    unchanged: int = 0

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def wanted_from(given: Iterable[Any]) -> list[Wanted]:
    """Checks as a command, a file or the API names them: a key, or {check, name, options}. Raises ServiceError."""
    found: list[Wanted] = []
    for each in given:
        entry = {"check": each} if isinstance(each, str) else each
        if not isinstance(entry, dict) or not isinstance(entry.get("check"), str):
            raise ServiceError(
                gettext("A check is a key such as valid_json, or an object with check, name and options.")
            )
        if unknown := sorted(set(entry) - {"check", "name", "options"}):
            raise ServiceError(
                gettext("“%(unknown)s” is not known in a check. Accepted: check, name, options.")
                % {"unknown": unknown[0]}
            )
        found.append(_wanted(entry["check"], entry.get("name") or "", entry.get("options") or {}))
    if not found:
        raise ServiceError(gettext("No check was named. Checks: %(join)s.") % {"join": ", ".join(CHECKS)})
    if len(found) > _MOST_CHECKS:
        raise ServiceError(
            gettext("%(n)s checks were named; at most %(most)s are run at once.")
            % {"n": len(found), "most": _MOST_CHECKS}
        )
    doubled = next((w.metric for n, w in enumerate(found) if w.metric in {x.metric for x in found[:n]}), "")
    if doubled:
        raise ServiceError(
            gettext("Two checks would fill the metric “%(doubled)s”. Give one of them another name.")
            % {"doubled": doubled}
        )
    return found


def _wanted(key: str, name: Any, options: Any) -> Wanted:
    check = CHECKS.get(key)
    if check is None:
        raise ServiceError(
            gettext("There is no check “%(key)s”. Checks: %(join)s.") % {"key": key[:60], "join": ", ".join(CHECKS)}
        )
    if not isinstance(options, dict) or not isinstance(name, str):
        raise ServiceError(gettext("The options of %(key)s are an object, and its name is a text.") % {"key": key})
    try:
        read = check.read(options)
    except OptionError as error:
        raise ServiceError(str(error), field=f"{key}.{error.option}") from None
    metric = name.strip() or metric_name(check, read)
    if len(metric) > MAX_METRIC_CHARS:
        raise ServiceError(
            gettext("The name of a metric has at most %(most)s characters.") % {"most": MAX_METRIC_CHARS},
            field=f"{key}.name",
        )
    return Wanted(key, metric, read)


def metric_name(check: Check, options: dict[str, Any]) -> str:
    told = check.name(options)
    return f"{check.key} ({told[:60]})" if told else check.key


@transaction.atomic
def checks_ask(
    *, project: Project, checks: Sequence[Wanted], systems: Sequence[int] = (), actor: Any = None
) -> ImportBatch:
    """Note a run and make its metrics. Who calls it enqueues it or carries it out."""
    for each in checks:
        _metric(project, each)
    batch = ImportBatch.objects.create(
        project=project, state=State.RUNNING, format=FORMAT, created_by=actor, counts={"step": "Waiting"},
        file_name=("Checks: " + ", ".join(each.metric for each in checks))[:300],
        file_digest=_digest([asdict(each) for each in checks]),
        mapping={"checks": [asdict(each) for each in checks], "systems": sorted(systems)},
    )  # fmt: skip
    audit.record(project=project, actor=actor, verb="checks.run", target=f"batch:{batch.pk}",
                 payload={"checks": [each.check for each in checks]})  # fmt: skip
    return batch


def checks_enqueue(
    *, project: Project, checks: Sequence[Wanted], systems: Sequence[int] = (), actor: Any = None
) -> ImportBatch:
    from projects.services.checking_tasks import run_checks

    with transaction.atomic():
        batch = checks_ask(project=project, checks=checks, systems=systems, actor=actor)
        enqueue_once(run_checks, f"checks {batch.pk}", batch.pk)
    return batch


def checks_stand(*, project: Project, checks: Sequence[Wanted]) -> bool:
    """Whether a run of the same checks is under way or done, and no output has come or changed since."""
    digest = _digest([asdict(each) for each in checks])
    runs = ImportBatch.objects.filter(project=project, format=FORMAT, file_digest=digest)
    last = runs.exclude(state=State.FAILED).order_by("-pk").first()
    outputs = Output.objects.filter(item__project=project)
    if last is None:
        return not outputs.exists()
    since = OutputRevision.objects.filter(output__in=outputs, created_at__gt=last.created_at)
    return not (since.exists() or outputs.filter(created_at__gt=last.created_at).exists())


def checks_cancel(*, batch: ImportBatch) -> None:
    """What is written stays: every score of it is whole."""
    why = {"where": batch.file_name, "why": "It was cancelled. Scores given until then stay."}
    end(batch.pk, State.FAILED, {**batch.counts, "step": "Cancelled"}, [why])


def end(pk: int, state: str, counts: dict[str, Any], problems: list[dict[str, str]]) -> None:
    ended = ImportBatch.objects.filter(pk=pk, state=State.RUNNING).update(
        state=state, counts=counts, problems=problems, finished_at=timezone.now()
    )
    if not ended:
        raise Conflict(gettext("This run is finished or cancelled."))


def _metric(project: Project, wanted: Wanted) -> Metric:
    check = CHECKS[wanted.check]
    config = {"check": wanted.check, "options": wanted.options}
    low, high = check.scale or (None, None)
    metric, made = Metric.objects.get_or_create(
        project=project, key=wanted.metric,
        defaults={"source": Metric.Source.CODE, "kind": check.kind, "direction": check.direction, "config": config,
                  "scale_min": low, "scale_max": high},
    )  # fmt: skip
    if not made:
        _refuse_taken(metric, wanted)
    return metric


def _refuse_taken(metric: Metric | None, wanted: Wanted) -> None:
    config = {"check": wanted.check, "options": wanted.options}
    if metric is not None and {key: metric.config.get(key) for key in config} != config:
        raise ServiceError(
            gettext(
    "“%(metric)s” is a metric already, from a file or a check with other options. Give this "
    "check a name of its own."
) % {"metric": wanted.metric}, field=f"{wanted.check}.name",
        )  # fmt: skip


# --- carrying it out


def carry_out(batch: ImportBatch, progress: Progress | None = None) -> Outcome:
    """A worker's run: each part is written by itself, shortly, so that raters never wait for it. Raises Conflict when
    it was cancelled, ServiceError when the checks cannot be run."""
    wanted = [Wanted(**each) for each in batch.mapping["checks"]]
    outcome = Outcome()
    for part in _checked(batch.project, wanted, batch.mapping["systems"], outcome):
        with transaction.atomic():
            _write(part, {each.metric: _metric(batch.project, each) for each in wanted}, batch)
            counts = {"step": "Checking", "total": part.total, **outcome.to_dict()}
            rows = ImportBatch.objects.filter(pk=batch.pk, state=State.RUNNING)
            if not rows.update(progress=outcome.outputs, counts=counts):
                raise Conflict(gettext("These checks were cancelled."))
        if progress:
            progress("Checking", outcome.outputs, part.total)
    with transaction.atomic():
        settle()
        end(batch.pk, State.DONE, outcome.to_dict(), [])
    return outcome


def checks_run(
    *, project: Project, checks: Sequence[Wanted], systems: Sequence[int] = (), actor: Any = None,
    progress: Progress | None = None,
) -> Outcome:  # fmt: skip
    """All of it here and now: checked first, then written as a whole. A run that changes nothing leaves none behind."""
    for each in checks:
        _refuse_taken(Metric.objects.filter(project=project, key=each.metric).first(), each)
    outcome, parts = Outcome(), []
    for part in _checked(project, checks, systems, outcome):
        parts.append(part)
        if progress:
            progress("Checking", outcome.outputs, part.total)
    if any(part.made or part.changed for part in parts):
        with transaction.atomic():
            batch = checks_ask(project=project, checks=checks, systems=systems, actor=actor)
            metrics = {each.metric: _metric(project, each) for each in checks}
            for part in parts:
                _write(part, metrics, batch)
            end(batch.pk, State.DONE, outcome.to_dict(), [])
            point_of_no_return()
    return outcome


@dataclass(slots=True)
class _Part:
    """Some outputs, checked: scores by the key of their metric, not yet written."""

    total: int
    made: list[tuple[str, AutomatedScore]] = field(default_factory=list)
    changed: list[AutomatedScore] = field(default_factory=list)


_VALUE = ("number", "label", "passed", "judge", "explanation", "missing_reason", "details", "batch")


def _write(part: _Part, metrics: dict[str, Metric], batch: ImportBatch) -> None:
    for key, row in part.made:
        row.metric, row.batch = metrics[key], batch
    for row in part.changed:
        row.batch = batch
    AutomatedScore.objects.bulk_create([row for _, row in part.made], batch_size=PART)
    AutomatedScore.objects.bulk_update(part.changed, _VALUE, batch_size=PART)


def _checked(project: Project, wanted: Sequence[Wanted], systems: Sequence[int], outcome: Outcome) -> Iterator[_Part]:
    outputs = Output.objects.filter(item__project=project).filter(Q(has_text=True) | ~Q(error=""))
    if systems:
        outputs = outputs.filter(system_id__in=systems)
    total, last = outputs.count(), 0
    try:
        with Runner([(each.check, each.options) for each in wanted]) as runner:
            while rows := list(outputs.filter(pk__gt=last).order_by("pk").defer("raw")[:PART]):
                last = rows[-1].pk
                part = _Part(total)
                _check(rows, wanted, runner, outcome, part)
                outcome.outputs += len(rows)
                yield part
    except ChecksStopped as stopped:
        raise ServiceError(str(stopped)) from None


def _check(rows: list[Output], wanted: Sequence[Wanted], runner: Runner, outcome: Outcome, part: _Part) -> None:
    given = _given(rows)
    scores = AutomatedScore.objects.filter(output__in=rows, output_b=None, metric__key__in=[w.metric for w in wanted])
    known = {(row.metric.key, row.output_id): row for row in scores.select_related("metric")
             if row.key == _key(row.output_id or 0)}  # fmt: skip
    for output in rows:
        told, digest = given[output.pk]
        for number, each in enumerate(wanted):
            row = known.get((each.metric, output.pk))
            if row is not None and (row.judge, row.details.get("of")) == (each.judge, digest):
                outcome.unchanged += 1
                continue
            answer = runner(number, told) if told else {"missing": "The system failed, so there is no output to check."}
            if row is None:
                row = AutomatedScore(key=_key(output.pk), output=output)
                part.made.append((each.metric, row))
            else:
                part.changed.append(row)
            _fill(row, answer, each, digest)
            outcome.missing += bool(row.missing_reason)
            outcome.scores += not row.missing_reason


def _fill(row: AutomatedScore, answer: dict[str, Any], wanted: Wanted, digest: str) -> None:
    value = answer.get("value")
    row.missing_reason = str(answer.get("missing", ""))[:300]
    row.number = None if value is None else float(value)
    row.label = ("true" if value else "false") if isinstance(value, bool) else ""
    row.passed = value if isinstance(value, bool) else answer.get("passed")
    row.explanation, row.judge, row.details = answer.get("why", ""), wanted.judge, {"of": digest}


def _key(output: int) -> str:
    return _digest(["check", output])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _given(part: list[Output]) -> dict[int, tuple[Given | None, str]]:
    """What each check reads of an output, and the digest of all of it."""
    items = {row.pk: row for row in Item.objects.filter(pk__in={each.item_id for each in part})}
    references = dict(ItemRevision.objects.filter(item_id__in=items, current=True).values_list("item_id", "reference"))
    texts = {row.output_id: row for row in OutputRevision.objects.filter(output__in=part, current=True)}
    found: dict[int, tuple[Given | None, str]] = {}
    for output in part:
        revision, item = texts.get(output.pk), items[output.item_id]
        if revision is None or not output.has_text:
            found[output.pk] = (None, _digest(output.error))
            continue
        given = given_of(revision.text, revision.messages, references.get(item.pk, []), item.language, item.metadata)
        found[output.pk] = (given, _digest(asdict(given)))
    return found
