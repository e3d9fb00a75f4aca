"""There and back: a version is exported for a judge, and its answers stand beside the people's criterion."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from analytics import reports
from projects.errors import ServiceError
from projects.importers.records import ScoreRecord
from projects.models import AutomatedScore, Metric
from rubrics.criteria import CRITERIA
from rubrics.judge_answers import answers_of_records
from rubrics.judge_import import judge_answers_import
from rubrics.judge_prompts import answer_schema, written
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.services import rubric_create, version_publish
from rubrics.specs import CriterionSpec, RubricSpec
from tests.analytics.helpers import filled_round
from tests.factories import CORRECT
from tests.projects.importers.helpers import SAMPLES
from tests.rubrics.helpers import text, url
from tests.rubrics.test_judge_prompts import COMPARED, FAULTS, POLITE, SCORED, SURE

pytestmark = pytest.mark.django_db


def lines(*rows: dict[str, Any]) -> io.BytesIO:
    return io.BytesIO("\n".join(json.dumps(row) for row in rows).encode())


def said(**values: Any) -> dict[str, Any]:
    return {key.replace("__", "."): {"reason": "Because.", "value": value} for key, value in values.items()}


def test_a_judges_answers_come_back_onto_the_same_criteria() -> None:
    rows = [
        {"item": f"i{n}", "system": "s", "rater": rater, "criterion": key, "value": value}
        for n in range(12)
        for rater in ("a", "b")
        for key, value in (("correct", n % 3 + 1), ("polite", "yes" if n % 2 else "no"))
    ]
    round_ = filled_round([CORRECT, POLITE], rows)
    version, schema = round_.rubric_version, answer_schema(spec_of(round_.rubric_version))
    assert "cannot_judge" in written(spec_of(version), "prompt")
    answers = [said(correct=n % 3 + 1, polite="yes" if n % 2 else "no") for n in range(12)]
    answers[0]["correct"]["value"] = "cannot_judge"
    for answer in answers:
        jsonschema.validate(answer, schema)
    written_by_judge = [{"item": f"i{n}", "system": "s", "judge": "big", "answer": a} for n, a in enumerate(answers)]
    written_by_judge[1]["answer"] = f"```json\n{json.dumps(answers[1])}\n```"  # as models do
    file = lines(*written_by_judge)
    done = judge_answers_import(version=version, project=round_.project, stream=file, name="answers.jsonl")
    assert (done.scores, done.problems) == (24, [])
    correct, polite = (Metric.objects.get(key=done.metrics[key]) for key in ("correct", "polite"))
    assert (correct.criterion_key, correct.source, correct.direction) == ("correct", "llm", "higher")
    assert (correct.scale_min, correct.scale_max, polite.kind) == (1, 3, "bool")
    assert correct.config["rubric"] == {
        "rubric": version.rubric.slug, "version": version.number, "digest": version.digest,
    }  # fmt: skip
    unable = AutomatedScore.objects.get(metric=correct, number=None)
    assert unable.missing_reason  # cannot judge is no number, least of all 0
    body = reports.build(round_).body["automated"]
    assert body[correct.key]["correct"]["declared_same_question"] is True
    assert body[correct.key]["correct"]["agreement"]["value"] == 1
    assert body[polite.key]["polite"]["agreement"]["value"] == 1
    again = judge_answers_import(
        version=version, project=round_.project, stream=lines(*written_by_judge), name="answers.jsonl"
    )
    assert again.new == 0


def test_a_judge_answers_turn_by_turn_and_is_held_against_people_turn_by_turn() -> None:
    grounded = replace(POLITE, key="grounded", scope="turn")
    rows = [
        {"item": f"i{n}", "system": "s", "rater": rater, "criterion": "grounded", "value": value, "target": target}
        for n in range(12)
        for rater in ("a", "b")
        for target, value in (("o0t0", "yes" if n % 2 else "no"), ("o0t1", "no" if n % 2 else "yes"))
    ]
    round_ = filled_round([grounded], rows)
    spec = spec_of(round_.rubric_version)
    assert "Give a list with one entry for each turn" in written(spec, "prompt")
    with pytest.raises(ServiceError, match="asked about each turn"):
        written(spec, "promptfoo")
    answers = [
        {"grounded": [{"reason": "", "value": value} for value in (("yes", "no") if n % 2 else ("no", "yes"))]}
        for n in range(12)
    ]
    jsonschema.validate(answers[0], answer_schema(spec))
    file = [{"item": f"i{n}", "system": "s", "judge": "big", "answer": each} for n, each in enumerate(answers)]
    file.append({"item": "i0", "system": "s", "answer": {"grounded": {"reason": "", "value": "yes"}}})
    done = judge_answers_import(
        version=round_.rubric_version, project=round_.project, stream=lines(*file), name="turns.jsonl"
    )
    assert (done.scores, len(done.problems)) == (24, 1)
    assert "a list with one answer for each turn" in done.problems[0].why
    found = reports.build(round_).body["automated"][done.metrics["grounded"]]["grounded"]
    assert (found["agreement"]["value"], found["agreement"]["n_units"]) == (1, 24)


def test_answers_about_two_outputs_stand_with_each_and_with_the_pair() -> None:
    version = version_publish(version=rubric_create(project=None, spec=COMPARED, actor=None), actor=None)
    project = filled_round([CORRECT], []).project
    answer = said(correct__a=1, correct__b=3, overall=-2) | {"invented": {"reason": "", "value": 1}}
    file = lines({"item": "i1", "system": "s", "system_b": "t", "position": "a_first", "answer": answer})
    done = judge_answers_import(version=version, project=project, stream=file, name="x.jsonl", judge="big")
    assert "does not ask “invented”" in done.problems[0].why
    scores = {
        (s.metric.criterion_key, s.output.system.name, s.output_b_id is not None): (s.number, s.judge)
        for s in AutomatedScore.objects.select_related("metric", "output__system")
        if s.output
    }
    assert scores == {
        ("correct", "s", False): (1, "big"), ("correct", "t", False): (3, "big"), ("overall", "s", True): (-2, "big"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said(correct=9), "“9” is no answer of “correct”. Its answers are: 1, 2, 3."),
        (said(polite="cannot_judge"), "“polite” does not offer “cannot judge”."),
        ("I would say two.", "is no JSON object"),
        (said(polite=True), "no answer of “polite”"),
    ],
)
def test_what_is_no_answer_is_refused_in_words_and_nothing_is_written(answer: Any, words: str) -> None:
    version = version_publish(version=rubric_create(project=None, spec=SCORED, actor=None), actor=None)
    project = filled_round([CORRECT], []).project
    file = lines({"item": "i", "system": "s", "answer": answer})
    with pytest.raises(ServiceError, match="no answer to this rubric") as refused:
        judge_answers_import(version=version, project=project, stream=file, name="x.jsonl")
    assert words in str(refused.value)
    assert not Metric.objects.exists()


def test_a_draft_was_read_by_no_judge(draft: RubricVersion) -> None:
    assert draft.rubric.project is not None
    with pytest.raises(ServiceError, match="is a draft"):
        judge_answers_import(version=draft, project=draft.rubric.project, stream=lines(), name="x.jsonl")


def test_a_lead_brings_answers_back_on_the_page(lead: Client, draft: RubricVersion) -> None:
    version = version_publish(version=draft, actor=None)
    file = SimpleUploadedFile("answers.jsonl", lines({"item": "i", "system": "s", "answer": said(correct=2)}).read())
    address = url(version, "judge_answers", version.number)
    answer = lead.post(address, {"file": file, "judge": "big"}, follow=True)
    assert "1 new score" in text(answer)
    assert Metric.objects.get().criterion_key == "correct"
    assert "Choose the file" in text(lead.post(address, {}, follow=True))
    bad = SimpleUploadedFile("bad.jsonl", b"\xff\x00 no")
    assert "bad.jsonl" in text(lead.post(address, {"file": bad}, follow=True))
    assert Metric.objects.count() == 1


def test_promptfoo_and_inspect_results_of_our_exports_are_read_back() -> None:
    """promptfoo's scores are 0 to 1 and its reasons begin with the answer; Inspect numbers scorers of one name."""
    key = {"correct": "C", "polite": "P"}

    def score(metric: str, **more: Any) -> ScoreRecord:
        return ScoreRecord(metric, item="i", system=("s", ""), source="llm", **more)

    records = [
        score("correct", number=1.0, explanation="[2] A detail is off."),  # what it chose, whatever it scored
        score("correct", number=0.5, explanation="No bracket."),
        score("polite", number=1.0),
        score("model_graded_qa", label="3"),
        score("model_graded_qa1", label="no"),
        score("latency", number=5.0),
        score("correct", number=0.37),
    ]
    read = answers_of_records(SCORED, records, "results.json", key)
    assert [(row["metric"], row["value"]) for row in read.rows] == [
        ("C", 2.0), ("C", 2.0), ("P", "yes"), ("C", 3.0), ("P", "no"),
    ]  # fmt: skip
    assert len(read.problems) == 1


