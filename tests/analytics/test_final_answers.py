"""A report that takes final answers: said openly, for figures about systems, never for agreement."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from analytics.models import Report
from annotation.models import Adjudication, RaterExclusion, Round, Seat
from tests.analytics.helpers import filled_round, scale
from tests.analytics.test_reports import body_of
from tests.annotation.round_pages import as_
from tests.factories import OVERALL, member

pytestmark = pytest.mark.django_db


def scored(values: dict[str, list[int]]) -> Round:
    """Raters' answers by item, about one system."""
    rows = [
        {"item": item, "system": "amber", "rater": f"r{n}", "criterion": "good", "value": value}
        for item, given in values.items()
        for n, value in enumerate(given)
    ]
    return filled_round([scale("good", "interval")], rows)


def settle(round: Round, item: str, **answer: Any) -> Adjudication:
    task = round.tasks.get(item__external_id=item)
    criterion = round.rubric_version.criteria.get()
    return Adjudication.objects.create(task=task, criterion=criterion, reason="So.", **answer)


def mean(body: dict[str, Any]) -> float:
    return float(body["scores"]["amber"]["good"]["mean"]["value"])


def test_the_figure_of_a_system_takes_the_final_answer_where_there_is_one() -> None:
    round = scored({"q1": [1, 5], "q2": [3, 3]})
    settle(round, "q1", number=5.0)
    assert mean(body_of(round)) == 3.0
    assert mean(body_of(round, final_answers=True)) == 4.0


def test_agreement_and_raters_are_of_the_raters_alone() -> None:
    round = scored({"q1": [1, 5], "q2": [3, 3], "q3": [2, 4]})
    settle(round, "q1", number=5.0)
    without, taken = body_of(round), body_of(round, final_answers=True)
    assert without["agreement"] == taken["agreement"]
    assert without["raters"] == taken["raters"]
    assert without["round"] == taken["round"]


def test_it_says_openly_whether_they_are_taken() -> None:
    round = scored({"q1": [1, 5], "q2": [3, 3]})
    assert body_of(round)["final_answers"] == {"used": False, "n": 0, "n_unsettled": 0}
    settle(round, "q1", number=5.0)
    without, taken = body_of(round), body_of(round, final_answers=True)
    assert "Without the 1 final answer of reviewers" in " ".join(without["method"])
    assert "With 1 final answer of reviewers in place of the raters’ own" in " ".join(taken["method"])
    assert any("1 final answer of reviewers taken" in warning for warning in taken["warnings"])
    assert taken["final_answers"] == {"used": True, "n": 1, "n_unsettled": 0}
    assert taken["provenance"]["data_digest"] != without["provenance"]["data_digest"]


def test_what_cannot_be_settled_and_what_was_taken_back_leave_the_raters_answers() -> None:
    round = scored({"q1": [1, 5], "q2": [3, 3]})
    settle(round, "q1", unsettled=True)
    settle(round, "q2", number=5.0, current=False)
    taken = body_of(round, final_answers=True)
    assert mean(taken) == 3.0
    assert taken["final_answers"] == {"used": True, "n": 0, "n_unsettled": 1}


def test_a_final_answer_where_every_rater_was_left_out_since_counts_nowhere() -> None:
    round = filled_round(
        [scale("good", "interval")],
        [
            {"item": item, "system": "amber", "rater": rater, "criterion": "good", "value": 3}
            for item, rater in (("q1", "ann"), ("q1", "ben"), ("q2", "cleo"), ("q2", "dan"))
        ],
    )
    settle(round, "q1", number=5.0)
    settle(round, "q2", number=4.0)
    for seat in Seat.objects.filter(round=round, rater__external_id__in=["ann", "ben"]):
        RaterExclusion.objects.create(seat=seat, reason="Answers at random.")
    taken = body_of(round, final_answers=True)
    assert (mean(taken), taken["final_answers"]["n"]) == (4.0, 1)
    assert any("1 final answer of reviewers taken" in warning for warning in taken["warnings"])
    assert "With 1 final answer of reviewers" in " ".join(taken["method"])


@pytest.mark.parametrize(("number", "label", "winner"), [(1.0, "b", 1), (-1.0, "a", 0), (0.0, "tie", None)])
def test_a_preference_is_read_in_the_order_of_the_outputs(number: float, label: str, winner: int | None) -> None:
    """Canonical order is not the order of names: `basalt` is the first output here."""
    rows = [
        {"item": "q1", "system": "basalt", "system_b": "amber", "rater": rater, "criterion": "overall", "value": value}
        for rater, value in (("ann", "a"), ("ben", "b"))
    ]
    round = filled_round([OVERALL], rows, mode="compare")
    settle(round, "q1", number=number, label=label)
    outputs = [each.output.system.name for each in round.tasks.get().task_outputs.order_by("position")]
    won = body_of(round, final_answers=True)["preference"]["overall"]["win_rate"]
    expected = 0.5 if winner is None else float(outputs[winner] == "amber")
    assert won["amber"]["basalt"]["value"] == expected
    assert body_of(round)["preference"]["overall"]["win_rate"]["amber"]["basalt"]["value"] == 0.5


def test_sides_are_of_the_raters_alone() -> None:
    rows = [
        {"item": f"q{n}", "system": "amber", "system_b": "basalt", "rater": rater, "criterion": "overall",
         "value": "a", "position": "a_first"}
        for n in range(3) for rater in ("ann", "ben")
    ]  # fmt: skip
    round = filled_round([OVERALL], rows, mode="compare")
    settle(round, "q1", number=1.0, label="b")
    bias = [body_of(round, final_answers=taken)["preference"]["overall"]["position_bias"] for taken in (False, True)]
    assert bias[0] == bias[1]


def test_the_page_and_the_command_take_them_when_asked() -> None:
    round = scored({"q1": [1, 5], "q2": [3, 3]})
    client = as_(member(round.project, "lead"))
    listed = reverse("analytics:reports", args=[round.project.slug])
    assert "final_answers" not in client.get(listed).content.decode()
    settle(round, "q1", number=5.0)
    assert "with 1 final answer" in client.get(listed).content.decode()
    build = reverse("analytics:report_build", args=[round.project.slug])
    client.post(build, {"round": round.slug})
    client.post(build, {"round": round.slug, "final_answers": "1"})
    assert [mean(report.body) for report in Report.objects.order_by("number")] == [3.0, 4.0]
    assert Report.objects.order_by("-number")[0].options["final_answers"] is True


def test_the_command_takes_them_when_asked(tmp_path: Any) -> None:
    round = scored({"q1": [1, 5], "q2": [3, 3]})
    settle(round, "q1", number=5.0)
    call_command("report", f"{round.project.slug}/{round.slug}", out=tmp_path, final_answers=True, stdout=StringIO())
    assert mean(Report.objects.get().body) == 4.0
