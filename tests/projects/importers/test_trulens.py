"""TruLens: the tool's own files with exact values, and each trap in a small one."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from projects.importers import trulens_db
from tests.projects.importers.helpers import Got, lines, read, refused, sample


def row(**more: Any) -> dict[str, Any]:
    return {"app_name": "faq", "app_version": "v1", "record_id": "r1", "input": "May I?", "output": "No.",
            "latency": 0.5, "total_cost": 0.25, "cost_currency": "EUR", **more}  # fmt: skip


def rows(*given: dict[str, Any]) -> Got:
    return read(lines(*given), "t.jsonl")


def database(*statements: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    found = connection.serialize()
    connection.close()
    return found


OLD = (
    "CREATE TABLE x_apps (app_id, app_json, app_name, app_version)",
    "CREATE TABLE x_records (record_id, app_id, input, output, record_json, tags, ts, cost_json, perf_json)",
    "CREATE TABLE x_feedbacks (record_id, feedback_definition_id, name, result, calls_json, status)",
    "INSERT INTO x_apps VALUES ('a1', '{}', 'faq', 'v1')",
    """INSERT INTO x_records VALUES ('r1', 'a1', '"May I?"', 'No.', '{}', 'one', 1, '{"cost": 0.5, "n_tokens": 9}',
       '{"start_time": "2026-01-01T00:00:00", "end_time": "2026-01-01T00:00:02"}')""",
    """INSERT INTO x_feedbacks VALUES ('r1', 'f1', 'Groundedness', 0.5,
       '{"calls": [{"meta": {"reason": "Half."}}]}', 'done')""",
    "INSERT INTO x_feedbacks VALUES ('r1', 'f2', 'Relevance', 0, '{}', 'failed')",
)


@pytest.mark.parametrize("name", ["records_and_feedback.csv", "records_and_feedback.json", "default.sqlite"])
def test_the_real_records_say_the_same_in_every_format(name: str) -> None:
    got = read(sample(f"trulens/{name}").read_bytes(), name)
    assert (got.key, len(got.items), len(got.outputs), len(got.scores)) == ("trulens", 2, 2, 4)
    assert {(s.name, s.version) for s in got.systems} == {("faq_bot", "v2-shared")}
    bag, guitar = got.outputs
    assert (bag.text, bag.latency_ms) == ("23 kg per bag.", 1.283)
    assert got.score("Answer Length", item=bag.item).number == 0.56
    bad = got.score("Groundedness", item=guitar.item)
    assert (bad.number, bad.direction, bad.source, bad.maximum) == (0.0, "higher", "llm", 1.0)
    assert bad.explanation == "Criteria: supported by source\nSupporting Evidence: NOTHING FOUND"


def test_the_real_database_holds_what_was_retrieved() -> None:
    got = read(sample("trulens/default.sqlite").read_bytes(), "default.sqlite")
    assert (got.items[0].context, got.runs[0].tool_version) == (("Economy: one bag up to 23 kg.",), "2.16.0")


def test_the_real_leaderboard_is_about_whole_systems() -> None:
    got = read(sample("trulens/leaderboard.csv").read_bytes(), "leaderboard.csv")
    assert [(s.metric, s.number, s.item) for s in got.scores] == [
        ("Answer Length (run)", 0.78, None), ("Groundedness (run)", 0.5, None),
    ]  # fmt: skip


def test_a_mean_that_is_none_does_not_take_the_others_with_it() -> None:
    board = "app_name,app_version,latency,total_cost,A,B\nf,v,1,0,0.5,1\n" + "g,v,1,0,inf,0.25\n"
    got = read(board, "leaderboard.csv")
    assert [(s.metric, s.number) for s in got.scores] == [("A (run)", 0.5), ("B (run)", 1.0), ("B (run)", 0.25)]
    assert [(p.row, p.column) for p in got.skipped] == [(3, "A")]


def test_what_was_not_evaluated_yet_is_missing() -> None:
    score = rows(row(**{"F": None, "F_calls": None, "F direction": False})).scores[0]
    assert (score.number, score.direction, "not evaluated" in score.missing_reason) == (None, "lower", True)


def test_only_columns_with_calls_are_metrics() -> None:
    got = rows(row(F=0.5, F_calls=[], is_match=True))
    assert [s.metric for s in got.scores] == ["F"]
    assert got.outputs[0].raw["is_match"] is True


def test_the_item_goes_by_what_was_asked_and_not_by_the_record() -> None:
    got = rows(row(), row(record_id="r2", app_version="v2"), row(record_id="r3", input_id="q9"))
    assert got.items[0].external_id == got.items[1].external_id
    assert got.items[2].external_id == "q9"
    assert [o.repeat for o in rows(row(), row(record_id="r2")).outputs] == [0, 1]


def test_seconds_currency_and_errors() -> None:
    output = rows(row()).outputs[0]
    assert (output.latency_ms, output.cost, output.currency) == (500.0, 0.25, "EUR")
    failed = rows(row(record_json={"main_error": "Timeout"}, output=None, F=0.0, F_calls=[]))
    assert (failed.outputs[0].error, failed.scores[0].number) == ("Timeout", None)


def test_nested_cells_of_csv_are_read_and_never_run() -> None:
    calls = "[{'ret': 0.5, 'meta': {'explanation': 'Fine.'}, 'at': datetime.datetime(2026, 1, 2)}]"
    evil = "__import__('os').system('true')"
    text = f'app_name,app_version,record_id,input,output,F,F_calls\nf,v,r,q,a,0.5,"{calls}"\nf,v,s,q2,a,1,"[{evil}]"\n'
    assert [s.explanation for s in read(text, "t.csv").scores] == ["Fine.", ""]


def test_a_database_of_an_older_version_and_another_prefix() -> None:
    got = read(database(*OLD), "x.sqlite")
    assert (got.key, got.systems[0].name, got.outputs[0].latency_ms, got.outputs[0].cost) == (
        "trulens",
        "faq",
        2000.0,
        0.5,
    )
    assert [(s.metric, s.number, s.explanation) for s in got.scores] == [
        ("Groundedness", 0.5, "Half."), ("Relevance", None, ""),
    ]  # fmt: skip


def test_databases_that_are_none_are_refused() -> None:
    good = database(*OLD)
    assert "no tables of TruLens" in refused(database("CREATE TABLE t (a)"), "x.sqlite", "trulens")
    assert "not recognised" in refused(database("CREATE TABLE t (a)"), "x.sqlite")
    assert "damaged" in refused(good[:5000], "x.sqlite", "trulens")
    assert "no record" in refused(database(*OLD[:4]), "x.sqlite", "trulens")


def test_a_view_in_the_place_of_a_table_is_not_asked() -> None:
    endless = "CREATE VIEW x_events AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n"
    assert "no tables of TruLens" in refused(database("CREATE TABLE x_apps (app_id)", endless), "x.sqlite", "trulens")


def test_a_query_may_not_run_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trulens_db, "_LOOKS", 0)
    monkeypatch.setattr(trulens_db, "_STEPS", 1)
    assert "damaged" in refused(database(*OLD), "x.sqlite", "trulens")


def test_rows_that_name_no_app_are_left_out() -> None:
    got = rows(row(), row(app_name="", app_id=None))
    assert [(p.row, p.column) for p in got.skipped] == [(2, "app_name")]
    assert "no TruLens record" not in json.dumps([p.why for p in got.skipped])