def test_a_promptfoo_file_is_imported_by_its_metric_names() -> None:
    version = version_publish(version=rubric_create(project=None, spec=SCORED, actor=None), actor=None)
    project = filled_round([CORRECT], []).project
    part = {
        "pass": True, "score": 0.5, "reason": "[2] Nearly.", "assertion": {"type": "llm-rubric", "metric": "correct"},
    }  # fmt: skip
    row = {
        "testIdx": 0, "promptIdx": 0, "promptId": "p" * 40, "prompt": {"raw": "Hi", "label": "p"}, "success": True,
        "provider": {"id": "acme", "label": ""}, "vars": {"id": "i1"}, "response": {"output": "Hello."}, "score": 0.5,
        "failureReason": 0, "namedScores": {"correct": 0.5}, "testCase": {"metadata": {}}, "latencyMs": 1,
        "gradingResult": {"pass": True, "score": 0.5, "reason": "", "componentResults": [part]},
    }  # fmt: skip
    inner = {"version": 3, "prompts": [{"id": "p" * 40, "label": "p", "raw": "Hi"}], "results": [row], "stats": {}}
    whole = {"evalId": "e", "results": inner, "config": {}, "metadata": {"promptfooVersion": "0.121.20"}}
    file = io.BytesIO(json.dumps(whole).encode())
    judge_answers_import(version=version, project=project, stream=file, name="results.json")
    score = AutomatedScore.objects.select_related("metric").get()
    assert (score.number, score.metric.criterion_key, score.explanation) == (2, "correct", "[2] Nearly.")


