"""Where imported ratings belong: the items, outputs, tasks and seats they name, made where missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Max

from annotation.models import Round, RoundItem, RoundSystem, Seat, Task, TaskOutput
from annotation.services.imported_rows import RaterKey, RatingRow
from annotation.services.imported_store import chunks, insert
from annotation.task_keys import pair_key, task_key
from projects.errors import ServiceError
from projects.importers.limits import MAX_VERSION_CHARS
from projects.models import ImportBatch, Item, Output, Rater, System
from projects.services.people import pseudonym_for


@dataclass(slots=True)
class Places:
    """What the rows' names stand for. `made` counts what was not there before."""

    systems: dict[str, System] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    outputs: dict[tuple[int, int], int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    seats: dict[RaterKey, int] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)

    def outputs_of(self, row: RatingRow) -> list[int]:
        """The outputs the row names, `systems.a` first."""
        item = self.items[row.item]
        return [self.outputs[item, self.systems[name].pk] for name in row.systems if name]


def find_places(round: Round, rows: list[RatingRow], batch: Callable[[], ImportBatch]) -> Places:
    """Inside the caller's transaction, which holds the round's row: two imports never make one thing twice.

    `batch` gives the record of this import, and is only asked when something must be made."""
    places = Places()
    _systems(round, rows, places)
    _items(round, rows, places, batch)
    _outputs(rows, places, batch)
    _tasks(round, rows, places)
    _seats(round, rows, places)
    return places


def _systems(round: Round, rows: list[RatingRow], places: Places) -> None:
    known = list(System.objects.filter(project_id=round.project_id).order_by("id"))
    in_round = set(round.round_systems.values_list("system_id", flat=True))
    names = dict.fromkeys(name for row in rows for name in row.systems if name)
    for name in names:
        found = _system(name, known, in_round)
        if found is None:
            found = _new_system(round.project_id, name)
            known.append(found)
            places.made["systems"] = places.made.get("systems", 0) + 1
        places.systems[name] = found
    for row in rows:
        named = [places.systems[name] for name in row.systems]
        if twice := next((name for n, name in enumerate(row.systems) if named[n] in named[:n]), ""):
            other = row.systems[named.index(places.systems[twice])]
            raise ServiceError(f"Row {row.row}: “{other}” and “{twice}” are one system; different ones are compared.")
    new = {s.pk for s in places.systems.values()} - in_round
    insert([RoundSystem(round=round, system_id=pk) for pk in sorted(new)])


def _system(name: str, known: list[System], in_round: set[int]) -> System | None:
    """`name@version`, or a bare name where it is unique: in the round first, then in the project."""
    exact = [s for s in known if s.label == name]
    if exact:
        return exact[0]
    versions = [s for s in known if s.name == name]
    chosen = [s for s in versions if s.pk in in_round] or versions
    if len(chosen) > 1:
        labels = ", ".join(s.label for s in chosen)
        raise ServiceError(f"The system “{name}” has several versions. Write one of: {labels}.")
    return chosen[0] if chosen else None


def _new_system(project_id: int, name: str) -> System:
    base, _, version = name.rpartition("@")
    if not base or len(version) > MAX_VERSION_CHARS:
        base, version = name, ""
    return System.objects.create(project_id=project_id, name=base, version=version)


def _items(round: Round, rows: list[RatingRow], places: Places, batch: Callable[[], ImportBatch]) -> None:
    names = list(dict.fromkeys(row.item for row in rows))
    for part in chunks(names):
        found = Item.objects.filter(project_id=round.project_id, external_id__in=part)
        places.items.update(found.values_list("external_id", "id"))
    missing = [name for name in names if name not in places.items]
    made = insert([Item(project_id=round.project_id, external_id=n, cluster=n, batch=batch()) for n in missing])
    places.items.update({item.external_id: item.pk for item in made})
    places.made["items"] = len(made)
    drawn = set(round.round_items.values_list("item_id", flat=True))
    insert([RoundItem(round=round, item_id=pk) for pk in places.items.values() if pk not in drawn])


