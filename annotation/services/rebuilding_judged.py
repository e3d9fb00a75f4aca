"""Who judged what, from an export: seats, assignments, judgments with their ratings and words, and final answers."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any, TypeVar

from django.utils import timezone

from annotation.exporters.reading import Cells, Export, json_of
from annotation.models import (
    Adjudication,
    Assignment,
    FreeText,
    Judgment,
    RaterExclusion,
    Rating,
    Round,
    Seat,
    Slot,
    Task,
)
from annotation.services.imported_store import insert
from projects.errors import ServiceError
from projects.importers.records import place
from projects.models import Rater

T = TypeVar("T")
Person = tuple[str, bool]  # pseudonym, and whether it is one person's
REASON = "Left out of figures where the export was made."
BATCH = 100


def named(known: dict[str, T], table: str, row: int, column: str, name: str) -> T:
    """What a name in an export stands for. Raises ServiceError with its place."""
    if name not in known:
        raise ServiceError(f"{place(table, row, column)}: “{name}” is nothing that this export has.")
    return known[name]


def item_key(round: Round, task: Task) -> int:
    return task.item_id if round.one_task_per_item else task.pk


class Judged:
    def __init__(
        self,
        export: Export,
        round: Round,
        tasks: dict[str, Task],
        slots: dict[int, list[Slot]],
        criteria: dict[str, int],
        ratings: list[list[Cells]],
    ) -> None:
        self.export, self.round, self.tasks, self.slots = export, round, tasks, slots
        self.criteria, self.ratings = criteria, ratings
        self.now = timezone.now()
        self.seats: dict[Person, Seat] = {}
        self.keys: set[tuple[int, int, int]] = set()

    def run(self) -> None:
        self._seats()
        self._judgments()
        self._finals()

    def _seats(self) -> None:
        """A seat made for a file is closed: nobody here sits on it."""
        rows: dict[Person, list[Cells]] = defaultdict(list)
        for row in self.export["judgments"]:
            rows[_person(row)].append(row)
        here = Rater.objects.filter(project=self.round.project)
        raters = {(rater.pseudonym, rater.identity_known): rater for rater in here}
        fresh = {
            person: Rater(project=self.round.project, pseudonym=person[0], identity_known=person[1])
            for person in rows
            if person not in raters
        }
        insert(list(fresh.values()))
        raters.update(fresh)
        for person, own in rows.items():
            self.seats[person] = Seat(
                round=self.round,
                rater=raters[person],
                state=Seat.State.CLOSED,
                group=own[0]["group"],
                n_assigned=len(own),
                n_judged=len(own),
            )
        insert(list(self.seats.values()))
        left_out = [seat for person, seat in self.seats.items() if rows[person][0]["excluded"]]
        RaterExclusion.objects.bulk_create([RaterExclusion(seat=seat, reason=REASON) for seat in left_out])

    # --- judgments -----------------------------------------------------------------------------------

    def _judgments(self) -> None:
        assignments: list[Assignment] = []
        judgments: list[Judgment] = []
        taken: list[Slot] = []
        for number, row in enumerate(self.export["judgments"], start=2):
            task = named(self.tasks, "judgments", number, "task", row["task"])
            assignment = self._assignment(row, task, self.seats[_person(row)])
            if assignment.purpose == Assignment.Purpose.NORMAL:
                assignment.slot = self._slot(task, assignment.seat)
                taken.append(assignment.slot)
            assignments.append(assignment)
            judgments.append(self._judgment(row, assignment))
        insert(assignments)
        for assignment in assignments:
            if assignment.slot is not None:
                assignment.slot.holder = assignment.pk
        Slot.objects.bulk_update(taken, ["holder", "state"], batch_size=BATCH)
        insert([_with(judgment, "assignment_id", judgment.assignment.pk) for judgment in judgments])
        told = zip(judgments, self.ratings, strict=True)
        insert([self._rating(judgment, row) for judgment, rows in told for row in rows])
        self._texts(judgments)

    def _assignment(self, row: Cells, task: Task, seat: Seat) -> Assignment:
        key = item_key(self.round, task)
        if (seat.pk, key, row["occasion"]) in self.keys:
            key = -task.pk  # a second task of the item: the exclusion key is held by the first
        self.keys.add((seat.pk, key, row["occasion"]))
        at = row["submitted_at"] or self.now
        return Assignment(
            seat=seat,
            task=task,
            item_key=key,
            occasion=row["occasion"],
            purpose=row["purpose"],
            state=Assignment.State.JUDGED,
            shown_order=row["answer_order"],
            order_known=bool(row["shown_order"]),
            strategy=row["strategy"],
            probability=row["draw_probability"],
            draw_note=row["draw_note"],
            created_at=at,
            closed_at=at,
        )

    def _slot(self, task: Task, seat: Seat) -> Slot:
        """A place of the task that is free, of the rater’s group if there is one; or one more, where it had been
        withdrawn since."""
        known = self.slots.setdefault(task.pk, [])
        free = [slot for slot in known if slot.state == Slot.State.OPEN]
        free.sort(key=lambda slot: slot.group != seat.group)
        if free:
            free[0].state = Slot.State.JUDGED
            return free[0]
        slot = Slot(
            round=self.round,
            task=task,
            n=len(known) + 1,
            group=seat.group,
            pos=task.ordinal,
            item_key=item_key(self.round, task),
            state=Slot.State.JUDGED,
        )
        insert([slot])
        known.append(slot)
        return slot

    def _judgment(self, row: Cells, assignment: Assignment) -> Judgment:
        events: dict[str, Any] = {"confidence": row["confidence"]} if row["confidence"] is not None else {}
        if row["used_diff"]:
            events["diff"] = True
        if row["warned"]:
            events["warned"] = row["warned"].split()
        return Judgment(
            assignment=assignment,
            seat=assignment.seat,
            revision=row["revision"],
            key=hashlib.sha256(assignment.public_id.encode()).hexdigest(),
            digest=row["digest"],
            late=bool(row["late"]),
            submitted_at=row["submitted_at"] or self.now,
            seconds=row["seconds"],
            active_seconds=row["active_seconds"],
            events=events,
        )

    def _rating(self, judgment: Judgment, row: Cells) -> Rating:
        return Rating(
            judgment=judgment,
            criterion_id=self._criterion("ratings", row),
            target=row["target"],
            number=row["value"],
            label=row["label"],
            data=json_of(row["data"], None),
            cannot_judge=bool(row["cannot_judge"]),
        )

    def _criterion(self, table: str, row: Cells) -> int:
        if row["criterion"] not in self.criteria:
            accepted = ", ".join(self.criteria)
            raise ServiceError(
                f"{table}, column criterion: “{row['criterion']}” is no criterion of the rubric. Accepted: {accepted}."
            )
        return self.criteria[row["criterion"]]

    def _texts(self, judgments: list[Judgment]) -> None:
        """Words of people who are not known go to the first of the task’s nameless judgments that has none there."""
        waiting: dict[tuple[Any, ...], list[Judgment]] = defaultdict(list)
        for judgment, row in zip(judgments, self.export["judgments"], strict=True):
            waiting[row["task"], row["rater"], row["occasion"]].append(judgment)
        written: set[tuple[Any, ...]] = set()
        rows = []
        for number, row in enumerate(self.export["texts"], start=2):
            slot = (row["criterion"], row["target"], row["kind"])
            free = [
                judgment
                for judgment in waiting[row["task"], row["rater"], row["occasion"]]
                if (judgment.pk, *slot) not in written
            ]
            if not free:
                raise ServiceError(f"{place('texts', number)}: The judgment of these words is not among the judgments.")
            written.add((free[0].pk, *slot))
            rows.append(
                FreeText(
                    judgment=free[0],
                    criterion_id=self._criterion("texts", row) if row["criterion"] else None,
                    target=row["target"],
                    kind=row["kind"],
                    text=row["text"],
                )
            )
        insert(rows)

    def _finals(self) -> None:
        rows = [
            Adjudication(
                task=named(self.tasks, "final_answers", number, "task", row["task"]),
                criterion_id=self._criterion("final_answers", row),
                target=row["canonical_target"],
                revision=row["revision"],
                number=row["final_value"],
                label=row["final_label"],
                data=json_of(row["final_data"], None),
                unsettled=bool(row["unsettled"]),
                reason=row["reason"],
                created_at=row["decided_at"] or self.now,
            )
            for number, row in enumerate(self.export["final_answers"], start=2)
        ]
        insert(rows)


def _person(row: Cells) -> Person:
    return (row["rater"], True) if row["rater"] else (row["nameless"], False)


def _with(row: T, name: str, value: Any) -> T:
    setattr(row, name, value)
    return row
