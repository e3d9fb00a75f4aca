"""What a round asks for, in plain numbers: before it opens what it would make, after that what it made. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext

from annotation.lanes import Lane
from annotation.models import Round, Task
from annotation.services.draw_facts import DrawFacts, draw_facts
from annotation.services.eligibility import asked_of, lanes_of, lanes_with, people_for, shortages
from annotation.services.pair_facts import PairFacts, pair_facts
from annotation.services.round_tasks import sample_of, wanted_tasks
from projects.errors import ServiceError
from projects.templatetags.numbers import number


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round would ask for, in plain numbers."""

    items: int
    tasks: int
    judgments: int
    hours: float
    raters: int
    warnings: tuple[str, ...]
    draw: DrawFacts
    pairs: PairFacts | None = None


def round_plan(row: Round) -> Plan:
    """What opening would make, or what it made: read only. A round that was opened is counted where it is stored."""
    return _plan_of_draft(row) if row.state == Round.State.DRAFT else _plan_as_made(row)


def _plan_of_draft(row: Round) -> Plan:
    facts, warnings = _planned_draw(row)
    kinds = dict(row.tasks.values_list("key", "kind"))
    made = wanted_tasks(row, facts.items)
    wanted = {key for key, *_ in made} | set(kinds)
    wanted -= {key for key, kind in kinds.items() if kind != Task.Kind.NORMAL}
    met = Counter(pair for key, _, pair, _ in made if key in wanted)
    return _plan(row, facts, len(wanted), Task.Kind.GOLD in kinds.values(), met, _planned_lanes(row, made), warnings)


def _plan_as_made(row: Round) -> Plan:
    normal = row.tasks.filter(kind=Task.Kind.NORMAL).order_by()
    if row.mode == Round.Mode.SCORE:
        tasks, met = normal.count(), {}
    else:
        met = dict(normal.values_list("pair").annotate(n=Count("id")))
        tasks = sum(met.values())
    has_gold = row.tasks.filter(kind=Task.Kind.GOLD).exists()
    return _plan(row, draw_facts(row), tasks, has_gold, met, lanes_of(row), [])


def _plan(
    row: Round,
    facts: DrawFacts,
    tasks: int,
    has_gold: bool,
    met: Mapping[str, int],
    lanes: Sequence[Lane],
    warnings: list[str],
) -> Plan:
    judgments = tasks * row.overlap
    pairs = pair_facts(row, met) if row.mode != Round.Mode.SCORE else None
    raters = len(people_for(row))
    if not tasks and not warnings:
        warnings.append(gettext("No item has outputs of the chosen systems, so there is nothing to judge."))
    if raters < row.overlap:
        warnings.append(
            gettext(
                "Each task wants %(overlap)s raters, and the project has %(raters)s: "
                "the round cannot finish until %(more)s more join."
            )
            % {"overlap": row.overlap, "raters": raters, "more": row.overlap - raters}
        )
    if pairs is not None and len(pairs.parts) > 1:
        warnings.append(
            gettext(
                "Not every system can be set against every other: nothing connects %(parts)s. "
                "Judge more of them together, or add items that these systems answered."
            )
            % {"parts": f" {gettext('with')} ".join(pairs.parts)}
        )
    if row.gold_rate and not has_gold:
        warnings.append(gettext("Gold tasks are asked for, and the round has none: see `import_gold`."))
    if row.strategy == "stratified" and not sample_of(row).strata:
        warnings.append(
            gettext(
                "The order is stratified, and the round names no strata, so it is the balanced one: "
                "say what the strata of the items are."
            )
        )
    warnings += shortages(row, lanes)
    if row.cap_per_rater and raters * row.cap_per_rater < judgments:
        warnings.append(
            gettext("%(raters)s raters with at most %(cap)s tasks each give %(n)s of %(total)s judgments.")
            % {
                "raters": raters,
                "cap": row.cap_per_rater,
                "n": number(raters * row.cap_per_rater),
                "total": number(judgments),
            }
        )
    return Plan(
        items=facts.drawn,
        tasks=tasks,
        judgments=judgments,
        hours=judgments * row.planned_seconds / 3600,
        raters=raters,
        warnings=tuple(warnings),
        draw=facts,
        pairs=pairs,
    )


def _planned_lanes(row: Round, made: Sequence[tuple[str, int, str, list[int]]]) -> list[Lane]:
    asked = asked_of(row, sorted({item for _, item, *_ in made}))
    return lanes_with([], [asked[item] for _, item, *_ in made])


def _planned_draw(row: Round) -> tuple[DrawFacts, list[str]]:
    """The items that a round judges, or would; and why they cannot be drawn as things stand."""
    try:
        return draw_facts(row), []
    except ServiceError as error:
        return DrawFacts(), [error.message]
