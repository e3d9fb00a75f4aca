"""The second half of a plan: outputs, metrics and scores. See `import_plan`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from projects.importers.records import OutputRecord
from projects.models import AutomatedScore, Metric, Output, OutputRevision
from projects.services.import_plan import NewScores, Plan, chunks
from projects.services.import_rows import NewOutputRevision
from projects.services.import_scores import OutputKey, Shape, StagedScore, Table
from projects.services.import_stage import StagedOutput, score_key

_MEASURES = ("latency_ms", "ttft_ms", "tokens_in", "tokens_out", "cost", "currency")
_KIND_WORDS = {"number": "numbers", "bool": "yes or no", "label": "labels", "preference": "preferences"}


@dataclass(slots=True)
class _Revisions:
    digests: set[str] = field(default_factory=set)
    newest: int = 0
    current_pk: int | None = None
    redacted: bool = False


def plan_outputs(plan: Plan) -> None:
    new_items = {item.pk for item in plan.items}
    item_ids = [pk for item, pk in plan.item_ids.items() if pk not in new_items and item in plan.staged.items]
    item_keys = {plan.item_ids[item]: item for item in plan.staged.items}
    system_keys = {pk: key for key, pk in plan.system_ids.items()}
    for ids in chunks(item_ids):
        rows = Output.objects.filter(item_id__in=ids, system_id__in=system_keys.keys()).defer("raw")
        revisions = _revisions_of(ids)
        for row in rows:
            key = (item_keys[row.item_id], system_keys[row.system_id], row.repeat, row.variant)
            staged = plan.staged.outputs.get(key)
            if staged is not None:
                plan.output_ids[key] = row.pk
                _known_output(plan, key, row, staged, revisions.get(row.pk, _Revisions()))
    _new_outputs(plan)
    plan.counts["outputs"] = len(plan.staged.outputs)


def _revisions_of(item_ids: list[int]) -> dict[int, _Revisions]:
    found: dict[int, _Revisions] = {}
    query = OutputRevision.objects.filter(output__item_id__in=item_ids)
    for pk, output_id, number, current, kind, digest in query.values_list(
        "pk", "output_id", "revision", "current", "kind", "digest"
    ):
        known = found.setdefault(output_id, _Revisions())
        known.digests.add(digest)
        known.newest = max(known.newest, number)
        if current:
            known.current_pk, known.redacted = pk, kind == OutputRevision.Kind.REDACTION
    return found


def _known_output(plan: Plan, key: OutputKey, row: Output, staged: StagedOutput, revisions: _Revisions) -> None:
    record = staged.record
    new_text = bool(staged.digest) and staged.digest not in revisions.digests
    if new_text and revisions.redacted:
        where = f"item {key[0]}, system {key[1][0]}"
        plan.staged.skip(where, "This output was redacted in the project; its text was not brought back.")
        new_text = False
    if new_text:
        _add_output_revision(plan, row.pk, staged, revisions)
    changed = _take_measures(row, record, replace=new_text and revisions.newest > 0)
    if new_text:
        changed = changed or not row.has_text or row.error != record.error
        row.has_text, row.error = True, record.error
    elif record.error and not row.has_text and not row.error:
        row.error, changed = record.error, True
    if changed:
        plan.changed_outputs.append(row)
    if changed or new_text:
        plan.changed["outputs"] += 1


def _take_measures(row: Output, record: OutputRecord, *, replace: bool) -> bool:
    """Fill in latency, tokens and cost that the row lacks; with a new text, take the new ones."""
    changed = False
    for name in _MEASURES:
        new, old = getattr(record, name), getattr(row, name)
        if new in (None, "") or new == old or not (replace or old in (None, "")):
            continue
        setattr(row, name, new)
        changed = True
    return changed


def _add_output_revision(plan: Plan, output_id: int, staged: StagedOutput, earlier: _Revisions) -> None:
    if earlier.current_pk is not None:
        plan.retired_output_revisions.append(earlier.current_pk)
    changed = earlier.newest > 0
    plan.output_revisions.append(
        NewOutputRevision(
            output_id=output_id,
            revision=earlier.newest + 1,
            kind=OutputRevision.Kind.CORRECTION if changed else OutputRevision.Kind.IMPORT,
            text=staged.record.text or "",
            messages=staged.record.messages,
            digest=staged.digest,
            reason=f"Changed in {plan.staged.file_name}"[:500] if changed else "",
            batch_id=plan.batch.pk,
            created_by_id=plan.batch.created_by_id,
        )
    )


def _new_outputs(plan: Plan) -> None:
    plan.outputs = [key for key in plan.staged.outputs if key not in plan.output_ids]
    plan.new["outputs"] = len(plan.outputs)
    nothing = _Revisions()
    for key, pk in zip(plan.outputs, plan.keys_of(Output, len(plan.outputs)), strict=True):
        plan.output_ids[key] = pk
        staged = plan.staged.outputs[key]
        if staged.digest:
            _add_output_revision(plan, pk, staged, nothing)


def output_of(plan: Plan, key: OutputKey) -> dict[str, Any]:
    """The row of a new output, by column."""
    staged = plan.staged.outputs[key]
    record = staged.record
    return {
        "id": plan.output_ids[key],
        "item_id": plan.item_ids[key[0]],
        "system_id": plan.system_ids[key[1]],
        "repeat": record.repeat,
        "variant": record.variant,
        "has_text": bool(staged.digest),
        "error": record.error,
        "latency_ms": record.latency_ms,
        "ttft_ms": record.ttft_ms,
        "tokens_in": record.tokens_in,
        "tokens_out": record.tokens_out,
        "cost": record.cost,
        "currency": record.currency,
        "raw": record.raw,
        "batch_id": plan.batch.pk,
        "created_at": None,  # the moment of writing
    }


def plan_scores(plan: Plan) -> None:
    metrics = _metrics(plan)
    for name, table in plan.staged.scores.by_metric.items():
        metric, wanted = metrics[name], table
        if wrong := _of_another_kind(plan, metric, table):
            wanted = {key: staged for key, staged in table.items() if staged.shape not in wrong}
        _scores_of(plan, metric, wanted)
        for shape, count in Counter(staged.shape for staged in wanted.values()).items():
            plan.counts["judgments" if shape.human else "scores"] += count


def _of_another_kind(plan: Plan, metric: Metric, table: Table) -> set[Shape]:
    """What must be left out, which is said by kind."""
    found: Counter[Shape] = Counter(staged.shape for staged in table.values())
    wrong = [shape for shape in found if not shape.missing_reason and shape.kind != metric.kind]
    kinds: Counter[str] = Counter()
    for shape in wrong:
        kinds[shape.kind] += found[shape]
    for kind, count in kinds.items():
        plan.staged.skip(
            f"metric {metric.key}",
            f"{count:,} scores are {_KIND_WORDS[kind]}, but this metric's values are "
            f"{_KIND_WORDS[metric.kind]}. They were left out; give them a metric of their own.",
        )
    return set(wrong)


def _metrics(plan: Plan) -> dict[str, Metric]:
    known = {metric.key: metric for metric in Metric.objects.filter(project_id=plan.project.pk)}
    had = {key: _described(metric) for key, metric in known.items()}
    for name, shape, _ in plan.staged.scores.shapes():
        metric = known.get(name)
        if metric is None:
            metric = Metric(project_id=plan.project.pk, key=name, source=shape.source, kind="")
            known[name] = metric
            plan.metrics.append(metric)
        if not metric.kind and not shape.missing_reason:
            metric.kind = shape.kind
        _describe(metric, shape)
    for metric in plan.metrics:
        metric.kind = metric.kind or Metric.Kind.NUMBER
    plan.reserve(plan.metrics)
    plan.changed_metrics = [known[key] for key, described in had.items() if _described(known[key]) != described]
    return known


def _described(metric: Metric) -> tuple[float | None, float | None, float | None, str]:
    return metric.scale_min, metric.scale_max, metric.threshold, metric.direction


def _describe(metric: Metric, record: Shape) -> None:
    """Scale, threshold and direction from the first record that tells them."""
    if (
        metric.scale_min is None
        and metric.scale_max is None
        and (record.minimum is None or record.maximum is None or record.minimum < record.maximum)
    ):
        metric.scale_min, metric.scale_max = record.minimum, record.maximum
    if metric.threshold is None:
        metric.threshold = record.threshold
    if metric.direction == Metric.Direction.UNKNOWN:
        metric.direction = record.direction


def _scores_of(plan: Plan, metric: Metric, wanted: Table) -> None:
    known: set[Hashable] = set()
    if metric.pk and metric not in plan.metrics:
        for identities in chunks(wanted):
            stored = {score_key(wanted[identity]): identity for identity in identities}
            for row in AutomatedScore.objects.filter(metric_id=metric.pk, key__in=stored):
                known.add(identity := stored[row.key])
                _known_score(plan, row, wanted[identity])
    new = [key for key in wanted if key not in known] if known else list(wanted)
    if new:
        plan.scores.append(NewScores(metric, new, wanted))
    human = sum(wanted[key].shape.human for key in new)
    plan.new["judgments"] += human
    plan.new["scores"] += len(new) - human


def _known_score(plan: Plan, row: AutomatedScore, staged: StagedScore) -> None:
    """Another value replaces the one there; a missing one never erases it."""
    shape = staged.shape
    if shape.missing_reason or (row.number, row.label) == staged.value:
        return
    row.number, row.label, row.passed = staged.number, shape.label, shape.passed
    row.explanation, row.missing_reason, row.details = staged.explanation, "", staged.details
    row.batch_id = plan.batch.pk
    plan.changed_scores.append(row)
    plan.changed["judgments" if shape.human else "scores"] += 1


def score_of(plan: Plan, metric: Metric, staged: StagedScore, pk: int) -> dict[str, Any]:
    """The row of a new score, by column: a model for each would take longer than all the rest."""
    shape = staged.shape
    run_level = staged.target is None and shape.system is not None
    return {
        "id": pk,
        "metric_id": metric.pk,
        "key": score_key(staged),
        "output_id": plan.output_ids[staged.target] if staged.target else None,
        "output_b_id": plan.output_ids[staged.target_b] if staged.target_b else None,
        "system_id": plan.system_ids[shape.system] if run_level and shape.system else None,
        "turn": shape.turn,
        "position": shape.position,
        "number": staged.number,
        "label": shape.label,
        "passed": shape.passed,
        "judge": shape.judge,
        "explanation": staged.explanation,
        "missing_reason": shape.missing_reason,
        "details": staged.details,
        "batch_id": plan.batch.pk,
    }
