"""LLM judges' files in the database: parts that come in any order join, pairs keep their sides, twice is once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

import pytest

from projects.models import AutomatedScore, Item, ItemRevision, Metric, Output, OutputRevision, Project, System
from projects.services.import_preview import preview_file
from projects.services.importing import ImportResult, Upload, import_files
from tests.factories import project_factory
from tests.projects.importers.helpers import lines, sample
from tests.projects.importers.test_alpaca_eval import pair as annotation
from tests.projects.importers.test_arena import vote
from tests.projects.importers.test_mt_bench import answer, pair, question, single

pytestmark = pytest.mark.django_db

SET = {
    "question.jsonl": lines(question()),
    "a.jsonl": lines(answer("Long.", "Short.")),
    "b.jsonl": lines(answer("Tall.", "Small.", model="b")),
    "gpt-4_single.jsonl": lines(single(), single(-1, turn=2), single(4, model="b")),
    "gpt-4_pair.jsonl": lines(pair("model_1", "model_2"), pair("tie", "error", turn=1)),
}


@pytest.fixture
def project() -> Project:
    return project_factory("Judged")


def put(project: Project, files: dict[str, str]) -> list[ImportResult]:
    uploads = [Upload(io.BytesIO(text.encode()), name) for name, text in files.items()]
    return import_files(project=project, uploads=uploads)


def held(project: Project) -> dict[str, list[Any]]:
    """Everything that matters of a project, in an order of its own."""
    scores = AutomatedScore.objects.filter(metric__project=project).values_list(
        "metric__key", "output__item__external_id", "output__system__name", "output_b__system__name", "turn",
        "position", "number", "label", "judge", "explanation", "missing_reason", "details", "system__name",
    )  # fmt: skip
    items = ItemRevision.objects.filter(item__project=project, current=True)
    outputs = OutputRevision.objects.filter(output__item__project=project, current=True)
    return {
        "items": sorted(items.values_list("item__external_id", "messages", "reference"), key=str),
        "outputs": sorted(outputs.values_list("output__system__name", "text", "messages"), key=str),
        "scores": sorted(scores, key=str),
        "systems": sorted(System.objects.filter(project=project).values_list("name")),
        "metrics": sorted(Metric.objects.filter(project=project).values_list("key", "kind", "scale_max", "source")),
    }


def orders() -> Iterable[tuple[str, ...]]:
    """Each file first once, each last once, and the whole the other way round."""
    names = list(SET)
    turned = [tuple(names[n:] + names[:n]) for n in range(len(names))]
    return [*turned, tuple(reversed(names))]


@pytest.mark.parametrize("order", orders())
def test_the_parts_of_an_mt_bench_join_in_any_order(project: Project, order: tuple[str, ...]) -> None:
    put(project, {name: SET[name] for name in order})
    found = held(project)
    asked = [{"role": "user", "content": "Write."}, {"role": "user", "content": "Shorter."}]
    assert found["items"] == [("81", asked, [])]
    answered = [[m["content"] for m in messages] for _, _, messages in found["outputs"]]
    assert answered == [["Long.", "Short."], ["Tall.", "Small."]]
    assert len(found["scores"]) == 7
    together = project_factory("Whole")
    put(together, SET)
    assert found == held(together)


def test_files_that_come_one_by_one_join_as_well_and_twice_is_once(project: Project) -> None:
    for name in reversed(SET):
        put(project, {name: SET[name]})
    found = held(project)
    for name in SET:
        (again,) = put(project, {name: SET[name]})
        assert again.batch is None
    assert held(project) == found
    assert Output.objects.filter(item__project=project).count() == 2


def test_judgments_alone_make_items_and_outputs_without_text(project: Project) -> None:
    put(project, {"gpt-4_pair.jsonl": SET["gpt-4_pair.jsonl"]})
    assert Item.objects.get(project=project).external_id == "81"
    assert [o.has_text for o in Output.objects.filter(item__project=project)] == [False, False]
    assert AutomatedScore.objects.count() == 4


def test_of_a_judgment_run_again_the_last_stands(project: Project) -> None:
    first, second = single(3), single(8)
    (result,) = put(project, {"again.jsonl": lines(first, second)})
    assert AutomatedScore.objects.get().number == 8
    assert "the last stands" in result.notes[0].why
    put(project, {"later.jsonl": lines(single(5))})
    assert AutomatedScore.objects.get().number == 5


def test_both_games_of_a_pair_are_kept_with_their_sides(project: Project) -> None:
    put(project, SET)
    rows = AutomatedScore.objects.filter(output_b__isnull=False).order_by("turn", "position")
    assert [(row.turn, row.position, row.label, bool(row.missing_reason)) for row in rows] == [
        (1, "a_first", "tie", False), (1, "b_first", "", True), (2, "a_first", "a", False), (2, "b_first", "b", False),
    ]  # fmt: skip
    assert {row.details["game"] for row in rows} == {"g1", "g2"}


def test_a_vote_of_a_person_is_theirs_under_a_pseudonym_and_never_a_programs(project: Project) -> None:
    (result,) = put(project, {"votes.jsonl": lines(vote("tie (bothbad)"), vote("model_b", ["gpt-4", "pair-v2"]))})
    assert (result.counts["judgments"], result.counts["scores"]) == (1, 1)
    row = AutomatedScore.objects.get(metric__source="human")
    assert (row.metric.key, row.metric.kind, row.label, row.position) == (
        "Arena preference (human)", "preference", "both_bad", "a_first",
    )  # fmt: skip
    assert (row.judge.startswith("r-"), row.output_b is not None) == (True, True)
    assert "arena_user" not in json.dumps(list(AutomatedScore.objects.values()), default=str)


def test_a_probability_and_its_scale_are_stored_to_the_last_digit(project: Project) -> None:
    row = annotation(1.0000630276, price_per_example=0.01)
    put(project, {"annotations.json": json.dumps([row])})
    score = AutomatedScore.objects.get()
    assert score.number == 1.0000630276 - 1
    assert (score.metric.kind, score.metric.scale_min, score.metric.scale_max) == ("preference", 0, 1)
    assert score.details == {"price_usd": 0.01}


def test_a_leaderboard_is_about_whole_systems(project: Project) -> None:
    put(project, {"x_leaderboard.csv": ",win_rate,n_wins,n_draws\nnew,61.5,2,1\n"})
    score = AutomatedScore.objects.get()
    assert (score.output, score.system.name if score.system else "", score.number) == (None, "new", 61.5)
    assert score.metric.key == "AlpacaEval win rate (%) (x)"
    assert not Item.objects.exists()


REAL = {
    "mt_bench": ["model_judgment/gpt-4_pair.jsonl", "question.jsonl", "model_judgment/gpt-4_single.jsonl",
                 "model_answer/tiny-chat-7b.jsonl", "model_answer/tiny-chat-13b.jsonl"],
    "alpaca_eval": ["claude-2.1_weighted_alpaca_eval_gpt4_turbo/annotations.json", "model_outputs_claude-2.1.json",
                    "claude-2.1_alpaca_eval_cot_gpt4_turbo_fn/annotations.json",
                    "claude-2_alpaca_eval_gpt4/annotations.json"],
}  # fmt: skip
COUNTS = {"mt_bench": (2, 2, 4, 16), "alpaca_eval": (30, 4, 100, 70)}


@pytest.mark.parametrize("tool", REAL)
def test_the_real_files_arrive_and_the_second_time_changes_nothing(project: Project, tool: str) -> None:
    files = {path: sample(f"{tool}/{path}").read_text(encoding="utf-8") for path in REAL[tool]}
    first = put(project, files)
    assert not [problem for result in first for problem in result.skipped]
    counted = (Item, System, Output, AutomatedScore)
    assert tuple(model.objects.count() for model in counted) == COUNTS[tool]
    assert not Output.objects.filter(has_text=False).exists()
    found = held(project)
    assert [result.batch for result in put(project, files)] == [None] * len(files)
    assert held(project) == found


def test_the_preview_says_who_won_and_shows_a_conversation(project: Project) -> None:
    texts = [SET["gpt-4_pair.jsonl"], SET["a.jsonl"]]
    found = [preview_file(project=project, stream=io.BytesIO(t.encode()), file_name="a.jsonl") for t in texts]
    fields = {field.column: (field.becomes, field.example) for each in found for field in each.fields}
    assert fields["MT-Bench preference (gpt-4)"] == ("Automated score: preference", "a: a")
    assert fields["Answer"] == ("Output: 2 messages", "Short.")
