"""What the rubric check finds, what it lets pass, and where it says it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rubrics.criteria import CRITERIA
from rubrics.lints import TITLES, lint
from rubrics.rubric_files import rubric_check
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec


def scale(*labels: str, anchors: tuple[str, ...] | None = None, **fields: Any) -> CriterionSpec:
    said = anchors or (
        "Off by far in every part.",
        "Slips in places.",
        "Nothing to mend.",
        "Beyond hope.",
        "E",
        "F",
        "G",
        "H",
    )
    made = tuple(LevelSpec(str(n), label, float(n), said[n - 1]) for n, label in enumerate(labels, start=1))
    given = {
        "key": "k",
        "type": "scale",
        "question": "How true is it?",
        "level_of_measurement": "ordinal",
        "levels": made,
    }
    return CriterionSpec(**{**given, **fields})


def yes_no(question: str, key: str = "k", **fields: Any) -> CriterionSpec:
    fields.setdefault("guidance", "Yes where it holds.")
    return CRITERIA["yes_no"].normalise(CriterionSpec(key, "yes_no", question, "nominal", **fields))


GOOD = scale("Bad", "Middling", "Good")
FOUND: dict[str, list[tuple[CriterionSpec, ...]]] = {
    "missing-anchors": [
        (scale("Bad", "Middling", "Good", anchors=("Off.", "", "Right.")),),
        (yes_no("Is it polite?", guidance=""),),
        (replace(GOOD, type="slider", levels=()),),
    ],
    "overlapping-levels": [
        (scale("Bad", "Middling", "Good", anchors=("A wrong date in it.", "It has a wrong date.", "Right.")),),
        (scale("Good", "good", "Fine", anchors=("Some slips.", "Right.", "Perfect in form."), question="How is it?"),),
    ],
    "double-barrelled": [
        (yes_no("Is it correct and polite?"),),
        (yes_no("Is it correct? Is it polite?"),),
        (yes_no("Does it name the cause as well as the cure?"),),
    ],
    "all-positive": [tuple(yes_no(f"Is it {word}?", word) for word in ("true", "kind", "brief", "clear"))],
    "unbalanced-scale": [(scale("Fair", "Good", "Excellent"),), (scale("Middling", "Poor", "Bad"),)],
    "uneven-steps": [
        (replace(GOOD, level_of_measurement="interval", levels=tuple(
            replace(x, number=n) for x, n in zip(GOOD.levels, (1.0, 2.0, 5.0), strict=True))),),
    ],
    "too-many-criteria": [tuple(replace(GOOD, key=f"k{n}") for n in range(9))],
    "too-many-levels": [(scale(*(f"Step {n}" for n in range(8))),)],
    "long-question": [(replace(GOOD, question="How true is " + "it " * 70 + "?"),)],
    "broken-condition": [
        (GOOD, yes_no("Is it kind?", "two", shown_if={"criterion": "gone", "is": "yes"})),
        (GOOD, yes_no("Is it kind?", "two", shown_if={"criterion": "k", "is": ["9"]})),
    ],
}  # fmt: skip


def codes(*criteria: CriterionSpec) -> set[str]:
    return {finding.code for finding in lint(RubricSpec(name="A", criteria=criteria))}


def test_every_check_has_its_title_and_its_cases() -> None:
    assert set(FOUND) == set(TITLES)


@pytest.mark.parametrize("code", FOUND)
def test_what_goes_wrong_is_found(code: str) -> None:
    for criteria in FOUND[code]:
        found = lint(RubricSpec(name="A", criteria=criteria))
        assert code in {finding.code for finding in found}, criteria
        for finding in found:
            assert finding.sentence.endswith("."), finding
            assert finding.why[-1] in ".”", finding
            assert finding.place.startswith("criteria")


PASSES = [
    (GOOD,),
    (scale("Wrong", "Nearly wrong", "Nearly right", "Right"),),
    (scale("None", "Slight", "Grave", question="How much harm?"),),
    (yes_no("Does it list pros and cons?"),),
    (yes_no("Is the name (first and last) right?"),),
    (yes_no("Does it say “and so on”?"),),
    (scale("Few", "Some", "All", anchors=("Covers few points.", "Covers some points.", "Covers all points.")),),
    (*(yes_no(f"Is it {word}?", word) for word in ("true", "kind", "brief")), yes_no("Is anything wrong?", "d")),
    (GOOD, yes_no("Is it kind?", "two", shown_if={"criterion": "k", "is": [1]})),
    (CriterionSpec("why", "text", "Why do you think so, and what would help?", "text"),),
]  # fmt: skip


@pytest.mark.parametrize("criteria", PASSES)
def test_what_is_well_made_passes(criteria: tuple[CriterionSpec, ...]) -> None:
    assert codes(*criteria) == set()


FILE = """\
project: support
rubric:
  name: Answers
  criteria:
    - key: correct
      question: Is it right and polite?
      type: scale
      levels:
        - {value: 1, label: Bad, anchor: Off.}
        - {value: 2, label: Good}
"""


def test_a_finding_is_placed_by_line_and_column_in_a_study_file() -> None:
    checked = rubric_check(FILE, "study.yaml")
    assert [(p.finding.code, p.line, p.column, p.finding.place) for p in checked.findings] == [
        ("double-barrelled", 6, 7, "criteria[0].question"),
        ("missing-anchors", 10, 11, "criteria[0].levels[1]"),
    ]