def test_a_judges_order_is_held_against_peoples_as_what_it_says_of_each_two() -> None:
    order = CriterionSpec("order", "ranking", "Rank the answers.", "ordinal", config={"allow_ties": True})
    polite = replace(POLITE, scope="output")
    names = ["amber", "basalt", "cobalt"]
    rows = [
        {"item": f"i{n}", "system": "|".join(names), "rater": rater, "criterion": "order", "value": " > ".join(names)}
        for n in range(12)
        for rater in ("a", "b")
    ]
    round_ = filled_round([order, polite], rows, "rank")
    version = round_.rubric_version
    # The letters of the prompt went to the outputs in another order than that of the file of judgments.
    answers = [said(order=[["C"], ["B"] if n else ["A", "B"], ["A"]][: 3 if n else 2]) for n in range(12)]
    answers[1] |= said(polite__c="yes")
    file = [{"item": f"i{n}", "systems": names[::-1], "judge": "big", "answer": each} for n, each in enumerate(answers)]
    file += [
        {"item": "i0", "system": "amber", "answer": said(order=[["A"]])},
        {"item": "i0", "systems": ["amber", "amber"], "answer": said(order=[["A"], ["B"]])},
        {"item": "i0", "systems": names, "answer": said(order=[["A"], ["B"]])},
    ]
    done = judge_answers_import(version=version, project=round_.project, stream=lines(*file), name="orders.jsonl")
    assert done.scores == 12 * 3 + 1
    whys = " ".join(problem.why for problem in done.problems)
    assert "in a list “systems”" in whys
    assert "2 to 6 different names" in whys
    assert "each answer one place" in whys
    single = AutomatedScore.objects.select_related("output__system").get(metric__criterion_key="polite")
    assert single.output is not None
    assert (single.output.system.name, single.number) == ("amber", 1)
    found = reports.build(round_).body["automated"][done.metrics["order"]]["order"]
    # Of 36 pairs one was called a tie.
    assert found["agreement"]["value"] == pytest.approx(35 / 36)


def test_marks_and_several_labels_come_back_too() -> None:
    errors = CRITERIA["spans"].normalise(CriterionSpec("errors", "spans", "Mark the errors.", "ratio"))
    rubric = RubricSpec(name="A", criteria=(errors, FAULTS))
    version = version_publish(version=rubric_create(project=None, spec=rubric, actor=None), actor=None)
    project = filled_round([CORRECT], []).project
    mark = {"quote": "Monday", "occurrence": 1, "category": "accuracy", "severity": "major"}
    answers = [
        said(errors=[mark, {**mark, "severity": "minor"}]),
        said(errors=[]),
        said(errors=[{**mark, "severity": "?"}]),
    ]
    for answer in answers[:2]:
        jsonschema.validate(answer | said(faults=["tone"]), answer_schema(rubric))
    file = lines(*({"item": f"i{n}", "system": "s", "answer": each} for n, each in enumerate(answers)))
    done = judge_answers_import(version=version, project=project, stream=file, name="marks.jsonl")
    assert "“?” is not a severity" in done.problems[0].why
    metric = Metric.objects.get(criterion_key="errors")
    assert (metric.direction, metric.scale_min, metric.kind) == ("lower", 0, "number")
    assert list(AutomatedScore.objects.filter(metric=metric).order_by("pk").values_list("number", flat=True)) == [6, 0]
    with pytest.raises(ServiceError, match="marked passages"):
        written(rubric, "promptfoo")


