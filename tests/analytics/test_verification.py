"""A report from the exported files alone, and a round rebuilt from them: the same figures as where they came from."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analytics import reports
from analytics.assembly import ReportOptions
from analytics.digests import body_json
from analytics.verification import compared_bodies, differences
from annotation.exporters.files import export_round
from annotation.exporters.reading import read_export
from annotation.models import Adjudication, GoldAnswer, RaterExclusion, Rating, Round, Slot
from annotation.services.rebuilding import export_import
from projects.errors import ServiceError
from projects.models import AuditEvent, ItemTag, Project
from rubrics.specs import CriterionSpec, LevelSpec
from tests.analytics.helpers import add_rows, filled_round, scale
from tests.analytics.test_report_pages import yes_rows
from tests.analytics.test_reports import compared, metric_scores, scored
from tests.factories import OVERALL

pytestmark = pytest.mark.django_db
# Whole, as a rubric read from a file or a form is.
YES_NO = (LevelSpec("no", "No", 0.0), LevelSpec("yes", "Yes", 1.0))
QUALITY = CriterionSpec("good", "yes_no", "Is it good?", "nominal", levels=YES_NO)


def scored_round() -> Round:
    """A tag, a metric, gold, a final answer, somebody left out, somebody unknown, and words that look like formulas."""
    round_ = filled_round([scale("helpful", "ordinal"), QUALITY], [*scored(1), *yes_rows()], state="open")
    gold = {"item": "g1", "system": "new", "criterion": "helpful", "purpose": "gold"}
    add_rows(round_, [{**gold, "rater": rater, "value": value} for rater, value in (("ann", 3), ("ben", 5))])
    unknown = {"item": "q1", "system": "new", "rater": "", "criterion": "helpful"}
    add_rows(round_, [{**unknown, "value": 2}, {**unknown, "value": 4}, {**unknown, "item": "=1", "value": 1}])
    metric_scores(round_, "judge", "number", lambda n, s: (n * 5 + (s == "new")) % 7, criterion_key="helpful")
    for item in round_.project.items.all()[:12]:
        ItemTag.objects.create(item=item, tag="half")
    helpful = round_.rubric_version.criteria.get(key="helpful")
    task = round_.tasks.get(item__external_id="g1")
    GoldAnswer.objects.create(task=task, criterion=helpful, target="o0" if helpful.scope != "task" else "", number=3)
    Adjudication.objects.create(task=round_.tasks.first(), criterion=helpful, number=1, reason="=1+1")
    RaterExclusion.objects.create(seat=round_.seats.get(rater__external_id="cem"), reason="Guessed.")
    return round_


def compared_round() -> Round:
    rows = [{**row, "position": row["position"] if n % 3 else ""} for n, row in enumerate(compared())]
    known = [row for n, row in enumerate(rows) if n % 6 > 1]
    nameless = [{**row, "rater": "", "position": "", "item": f"x{row['item']}"} for row in rows[:9]]
    kept = [{**row, "position": "" if row["rater"] == "ben" else "b_first"} for row in known]
    return filled_round(
        [OVERALL], [*kept, *nameless], "compare", slug="pairs", state="closed", closed_at=timezone.now()
    )


def exported(round_: Round, folder: Path, form: str = "csv") -> Any:
    export_round(round=round_, formats=[form], out=folder)
    return read_export(folder)


def body_of(round_: Round) -> dict[str, Any]:
    options = ReportOptions(seed=3, final_answers=True)
    return dict(json.loads(body_json(reports.build(round_, options).body)))


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_the_exported_ratings_give_every_figure_of_the_report(form: str, tmp_path: Path) -> None:
    for round_ in (scored_round(), compared_round()):
        export, body = exported(round_, tmp_path / round_.slug, form), body_of(round_)
        assert not differences(body, export, lambda *_: None)


def test_nothing_is_read_from_the_database(tmp_path: Path, django_assert_num_queries: Any) -> None:
    round_ = scored_round()
    export_round(round=round_, formats=["csv"], out=tmp_path)
    body = body_of(round_)
    with django_assert_num_queries(0):
        assert not differences(body, read_export(tmp_path), lambda *_: None)


def test_one_changed_rating_and_one_changed_figure_are_told(tmp_path: Path) -> None:
    round_ = scored_round()
    body, export = body_of(round_), exported(round_, tmp_path)
    body["agreement"]["helpful"]["krippendorff_alpha"]["value"] += 1e-6
    [only] = differences(body, export, lambda *_: None)
    assert only.place == "agreement.helpful.krippendorff_alpha.value"
    rating = next(row for row in export["ratings"] if row["criterion"] == "helpful" and row["purpose"] == "imported")
    rating["value"] = 6.0 - rating["value"] or 1.0
    places = {each.place for each in differences(body_of(round_), export, lambda *_: None)}
    assert "provenance.data_digest" in places


@pytest.mark.parametrize("make", [scored_round, compared_round])
def test_a_rebuilt_round_gives_the_same_report(make: Any, tmp_path: Path) -> None:
    round_ = make()
    body, ratings = body_of(round_), Rating.objects.count()
    export = exported(round_, tmp_path / "first")
    Project.objects.filter(pk=round_.project_id).update(slug="elsewhere")  # gone, as far as a name can tell
    made = export_import(export=export)
    assert (made.round.state, made.ratings) == (round_.state, ratings)
    assert made.round.project != round_.project
    assert not [str(each) for each in compared_bodies(body, body_of(made.round))]
    assert not differences(body, exported(made.round, tmp_path / "second"), lambda *_: None)
    assert AuditEvent.objects.filter(verb="round.rebuild").exists()
    with pytest.raises(ServiceError, match="has a round"):
        export_import(export=export)


def test_places_that_are_wanted_still_come_back(tmp_path: Path) -> None:
    round_ = scored_round()
    for task in round_.tasks.filter(kind="normal"):
        Slot.objects.bulk_create([Slot(round=round_, task=task, n=n, item_key=task.pk, pos=n) for n in (1, 2)])
    export = exported(round_, tmp_path)
    Project.objects.filter(pk=round_.project_id).update(slug="elsewhere")
    made = export_import(export=export).round
    assert made.slots.filter(state=Slot.State.OPEN).count() == round_.slots.count()


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("judgments", "occasion", "soon", "judgments.csv, row 2, column occasion: “soon” is not accepted"),
        ("ratings", "task", "999", "ratings, row 1: The judgment of this rating is not among the judgments."),
        ("tasks", "item", "nowhere", "tasks, row 2: The task’s item"),
    ],
)
def test_files_that_do_not_fit_change_nothing(table: str, column: str, value: str, said: str, tmp_path: Path) -> None:
    round_ = scored_round()
    export_round(round=round_, formats=["csv"], out=tmp_path)
    Project.objects.filter(pk=round_.project_id).update(slug="elsewhere")
    path = tmp_path / f"{table}.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    rows[0][column] = value
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(CommandError, match=said) as caught:
        call_command("import_export", str(tmp_path))
    assert caught.value.returncode == 2
    assert not Project.objects.filter(slug=round_.project.slug).exists()


def test_the_commands_that_a_report_prints_make_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    round_ = scored_round()
    round_.name = "Said otherwise"
    round_.save(update_fields=["name"])
    body = reports.build(round_, ReportOptions(seed=3, final_answers=True)).body
    monkeypatch.chdir(tmp_path)
    for line in body["provenance"]["commands"]:
        words = line.split()
        assert words[:2] == ["python", "manage.py"]
        call_command(*words[2:])
    assert "equal" in capsys.readouterr().out.lower()
    again = json.loads((tmp_path / "report" / "report.json").read_text())
    assert again["provenance"]["data_digest"] == body["provenance"]["data_digest"]
    assert (again["provenance"]["seed"], again["final_answers"]["used"]) == (3, True)
    assert {"Krippendorff's alpha", "Median"} <= {each["figure"] for each in body["references"]}


@pytest.mark.slow
def test_every_round_of_the_demonstration_comes_back_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exported, gone from here, rebuilt from the files alone: `verify_report` calls each report equal, old and new."""
    call_command("demo")
    names = [f"{slug}/{round_}" for slug, round_ in Round.objects.order_by("pk").values_list("project__slug", "slug")]
    assert len(names) == 5
    reported = {}
    for name in names:
        call_command("export", name, format="csv", out=tmp_path / name)
        call_command("report", name, format="json", out=tmp_path / name)
        reported[name] = json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8"))
    Project.objects.filter(slug=names[0].partition("/")[0]).update(slug="gone")  # as far as a name can tell
    for name in names:
        call_command("import_export", str(tmp_path / name))
        again = tmp_path / f"again-{name}"
        call_command("export", name, format="csv", out=again)
        call_command("report", name, format="json", out=again)
        body = json.loads((again / "report.json").read_text(encoding="utf-8"))
        assert not [str(each) for each in compared_bodies(reported[name], body)], name
        for report, ratings in ((tmp_path / name, again), (again, tmp_path / name)):
            capsys.readouterr()
            call_command("verify_report", str(report / "report.json"), ratings=ratings)
            assert "Equal: the ratings give every figure" in capsys.readouterr().out
