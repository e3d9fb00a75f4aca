"""A round from an export: project, rubric, items, outputs, scores, tasks and judgments, as they were, in another place.

What is there under the same name is taken, never changed; a round of the same name is refused. People are not in an
export: raters come back as their pseudonyms, without an account, and reviewers' names stay where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from annotation.exporters.judged import ratings_by_judgment
from annotation.exporters.reading import Cells, Export, json_of
from annotation.models import GoldAnswer, Round, RoundItem, RoundSystem, Slot, Task, TaskOutput
from annotation.services.imported_store import insert
from annotation.services.rebuilding_judged import Judged, item_key, named
from annotation.services.rebuilding_things import names_of, records_of
from annotation.task_keys import pair_key, task_key
from config.stopping import point_of_no_return
from projects import audit
from projects.errors import ServiceError
from projects.located import Source
from projects.models import Item, Metric, Output, Project, System
from projects.services.importing import import_records
from projects.services.projects import project_create
from rubrics.models import Rubric, RubricVersion
from rubrics.schema import rubric_digest, rubric_from
from rubrics.services import (
    draft_open,
    draft_save,
    guideline_publish,
    rubric_create,
    rubric_ensure,
    version_publish,
)

Progress = Callable[[str, int, int | None], None]


@dataclass
class Rebuilt:
    round: Round
    items: int = 0
    outputs: int = 0
    tasks: int = 0
    raters: int = 0
    judgments: int = 0
    ratings: int = 0


def export_import(*, export: Export, actor: Any = None, progress: Progress | None = None) -> Rebuilt:
    """All of it or nothing. Raises ServiceError where a round of this name is there, or the files do not fit."""
    told = progress or (lambda *_: None)
    ratings = ratings_by_judgment(export)
    with transaction.atomic():
        project = _project(export, actor)
        told("Making items and outputs", 0, None)
        import_records(project=project, records=records_of(export), source="export", format="export", actor=actor)
        _metrics(export, project)
        version = _rubric(export, project, actor)
        made = _Rebuilding(export, project, version, ratings, told)
        result = made.run(actor)
        audit.record(
            project=project,
            actor=actor,
            verb="round.rebuild",
            target=f"round:{result.round.pk}",
            payload={"judgments": result.judgments, "digest": version.digest},
        )
        point_of_no_return()
    return result


def _project(export: Export, actor: Any) -> Project:
    about, slug = export.about["project"], export.about["round"]["slug"]
    project = Project.objects.filter(slug=about["slug"]).first()
    if project is None:
        return project_create(name=about["name"], slug=about["slug"], creator=actor)
    if Round.objects.filter(project=project, slug=slug).exists():
        raise ServiceError(
            f"The project “{project.slug}” has a round “{slug}” already. Nothing is put over it: rebuild the export "
            "where there is none."
        )
    return project


def _metrics(export: Export, project: Project) -> None:
    """Those without a score too, and what each is declared to answer."""
    for each in export.about["metrics"]:
        values = {name: value for name, value in each.items() if name != "key"}
        Metric.objects.update_or_create(project=project, key=each["key"], defaults=values)


def _rubric(export: Export, project: Project, actor: Any) -> RubricVersion:
    """The version as it was, under the number it had: a report names it."""
    spec = rubric_from(Source("round.json", export.about["rubric"], {}), export.about["rubric"])
    number = export.about["rubric_version"]["number"]
    rubric = Rubric.objects.filter(project=project, slug=spec.slug).first()
    if rubric is None:
        draft = rubric_create(project=project, spec=spec, actor=actor)
    elif rubric.versions.filter(Q(number=number) | Q(digest=rubric_digest(spec)) | Q(status="draft")).exists():
        return rubric_ensure(project=project, spec=spec, actor=actor)[0]
    else:
        draft = draft_open(rubric=rubric, actor=actor)
        draft = draft_save(version=draft, spec=spec, edit=draft.edit, actor=actor)
    RubricVersion.objects.filter(pk=draft.pk).update(number=number)
    draft.refresh_from_db()
    version = version_publish(version=draft, actor=actor)
    newest = version.rubric.versions.exclude(status=RubricVersion.Status.ARCHIVED).order_by("-number")[0]
    if newest != version:  # an earlier one came later: it supersedes nothing
        RubricVersion.objects.filter(pk=version.pk).update(status=RubricVersion.Status.SUPERSEDED)
        RubricVersion.objects.filter(pk=newest.pk).update(status=RubricVersion.Status.PUBLISHED)
    return version


class _Rebuilding:
    def __init__(
        self, export: Export, project: Project, version: RubricVersion, ratings: list[list[Cells]], told: Progress
    ) -> None:
        self.export, self.project, self.version, self.ratings, self.told = export, project, version, ratings, told
        self.criteria = {c.key: c.pk for c in version.criteria.all()}
        self.items = dict(Item.objects.filter(project=project).values_list("external_id", "pk"))
        self.systems = {(s.name, s.version): s.pk for s in System.objects.filter(project=project)}
        self.tasks: dict[str, Task] = {}
        self.free: dict[int, list[Slot]] = {}

    def run(self, actor: Any) -> Rebuilt:
        self.outputs = self._output_ids()
        self.round = self._round(actor)
        self._drawn()
        self._tasks()
        self._gold()
        self.told("Making judgments", 0, len(self.export["judgments"]))
        judged = Judged(self.export, self.round, self.tasks, self.free, self.criteria, self.ratings)
        judged.run()
        self.round.state = self.export.about["round"]["state"]
        self.round.save(update_fields=["state"])
        return Rebuilt(
            self.round,
            items=len(self.export["items"]),
            outputs=len(self.export["outputs"]),
            tasks=len(self.tasks),
            raters=len(judged.seats),
            judgments=len(self.export["judgments"]),
            ratings=len(self.export["ratings"]),
        )

    def _output_ids(self) -> dict[str, int]:
        """The number of each output there, by its number in the export."""
        rows = Output.objects.filter(item__project=self.project)
        known = {
            (item, system, repeat, variant): pk
            for pk, item, system, repeat, variant in rows.values_list("pk", "item_id", "system_id", "repeat", "variant")
        }
        found = {}
        for number, row in enumerate(self.export["outputs"], start=2):
            system = self.systems.get((row["system"], row["system_version"]))
            pk = known.get((self.items.get(row["item"], 0), system or 0, row["repeat"], row["variant"]))
            if pk is None:
                raise ServiceError(f"outputs, row {number}: The output’s item or system is not in the export.")
            found[row["output"]] = pk
        return found

    def _round(self, actor: Any) -> Round:
        about = self.export.about["round"]
        taken = (
            *("slug", "name", "title", "mode", "state", "overlap", "strategy", "seed", "one_task_per_item", "is_pilot"),
            *("only_criteria", "lease_seconds", "gold_rate", "repeat_rate", "cap_per_rater", "show_reference"),
            *("raters_see_own_figures", "planned_seconds", "options", "opened_at", "closed_at"),
        )
        missing = [name for name in taken if name not in about]
        if missing:
            raise ServiceError(f"round.json: “{missing[0]}” of the round is missing. Export the round again.")
        sample, guideline = about["sample"], self.export.about.get("guideline")
        row = Round(
            project=self.project,
            rubric_version=self.version,
            guideline=guideline_publish(project=self.project, actor=actor, **guideline) if guideline else None,
            baseline_id=self._labelled(about["baseline"]) if about["baseline"] else None,
            design=sample["design"],
            frame_size=sample["frame_size"],
            frame_digest=sample["frame_digest"],
            created_by=actor,
            **{name: about[name] for name in taken},
        )
        row.full_clean(exclude=["created_by"])
        row.state = Round.State.OPEN  # a closed one takes no judgments: it is closed once they are in
        row.save()
        insert([RoundSystem(round=row, system_id=self._labelled(name)) for name in about["systems"]])
        return row

    def _labelled(self, label: str) -> int:
        for (name, version), pk in self.systems.items():
            if label == (f"{name}@{version}" if version else name):
                return pk
        made = System.objects.create(project=self.project, name=label)  # it answered nothing here
        self.systems[label, ""] = made.pk
        return made.pk

    def _drawn(self) -> None:
        insert(
            [
                RoundItem(
                    round=self.round,
                    item_id=self.items[row["item"]],
                    inclusion_probability=row["inclusion_probability"],
                    stratum=row["stratum"],
                )
                for row in self.export["items"]
                if row["drawn"]
            ]
        )

    def _tasks(self) -> None:
        """In their order, so that what is canonical stays so."""
        listed = []
        for number, row in enumerate(self.export["tasks"], start=2):
            names = names_of(row)
            unknown = [output for output, _, _ in names if output not in self.outputs]
            if unknown or row["item"] not in self.items:
                raise ServiceError(f"tasks, row {number}: The task’s item or one of its outputs is not in the export.")
            outputs = [self.outputs[output] for output, _, _ in names]
            task = Task(
                round=self.round,
                item_id=self.items[row["item"]],
                kind=row["kind"],
                ordinal=row["ordinal"],
                key=task_key(outputs),
                pair=pair_key(self.systems[system, version] for _, system, version in names),
            )
            listed.append((row, task, outputs))
        insert([task for _, task, _ in listed])
        insert(
            [
                TaskOutput(task=task, position=position, output_id=output)
                for _, task, outputs in listed
                for position, output in enumerate(outputs)
            ]
        )
        self.tasks = {row["task"]: task for row, task, _ in listed}
        slots = [slot for row, task, _ in listed for slot in self._slots(row, task)]
        insert(slots)
        for slot in slots:
            self.free.setdefault(slot.task_id, []).append(slot)

    def _slots(self, row: Cells, task: Task) -> Iterator[Slot]:
        wanted = [group for group, count in json_of(row["wanted"], {}).items() for _ in range(count)]
        for n, group in enumerate(wanted, start=1):
            yield Slot(
                round=self.round, task=task, n=n, group=group, pos=task.ordinal, item_key=item_key(self.round, task)
            )

    def _gold(self) -> None:
        insert(
            [
                GoldAnswer(
                    task=named(self.tasks, "gold_answers", number, "task", row["task"]),
                    criterion_id=named(self.criteria, "gold_answers", number, "criterion", row["criterion"]),
                    target=row["canonical_target"],
                    number=row["known_value"],
                    label=row["known_label"],
                    data=json_of(row["known_data"], None),
                    tolerance=row["tolerance"] or 0.0,
                    explanation=row["explanation"],
                )
                for number, row in enumerate(self.export["gold_answers"], start=2)
            ]
        )
