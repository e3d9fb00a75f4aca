"""Study files: applied twice they change nothing, tried dry they keep nothing, and mistakes have a line."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from annotation.models import Round, Slot
from annotation.services.study import study_apply
from annotation.services.study_round import Applied
from projects.access import Action, can
from projects.errors import ServiceError
from projects.located import load
from projects.models import Metric, Project, System
from rubrics.models import Guideline, RubricVersion
from rubrics.services import draft_open
from tests.factories import item_factory, output_factory, user_factory

pytestmark = pytest.mark.django_db

STUDY = """\
project: support-assistant
rubric:
  name: Support answer quality
  criteria:
    - key: correct
      question: Is every claim true?
      type: scale
      level_of_measurement: ordinal
      levels:
        - {value: 1, label: Wrong, anchor: A central claim is false.}
        - {value: 2, label: Minor error}
        - {value: 3, label: Correct}
    - {key: overall, question: "Which answer is better?", type: preference, points: 5, ties: [tie, both_bad]}
systems:
  - {name: assistant, version: "2.0"}
  - {name: assistant, version: "2.1", replaces: "2.0"}
metrics:
  - {key: gpt-judge, source: llm, criterion: correct, kind: number, scale: [1, 3], direction: higher}
alt_test: {epsilon: 0.2, scoring: auto}
sample: {design: random, population: 5000}
guidelines: |
  # Read first
round:
  name: pilot
  title: Pilot of answers
  mode: compare
  overlap: 3
  strategy: balanced
  gold_rate: 0.05
  repeat_rate: 0.05
  lease_minutes: 20
