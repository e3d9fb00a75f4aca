"""Counts and values of six tools' real files, compared with the raw file as a few lines of plain Python read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from projects.models import AutomatedScore, Item, Metric, Output, Project, System
from projects.services.importing import Folder, Upload, import_files
from tests.factories import project_factory
from tests.projects.importers.helpers import sample

pytestmark = pytest.mark.django_db


def imported(path: Path, **options: str) -> Project:
    """By the tables, as they stand after the import; a second one changes nothing."""
    project = project_factory()
    for _ in range(2):
        if path.is_dir():
            results = import_files(project=project, uploads=[Folder(path)], options=options)
        else:
            with path.open("rb") as stream:
                results = import_files(project=project, uploads=[Upload(stream, path.name)], options=options)
    for result in results:
        assert not any(result.new.values()), result.new
        assert not any(result.changed.values()), result.changed
    return project


def raw(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines() if line]


def counts(project: Project) -> tuple[int, int, int]:
    outputs = Output.objects.filter(item__project=project)
    return (
        Item.objects.filter(project=project).count(),
        System.objects.filter(project=project).count(),
        outputs.count(),
    )


def value(project: Project, metric: str, **of: Any) -> tuple[float | None, str]:
    score = AutomatedScore.objects.get(metric__project=project, metric__key=metric, **of)
    return score.number, score.label


def test_promptfoo() -> None:
    path = sample("promptfoo/output.json")
    rows = raw(path)["results"]["results"]
    project = imported(path)
    columns = {(row["provider"].get("label") or row["provider"]["id"], row["promptIdx"]) for row in rows}
    assert counts(project) == (len({row["testIdx"] for row in rows}), len(columns), len(rows))
    compared = 0
    for row in rows:
        output = Output.objects.get(item__project=project, raw__promptfoo_id=row["id"])
        assert bool(output.error) == (row["failureReason"] == 2)
        if output.error:
            assert not output.scores.exists()
            continue
        assert output.latency_ms == row["latencyMs"]
        if isinstance(row["response"]["output"], str):
            assert output.revisions.get(current=True).text == row["response"]["output"]
        for metric, number in row["namedScores"].items():
            assert value(project, metric, output=output)[0] == number
            compared += 1
    assert compared >= 20


def test_helm() -> None:
    folder = sample("helm/runs/shared")
    project = imported(folder)
    runs = sorted(each for each in folder.iterdir() if each.is_dir())
    states = {run: raw(run / "scenario_state.json")["request_states"] for run in runs}
    asked = {(s["instance"]["id"]) for found in states.values() for s in found}
    items, systems, outputs = counts(project)
    assert (items, systems) == (len(asked), len(runs))
    assert outputs == sum(len(found) for found in states.values())
    compared = 0
    for run, found in states.items():
        model = raw(run / "run_spec.json")["adapter_spec"]["model"]
        texts = {(s["instance"]["id"], bool(s["instance"].get("perturbation"))): s["result"] for s in found}
        for each in raw(run / "per_instance_stats.json"):
            perturbed = bool(each.get("perturbation"))
            output = _helm_output(project, model, each["instance_id"], perturbed)
            assert (
                output.revisions.get(current=True).text
                == texts[each["instance_id"], perturbed]["completions"][0]["text"].strip()
            )
            for stat in each["stats"]:
                if stat["name"]["name"] in ("exact_match", "quasi_exact_match", "f1_score") and stat["count"]:
                    assert value(project, stat["name"]["name"], output=output)[0] == pytest.approx(stat["mean"])
                    compared += 1
    assert compared >= 40


def _helm_output(project: Project, model: str, instance: str, perturbed: bool) -> Output:
    found = Output.objects.filter(item__project=project, system__name=model, item__external_id__endswith=instance)
    (output,) = [each for each in found if bool(each.variant) == perturbed]
    return output


def test_inspect() -> None:
    paths = sorted(sample("inspect_ai").glob("*geography-qa*.json"))
    compared = 0
    for path in paths:
        log = raw(path)
        project = imported(path)
        samples = log["samples"]
        assert counts(project) == (len({s["id"] for s in samples}), 1, len(samples))
        for each in samples:
            of = {"output__item__external_id": str(each["id"]), "output__repeat": each["epoch"] - 1}
            if not Output.objects.filter(item__project=project, repeat=0).exists():
                of["output__repeat"] = each["epoch"]
            for scorer, score in each["scores"].items():
                told = score["value"]
                if isinstance(told, dict):
                    for key, number in told.items():
                        assert value(project, f"{scorer}/{key}", **of)[0] == number
                        compared += 1
                else:
                    assert value(project, scorer, **of) in ((None, told), ({"C": 1.0, "P": 0.5, "I": 0.0}[told], told))
                    compared += 1
    assert compared >= 40


def test_alpaca_eval() -> None:
    compared = 0
    for path in sorted(sample("alpaca_eval").glob("*/annotations.json")):
        rows = raw(path)
        project = imported(path)
        items, systems, outputs = counts(project)
        assert (items, systems, outputs) == (len({r["instruction"] for r in rows}), 2, 2 * len(rows))
        scores = AutomatedScore.objects.filter(metric__project=project, metric__kind="preference")
        for row in rows:
            found = list(scores.filter(output__item__revisions__messages__0__content=row["instruction"]))
            (score,) = found
            assert (score.output.system.name, score.output_b.system.name) == (row["generator_1"], row["generator_2"])
            if row["preference"] is None:
                assert score.missing_reason
            elif score.number is not None:
                scale = score.metric.scale_min
                assert score.number == pytest.approx(row["preference"] - (0.0 if scale == 1 else 1.0), abs=1e-12)
            else:
                assert score.label == {1.0: "a", 2.0: "b", 1.5: "tie", 0.0: "tie"}[row["preference"]]
            compared += 1
    assert compared == 70


def test_openai_evals() -> None:
    for name, wanted in (("chem-symbols", 5), ("chem-symbols-inc", 5)):
        path = sample(f"openai_evals/{name}.jsonl")
        events = [event for event in raw(path) if event.get("type") == "match"]
        project = imported(path)
        assert counts(project) == (len(events), 1, len(events))
        for event in events:
            of = {"output__item__external_id": event["sample_id"]}
            found = AutomatedScore.objects.get(metric__project=project, metric__key__endswith="match", **of)
            assert (found.number, found.label) == (
                float(event["data"]["correct"]),
                str(event["data"]["correct"]).lower(),
            )
            text = found.output.revisions.get(current=True).text
            said = [
                e["data"]["sampled"]
                for e in raw(path)
                if e.get("type") == "sampling" and e["sample_id"] == event["sample_id"]
            ]
            assert text == (said[0][0] if isinstance(said[0], list) else said[0])
        assert len(events) == wanted
    path = sample("openai_evals/kitchen-fact.jsonl")
    project = imported(path)
    for event in raw(path):
        if event.get("type") == "metrics":
            labels = AutomatedScore.objects.filter(
                metric__project=project, output__item__external_id=event["sample_id"]
            ).values_list("label", flat=True)
            assert event["data"]["choice"] in labels


def test_mt_bench() -> None:
    folder = sample("mt_bench")
    project = imported(folder)
    questions = raw(folder / "question.jsonl")
    answers = [row for path in sorted((folder / "model_answer").glob("*.jsonl")) for row in raw(path)]
    assert counts(project) == (len(questions), 2, len(answers))
    single = AutomatedScore.objects.filter(metric__project=project, output_b=None, system=None)
    rows = raw(folder / "model_judgment" / "gpt-4_single.jsonl")
    assert single.count() == len(rows)
    for row in rows:
        of = {"output__item__external_id": str(row["question_id"]), "output__system__name": row["model"]}
        score = single.get(turn=row["turn"], **of)
        assert score.number == (None if row["score"] == -1 else row["score"])
        assert bool(score.missing_reason) == (row["score"] == -1)
    pairs = AutomatedScore.objects.filter(metric__project=project, output_b__isnull=False)
    rows = raw(folder / "model_judgment" / "gpt-4_pair.jsonl")
    assert pairs.count() == 2 * len(rows)
    for row in rows:
        for game, position in (("g1_winner", "a_first"), ("g2_winner", "b_first")):
            of = {"output__item__external_id": str(row["question_id"]), "turn": row["turn"]}
            of |= {"output__system__name": row["model_1"], "position": position}
            assert pairs.get(**of).label == {"model_1": "a", "model_2": "b", "tie": "tie"}[row[game]]
    assert Metric.objects.filter(project=project).exists()
