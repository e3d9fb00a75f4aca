"""A round as large as a report must take, made fast: `python -m bench.large_study WANTED.json MADE.json`.

Outputs of ten systems, judged on five criteria by two of forty raters each, tagged prompts, and ten metrics with two
judges each. What raters and metrics say goes with a quality that belongs to the output, so that no statistic has an
easy way out; all of it is made where it is stored.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import django

SYSTEMS = tuple(f"system-{n}" for n in range(10))
RATERS, OVERLAP, TAGS, METRICS, JUDGES = 40, 2, 20, 10, 2
# Criterion: level of measurement and how loudly chance speaks beside the quality, from 0 to 4.
CRITERIA = {"correct": ("ordinal", 2), "complete": ("ordinal", 3), "tone": ("ordinal", 4), "depth": ("interval", 3)}


def main(wanted: Path, made: Path) -> None:
    django.setup()
    want = json.loads(wanted.read_text(encoding="utf-8"))
    made.write_text(json.dumps(large_study(**want)), encoding="utf-8")


def large_study(*, slug: str, judgments: int) -> dict[str, Any]:
    from bench import study
    from projects.models import System
    from projects.services.projects import project_create
    from rubrics.services import rubric_create, version_publish

    project = project_create(name=slug, slug=slug)
    systems = [System.objects.create(project=project, name=name, version="1") for name in SYSTEMS]
    study.outputs_made(project, systems, max(TAGS, judgments // OVERLAP // len(SYSTEMS)))
    _tag(project)
    version = version_publish(version=rubric_create(project=project, spec=_rubric(), actor=None), actor=None)
    round_ = study.round_made(project, systems, version, slug, OVERLAP, mode="score")
    judged = study.judged_by(round_, study.people_made(project, RATERS), _rate)
    scores = _score(project)
    study.refresh_statistics()
    return {"round": f"{project.slug}/{round_.slug}", "judgments": judged, "scores": scores}


def _rubric() -> Any:
    from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec

    levels = tuple(LevelSpec(str(n), f"Level {n}", float(n), f"What deserves a {n}.") for n in range(1, 6))
    scales = (CriterionSpec(key, "scale", f"How {key}?", level, levels=levels) for key, (level, _) in CRITERIA.items())
    return RubricSpec(name="Quality", criteria=(*scales, CriterionSpec("safe", "yes_no", "Is it safe?", "nominal")))


def _tag(project: Any) -> None:
    from projects.models import Item, ItemTag

    items = list(Item.objects.filter(project=project).order_by("id").values_list("id", flat=True))
    tags = [ItemTag(item_id=item, tag=f"slice-{(n * 7) % TAGS}") for n, item in enumerate(items)]
    ItemTag.objects.bulk_create(tags, batch_size=2_000)


# Of an output, 0 to 4; what is added differs from rater to rater and from criterion to criterion.
_QUALITY = "(({output} * 7919) %% 97) %% 5"
_CHANCE = "(({row} * 104729 + {salt} * 15485863) %% 1009) %% {size}"
_RATE = """
INSERT INTO annotation_rating (judgment_id, criterion_id, target, number, label, cannot_judge)
SELECT j.id, %s, '', {number}, {label}, FALSE
FROM annotation_judgment j JOIN annotation_assignment a ON a.id = j.assignment_id
JOIN annotation_taskoutput o ON o.task_id = a.task_id JOIN annotation_seat s ON s.id = j.seat_id
WHERE s.round_id = %s ORDER BY j.id"""
_SCORE = """
INSERT INTO projects_automatedscore (metric_id, key, output_id, position, number, label, judge, explanation,
                                     missing_reason, details)
SELECT %s, CAST(o.id AS VARCHAR(20)) || '-{judge}', o.id, '', {number}, '', 'judge-{judge}', '', '', '{{}}'
FROM projects_output o JOIN projects_item i ON i.id = o.item_id WHERE i.project_id = %s ORDER BY o.id"""


def _rate(round_: Any) -> None:
    from django.db import connection

    criteria = dict(round_.rubric_version.criteria.values_list("key", "id"))
    quality = _QUALITY.format(output="o.output_id")
    with connection.cursor() as cursor:
        for salt, (key, (_, size)) in enumerate(CRITERIA.items(), start=1):
            number = f"1 + ({quality} + {_CHANCE.format(row='j.id', salt=salt, size=size)}) * 4 / {3 + size}"
            cursor.execute(_RATE.format(number=number, label="''"), [criteria[key], round_.pk])
        safe = f"CASE WHEN {quality} + {_CHANCE.format(row='j.id', salt=9, size=7)} > 1 THEN {{}} ELSE {{}} END"
        statement = _RATE.format(number=safe.format(1, 0), label=safe.format("'yes'", "'no'"))
        cursor.execute(statement, [criteria["safe"], round_.pk])


def _score(project: Any) -> int:
    """Half of the metrics give five levels, as judges do, half any number; three answer a criterion."""
    from django.db import connection

    from projects.models import AutomatedScore, Metric

    answered = dict(enumerate(("correct", "complete", "depth")))
    quality = _QUALITY.format(output="o.id")
    with connection.cursor() as cursor:
        for n in range(METRICS):
            metric = Metric.objects.create(
                project=project, key=f"metric-{n}", source="llm", direction="higher", criterion_key=answered.get(n, "")
            )
            for judge in range(JUDGES):
                chance = _CHANCE.format(row="o.id", salt=10 + n, size=5 if n % 2 == 0 else 997)
                number = f"1 + ({quality} + {chance}) / 2" if n % 2 == 0 else f"{quality} + {chance} / 250.0"
                cursor.execute(_SCORE.format(number=number, judge=judge), [metric.pk, project.pk])
    return AutomatedScore.objects.filter(metric__project=project).count()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
