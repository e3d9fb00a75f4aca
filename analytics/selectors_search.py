"""Words looked for in everything a person may see: one list a kind, each cut short. What is asked is filtered by the
access policy before anything else, so that nothing of another project is counted, named or hinted at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from analytics.models import Report
from analytics.selectors_reports import with_headline
from annotation.models import Round
from projects.access import Action, visible_projects
from projects.item_filter import ItemFilter
from projects.models import Item, ItemRevision, Membership, Project, System
from projects.selectors import excerpt
from rubrics.models import Criterion, Rubric, RubricVersion

LISTED = 10  # of each kind
SHORTEST, LONGEST = 2, 200  # characters that are looked for


@dataclass(frozen=True, slots=True)
class Hit:
    name: str
    url: str
    project: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hits:
    title: str
    hits: list[Hit]
    more: bool = False  # there are others
    places: tuple[tuple[str, str], ...] = ()  # where all of them are listed: name of the project, address


def search(user: Any, words: str, within: Project | None = None) -> list[Hits]:
    """Kinds without a hit are left out. `within`: in that project only, which the person may see."""
    words = words.strip()
    if not SHORTEST <= len(words) <= LONGEST:
        return []
    seen = _narrowed(visible_projects(user), within)
    led = _narrowed(visible_projects(user, Action.PEOPLE), within)
    found = (
        _projects(seen, words),
        _rounds(seen, words),
        _reports(seen, words),
        _rubrics(seen, words),
        _systems(seen, words),
        _items(seen, words),
        _people(led, words),
    )
    return [each for each in found if each.hits]


def _narrowed(projects: QuerySet[Project], within: Project | None) -> QuerySet[Project]:
    return (projects if within is None else projects.filter(pk=within.pk)).order_by().distinct()


def _cut(title: str, rows: Iterable[Hit]) -> Hits:
    """Of one row more than are listed."""
    hits = list(rows)
    return Hits(title, hits[:LISTED], more=len(hits) > LISTED)


def _projects(seen: QuerySet[Project], words: str) -> Hits:
    rows = Project.objects.filter(pk__in=seen.values("pk"))
    rows = rows.filter(Q(name__icontains=words) | Q(description__icontains=words)).order_by("name", "pk")
    hits = (Hit(p.name, reverse("analytics:overview", args=[p.slug]), "", p.description) for p in rows[: LISTED + 1])
    return _cut(_("Projects"), hits)


def _rounds(seen: QuerySet[Project], words: str) -> Hits:
    rows = Round.objects.filter(project__in=seen.values("pk")).select_related("project")
    rows = rows.filter(Q(name__icontains=words) | Q(title__icontains=words)).order_by("-pk")
    hits = (
        Hit(r.name, reverse("annotation:round", args=[r.project.slug, r.slug]), r.project.name)
        for r in rows[: LISTED + 1]
    )
    return _cut(_("Rounds"), hits)


def _reports(seen: QuerySet[Project], words: str) -> Hits:
    rows = with_headline(Report.objects.filter(round__project__in=seen.values("pk")))
    rows = rows.filter(Q(headline__icontains=words) | Q(round__name__icontains=words)).order_by("-pk")
    hits = (
        Hit(
            _("%(round)s, report %(number)s") % {"round": r.round.name, "number": r.number},
            reverse("analytics:report", args=[r.round.project.slug, r.pk]),
            r.round.project.name,
            r.headline or "",
        )
        for r in rows.select_related("round__project")[: LISTED + 1]
    )
    return _cut(_("Reports"), hits)


def _rubrics(seen: QuerySet[Project], words: str) -> Hits:
    """By name, or by what a criterion of the newest version asks."""
    newest = Subquery(RubricVersion.objects.filter(rubric=OuterRef("pk")).order_by("-pk").values("pk")[:1])
    asking = Criterion.objects.filter(version=OuterRef("newest"), question__icontains=words)
    rows = Rubric.objects.filter(project__in=seen.values("pk")).select_related("project").annotate(newest=newest)
    rows = rows.filter(Q(name__icontains=words) | Exists(asking)).order_by("name", "pk")
    hits = (
        Hit(r.name, reverse("rubrics:versions", args=[r.project.slug, r.slug]), r.project.name)  # type: ignore[union-attr]
        for r in rows[: LISTED + 1]
    )
    return _cut(_("Rubrics"), hits)


def _systems(seen: QuerySet[Project], words: str) -> Hits:
    rows = System.objects.filter(project__in=seen.values("pk")).select_related("project")
    rows = rows.filter(Q(name__icontains=words) | Q(version__icontains=words)).order_by("name", "version", "pk")
    hits = (Hit(s.label, _listed(s.project, system=str(s.pk)), s.project.name) for s in rows[: LISTED + 1])
    return _cut(_("Systems"), hits)


def _items(seen: QuerySet[Project], words: str) -> Hits:
    """Those with the words in their id first, then those of whose conversation or answers they are part."""
    texts = Prefetch("revisions", queryset=ItemRevision.objects.filter(current=True).only("item_id", "messages"))
    rows = Item.objects.filter(project__in=seen.values("pk")).select_related("project").prefetch_related(texts)
    named = list(rows.filter(external_id__icontains=words).order_by("pk")[: LISTED + 1])
    said: list[Item] = []
    if len(named) <= LISTED:
        saying = ItemFilter(text=words).of(rows.exclude(pk__in=[each.pk for each in named]))
        said = list(saying.order_by("pk")[: LISTED + 1 - len(named)])
    shown = [*named, *said]
    found = _cut(_("Items"), map(_item, shown))
    ways = (*(("q", each) for each in named[:LISTED]), *(("text", each) for each in said))
    places = dict.fromkeys((each.project.name, _listed(each.project, **{way: words})) for way, each in ways)
    return Hits(found.title, found.hits, found.more, tuple(places) if found.more else ())


def _item(item: Item) -> Hit:
    asked = next((excerpt(revision.messages) for revision in item.revisions.all()), "")
    return Hit(item.external_id, reverse("projects:item", args=[item.project.slug, item.pk]), item.project.name, asked)


def _listed(project: Project, **asked: str) -> str:
    return f"{reverse('projects:items', args=[project.slug])}?{urlencode(asked)}"


def _people(led: QuerySet[Project], words: str) -> Hits:
    """Where the person manages people; elsewhere nobody is named."""
    rows = Membership.objects.filter(project__in=led.values("pk")).select_related("user", "project")
    rows = rows.filter(Q(user__name__icontains=words) | Q(user__email__icontains=words))
    hits = (
        Hit(m.user.get_full_name(), reverse("projects:people", args=[m.project.slug]), m.project.name, m.user.email)
        for m in rows.order_by("user__name", "user__email", "pk")[: LISTED + 1]
    )
    return _cut(_("People"), hits)
