"""The state of a project on one page: five steps, one next action, rounds, and what needs a look.

Everything here is counted from rows in a number of queries that does not grow with the project."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from analytics.models import Report
from annotation.models import Assignment, Flag, Round, Seat, Slot, Task
from projects.access import Action
from projects.models import Item, Metric, Output, Project, System
from projects.selectors import MetricRow, metric_rows
from projects.templatetags.numbers import number, times
from rubrics.models import RubricVersion


@dataclass(frozen=True)
class RoundRow:
    round: Round
    tasks: int
    judged: int  # wanted judgments that were made
    wanted: int
    imported: int  # judgments from files: they hold no slot
    raters: int
    flags: int

    @property
    def is_complete(self) -> bool:
        return self.judged >= self.wanted and self.judged + self.imported > 0


@dataclass(frozen=True)
class Counts:
    items: int
    systems: int
    outputs: int
    version: RubricVersion | None  # the newest published one
    draft: RubricVersion | None
    rounds: list[RoundRow]
    report: Report | None
    reports: int
    reported: frozenset[int]  # rounds that have a report


@dataclass(frozen=True)
class Step:
    name: str
    url: str
    text: str
    done: bool
    current: bool = False


@dataclass(frozen=True)
class Next:
    title: str
    text: str
    label: str
    url: str
    action: Action


@dataclass(frozen=True)
class Look:
    icon: str
    link: str
    url: str
    text: str


@dataclass(frozen=True)
class Overview:
    steps: list[Step]
    next: Next
    rounds: list[RoundRow]
    looks: list[Look] = field(default_factory=list)


def overview(project: Project) -> Overview:
    counts = counts_of(project)
    following = next_action(project, counts)
    return Overview(
        steps=steps(project, counts),
        next=following,
        rounds=counts.rounds,
        looks=needs_a_look(project, counts, metric_rows(project)),
    )


def counts_of(project: Project) -> Counts:
    versions = list(RubricVersion.objects.filter(rubric__project=project).select_related("rubric").order_by("-pk"))
    reports = list(
        Report.objects.filter(round__project=project).defer("body", "options").select_related("round").order_by("-pk")
    )
    published = (v for v in versions if v.status == RubricVersion.Status.PUBLISHED)
    return Counts(
        items=Item.objects.filter(project=project).count(),
        systems=System.objects.filter(project=project).count(),
        outputs=Output.objects.filter(item__project=project).count(),
        version=next(published, None),
        draft=next((v for v in versions if v.status == RubricVersion.Status.DRAFT), None),
        rounds=round_rows(project),
        report=reports[0] if reports else None,
        reports=len(reports),
        reported=frozenset(report.round_id for report in reports),
    )


def round_rows(project: Project) -> list[RoundRow]:
    rounds = Round.objects.filter(project=project).select_related("rubric_version__rubric").order_by("-pk")
    counts = judged_and_wanted(Slot.objects.filter(round__project=project))
    tasks = dict(_grouped(Task.objects.filter(round__project=project), "round_id"))
    seats = dict(_grouped(Seat.objects.filter(round__project=project, n_judged__gt=0), "round_id"))
    imported = Assignment.objects.filter(
        seat__round__project=project,
        purpose=Assignment.Purpose.IMPORTED,
        state=Assignment.State.JUDGED,
    )
    from_files = dict(_grouped(imported, "seat__round_id"))
    open_flags = Flag.objects.filter(assignment__seat__round__project=project, resolved_at=None)
    flags = dict(_grouped(open_flags, "assignment__seat__round_id"))
    return [
        RoundRow(
            round=row,
            tasks=tasks.get(row.pk, 0),
            judged=counts[row.pk][0],
            wanted=counts[row.pk][1],
            imported=from_files.get(row.pk, 0),
            raters=seats.get(row.pk, 0),
            flags=flags.get(row.pk, 0),
        )
        for row in rounds
    ]


def judged_and_wanted(slots: QuerySet[Slot]) -> defaultdict[int, tuple[int, int]]:
    """By round: how many wanted judgments were made, of how many. One query; nothing is 0 of 0."""
    counts: defaultdict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for round_id, state, n in _grouped(slots, "round_id", "state"):
        if state != Slot.State.WITHDRAWN:
            judged, wanted = counts[round_id]
            counts[round_id] = (judged + n if state == Slot.State.JUDGED else judged, wanted + n)
    return counts


def _grouped(rows: QuerySet[Any], *keys: str) -> list[Any]:
    return list(rows.order_by().values_list(*keys).annotate(n=Count("pk")))


# --- Five steps ------------------------------------------------------------------------------------
def steps(project: Project, counts: Counts) -> list[Step]:
    slug = [project.slug]
    started = [row for row in counts.rounds if row.round.state != Round.State.DRAFT]
    done = [
        counts.items > 0,
        counts.version is not None or bool(started),
        bool(started),
        # The newest round is the one the texts speak of.
        bool(started) and (started[0].is_complete or started[0].round.state == Round.State.CLOSED),
        counts.reports > 0,
    ]
    current = done.index(False) if False in done else len(done)
    rounds_url = reverse("annotation:rounds", args=slug)
    texts = [
        ("Import", reverse("projects:items", args=slug), _import_text(counts)),
        ("Rubric", reverse("rubrics:list", args=slug), _rubric_text(counts)),
        ("Round", rounds_url, _round_text(counts)),
        ("Rating", rounds_url, _rating_text(started)),
        ("Report", reverse("analytics:reports", args=slug), _report_text(counts, started)),
    ]
    return [Step(name, url, text, done[n], current=n == current) for n, (name, url, text) in enumerate(texts)]


def _import_text(counts: Counts) -> str:
    if not counts.items:
        return "Nothing yet: bring a file of prompts and answers"
    parts = [times(counts.items, "item,items"), times(counts.systems, "system,systems")]
    return ", ".join([*parts, times(counts.outputs, "output,outputs")])


def _rubric_text(counts: Counts) -> str:
    if counts.version is not None:
        return f"“{counts.version.rubric.name}”, version {counts.version.number}, is published"
    return "A draft waits to be published" if counts.draft else "The questions raters answer"


def _round_text(counts: Counts) -> str:
    if not counts.rounds:
        return "Who judges what, how often"
    newest = counts.rounds[0].round
    raters = times(newest.overlap, "rater,raters")
    return f"{newest.name}: {newest.get_mode_display().lower()}, {raters} each"


def _rating_text(started: list[RoundRow]) -> str:
    if not started:
        return "Starts when a round is open"
    newest = started[0]
    if not newest.wanted and newest.imported:
        return f"{times(newest.imported, 'judgment,judgments')} from files"
    share = f"{number(newest.judged)} of {times(newest.wanted, 'judgment,judgments')}"
    return f"{share}, {times(newest.raters, 'rater,raters')}"


def _report_text(counts: Counts, started: list[RoundRow]) -> str:
    if counts.report is not None:
        return f"{times(counts.reports, 'report,reports')}, the last on “{counts.report.round.name}”"
    if any(row.round.state != Round.State.CLOSED for row in started):
        return "Interim figures only until the round closes"
    return "Agreement, scores and what follows from them"


# --- One next action ---------------------------------------------------------------------------------
def next_action(project: Project, counts: Counts) -> Next:
    """The first thing that is missing on the way from a file to a report."""
    return _prepare(project, counts) or _run(project, counts) or _conclude(project, counts)


def _prepare(project: Project, counts: Counts) -> Next | None:
    slug = project.slug
    if not counts.items:
        text = "A file of prompts and the answers to them, such as a CSV or what your evaluation tool writes."
        return Next(
            "Import what is to be judged",
            text,
            "Import a file",
            reverse("projects:import", args=[slug]),
            Action.IMPORT,
        )
    if counts.rounds:
        return None
    if counts.version is None and counts.draft is not None:
        text = "Raters are only given a published version. Publishing freezes it, so that all answer the same."
        url = reverse("rubrics:edit", args=[slug, counts.draft.rubric.slug])
        return Next(f"Publish the rubric “{counts.draft.rubric.name}”", text, "Open the draft", url, Action.DESIGN)
    if counts.version is None:
        text = "Write the questions raters answer about each output."
        return Next("Make a rubric", text, "New rubric", reverse("rubrics:new", args=[slug]), Action.DESIGN)
    text = "Choose systems, items and how many raters judge each. A small pilot shows weak questions early."
    return Next("Plan a round", text, "New round", reverse("annotation:round_new", args=[slug]), Action.RUN)


def _run(project: Project, counts: Counts) -> Next | None:
    """What the newest unfinished round waits for."""
    unfinished = [row for row in counts.rounds if row.round.state != Round.State.CLOSED]
    if not unfinished:
        return None
    row = next((r for r in unfinished if r.round.state == Round.State.OPEN), unfinished[0])
    name, url = row.round.name, reverse("annotation:round", args=[project.slug, row.round.slug])
    progress = f"{number(row.judged)} of {times(row.wanted, 'judgment,judgments')} are made."
    if row.round.state == Round.State.DRAFT:
        return Next(f"Open “{name}”", "Raters get tasks once it is open.", "See the round", url, Action.RUN)
    if row.round.state == Round.State.PAUSED:
        return Next(f"Resume “{name}”", f"It is paused. {progress}", "See the round", url, Action.RUN)
    if row.is_complete:
        return Next(
            f"Close “{name}”",
            f"{progress} Closing makes its figures final.",
            "See the round",
            url,
            Action.RUN,
        )
    if not row.raters:
        text = "Nobody has judged yet. Members see the round on their own pages; invite more, or judge some yourself."
        return Next(
            f"“{name}” waits for its raters",
            text,
            "Invite people",
            reverse("projects:people", args=[project.slug]),
            Action.PEOPLE,
        )
    return Next(f"Rating of “{name}” goes on", progress, "See the round", url, Action.RUN)


def _conclude(project: Project, counts: Counts) -> Next:
    """There are rounds, and all of them are closed."""
    unreported = [row for row in counts.rounds if row.round.pk not in counts.reported]
    newest = counts.report
    if unreported or newest is None:
        title = f"Build the report on “{(unreported or counts.rounds)[0].round.name}”"
        url = reverse("analytics:reports", args=[project.slug])
        return Next(title, "The round is closed.", "Reports", url, Action.REPORT)
    url = reverse("analytics:report", args=[project.slug, newest.pk])
    title = f"Read the report on “{newest.round.name}”"
    return Next(title, "Every round is closed and reported.", "Open the report", url, Action.VIEW)


# --- Needs a look ---------------------------------------------------------------------------------
def needs_a_look(project: Project, counts: Counts, metrics: list[MetricRow]) -> list[Look]:
    looks = [
        Look(
            icon="flag",
            link=times(row.flags, "flagged task,flagged tasks"),
            url=reverse("annotation:round", args=[project.slug, row.round.slug]),
            text=f"in “{row.round.name}”: a rater says that something is wrong with the task itself.",
        )
        for row in counts.rounds
        if row.flags
    ]
    scores = reverse("projects:metrics", args=[project.slug])
    for row in metrics:
        if row.unscored:
            of = f"{number(row.unscored)} of {times(counts.outputs, 'output,outputs')}"
            looks.append(Look("info", row.metric.key, scores, f"is missing for {of}."))
    unknown = sum(row.metric.direction == Metric.Direction.UNKNOWN for row in metrics)
    if unknown:
        text = f"{'has' if unknown == 1 else 'have'} no direction yet: say whether higher is better."
        looks.append(Look("info", times(unknown, "metric,metrics"), scores, text))
    failed = Output.objects.filter(Q(item__project=project) & ~Q(error="")).count()
    if failed:
        text = "came with an error of the tool that made them. An error is never counted as a bad answer."
        url = reverse("projects:items", args=[project.slug])
        looks.append(Look("warn", times(failed, "output,outputs"), url, text))
    return looks
