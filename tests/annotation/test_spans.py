"""Marked passages: the plain form, the record, drafts, files, and the figures of a report."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from analytics.report_page import page_of
from analytics.reports import build
from annotation.exporters.files import export_round
from annotation.models import Assignment, Rating, Round, TaskOutput
from projects.models import OutputRevision
from rubrics.criteria import CRITERIA
from rubrics.specs import AnswerError, CriterionSpec
from tests.analytics.helpers import filled_round
from tests.annotation.test_several_and_slider import Rater
from tests.factories import round_factory

pytestmark = pytest.mark.django_db
ERRORS = CRITERIA["spans"].normalise(
    CriterionSpec(
        "errors", "spans", "Mark the errors.", "ratio", allow_cannot_judge=True,
        config={"categories": ["accuracy", "style/tone"], "severities": {"minor": 1, "major": 5}},
    )
)  # fmt: skip
TEXT = "\r\n😀 The policy | says **30 days**.\r\nIt says so twice: says."


def marking_round(text: str = TEXT, **settings: Any) -> Round:
    round_ = round_factory(**{"criteria": (ERRORS,), "overlap": 1, "items": 2, "systems": 1} | settings)
    for n, row in enumerate(OutputRevision.objects.filter(output__item__project=round_.project).order_by("pk")):
        OutputRevision.objects.filter(pk=row.pk).delete()
        OutputRevision.objects.create(output=row.output, text=text, digest=f"d{n}", html="<p>x</p>")
    return round_


def quote(
    n: int, words: str, occurrence: int = 1, category: str = "accuracy", severity: str = "major"
) -> dict[str, str]:
    fields = {"quote": words, "occurrence": str(occurrence), "category": category, "severity": severity}
    return {f"errors~{n}.{name}": value for name, value in fields.items()}


def test_passages_are_quoted_in_a_plain_form_and_counted_in_characters() -> None:
    rater = Rater(marking_round())
    page = rater.page()
    assert "\n&#13;\n😀 The policy" in page, "the page holds the text character by character"
    refused = rater.send(**quote(1, "says", 4), **quote(2, "policy | says", category="style/tone", severity="minor"))
    assert refused.status_code == 422
    assert "stands 3 times in the answer" in (told := refused.content.decode())
    assert ">policy | says</textarea>" in told, "what was typed stays"
    assert rater.send(**quote(1, "says", 3), **quote(2, "policy | says", 1, "style/tone", "minor")).status_code == 302
    kept = Rating.objects.get()
    assert (kept.number, kept.target) == (6.0, "o0")
    assert [TEXT[m["start"] : m["end"]] for m in kept.data] == ["policy | says", "says"]
    at, digest = (
        TEXT.rindex("says"),
        OutputRevision.objects.get(
            output__in=TaskOutput.objects.filter(task__assignments__state=1).values("output")
        ).digest,
    )
    assert kept.data[1] == {**mark(at, at + 4), "revision": digest}
    again = rater.client.get(
        reverse("annotation:again", args=[rater.round.public_id, Assignment.objects.get(state=1).public_id])
    )
    assert '<q dir="auto">policy | says</q> style/tone, minor' in again.content.decode()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0-99:accuracy:major", "does not lie within the text"),
        ("5-5:accuracy:major", "does not lie within the text"),
        ("1-4:beauty:major", "“beauty” is not a category"),
        ("1-4:accuracy:fatal", "“fatal” is not a severity"),
        (["1-4:accuracy:minor", "none"], "or none alone"),
        ("nothing", "is no mark"),
        ("", "has no answer yet"),
    ],
)
def test_what_is_no_mark_is_refused_in_words(value: Any, words: str) -> None:
    rater = Rater(marking_round())
    rater.page()
    answer = rater.send(errors=value)
    assert (answer.status_code, Rating.objects.count()) == (422, 0)
    assert words in answer.content.decode()


def test_nothing_to_mark_is_an_answer_and_a_draft_keeps_marks() -> None:
    rater = Rater(marking_round())
    rater.page()
    assert rater.send("draft", errors=["2-5:accuracy:minor", "3-9:accuracy:major"]).json() == {"version": 1}
    assert rater.page().count('name="c-errors" value="') == 4, "two marks, none, cannot judge"
    assert rater.send(errors="none").status_code == 302
    assert (Rating.objects.get().data, Rating.objects.get().number) == ([], 0.0)


def test_lists_of_a_rubric_are_held_to_their_form() -> None:
    kind = CRITERIA["spans"]
    for config, words in (
        ({"categories": ["a|b"]}, "without | : ~"),
        ({"categories": ["a", "a"]}, "must differ"),
        ({"severities": {"minor": -1}}, "a number, 0 or more"),
        ({"categories": []}, "at least one category"),
    ):
        spec = kind.normalise(CriterionSpec("k", "spans", "Q", "ratio", config=config))
        assert any(words in sentence for _, sentence in kind.problems(spec))
    with pytest.raises(AnswerError, match="give start and end"):
        kind.accept(ERRORS, [{"quote": "x", "category": "accuracy", "severity": "minor"}])


# --- figures ----------------------------------------------------------------------------------------------


def mark(start: int, end: int, category: str = "accuracy", severity: str = "major") -> dict[str, Any]:
    return {"start": start, "end": end, "category": category, "severity": severity}


def marked_round() -> Round:
    """Ann and Ben mark half of what the other marks in amber; in basalt only Ann marks something, in every third."""
    rows = []
    for n in range(12):
        said = {
            ("amber", "ann"): [mark(0, 10), mark(20, 24, "style/tone", "minor")], ("amber", "ben"): [mark(5, 15)],
            ("basalt", "ann"): [mark(0, 4, severity="minor")] if n % 3 == 0 else [], ("basalt", "ben"): [],
        }  # fmt: skip
        rows += [
            {"item": f"q{n}", "system": system, "rater": rater, "criterion": "errors", "value": json.dumps(marks)}
            for (system, rater), marks in said.items()
        ]
    return filled_round([ERRORS], rows)


def test_a_report_has_points_counts_and_agreement_on_passages(tmp_path: Path) -> None:
    round_ = marked_round()
    body = build(round_).body
    assert body["scores"]["amber"]["errors"]["mean"]["value"] == pytest.approx(5.5)
    assert body["scores"]["basalt"]["errors"]["mean"]["value"] == pytest.approx(4 / 12 / 2)
    found = body["marks"]["errors"]
    assert found["systems"]["amber"]["mqm"]["value"] == pytest.approx(5.5)
    assert found["systems"]["amber"]["counts"] == {
        "accuracy": {"minor": 0, "major": 24}, "style/tone": {"minor": 12, "major": 0},
    }  # fmt: skip
    assert found["systems"]["basalt"]["counts"]["accuracy"] == {"minor": 4, "major": 0}
    # Characters: 10 + 4 and 10, of which 5 are both's: 2·5/24. In basalt two in three have nothing on both sides.
    assert found["span_f1"]["value"] == pytest.approx((10 / 24 + 8 / 12) / 2)
    assert found["span_f1_same_category"]["n_clusters"] == 12
    page = page_of(json.loads(json.dumps(body)))
    assert [line.name for line in page.marks[0].lines] == ["basalt", "amber"]
    export_round(round=round_, out=tmp_path, formats=["csv"])
    rows = list(csv.DictReader((tmp_path / "ratings.csv").read_text().splitlines()))
    assert json.loads(rows[0]["data"])[0] == mark(0, 10)
    assert rows[0]["value"] == "6"
