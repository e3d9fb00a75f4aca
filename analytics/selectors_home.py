"""The start page: what waits for a person in all their projects, by what they may do in each; the rounds under way and
the newest reports of the projects whose systems they may see. The number of queries grows with nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from analytics.models import Report
from analytics.selectors_overview import judged_and_wanted
from analytics.selectors_reports import with_headline
from annotation.models import Disagreement, Flag, Round, Slot
from annotation.selectors import messages_for, rounds_for_rater
from projects import selectors
from projects.access import Action, allowed, role_given
from projects.models import Project
from projects.templatetags.numbers import number

ROUNDS = 50  # the newest rounds that are looked at
LISTED = 8  # of what waits, of rounds and of reports


@dataclass(frozen=True, slots=True)
class Waits:
    """Something the person can do now, said once."""

    icon: str
    link: str
    url: str
    text: str
    project: str = ""


@dataclass(frozen=True, slots=True)
class RoundLine:
    round: Round
    judged: int
    wanted: int

    @property
    def is_complete(self) -> bool:
        return 0 < self.wanted <= self.judged


@dataclass(frozen=True, slots=True)
class ReportLine:
    report: Report
    headline: str
    interim: bool


@dataclass(frozen=True)
class Home:
    projects: list[Project]
    waits: list[Waits] = field(default_factory=list)
    unlisted: int = 0  # more of what waits
    rounds: list[RoundLine] = field(default_factory=list)
    reports: list[ReportLine] = field(default_factory=list)


def home(user: Any) -> Home:
    projects = list(selectors.projects_home(user))
    roles = {project.pk: role_given(user, project.role) for project in projects}  # type: ignore[attr-defined]
    lines = _rounds(projects)
    waits = [*_sent_back(user), *_to_review(roles), *_to_run(lines, roles), *_to_rate(user)]
    under_way = [line for line in lines if line.round.state in Round.GOING]
    return Home(projects, waits[:LISTED], len(waits[LISTED:]), under_way[:LISTED], _reports(projects))


def _may(roles: dict[int, str | None], action: Action) -> list[int]:
    return [pk for pk, role in roles.items() if allowed(role, action)]


def _rounds(projects: list[Project]) -> list[RoundLine]:
    """The newest rounds, with the wanted judgments of those that are not closed; others are counted nowhere here."""
    reported = Exists(Report.objects.filter(round=OuterRef("pk")))
    rows = Round.objects.filter(project__in=projects).select_related("project").annotate(reported=reported)
    rounds = list(rows.filter(~Q(state=Round.State.CLOSED) | Q(reported=False)).order_by("-pk")[:ROUNDS])
    unfinished = [each.pk for each in rounds if each.state != Round.State.CLOSED]
    counts = judged_and_wanted(Slot.objects.filter(round__in=unfinished))
    return [RoundLine(each, *counts[each.pk]) for each in rounds]


def _sent_back(user: Any) -> Iterator[Waits]:
    sent_back, _ = messages_for(user)
    if sent_back:
        n = len(sent_back)
        link = ngettext("1 judgment of yours", "%(n)s judgments of yours", n) % {"n": number(n)}
        text = ngettext("was sent back to you with a question.", "were sent back to you with a question.", n)
        yield Waits("flag", link, reverse("annotation:home"), text)


def _to_rate(user: Any) -> Iterator[Waits]:
    """The person's own tasks. Titles of rounds are what raters see of them; names of projects are not said here."""
    for each in rounds_for_rater(user):
        if each.round.state == Round.State.OPEN and each.open_slots and each.fits and each.total > each.judged:
            text = gettext("has tasks for you: you have judged %(judged)s of at most %(total)s.")
            said = text % {"judged": number(each.judged), "total": number(each.total)}
            yield Waits("clock", each.round.title, reverse("annotation:rate", args=[each.round.public_id]), said)


def _to_review(roles: dict[int, str | None]) -> Iterator[Waits]:
    projects = _may(roles, Action.REVIEW)
    flagged = gettext("in “%(round)s”: a rater says that something is wrong with the task itself.")
    differing = gettext("between raters of “%(round)s” can be settled.")
    flags = Flag.objects.filter(resolved_at=None, assignment__seat__round__project__in=projects)
    yield from (
        Waits(
            "flag",
            ngettext("1 flagged task", "%(n)s flagged tasks", n) % {"n": number(n)},
            reverse("annotation:review", args=[found.project.slug, found.slug]),
            flagged % {"round": found.name},
            found.project.name,
        )
        for found, n in _by_round(flags, "assignment__seat__round")
    )
    standing = Disagreement.objects.filter(
        settled=False, generation=F("round__disagreement_order__generation"), round__project__in=projects
    )
    yield from (
        Waits(
            "info",
            ngettext("1 disagreement", "%(n)s disagreements", n) % {"n": number(n)},
            reverse("annotation:adjudication", args=[found.project.slug, found.slug]),
            differing % {"round": found.name},
            found.project.name,
        )
        for found, n in _by_round(standing, "round")
    )


def _by_round(rows: QuerySet[Any], path: str) -> list[tuple[Round, int]]:
    """Counted by round, the newest round first. Two queries."""
    counted = dict(rows.order_by().values_list(path).annotate(n=Count("pk")))
    rounds = Round.objects.filter(pk__in=counted).select_related("project").order_by("-pk")
    return [(each, counted[each.pk]) for each in rounds]


def _to_run(lines: list[RoundLine], roles: dict[int, str | None]) -> Iterator[Waits]:
    """What brings a round forward, from its last step to its first."""
    running, reporting = set(_may(roles, Action.RUN)), set(_may(roles, Action.REPORT))
    for line in lines:
        round, may_run = line.round, line.round.project_id in running
        if round.state == Round.State.CLOSED:
            if round.project_id in reporting:
                url = reverse("analytics:reports", args=[round.project.slug])
                yield Waits("file", round.name, url, gettext("is closed and has no report yet."), round.project.name)
        elif may_run and (text := _what_is_next(line)):
            url = reverse("annotation:round", args=[round.project.slug, round.slug])
            icon = "pause" if round.state == Round.State.PAUSED else "info"
            yield Waits(icon, round.name, url, text, round.project.name)


def _what_is_next(line: RoundLine) -> str:
    figures = {"judged": number(line.judged), "wanted": number(line.wanted)}
    if line.round.state == Round.State.DRAFT:
        return gettext("is planned. Raters get tasks once it is open.")
    if line.is_complete:
        return gettext("has all its %(wanted)s judgments. Closing makes its figures final.") % figures
    if line.round.state == Round.State.PAUSED:
        return gettext("is paused with %(judged)s of %(wanted)s judgments.") % figures
    return ""


def _reports(projects: list[Project]) -> list[ReportLine]:
    rows = with_headline(Report.objects.filter(round__project__in=projects).select_related("round__project"))
    return [ReportLine(row, row.headline or "", bool(row.interim)) for row in rows.order_by("-pk")[:LISTED]]
