"""Human judgments from a file: what is made, what is refused, what the same file twice does."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from annotation.models import Assignment, FreeText, Judgment, Rating, Round, Seat, Slot, Task
from annotation.services.imported import ImportResult, judgments_import
from projects.errors import ServiceError
from projects.models import AuditEvent, ImportBatch, Item, Output, Rater, System
from rubrics.specs import CriterionSpec
from tests.factories import CORRECT, OVERALL, project_factory, round_factory, rubric_factory

pytestmark = pytest.mark.django_db

NOTE = CriterionSpec("note", "text", "Why?", "text", required=False)
QUALITY = CriterionSpec("quality", "yes_no", "Is it good?", "nominal", scope="output")


def empty_round(mode: str = "score", criteria: Sequence[CriterionSpec] = (CORRECT, NOTE), **extra: Any) -> Round:
    project = extra.pop("project", None) or project_factory()
    version = rubric_factory(project, criteria)
    return Round.objects.create(
        project=project, slug="pilot", name="Pilot", title="Pilot", mode=mode, rubric_version=version, **extra
    )


def load(round_: Round, text: str, name: str = "ratings.csv") -> ImportResult:
    return judgments_import(round=round_, stream=io.BytesIO(text.encode()), name=name)


def refused(round_: Round, text: str) -> str:
    with pytest.raises(ServiceError) as caught:
        load(round_, text)
    assert not Judgment.objects.exists()
    assert not ImportBatch.objects.exists()
    return caught.value.message


def values(round_: Round, key: str, *, current: bool = True) -> list[tuple[str, float | None]]:
    rows = Rating.objects.filter(judgment__seat__round=round_, judgment__current=current, criterion__key=key).order_by(
        "judgment__seat__rater__id", "id"
    )
    return [(r.judgment.seat.rater.external_id or r.judgment.seat.rater.pseudonym, r.number) for r in rows]


HEAD = "item,system,rater,criterion,value\n"
TWO = HEAD + "q1,bot,ann,correct,1\nq1,bot,ben,correct,3\nq2,bot,ann,correct,2\n"


def test_makes_what_the_file_names() -> None:
    round_ = empty_round()
    result = load(round_, TWO)
    assert (result.items, result.systems, result.outputs, result.tasks, result.raters) == (2, 1, 2, 2, 2)
    assert (result.judgments, result.ratings, result.changed) == (3, 3, 0)
    assert values(round_, "correct") == [("ann", 1.0), ("ann", 2.0), ("ben", 3.0)]
    assert not Output.objects.filter(has_text=True).exists()
    assert set(Assignment.objects.values_list("purpose", "state", "slot")) == {("imported", 1, None)}
    assert not Slot.objects.exists()
    assert round_.round_items.count() == 2
    assert round_.round_systems.count() == 1
    assert all(r.pseudonym.startswith("r-") and r.external_id for r in Rater.objects.all())
    assert set(Seat.objects.values_list("state", flat=True)) == {"closed"}
    assert ImportBatch.objects.get().counts["ratings"] == 3
    assert AuditEvent.objects.filter(verb="judgments.import").count() == 1


def test_the_same_file_twice_changes_nothing() -> None:
    round_ = empty_round()
    text = TWO + "q1,bot,,correct,2\nq1,bot,,correct,2\n"
    first = load(round_, text)
    assert first.ratings == 5
    before = list(Judgment.objects.order_by("id").values_list("id", "key", "current"))
    again = load(round_, text)
    assert (again.judgments, again.ratings, again.changed, again.unchanged) == (0, 0, 0, 5)
    assert (again.items, again.systems, again.raters, again.tasks) == (0, 0, 0, 0)
    assert list(Judgment.objects.order_by("id").values_list("id", "key", "current")) == before
    assert ImportBatch.objects.count() == 1


def test_the_same_row_twice_is_one_rating() -> None:
    round_ = empty_round()
    assert load(round_, HEAD + "q1,bot,ann,correct,1\nq1,bot,ann,correct,1\n").ratings == 1
    assert Rating.objects.count() == 1


def test_two_answers_of_one_rater_to_one_question_are_refused() -> None:
    message = refused(empty_round(), HEAD + "q1,bot,ann,correct,1\nq1,bot,ann,correct,2\n")
    assert "ratings.csv, row 3, column value" in message
    assert "Row 2" in message


def test_a_changed_value_is_a_new_revision() -> None:
    round_ = empty_round()
    load(round_, TWO)
    result = load(round_, TWO.replace("ann,correct,1", "ann,correct,3"))
    assert (result.changed, result.unchanged, result.judgments) == (1, 2, 0)
    assert values(round_, "correct") == [("ann", 2.0), ("ann", 3.0), ("ben", 3.0)]
    assert values(round_, "correct", current=False) == [("ann", 1.0)]
    load(round_, TWO)
    assert values(round_, "correct") == [("ann", 2.0), ("ann", 1.0), ("ben", 3.0)]
    assert sorted(Judgment.objects.values_list("revision", flat=True)) == [1, 1, 1, 2, 3]


def test_another_criterion_joins_the_judgment() -> None:
    round_ = empty_round(criteria=(CORRECT, QUALITY, NOTE))
    load(round_, HEAD + "q1,bot,ann,correct,1\nq1,bot,ann,note,Too short\n")
    result = load(round_, HEAD + "q1,bot,ann,quality,yes\n")
    assert (result.ratings, result.changed, result.judgments) == (1, 0, 0)
    current = Judgment.objects.get(current=True)
    assert current.revision == 2
    assert set(current.ratings.values_list("criterion__key", "target", "number")) == {
        ("correct", "", 1.0),
        ("quality", "o0", 1.0),
    }
    assert current.texts.get().text == "Too short"


def test_nameless_ratings_are_kept_apart_in_each_item() -> None:
    round_ = empty_round()
    load(round_, HEAD + "q1,bot,,correct,1\nq1,bot,,correct,1\nq2,bot,,correct,3\nq1,bot,,correct,2\n")
    assert values(round_, "correct") == [
        ("unknown-1", 1.0),
        ("unknown-1", 3.0),
        ("unknown-2", 1.0),
        ("unknown-3", 2.0),
    ]
    assert not Rater.objects.filter(identity_known=True).exists()


def test_an_empty_value_is_skipped_and_is_not_zero() -> None:
    round_ = empty_round()
    result = load(round_, HEAD + "q1,bot,ann,correct,\nq1,bot,ben,correct,2\n")
    assert result.skipped == [
        {
            "where": "ratings.csv, row 2, column value",
            "why": "The row has no value; it was not counted as zero.",
        }
    ]
    assert values(round_, "correct") == [("ben", 2.0)]


def test_cannot_judge_is_a_flag_without_a_number() -> None:
    round_ = empty_round()
    load(round_, "item,system,rater,criterion,value,cannot_judge\nq1,bot,ann,correct,2,true\n")
    rating = Rating.objects.get()
    assert (rating.cannot_judge, rating.number, rating.label) == (True, None, "")


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("q1,bot,ann,correct,9", "value", "Accepted: 1, 2, 3"),
        ("q1,bot,ann,correct,nan", "value", "Accepted: 1, 2, 3"),
        ("q1,bot,ann,correct,inf", "value", "Accepted: 1, 2, 3"),
        ("q1,bot,ann,speed,2", "criterion", "Accepted: correct, note"),
        (",bot,ann,correct,2", "item", "no item"),
        ("q1,,ann,correct,2", "system", "no system"),
        (f"{'q' * 301},bot,ann,correct,2", "item", "at most 300"),
    ],
)
def test_a_bad_row_refuses_the_file(row: str, column: str, said: str) -> None:
    message = refused(empty_round(), HEAD + "q0,bot,ann,correct,1\n" + row + "\n")
    assert f"ratings.csv, row 3, column {column}: " in message
    assert said in message
    assert not Item.objects.exists()


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("position", "left", "Accepted: a_first, b_first"),
        ("position", "a_first", "no system_b"),
        ("occasion", "-1", "whole number"),
        ("cannot_judge", "perhaps", "true, false"),
        ("purpose", "fun", "Accepted: imported"),
        ("submitted_at", "yesterday", "ISO 8601"),
        ("seconds", "-3", "0 or more"),
        ("target", "o0", "Accepted: nothing"),
        ("system_b", "other", "must be empty"),
    ],
)
def test_a_bad_optional_cell_refuses_the_file(column: str, cell: str, said: str) -> None:
    message = refused(empty_round(), f"item,system,rater,criterion,value,{column}\nq1,bot,ann,correct,1,{cell}\n")
    assert f"ratings.csv, row 2, column {column}: " in message
    assert said in message


def test_unknown_columns_are_refused_with_the_accepted_ones() -> None:
    message = refused(empty_round(), "item,system,annotator,criterion,value\nq1,bot,ann,correct,1\n")
    assert "'annotator'" in message
    assert "rater" in message.split("Accepted:")[1]


def test_a_missing_column_is_named() -> None:
    assert "'criterion' is missing" in refused(empty_round(), "item,system,rater,value\nq1,bot,ann,1\n")


@pytest.mark.parametrize("text", ["", HEAD])
def test_a_file_without_rows_is_refused(text: str) -> None:
    assert "at least one row" in refused(empty_round(), text)


def test_json_lines_and_parquet_read_as_csv_does() -> None:
    rows = [
        {"item": "q1", "system": "bot", "rater": "ann", "criterion": "correct", "value": 1},
        {"item": "q1", "system": "bot", "rater": None, "criterion": "correct", "value": 3},
    ]
    lines = "\n".join(json.dumps(row) for row in rows)
    first, second = empty_round(), empty_round()
    assert load(first, lines, "r.jsonl").ratings == 2
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    buffer.seek(0)
    assert judgments_import(round=second, stream=buffer, name="r.parquet").ratings == 2
    assert values(first, "correct") == values(second, "correct") == [("ann", 1.0), ("unknown-1", 3.0)]


def test_nan_in_json_is_refused_not_skipped() -> None:
    line = '{"item": "q1", "system": "bot", "rater": "a", "criterion": "correct", "value": NaN}'
    assert "NaN" in refused(empty_round(), line)


def test_a_closed_round_takes_imported_judgments_only() -> None:
    round_ = round_factory(items=1)
    Round.objects.filter(pk=round_.pk).update(state="closed")
    round_.refresh_from_db()
    load(round_, TWO)
    assert Judgment.objects.count() == 3
    with pytest.raises(ServiceError, match="closed round takes imported judgments only"):
        load(round_, "item,system,rater,criterion,value,purpose\nq9,bot,ann,correct,1,gold\n")


def test_known_systems_and_raters_are_matched() -> None:
    round_ = empty_round()
    System.objects.create(project=round_.project, name="bot", version="2")
    rater = Rater.objects.create(project=round_.project, pseudonym="r-0123456789")
    load(round_, HEAD + "q1,bot,r-0123456789,correct,1\nq1,bot@2,ann,correct,2\nq1,mini@1,ann,correct,2\n")
    assert {s.label for s in System.objects.all()} == {"bot@2", "mini@1"}
    assert Seat.objects.filter(rater=rater).exists()


def test_a_bare_name_of_several_versions_is_refused() -> None:
    round_ = empty_round()
    for version in ("1", "2"):
        System.objects.create(project=round_.project, name="bot", version=version)
    message = refused(round_, TWO)
    assert "bot@1, bot@2" in message
    assert not Item.objects.exists()


def test_work_done_in_the_round_is_not_overwritten() -> None:
    round_ = empty_round()
    load(round_, HEAD + "q1,bot,ann,correct,1\n")
    Assignment.objects.update(strategy="balanced")  # as if she had judged it here
    with pytest.raises(ServiceError, match="another occasion"):
        load(round_, HEAD + "q1,bot,ann,correct,2\n")
    load(round_, "item,system,rater,criterion,value,occasion\nq1,bot,ann,correct,2,1\n")
    assert Judgment.objects.count() == 2


def test_one_task_per_item_rounds_take_every_system_of_an_item() -> None:
    round_ = empty_round(one_task_per_item=True)
    load(round_, HEAD + "q1,bot,ann,correct,1\nq1,mini,ann,correct,2\n")
    item = Item.objects.get()
    assert sorted(Assignment.objects.values_list("item_key", flat=True)) == sorted(
        [item.pk, -Task.objects.order_by("-id")[0].pk]
    )


PAIRS = "item,system,system_b,rater,criterion,value,position\n"


def shown(rater: str) -> tuple[str, bool, float | None, str]:
    rating = Rating.objects.select_related("judgment__assignment").get(
        judgment__seat__rater__external_id=rater, judgment__current=True
    )
    assignment = rating.judgment.assignment
    return assignment.shown_order, assignment.order_known, rating.number, rating.label


def test_preferences_are_stored_by_what_was_shown() -> None:
    round_ = empty_round("compare", (OVERALL,))
    load(
        round_,
        PAIRS
        + "q1,old,new,ann,overall,b,a_first\n"  # chose new, shown second
        + "q1,old,new,ben,overall,2,b_first\n"  # chose new strongly, shown first
        + "q1,new,old,cem,overall,a,\n"  # chose new, order unknown
        + "q1,old,new,dan,overall,tie,b_first\n"
        + "q1,old,new,eve,overall,both_bad,a_first\n",
    )
    assert Task.objects.count() == 1
    old, new = (Output.objects.get(system__name=n).pk for n in ("old", "new"))
    assert old < new
    assert shown("ann") == ("01", True, 1.0, "b")
    assert shown("ben") == ("10", True, -2.0, "a")
    assert shown("cem") == ("10", False, -1.0, "a")
    assert shown("dan") == ("10", True, 0.0, "tie")
    assert shown("eve") == ("01", True, 0.0, "both_bad")


def test_the_systems_of_a_pair_may_stand_in_either_order_on_a_second_import() -> None:
    round_ = empty_round("compare", (OVERALL,))
    load(round_, PAIRS + "q1,old,new,ann,overall,2,a_first\n")
    again = load(round_, PAIRS + "q1,new,old,ann,overall,-2,b_first\n")
    assert (again.unchanged, again.changed, again.ratings) == (1, 0, 0)


def test_one_judgment_has_one_order() -> None:
    round_ = empty_round("compare", (OVERALL,))
    load(round_, PAIRS + "q1,old,new,ann,overall,2,a_first\n")
    with pytest.raises(ServiceError, match="row 2, column position.*other output shown first"):
        load(round_, PAIRS + "q1,old,new,ann,overall,2,b_first\n")


def test_a_comparison_needs_two_systems() -> None:
    message = refused(empty_round("compare", (OVERALL,)), PAIRS + "q1,old,,ann,overall,a,\n")
    assert "must name the second system" in message


def test_times_texts_and_groups_are_kept() -> None:
    round_ = empty_round()
    head = "item,system,rater,criterion,value,submitted_at,seconds,comment,group\n"
    load(round_, head + "q1,bot,ann,correct,1,2026-03-01T14:30:00Z,12.5,Wrong date,expert\n")
    judgment = Judgment.objects.get()
    assert judgment.seconds == 12.5
    assert judgment.submitted_at.isoformat() == "2026-03-01T14:30:00+00:00"
    assert judgment.seat.group == "expert"
    assert FreeText.objects.get().kind == "reason"


def test_an_erased_text_stays_erased() -> None:
    round_ = empty_round()
    head = "item,system,rater,criterion,value,comment\n"
    load(round_, head + "q1,bot,ann,correct,1,My name is Ann\n")
    FreeText.objects.update(text="", erased_at="2026-01-01T00:00:00Z")
    assert load(round_, head + "q1,bot,ann,correct,1,My name is Ann\n").unchanged == 1
    assert load(round_, head + "q1,bot,ann,correct,2,My name is Ann\n").changed == 1
    assert not FreeText.objects.exclude(text="").exists()


def test_the_command_prints_json_and_exits_2_on_bad_input(tmp_path: Path, capsys: Any) -> None:
    round_ = empty_round()
    path = tmp_path / "ratings.csv"
    path.write_text(TWO)
    call_command("import_judgments", f"{round_.project.slug}/pilot", str(path), "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["format"], said["judgments"], said["skipped"]) == ("judgments", 3, [])
    path.write_text(TWO.replace(",1\n", ",7\n"))
    with pytest.raises(CommandError) as caught:
        call_command("import_judgments", "pilot", str(path))
    assert caught.value.returncode == 2
    assert "ratings.csv, row 2, column value" in str(caught.value)


def test_an_ambiguous_round_name_exits_2(tmp_path: Path) -> None:
    empty_round()
    empty_round()
    with pytest.raises(CommandError, match="more than one round") as caught:
        call_command("import_judgments", "pilot", str(tmp_path / "x.csv"))
    assert caught.value.returncode == 2


def test_statements_do_not_grow_with_the_rows(django_assert_max_num_queries: Any) -> None:
    round_ = empty_round()
    text = HEAD + "".join(f"q{n},bot,ann,correct,1\nq{n},bot,ben,correct,2\n" for n in range(300))
    with django_assert_max_num_queries(80):
        assert load(round_, text).ratings == 600