def _outputs(rows: list[RatingRow], places: Places, batch: Callable[[], ImportBatch]) -> None:
    """The plain output (no repeat, no variant) of each system to each item."""
    wanted = dict.fromkeys(
        (places.items[row.item], places.systems[name].pk) for row in rows for name in row.systems if name
    )
    for part in chunks(dict.fromkeys(item for item, _ in wanted)):
        found = Output.objects.filter(item_id__in=part, repeat=0, variant="")
        for item, system, output in found.values_list("item_id", "system_id", "id"):
            if (item, system) in wanted:
                places.outputs[item, system] = output
    made = insert(
        [
            Output(item_id=item, system_id=system, has_text=False, batch=batch())
            for item, system in wanted
            if (item, system) not in places.outputs
        ]
    )
    places.outputs.update({(o.item_id, o.system_id): o.pk for o in made})
    places.made["outputs"] = len(made)


def _tasks(round: Round, rows: list[RatingRow], places: Places) -> None:
    """Tasks without slots: what is imported wants no further judgment."""
    wanted: dict[str, RatingRow] = {}
    for row in rows:
        wanted.setdefault(task_key(places.outputs_of(row)), row)
    for part in chunks(wanted):
        places.tasks.update(Task.objects.filter(round=round, key__in=part).values_list("key", "id"))
    start = round.tasks.aggregate(last=Max("ordinal"))["last"] or 0
    made = insert(
        [
            Task(
                round=round,
                item_id=places.items[row.item],
                key=key,
                pair=pair_key(places.systems[name].pk for name in row.systems if name),
                ordinal=start + n,
            )
            for n, (key, row) in enumerate(((k, r) for k, r in wanted.items() if k not in places.tasks), start=1)
        ]
    )
    insert(
        [
            TaskOutput(task=task, position=position, output_id=output)
            for task in made
            for position, output in enumerate(sorted(places.outputs_of(wanted[task.key])))
        ]
    )
    places.tasks.update({task.key: task.pk for task in made})
    places.made["tasks"] = len(made)


def _seats(round: Round, rows: list[RatingRow], places: Places) -> None:
    groups = _groups(rows)
    raters = _raters(round, list(dict.fromkeys(row.rater for row in rows)), places)
    seated: dict[int, int] = {}
    for part in chunks(raters.values()):
        seated.update(Seat.objects.filter(round=round, rater_id__in=part).values_list("rater_id", "id"))
    # A seat made for a file is closed: its rater was not invited to judge here.
    missing = {rater: groups[key] for key, rater in raters.items() if rater not in seated}
    made = insert(
        [Seat(round=round, rater_id=pk, state=Seat.State.CLOSED, group=group) for pk, group in missing.items()]
    )
    seated.update({seat.rater_id: seat.pk for seat in made})
    places.seats = {key: seated[rater] for key, rater in raters.items()}


def _groups(rows: list[RatingRow]) -> dict[RaterKey, str]:
    groups: dict[RaterKey, set[str]] = defaultdict(set)
    for row in rows:
        groups[row.rater].add(row.group)
    for key, found in groups.items():
        named = sorted(found - {""})
        if key.name and len(named) > 1:
            raise ServiceError(
                f"The rater “{key.name}” stands in two groups, {named[0]} and {named[1]}; accepted: one."
            )
    return {key: max(found) if len(found - {""}) <= 1 else "" for key, found in groups.items()}


def _raters(round: Round, keys: list[RaterKey], places: Places) -> dict[RaterKey, int]:
    """A file's rater is a pseudonym of the project, or a name; a name is kept as external id only."""
    project = round.project
    pseudonyms = {key: key.name or f"unknown-{key.unknown}" for key in keys}
    found: dict[RaterKey, int] = {}
    for part in chunks(keys):
        known = Rater.objects.filter(project=project, pseudonym__in=[pseudonyms[k] for k in part])
        by_pseudonym = {(p, k): pk for p, k, pk in known.values_list("pseudonym", "identity_known", "id")}
        named = Rater.objects.filter(project=project, external_id__in=[k.name for k in part if k.name])
        by_name = dict(named.values_list("external_id", "id"))
        for key in part:
            pk = by_pseudonym.get((pseudonyms[key], bool(key.name))) or by_name.get(key.name)
            if pk is not None:
                found[key] = pk
    made = {
        key: Rater(
            project=project,
            external_id=key.name or None,
            pseudonym=pseudonym_for(project, f"file:{key.name}") if key.name else pseudonyms[key],
            identity_known=bool(key.name),
        )
        for key in keys
        if key not in found
    }
    insert(list(made.values()))
    found.update({key: rater.pk for key, rater in made.items()})
    places.made["raters"] = len(made)
    return found
