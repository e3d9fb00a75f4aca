"""Several labels and a slider the whole way: the page, the form, the draft, the record, gold, export and report."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analytics.reports import build
from annotation.adjudication_cases import cases, question_address
from annotation.exporters.files import export_round
from annotation.models import Adjudication, Assignment, FreeText, Rating, Round
from projects.models import Role
from rubrics.specs import CriterionSpec, LevelSpec
from tests.analytics.helpers import add_rows, filled_round
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db
FAULTS = CriterionSpec(
    "faults", "several_of", "Which faults?", "nominal", allow_cannot_judge=True,
    levels=(LevelSpec("tone", "Tone"), LevelSpec("form", "Form"), LevelSpec("truth", "Truth")),
)  # fmt: skip
SURE = CriterionSpec(
    "sure", "slider", "How sure?", "interval", allow_cannot_judge=True,
    levels=(LevelSpec("0", "Not", 0.0, "A guess."), LevelSpec("100", "Fully", 100.0, "Looked up.")),
)  # fmt: skip
WHY = CriterionSpec("why", "text", "Why?", "text", shown_if={"criterion": "faults", "is": ["truth"]})


ROWS = [
    {"item": f"q{n}", "system": "a", "rater": rater, "criterion": "faults", "value": value}
    for n in range(8)
    for rater, value in (("ann", "tone|form" if n % 2 else "none"), ("ben", '["form", "tone"]' if n % 2 else "truth"))
] + [
    {"item": f"q{n}", "system": "a", "rater": rater, "criterion": "sure", "value": n * 10 + more}
    for n in range(8)
    for rater, more in (("ann", 0), ("ben", 3))
]


class Rater:
    """One rater at the page of a round, without scripts."""

    def __init__(self, round: Round) -> None:
        self.round, self.client = round, Client()
        self.client.force_login(member(round.project, Role.RATER))

    def page(self) -> str:
        return str(self.client.get(reverse("annotation:rate", args=[self.round.public_id])).content.decode())

    def send(self, name: str = "submit", **answers: Any) -> Any:
        task = Assignment.objects.filter(state=Assignment.State.LIVE).latest("id").public_id
        address = reverse(f"annotation:{name}", args=[self.round.public_id])
        given = {f"c-{key}": value for key, value in answers.items()}
        return self.client.post(address, {"task": task, "key": "k" * 12, "version": "0", **given})


@pytest.fixture
def rater() -> Rater:
    return Rater(round_factory(criteria=(FAULTS, SURE, WHY), items=1, systems=1))


def test_boxes_and_the_line_are_drawn_with_nothing_chosen(rater: Rater) -> None:
    page = rater.page()
    assert page.count('type="checkbox" name="c-faults"') == 5, "three labels, none of these, cannot judge"
    assert 'name="c-sure" value=""' in page
    assert "data-unset" in page
    assert "Looked up." in page
    assert " checked" not in page


def test_several_boxes_are_recorded_as_a_set_and_a_list(rater: Rater) -> None:
    rater.page()
    assert rater.send(faults=["truth", "tone"], sure=["73", ""], why="Wrong year.").status_code == 302
    kept = {r.criterion.key: (r.label, r.data, r.number) for r in Rating.objects.select_related("criterion")}
    assert kept == {"faults": ("tone|truth", ["tone", "truth"], None), "sure": ("", None, 73.0)}
    judged = Assignment.objects.get()
    again = rater.client.get(reverse("annotation:again", args=[rater.round.public_id, judged.public_id]))
    page = again.content.decode()
    assert page.count(" checked") == 2
    assert 'name="c-sure" value="73"' in page


def test_none_and_cannot_judge_are_answers_too(rater: Rater) -> None:
    rater.page()
    assert rater.send(faults="none", sure=["", "x"]).status_code == 302
    kept = {r.criterion.key: (r.label, r.data, r.cannot_judge) for r in Rating.objects.select_related("criterion")}
    assert kept == {"faults": ("none", [], False), "sure": ("", None, True)}


def test_why_something_cannot_be_judged_is_kept_beside_it_and_comes_back(rater: Rater) -> None:
    page = rater.page()
    assert page.count('name="unable-c-') == 2, "where “cannot judge” is offered"
    address, task = reverse("annotation:draft", args=[rater.round.public_id]), Assignment.objects.get().public_id
    typed = {"c-sure": ["", "x"], "unable-c-sure": "No source.", "unable-c-faults": "Unsaid."}
    assert rater.client.post(address, {"task": task, "version": "0", **typed}).status_code == 200
    assert 'value="No source."' in rater.page()
    submit = reverse("annotation:submit", args=[rater.round.public_id])
    sent = {"task": task, "key": "k" * 12, "c-faults": "none", **typed}
    assert rater.client.post(submit, sent).status_code == 302
    # Of what was judged no reason is kept.
    assert [(t.criterion.key, t.kind, t.text) for t in FreeText.objects.select_related("criterion")] == [
        ("sure", "reason", "No source.")
    ]
    again = rater.client.get(reverse("annotation:again", args=[rater.round.public_id, task])).content.decode()
    assert 'value="No source."' in again


def test_a_number_can_be_left_to_who_can_judge_it() -> None:
    minutes = CriterionSpec("minutes", "number", "How long?", "ratio", config={"min": 0}, allow_cannot_judge=True)
    rater = Rater(round_factory(criteria=(minutes,), items=1, systems=1))
    page = rater.page()
    assert page.count('type="checkbox" name="c-minutes"') == 1
    assert "Cannot judge" in page
    both = rater.send(minutes=["5", "x"])
    assert (both.status_code, "at least 0" in both.content.decode()) == (422, True)
    assert rater.send(minutes=["", "x"]).status_code == 302
    kept = Rating.objects.get()
    assert (kept.number, kept.cannot_judge) == (None, True)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"sure": "5"}, "“Which faults?” has no answer yet."),
        ({"faults": "tone", "sure": ""}, "“How sure?” has no answer yet."),
        ({"faults": ["tone", "none"], "sure": "5"}, "or none alone"),
        ({"faults": ["tone", "x"], "sure": "5"}, "or none alone"),
        ({"faults": "tone", "sure": "101"}, "at least 0 and at most 100"),
        ({"faults": "tone", "sure": ["5", "x"]}, "at least 0 and at most 100"),
        ({"faults": ["form", "truth"], "sure": "5"}, "“Why?” has no answer yet."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_sent_stays(rater: Rater, answers: dict[str, Any], words: str) -> None:
    rater.page()
    answer = rater.send(**answers)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    boxes = answers.get("faults", [])
    assert page.count(" checked") == len([boxes] if isinstance(boxes, str) else boxes) + ("x" in answers["sure"])
    assert not Rating.objects.exists()


def test_a_draft_keeps_every_box(rater: Rater) -> None:
    rater.page()
    assert rater.send("draft", faults=["form", "truth"], sure="8").status_code == 200
    assert Assignment.objects.get().draft["c-faults"] == "form|truth"
    assert rater.page().count(" checked") == 2


def test_a_final_answer_of_several_labels_is_read_whole() -> None:
    round = filled_round((FAULTS,), ROWS[2:4], state="open", opened_at=timezone.now())
    add_rows(round, [{**ROWS[2], "rater": "cem", "value": "truth"}])
    [case] = cases(round)
    lead = Client()
    lead.force_login(member(round.project, Role.LEAD))
    question = question_address("faults", case.place.target)
    address = reverse("annotation:case", args=[round.project.slug, round.slug, case.place.task, question])
    page = lead.get(address).content.decode()
    assert "Tone, Form" in page
    assert 'type="checkbox" name="value" value="form"' in page
    sent = {"value": ["form", "truth"], "reason": "So.", "revision": "0"}
    assert lead.post(address, sent).status_code == 302
    final = Adjudication.objects.get()
    assert (final.label, final.data) == ("form|truth", ["form", "truth"])


def test_files_exports_and_reports_know_both(tmp_path: Path) -> None:
    round = filled_round((FAULTS, SURE), ROWS)
    export_round(round=round, formats=["csv"], out=tmp_path)
    with (tmp_path / "ratings.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["criterion"] == "faults" and row["item"] == "q1"]
    assert {(row["label"], row["data"]) for row in rows} == {("tone|form", '["tone", "form"]')}
    body = build(round).body
    assert body["agreement"]["faults"]["percent_agreement"]["value"] == 0.5
    assert body["agreement"]["sure"]["krippendorff_alpha"]["value"] > 0.9