def test_answers_in_brackets_are_read_as_their_types_write_them() -> None:
    rubric = RubricSpec(name="A", criteria=(FAULTS, SURE))
    assert "such as [tone, form]" in written(rubric, "promptfoo")
    whys = {"faults": ["[tone, form] Rude.", "[none] Fine.", "[rude] Hm."], "sure": ["[73] Rather.", "[173] Very."]}
    records = [
        ScoreRecord(metric, item="i", system=("s", ""), source="llm", number=1.0, explanation=why)
        for metric, said_ in whys.items() for why in said_
    ]  # fmt: skip
    read = answers_of_records(rubric, records, "results.json", {"faults": "F", "sure": "S"})
    assert [(row["metric"], row["value"]) for row in read.rows] == [("F", "tone|form"), ("F", "none"), ("S", 73.0)]
    assert len(read.problems) == 2


# --- Files as the tools themselves write them -------------------------------------------------------------------


def sample(pattern: str) -> Path:
    found = sorted(SAMPLES.glob(pattern))
    if not found:
        pytest.skip(f"{SAMPLES} has no {pattern}: the files of the tools are not at hand")
    return found[0]


def published(*criteria: CriterionSpec) -> RubricVersion:
    spec = RubricSpec(name="A", criteria=criteria)
    return version_publish(version=rubric_create(project=None, spec=spec, actor=None), actor=None)


def test_a_log_that_inspect_wrote_maps_onto_the_criteria_in_the_order_of_the_scorers() -> None:
    """The log of a run with one such scorer; ours would be two, which Inspect numbers, with our answers as grades."""
    log = json.loads(sample("inspect_ai/*8GcHx4xYXKMkv5zQiABu7a.json").read_bytes())
    grades = {"C": ("3", "yes"), "P": ("2", "yes"), "I": ("1", "no")}
    wanted: list[tuple[str, str]] = []
    for each in log["samples"]:
        given = each["scores"].pop("model_graded_qa", None)
        if given is None or given["value"] not in grades:
            continue
        wanted.append(grades[given["value"]])
        each["scores"] |= {
            "model_graded_qa": {**given, "value": wanted[-1][0]}, "model_graded_qa1": {**given, "value": wanted[-1][1]},
        }  # fmt: skip
    assert wanted
    version, project = published(CORRECT, POLITE), filled_round([CORRECT], []).project
    file = io.BytesIO(json.dumps(log).encode())
    done = judge_answers_import(version=version, project=project, stream=file, name="log.json", judge="big")
    assert set(done.metrics) == {"correct", "polite"}
    scores = AutomatedScore.objects.filter(metric__criterion_key="correct").order_by("pk")
    assert sorted(scores.values_list("number", flat=True)) == sorted(float(level) for level, _ in wanted)
    assert scores[0].explanation
    assert set(Metric.objects.values_list("source", flat=True)) == {"llm"}
    polite = AutomatedScore.objects.filter(metric__criterion_key="polite")
    assert sum(n or 0 for n in polite.values_list("number", flat=True)) == sum(said_ == "yes" for _, said_ in wanted)


def test_results_that_promptfoo_wrote_map_onto_the_criterion_of_the_same_name() -> None:
    raw = sample("promptfoo/output.json").read_bytes()
    version = published(CriterionSpec("Helpfulness", "slider", "How helpful is it?", "interval"), CORRECT)
    project = filled_round([CORRECT], []).project
    done = judge_answers_import(version=version, project=project, stream=io.BytesIO(raw), name="output.json")
    assert set(done.metrics) == {"Helpfulness"}, "what other assertions measured answers no question of the rubric"
    given = [
        part["score"] * 100
        for row in json.loads(raw)["results"]["results"]
        for part in (row["gradingResult"] or {}).get("componentResults", [])
        if part and part["assertion"] and part["assertion"].get("metric") == "Helpfulness"
    ]
    numbers = AutomatedScore.objects.filter(number__isnull=False).values_list("number", flat=True)
    assert sorted(numbers) == pytest.approx(sorted(given))
