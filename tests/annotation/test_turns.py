"""A criterion about each turn of a conversation: the page, the form, the record, and the figures."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from analytics import reports
from analytics.digests import body_json
from analytics.verification import differences
from annotation.adjudication_cases import cases
from annotation.exporters.files import export_round
from annotation.exporters.reading import read_export
from annotation.models import Adjudication, Assignment, FreeText, GoldAnswer, Rating, Round
from annotation.services.rebuilding import export_import
from annotation.turns import MOST, turns_in, with_turns
from projects.models import OutputRevision, Role
from projects.rendering import render_output
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec
from tests.annotation.test_several_and_slider import Rater
from tests.factories import CORRECT, OVERALL, member, round_factory

pytestmark = pytest.mark.django_db
SAYS = CRITERIA["yes_no"].normalise(
    CriterionSpec("says", "yes_no", "Do the sources say so?", "nominal", scope="turn", allow_cannot_judge=True)
)
WHY = CriterionSpec("why", "text", "Why not?", "text", scope="turn", shown_if={"criterion": "says", "is": "no"})
TALK = [
    {"role": "assistant", "content": "Which order?"},
    {"role": "user", "content": "The lamp."},
    {"role": "assistant", "content": "Let me look.", "tool_calls": [{"id": "1", "function": {"name": "orders"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "sold"},
    {"role": "assistant", "content": "Within 30 days."},
]


def talk(text: str, role: str = "assistant") -> dict[str, str]:
    return {"role": role, "content": text}


def turns_round(messages: list[dict[str, Any]] = TALK, **settings: Any) -> Round:
    round_ = round_factory(**{"criteria": (CORRECT, SAYS, WHY), "overlap": 1, "items": 1, "systems": 1} | settings)
    html = render_output("", messages)
    OutputRevision.objects.filter(output__item__project=round_.project).update(html=html)
    return round_


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        (TALK, 2),
        ([talk("One."), talk("Two.")], 2),
        ([talk("Hello?", "user"), talk("Yes.", "agent-7")], 1),
        ([talk("Only they speak.", "user")], 1),
        ([talk("a"), talk("b", "user")] * (MOST + 3), MOST),
    ],
)
def test_a_turn_is_what_the_assistant_says_until_somebody_else_does(messages: Any, turns: int) -> None:
    assert turns_in(render_output("", messages)) == turns


def test_turns_are_numbered_in_the_readers_words_and_nobody_else_can_write_one() -> None:
    forged = '<div class="turn"><p class="turn-who">Assistant</p></div>'
    assert turns_in(render_output(forged)) == 1
    said = with_turns('<div class="turn"><p class="turn-who" data-who="Assistant" lang="de">A</p></div>' * 2, "o1")
    assert 'id="o1t1" tabindex="-1"><p class="turn-who" data-who="Assistant" lang="de">A · turn 2</p>' in said
    with translation.override("de"):
        assert "Assistant · Beitrag 2" in with_turns(render_output("", TALK), "o0")


def test_each_turn_is_asked_about_and_kept() -> None:
    rater = Rater(turns_round())
    page = rater.page()
    assert page.index('name="c-says-o0t0"') < page.index('name="c-says-o0t1"') < page.index('name="c-correct"')
    assert 'href="#o0t1" data-turn>Go to turn 2</a>' in page
    assert page.count('id="o0t1"') == 1
    assert 'data-shown-field="c-says-o0t1"' in page
    refused = rater.send(**{"says-o0t0": "yes", "correct": "2"})
    assert (refused.status_code, Rating.objects.count()) == (422, 0)
    assert rater.send("draft", **{"says-o0t0": "yes"}).json() == {"version": 1}
    given = {"says-o0t0": "no", "why-o0t0": "Nobody says so.", "says-o0t1": "x", "why-o0t1": "Hidden.", "correct": "2"}
    assert rater.send(**given).status_code == 302
    kept = Rating.objects.order_by("target").values_list("target", "label", "number", "cannot_judge")
    assert list(kept) == [("", "", 2.0, False), ("o0t0", "no", 0.0, False), ("o0t1", "", None, True)]
    assert list(FreeText.objects.values_list("target", "text")) == [("o0t0", "Nobody says so.")]
    judged = Assignment.objects.get()
    again = rater.client.get(reverse("annotation:again", args=[rater.round.public_id, judged.public_id]))
    assert again.content.decode().count(" checked") == 3
    past = rater.client.get(reverse("annotation:history", args=[rater.round.public_id])).content.decode()
    assert "Turn 1: No" in past
    lead = Client()
    lead.force_login(member(rater.round.project, Role.LEAD))
    one = lead.get(
        reverse("annotation:review_one", args=[rater.round.project.slug, rater.round.slug, judged.pk])
    ).content.decode()
    assert "Turn 2: Cannot judge" in one
    assert 'id="o0t1"' in one


def test_of_two_answers_each_turn_of_each_is_asked_about() -> None:
    rater = Rater(turns_round(mode="compare", systems=2, criteria=(OVERALL, SAYS)))
    page = rater.page()
    assert "A, turn 1: Do the sources say so?" in page
    assert page.count('id="o1t1"') == 1
    given = {f"says-o{n}t{t}": "yes" for n in (0, 1) for t in (0, 1)}
    assert rater.send(**given, overall="1").status_code == 302
    assert set(Rating.objects.values_list("target", flat=True)) == {"", "o0t0", "o0t1", "o1t0", "o1t1"}


def settled(round_: Round) -> None:
    """Two raters differ about the second turn; a lead settles it."""
    for said in ("yes", "no"):
        rater = Rater(round_)
        rater.page()
        assert rater.send(**{"says-o0t0": "yes", "says-o0t1": said}).status_code == 302
    lead = Client()
    lead.force_login(member(round_.project, Role.LEAD))
    [case] = cases(round_)
    assert (case.address, len(case.values)) == ("says.o0t1", 2)
    address = reverse("annotation:case", args=[round_.project.slug, round_.slug, case.place.task, case.address])
    assert '<a href="#o0t1">About turn 2</a>' in lead.get(address).content.decode()
    assert lead.post(address, {"revision": "0", "value": "no", "reason": "None says so."}).status_code == 302
    assert Adjudication.objects.get().target == "o0t1"


def test_figures_count_each_turn_and_an_export_gives_them_again(tmp_path: Path) -> None:
    round_ = turns_round(overlap=2, criteria=(SAYS,))
    settled(round_)
    body = dict(json.loads(body_json(reports.build(round_).body)))
    assert body["agreement"]["says"]["percent_agreement"]["n_units"] == 2
    assert body["agreement"]["says"]["percent_agreement"]["value"] == 0.5
    export_round(round=round_, formats=["csv"], out=tmp_path)
    rows = list(csv.DictReader((tmp_path / "ratings.csv").read_text().splitlines()))
    assert sorted(row["target"] for row in rows) == ["o0t0", "o0t0", "o0t1", "o0t1"]
    assert not differences(body, read_export(tmp_path), lambda *_: None)
    type(round_.project).objects.filter(pk=round_.project_id).update(slug="elsewhere")
    made = export_import(export=read_export(tmp_path))
    assert sorted(Rating.objects.filter(judgment__seat__round=made.round).values_list("target", flat=True)) == [
        "o0t0", "o0t0", "o0t1", "o0t1",
    ]  # fmt: skip


def test_a_known_answer_may_be_about_a_turn() -> None:
    round_ = turns_round(opened=False, criteria=(SAYS,))
    output = OutputRevision.objects.get(output__item__project=round_.project).output_id
    lead = Client()
    lead.force_login(member(round_.project, Role.LEAD))
    address = reverse("annotation:gold_task", args=[round_.project.slug, round_.slug]) + f"?outputs={output}"
    assert "Turn 2: Do the sources say so?" in lead.get(address).content.decode()
    assert lead.post(address, {"c-says-o0t1": "no"}).status_code == 302
    assert list(GoldAnswer.objects.values_list("target", "label")) == [("o0t1", "no")]
