"""Who may judge what in a round: its lanes, what each seat may take of them, and what a project's people can do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext

from annotation.lanes import Asked, Lane, Requirements, eligibility, lanes_for, numbers
from annotation.models import Round, Seat, Slot
from projects import audit
from projects.abilities import languages_of, qualifications_of
from projects.access import Action, roles_with
from projects.models import Item, ItemTag, Membership, Project

SETTLED = ["group", "eligibility", "looked"]  # of a seat: what `settle_seat` works out


def requirements_of(row: Round) -> Requirements:
    kept = dict(row.options.get("requirements", {}))
    kept["groups"] = tuple((name, n) for name, n in kept.get("groups", ()))
    return Requirements(**kept)


def lanes_of(row: Round) -> list[Lane]:
    """As they were numbered when the round opened and grew."""
    return [Lane(Asked(language, tuple(needed)), n) for language, needed, n in row.options.get("lanes", ())]


def lanes_kept(lanes: Iterable[Lane]) -> list[list[Any]]:
    return [[lane.asked.language, list(lane.asked.qualifications), lane.tasks] for lane in lanes]


def asked_of(row: Round, items: Sequence[int]) -> dict[int, Asked]:
    """What each of these items asks of a rater in this round."""
    wants = requirements_of(row)
    if not (wants.language or wants.tags):
        return dict.fromkeys(items, Asked())
    tags: dict[int, list[str]] = defaultdict(list)
    languages: dict[int, str] = {}
    for start in range(0, len(items), 2000):
        part = items[start : start + 2000]
        languages |= dict(Item.objects.filter(pk__in=part).values_list("id", "language"))
        for item, tag in ItemTag.objects.filter(item__in=part, tag__in=list(wants.tags)).values_list("item_id", "tag"):
            tags[item].append(tag)
    return {item: wants.of_item(languages[item], tags[item]) for item in items}


def lanes_with(lanes: Sequence[Lane], asked: Iterable[Asked]) -> list[Lane]:
    """These lanes and those that such tasks add, which get the next numbers. Number 0 asks nothing."""
    counts = Counter(asked)
    known = list(lanes) or [Lane(Asked(), 0)]
    grown = [Lane(lane.asked, lane.tasks + counts.pop(lane.asked, 0)) for lane in known]
    new = sorted(counts.items(), key=lambda item: (item[0].language, item[0].qualifications))
    return grown + [Lane(each, n) for each, n in new]


def settle_seat(seat: Seat, row: Round, membership: Membership | None) -> None:
    """What this seat may take, by what its rater can do now. Not saved."""
    can: tuple[list[str], list[str]] = (membership.qualifications, membership.languages) if membership else ([], [])
    mine = {"mine": seat.eligibility["mine"]} if "mine" in seat.eligibility else {}
    seat.group, found = eligibility(requirements_of(row), lanes_of(row), row.overlap, *can, group=seat.group)
    seat.eligibility = found | mine
    seat.looked = None  # there may be more now


def may_take(row: Round, membership: Membership | None) -> bool:
    """Whether anything in the round is for this person, before they have sat down in it."""
    seat = Seat(round=row)
    settle_seat(seat, row, membership)
    return bool(lanes_for(seat.eligibility, 0))


def groups_open_to(seat: Seat) -> list[str]:
    """The groups of the round to which this rater belongs."""
    member = Membership.objects.filter(project_id=seat.round.project_id, user=seat.rater.user_id).first()
    names = [name for name, _ in requirements_of(seat.round).groups]
    return [name for name in names if member is not None and name in member.qualifications]


def seats_settle(row: Round) -> None:
    """Of all raters of the round: it grew. The round's row must be locked, so that no claim is under way."""
    if not requirements_of(row).any:
        return
    members: dict[int | None, Membership] = {m.user_id: m for m in Membership.objects.filter(project_id=row.project_id)}
    seats = list(row.seats.filter(rater__user__isnull=False).select_related("rater"))
    for seat in seats:
        settle_seat(seat, row, members.get(seat.rater.user_id))
    Seat.objects.bulk_update(seats, SETTLED, batch_size=500)


# --- What people can do -----------------------------------------------------------------------------------------


