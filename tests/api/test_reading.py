"""Lists, rounds, judgments and reports: what a program reads."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.exporters.tables import RATING_COLUMNS
from annotation.models import Judgment, Rating, Round
from projects.models import Project, System
from tests.api.conftest import Caller
from tests.factories import item_factory, output_factory, project_factory, round_factory, system_factory

pytestmark = pytest.mark.django_db
JUDGED = [
    {"item": item, "system": "small", "rater": rater, "criterion": "correct", "value": value}
    for item, values in (("q1", (1, 2)), ("q2", (3, 3)), ("q3", (2, 3)))
    for rater, value in zip(("ann", "ben"), values, strict=True)
]


@pytest.fixture
def judged(project: Project, lead: Caller) -> Round:
    round = round_factory(project, slug="pilot")
    answer = lead.post("projects/support/rounds/pilot/judgments/", JUDGED)
    assert answer.status_code == 200, answer.text
    return round


# --- lists ----------------------------------------------------------------------------------------------


def test_projects_are_those_the_caller_may_see(caller: Callable[[str], Caller], project: Project) -> None:
    project_factory("Another")
    item_factory(project)
    [found] = caller("viewer").get("projects/").json()["results"]
    assert (found["slug"], found["items"], found["systems"]) == ("support", 1, 0)
    assert found == caller("reviewer").get("projects/support/").json()
    assert caller("rater").get("projects/").json()["results"] == []


def test_items_systems_and_metrics_tell_what_was_imported(lead: Caller, project: Project) -> None:
    lead.post(
        "projects/support/outputs/",
        {
            "items": [{"item": "q1", "prompt": "2 + 2?", "context": ["Peano"], "reference": ["4"], "tags": ["b", "a"]}],
            "outputs": [{"item": "q1", "system": "small@2", "output": "4"}],
            "scores": [{"item": "q1", "system": "small@2", "metric": "f1", "value": 0.5, "direction": "higher"}],
        },
    )
    System.objects.create(project=project, name="small", version="3", replaces=System.objects.get())
    assert lead.get("projects/support/items/").json()["results"] == [
        {
            "item": "q1",
            "cluster": "q1",
            "language": "",
            "tags": ["a", "b"],
            "metadata": {},
            "messages": [{"role": "user", "content": "2 + 2?"}],
            "context": ["Peano"],
            "reference": ["4"],
            "outputs": 1,
        }
    ]
    systems = lead.get("projects/support/systems/").json()["results"]
    assert [(s["system"], s["replaces"], s["outputs"]) for s in systems] == [
        ("small@2", None, 1),
        ("small@3", "small@2", 0),
    ]
    [metric] = lead.get("projects/support/metrics/").json()["results"]
    assert (metric["metric"], metric["kind"], metric["direction"], metric["scores"]) == ("f1", "number", "higher", 1)


def test_pages_follow_each_other_while_rows_are_added(lead: Caller, project: Project) -> None:
    for n in range(5):
        item_factory(project, f"q{n}")
    page = lead.get("projects/support/items/", page_size=2).json()
    assert page["previous"] is None
    found = page["results"]
    item_factory(project, "late")
    while page["next"]:
        page = lead.get(page["next"].removeprefix("http://testserver")).json()
        found += page["results"]
    assert [row["item"] for row in found] == ["q0", "q1", "q2", "q3", "q4", "late"]


def test_a_made_up_cursor_is_refused_in_words(lead: Caller, project: Project) -> None:
    answer = lead.get("projects/support/items/", cursor="nonsense")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/cursor"


@pytest.mark.parametrize("kind", ["items", "systems", "metrics", "rounds", "rounds/pilot/judgments"])
def test_a_page_costs_the_same_at_any_size(lead: Caller, judged: Round, project: Project, kind: str) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert lead.get(f"projects/support/{kind}/").status_code == 200
        return len(queries)

    cost()  # the token's day is written once
    before = cost()
    for n in range(3):
        output_factory(item_factory(project), system_factory(project))
        round_factory(project, slug=f"more-{n}")
        lead.post("projects/support/rounds/pilot/judgments/", [{**JUDGED[0], "item": f"more-{n}"}])
        lead.post("projects/support/outputs/", {"scores": [{"system": "s", "metric": f"m{n}", "value": n}]})
    assert cost() == before


# --- rounds ---------------------------------------------------------------------------------------------


def test_a_round_tells_its_state_and_progress(caller: Callable[[str], Caller], project: Project) -> None:
    round = round_factory(project, items=3, systems=2, overlap=2)
    viewer = caller("viewer")
    [listed] = viewer.get("projects/support/rounds/").json()["results"]
    assert (listed["slug"], listed["state"], listed["mode"]) == (round.slug, "open", "score")
    assert listed["progress"] == {"wanted": 12, "judged": 0}
    found = viewer.get(f"projects/support/rounds/{round.slug}/").json()
    assert found["progress"] == {
        **{"wanted": 12, "judged": 0, "leased": 0, "left": 12},
        **{"tasks": 6, "tasks_done": 0, "imported": 0},
    }
    assert found["rubric"]["version"] == 1


# --- judgments ------------------------------------------------------------------------------------------


def test_judgments_go_in_once_and_come_out_tidy(lead: Caller, judged: Round) -> None:
    again = lead.post("projects/support/rounds/pilot/judgments/", JUDGED)
    assert (again.json()["judgments"], again.json()["unchanged"]) == (0, 6)
    rows = lead.get("projects/support/rounds/pilot/judgments/").json()["results"]
    assert [list(row) for row in rows] == [[column.name for column in RATING_COLUMNS]] * 6
    assert {(row["item"], row["system"], row["value"]) for row in rows} == {
        (row["item"], row["system"], row["value"]) for row in JUDGED
    }
    assert {row["purpose"] for row in rows} == {"imported"}


def test_judgments_come_in_pages(lead: Caller, judged: Round) -> None:
    first = lead.get("projects/support/rounds/pilot/judgments/", page_size=4).json()
    rest = lead.get(first["next"].removeprefix("http://testserver")).json()
    whole = lead.get("projects/support/rounds/pilot/judgments/").json()["results"]
    assert first["results"] + rest["results"] == whole
    assert (len(first["results"]), rest["next"]) == (4, None)


def test_judgments_stream_as_csv_and_json_lines(lead: Caller, judged: Round) -> None:
    path = "projects/support/rounds/pilot/judgments/"
    page = lead.get(path).json()["results"]
    answer = lead.get(path, format="jsonl")
    assert [json.loads(line) for line in answer.getvalue().decode().splitlines()] == page
    answer = lead.get(path, format="csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="support-pilot-ratings.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(row["item"], float(row["value"])) for row in rows] == [(row["item"], row["value"]) for row in page]
    assert lead.get(path, format="xml").status_code == 404


def test_a_refusal_is_json_whatever_was_asked_for(lead: Caller, project: Project) -> None:
    answer = lead.get("projects/support/rounds/none/judgments/", format="csv")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_judgments_come_from_a_file_too(lead: Caller, project: Project) -> None:
    round_factory(project, slug="pilot")
    lines = [",".join(JUDGED[0]), *(",".join(map(str, row.values())) for row in JUDGED)]
    file = SimpleUploadedFile("ratings.csv", "\n".join(lines).encode())
    answer = lead.upload("projects/support/rounds/pilot/judgments/", file=file)
    assert answer.status_code == 200, answer.text
    assert answer.json()["ratings"] == Rating.objects.count() == 6


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{**JUDGED[0], "value": 9}], "request, row 1, column value"),
        ([{**JUDGED[0], "criterion": "beauty"}], "Accepted: correct"),
        ([{**JUDGED[0], "colour": "red"}], "colour"),
        ([], "a list of rows"),
        ({"item": "q1"}, "a list of rows"),
    ],
)
def test_a_bad_judgment_refuses_all_of_them(lead: Caller, project: Project, content: Any, words: str) -> None:
    round_factory(project, slug="pilot")
    sent = [*JUDGED, *content] if content and isinstance(content, list) else content
    answer = lead.post("projects/support/rounds/pilot/judgments/", sent)
    assert answer.status_code == 400, answer.text
    assert words.replace("row 1", "row 7") in answer.text
    assert not Judgment.objects.exists()


# --- reports --------------------------------------------------------------------------------------------


def test_a_report_is_built_once_for_the_same_data(lead: Caller, judged: Round) -> None:
    path = "projects/support/rounds/pilot/report/"
    assert lead.get(path).status_code == 404
    built = lead.post(path, {"seed": 7})
    assert built.status_code == 201, built.text
    assert (built.json()["number"], built.json()["seed"]) == (1, 7)
    again = lead.post(path, {"seed": 7})
    assert (again.status_code, again.json()) == (200, built.json())
    report = lead.get(path)
    assert report["ETag"] == f'"{built.json()["digest"]}"'
    assert hashlib.sha256(report.content).hexdigest() == built.json()["digest"]
    assert report.json()["agreement"]["correct"]["krippendorff_alpha"]["value"] is not None


@pytest.mark.parametrize(("content", "pointer"), [({"seed": -1}, "/seed"), ({"seeds": 1}, "/seeds")])
def test_a_bad_option_of_a_report_is_named(lead: Caller, judged: Round, content: Any, pointer: str) -> None:
    answer = lead.post("projects/support/rounds/pilot/report/", content)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_reviewers_build_reports_and_viewers_read_them(caller: Callable[[str], Caller], judged: Round) -> None:
    path = "projects/support/rounds/pilot/report/"
    assert caller("viewer").post(path, {}).status_code == 404
    assert caller("reviewer").post(path, {}).status_code == 201
    assert caller("viewer").get(path).status_code == 200