"""


def apply(text: str = STUDY, **options: Any) -> Applied:
    return study_apply(source=load(text, "study.yaml"), **options)


def with_outputs() -> Project:
    project = Project.objects.get()
    for _ in range(2):
        item = item_factory(project)
        for system in project.systems.all():
            output_factory(item, system)
    return project


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of our five apps."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values_list())
        for app in ("accounts", "projects", "rubrics", "annotation", "analytics")
        for model in apps.get_app_config(app).get_models()
    }


def test_one_file_makes_the_whole_study() -> None:
    applied = apply()
    assert (applied.project, applied.round, applied.rubric_version) == (
        "support-assistant", "support-assistant/pilot", 1,
    )  # fmt: skip
    assert len(applied.notes) == 1
    assert "gold_rate" in applied.notes[0]
    row = Round.objects.select_related("rubric_version").get()
    assert (row.mode, row.overlap, row.lease_seconds, row.state) == ("compare", 3, 1200, "draft")
    assert row.options["alt_test"] == {"epsilon": 0.2, "scoring": "auto"}
    assert row.options["sample"]["population"] == 5000
    assert row.rubric_version.status == "published"
    assert row.guideline == Guideline.objects.get()
    assert System.objects.get(version="2.1").replaces == System.objects.get(version="2.0")
    metric = Metric.objects.get()
    assert (metric.scale_min, metric.scale_max, metric.criterion_key) == (1, 3, "correct")


def test_the_second_apply_changes_nothing() -> None:
    apply()
    before = everything()
    again = apply()
    assert again.changes == []
    assert everything() == before


def test_a_round_that_is_open_stays_as_it_is_when_applied_again() -> None:
    apply()
    with_outputs()
    opened = apply(f"{STUDY}  state: open\n")
    assert opened.changes == ["round pilot: open"]
    assert Slot.objects.count() == 2 * 3
    before = everything()
    assert apply(f"{STUDY}  state: open\n").changes == []
    assert apply().changes == []
    assert everything() == before


@pytest.mark.parametrize("existing", [False, True])
def test_a_dry_run_says_the_same_and_keeps_nothing(existing: bool) -> None:
    if existing:
        apply()
    changed = STUDY.replace("Minor error", "Small error").replace("overlap: 3", "overlap: 4")
    before = everything()
    tried = apply(changed, dry_run=True)
    assert everything() == before
    assert tried.changes == apply(changed).changes != []


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("Minor error", "Small error", "rubric support-answer-quality: version 2 published"),
        ("# Read first", "# Read twice", "guidelines: version 2 published"),
        ("direction: higher", "direction: lower", "metric gpt-judge: direction set"),
        ("overlap: 3", "overlap: 2", "round pilot: overlap 2"),
        ("lease_minutes: 20", "lease_minutes: 30", "round pilot: lease_seconds set"),
        ("title: Pilot of answers", "title: Answers", "round pilot: title set"),
        ('version: "2.1", replaces', 'version: "2.2", replaces', "system assistant@2.2: made"),
        ("project: support-assistant", "project: other", "project other: made"),
        ("name: pilot", "name: final", "round final: made"),
    ],
)
def test_a_change_of_the_file_is_what_changes(old: str, new: str, change: str) -> None:
    apply()
    assert old in STUDY
    changed = STUDY.replace(old, new)
    assert change in apply(changed).changes
    assert apply(changed).changes == []


def test_an_opened_round_keeps_what_it_measures() -> None:
    apply()
    with_outputs()
    apply(f"{STUDY}  state: open\n")
    before = everything()
    for old, new, word in (
        ("Minor error", "Small error", "rubric version"),
        ("# Read first", "# Read twice", "guideline"),
        ("mode: compare", "mode: score", "mode"),
        ("strategy: balanced", "strategy: in_order", "strategy"),
    ):
        with pytest.raises(
            ServiceError, match=rf"study.yaml, line \d+, .*has been opened, so its {word} cannot change"
        ):
            apply(STUDY.replace(old, new))
    assert everything() == before
    with pytest.raises(ServiceError, match="may rise above 3, but not fall"):
        apply(STUDY.replace("overlap: 3", "overlap: 2"))
    assert apply(STUDY.replace("overlap: 3", "overlap: 4")).changes == ["round pilot: overlap 4"]
    assert Slot.objects.count() == 2 * 4


@pytest.mark.parametrize(
    "states", [["open", "paused", "open", "closed", "open"], ["paused", "closed", "paused"], ["closed"]]
)
def test_a_round_is_brought_into_the_state_named(states: list[str]) -> None:
    apply()
    with_outputs()
    for state in states:
        apply(f"{STUDY}  state: {state}\n")
        assert Round.objects.get().state == state
    before = everything()
    with pytest.raises(ServiceError, match="Accepted: draft, open, paused, closed"):
        apply(f"{STUDY}  state: finished\n")
    assert everything() == before


def test_a_published_rubric_is_named_by_version() -> None:
    apply()
    named = "project: support-assistant\nrubric: support-answer-quality@1\nround: {name: two, mode: compare}\n"
    assert apply(named).changes == ["round two: made"]
    assert Round.objects.get(slug="two").rubric_version == RubricVersion.objects.get()
    for wrong in ("support-answer-quality@2", "support-answer-quality@x", "other", "shared/support-answer-quality"):
        with pytest.raises(ServiceError, match=r"study.yaml, line 2, column 1: "):
            apply(named.replace("support-answer-quality@1", wrong))


def test_somebodys_draft_is_not_overwritten() -> None:
    apply()
    draft_open(rubric=RubricVersion.objects.get().rubric, actor=None)
    with pytest.raises(ServiceError, match="has an unpublished draft"):
        apply(STUDY.replace("Minor error", "Small error"))
    assert apply().changes == []


# Old, new, line, column, words.
WRONG = {
    "a key at the top": ("systems:", "sistems:", 14, 1, "“sistems” is not a known key here. Accepted: project"),
    "a key of the rubric": ("  name: Support", "  nmae: Support", 3, 3, "“nmae” is not a known key"),
    "a key of a criterion": ("      type: scale", "      typ: scale", 7, 7, "“typ” is not a known key"),
    "a key of a level": ("anchor: A", "ancor: A", 10, 36, "“ancor” is not a known key"),
    "a key of a system": ("version: \"2.0\"", "verson: \"2.0\"", 15, 23, "“verson” is not a known key"),
    "a key of a metric": ("direction: higher", "dirction: higher", 18, 84, "“dirction” is not a known key"),
    "a key of the test": ("scoring: auto", "skoring: auto", 19, 26, "“skoring” is not a known key"),
    "a key of the sample": ("population: 5000", "populaton: 5000", 20, 26, "“populaton” is not a known key"),
    "a key of the round": ("  overlap: 3", "  overlp: 3", 27, 3, "“overlp” is not a known key"),
    "a key twice": ("  overlap: 3", "  overlap: 3\n  overlap: 4", 28, 3, "“overlap” stands here twice"),
    "an unknown mode": ("mode: compare", "mode: guess", 26, 3, "Accepted: score, compare"),
    "an unknown strategy": ("strategy: balanced", "strategy: luck", 28, 3, "Accepted: balanced, in_order"),
    "an overlap of none": ("overlap: 3", "overlap: 0", 27, 3, "a whole number from 1 to 100, not 0"),
    "an overlap that is a word": ("overlap: 3", "overlap: three", 27, 3, "a whole number from 1 to 100, not 'three'"),
    "a rate that is too high": ("gold_rate: 0.05", "gold_rate: 0.6", 29, 3, "from 0 to 0.5"),
    "a source of no kind": ("source: llm", "source: oracle", 18, 22, "Accepted: "),
    "a scale that falls": ("scale: [1, 3]", "scale: [3, 1]", 18, 69, "must rise"),
    "a scale of one number": ("scale: [1, 3]", "scale: [1]", 18, 69, "needs two numbers"),
    "an epsilon above one": ("epsilon: 0.2", "epsilon: 2", 19, 12, "from 0 to 1"),
    "a scoring of no kind": ("scoring: auto", "scoring: best", 19, 26, "Accepted: auto, accuracy, neg_rmse"),
    "a design of no kind": ("design: random", "design: lottery", 20, 10, "Accepted: census, random"),
    "a system that replaces nobody": ('replaces: "2.0"', "replaces: '1.0'", 16, 39, "is not a system of this project"),
    "no mode": ("  mode: compare\n", "", 23, 1, "“round” needs “mode”"),
    "an alias": ("guidelines: |\n  # Read first", "guidelines: *text", 21, None, "aliases"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_has_a_line_and_nothing_is_kept(case: str) -> None:
    old, new, line, column, words = WRONG[case]
    assert STUDY.count(old) == 1
    with pytest.raises(ServiceError) as refused:
        apply(STUDY.replace(old, new))
    where = f"study.yaml, line {line}, column {column}: " if column else f"study.yaml, line {line}: "
    assert refused.value.message.startswith(where), refused.value.message
    assert words in refused.value.message
    assert not Project.objects.exists()


def test_a_title_that_names_a_system_is_refused() -> None:
    with pytest.raises(ServiceError, match="names the system “assistant”"):
        apply(STUDY.replace("Pilot of answers", "Is the assistant good?"))
    assert not Project.objects.exists()


def test_what_belongs_to_a_round_needs_one() -> None:
    head = STUDY.split("round:")[0]
    with pytest.raises(ServiceError, match="line 20, column 1: “sample” says something about a round"):
        apply(head)


def test_a_text_that_does_not_fit_is_refused_in_words() -> None:
    with pytest.raises(ServiceError, match=r"study.yaml: .*at most 200 characters"):
        apply(STUDY.replace("name: pilot", f"name: {'p' * 201}"))
    assert not Project.objects.exists()


# --- The command --------------------------------------------------------------------------------------------
def run(path: Path, *options: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("apply", str(path), *options, stdout=out, stderr=err)
    except CommandError as stop:
        return stop.returncode, out.getvalue(), str(stop)
    return 0, out.getvalue(), err.getvalue()


def test_the_command_prints_changes_and_nothing_the_second_time(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    code, out, _ = run(path, "--dry-run")
    assert (code, "would be: round pilot: made" in out) == (0, True)
    assert not Project.objects.exists()
    assert "round pilot: made" in run(path)[1]
    assert "Nothing to change" in run(path)[1]
    said = json.loads(run(path, "--json")[1])
    assert said["changes"] == []
    assert said["round"] == "support-assistant/pilot"


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"project: [", "line 1"), (b"", "is empty"), ("n: ä".encode("latin-1"), "not UTF-8"), (b"a: 1", "“a” is not")],
)
def test_the_command_exits_with_2_on_bad_input(tmp_path: Path, text: bytes, words: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(text)
    code, _, err = run(path)
    assert (code, words in err) == (2, True)
    assert run(tmp_path / "absent.yaml")[0] == 2
    assert not Project.objects.exists()


def test_a_project_made_by_command_shows_to_its_lead() -> None:
    lead = user_factory("Alice")
    first = study_apply(source=load("project: from-a-file", "study.yaml"), lead=lead)
    again = study_apply(source=load("project: from-a-file", "study.yaml"), lead=lead)
    assert can(lead, Action.PEOPLE, Project.objects.get(slug="from-a-file"))
    assert "project from-a-file: lead added" in first.changes
    assert again.changes == []


def test_what_raters_are_asked_beside_the_rubric_is_set_kept_and_set_back() -> None:
    told = "  ask_confidence: true\n  warn: false\n  break_minutes: 50\n  raters_see_own_figures: true\n"
    apply(STUDY + told)
    row = Round.objects.get()
    assert row.options["rating"] == {"ask_confidence": True, "warn": False, "break_minutes": 50}
    assert row.raters_see_own_figures
    assert apply(STUDY).changes == []
    apply(STUDY + "  warn: true\n")
    assert Round.objects.get().options["rating"] == {}
    with pytest.raises(ServiceError, match="break_minutes"):
        apply(STUDY + "  break_minutes: 2\n")