@transaction.atomic
def member_qualify(
    *, membership: Membership, qualifications: Sequence[str], languages: Sequence[str], actor: Any
) -> Membership:
    """Note what a person may judge; it counts from their next task on.

    The rounds are locked first, as whoever works out the seats of a round locks it: one of the two then sees what the
    other wrote."""
    list(Round.objects.select_for_update().filter(project=membership.project).order_by("pk").values_list("pk"))
    membership.qualifications = qualifications_of(qualifications)
    membership.languages = languages_of(languages)
    membership.save(update_fields=["qualifications", "languages"])
    seats = Seat.objects.select_for_update(of=("self",)).filter(
        round__project=membership.project, rater__user=membership.user
    )
    for seat in seats.select_related("round").order_by("pk"):
        settle_seat(seat, seat.round, membership)
        seat.save(update_fields=SETTLED)
    audit.record(
        project=membership.project,
        actor=actor,
        verb="member.qualify",
        target=f"user:{membership.user_id}",
        payload={"qualifications": membership.qualifications, "languages": membership.languages},
    )
    return membership


# --- What is missing --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GroupProgress:
    """How far the judgments of a group are, and how many people can make them. The name is empty for anybody."""

    name: str
    wanted: int
    judged: int
    leased: int
    people: int

    @property
    def left(self) -> int:
        return self.wanted - self.judged


def groups_progress(row: Round) -> list[GroupProgress]:
    """By group, in the order of the round, those for anybody last; nothing where the round has no groups."""
    wants = requirements_of(row)
    if not wants.groups:
        return []
    counts: dict[int, Counter[int]] = defaultdict(Counter)
    rows = row.slots.exclude(state=Slot.State.WITHDRAWN).values_list("group", "state").annotate(n=Count("id"))
    for lane, state, n in rows.values_list("group", "state", "n"):
        counts[numbers(lane)[0]][state] += n
    people = _people(row.project)
    found = []
    for g, name in [*enumerate((name for name, _ in wants.groups), start=1), (0, "")]:
        count = counts[g]
        if count or name:
            able = sum(not name or name in m.qualifications for m in people)
            found.append(
                GroupProgress(name, sum(count.values()), count[Slot.State.JUDGED], count[Slot.State.LEASED], able)
            )
    return found


def shortages(row: Round, lanes: Sequence[Lane]) -> list[str]:
    """Sentences about judgments that the project's people cannot make."""
    wants = requirements_of(row)
    if not wants.any:
        return []
    people = [m for m in _people(row.project) if not wants.qualification or wants.qualification in m.qualifications]
    if not people:
        return (
            [
                gettext("Nobody in the project has the qualification “%(name)s” that the round asks for.")
                % {"name": wants.qualification}
            ]
            if (wants.qualification)
            else []
        )
    found = []
    for name, n in wants.groups:
        able = sum(name in m.qualifications for m in people)
        if able < n:
            found.append(
                gettext(
                    "Each task wants %(n)s of the group “%(name)s”, and the project has %(able)s: "
                    "the round cannot finish until %(more)s more join."
                )
                % {"n": n, "name": name, "able": able, "more": n - able}
            )
    for lane in lanes:
        able = sum(lane.asked.allows(m.qualifications, m.languages) for m in people)
        if lane.tasks and able < row.overlap and lane.asked != Asked():
            found.append(
                gettext(
                    "%(tasks)s tasks ask for %(asked)s, and %(able)s can judge them; each wants %(overlap)s raters."
                )
                % {"tasks": f"{lane.tasks:,}", "asked": in_words(lane.asked), "able": able, "overlap": row.overlap}
            )
    return found


def in_words(asked: Asked) -> str:
    parts = [gettext("the language %(code)s") % {"code": asked.language}] if asked.language else []
    parts += [gettext("the qualification “%(name)s”") % {"name": name} for name in asked.qualifications]
    return f" {gettext('and')} ".join(parts)


def people_for(row: Round) -> list[Membership]:
    """Who can take part in the round."""
    needed = requirements_of(row).qualification
    return [m for m in _people(row.project) if not needed or needed in m.qualifications]


def _people(project: Project) -> list[Membership]:
    return list(Membership.objects.filter(project=project, role__in=roles_with(Action.RATE)))
