"""Checks over a project: scores with their reasons, nothing twice, gone on with after a kill, cancelled, every door."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from projects.errors import Conflict, ServiceError
from projects.models import AutomatedScore, ImportBatch, Metric, Output, OutputRevision, Project, Role
from projects.services import checking
from projects.services.checking import carry_out, checks_ask, checks_cancel, checks_run, wanted_from
from projects.services.importing import import_file
from tests.factories import member, project_factory
from tests.projects.importers.helpers import lines

pytestmark = pytest.mark.django_db

CALL = {"role": "assistant", "content": "Looking.", "tool_calls": [{"function": {"name": "look", "arguments": "{}"}}]}
ROWS = (
    {"item": "q1", "prompt": "Capital?", "reference": "Paris", "system": "a", "output": "Paris"},
    {"item": "q1", "prompt": "Capital?", "reference": "Paris", "system": "b", "output": "[1, 2]"},
    {"item": "q2", "prompt": "Why?", "system": "a", "output": "Because."},
    {"item": "q2", "prompt": "Why?", "system": "b", "error": "Timeout"},
)


def stocked() -> Project:
    project = project_factory()
    import_file(project=project, stream=io.BytesIO(lines(*ROWS).encode()), file_name="rows.jsonl")
    return project


def values(project: Project, metric: str) -> list[tuple[str, str, float | None, str]]:
    rows = AutomatedScore.objects.filter(metric__project=project, metric__key=metric).order_by("output_id")
    return [(r.output.item.external_id, r.output.system.name, r.number, r.missing_reason) for r in rows if r.output]


def test_scores_and_reasons_and_nothing_twice() -> None:
    project = stocked()
    wanted = wanted_from(["valid_json", "exact_match", {"check": "length", "options": {"most": 1}}])
    outcome = checks_run(project=project, checks=wanted)
    assert (outcome.outputs, outcome.scores, outcome.missing, outcome.unchanged) == (4, 8, 4, 0)
    failed = "The system failed, so there is no output to check."
    assert values(project, "exact_match") == [
        ("q1", "a", 1.0, ""), ("q1", "b", 0.0, ""), ("q2", "a", None, "The item has no reference answer."),
        ("q2", "b", None, failed),
    ]  # fmt: skip
    assert values(project, "length (words)")[1] == ("q1", "b", 2.0, "")
    metric = Metric.objects.get(project=project, key="valid_json")
    assert (metric.source, metric.kind, metric.direction) == ("code", "bool", "higher")
    assert set(metric.scores.exclude(missing_reason="x").values_list("judge", flat=True)) == {"Adjudge valid_json 1"}
    runs = ImportBatch.objects.filter(format="checks").count()
    again = checks_run(project=project, checks=wanted)
    assert (again.scores, again.missing, again.unchanged) == (0, 0, 12)
    assert ImportBatch.objects.filter(format="checks").count() == runs


def test_a_changed_text_is_checked_again_and_no_other() -> None:
    project = stocked()
    checks_run(project=project, checks=wanted_from(["exact_match"]))
    output = Output.objects.get(item__external_id="q1", system__name="b")
    OutputRevision.objects.filter(output=output).update(current=False)
    OutputRevision.objects.create(output=output, revision=2, text="Paris", digest="d" * 64, kind="correction")
    outcome = checks_run(project=project, checks=wanted_from(["exact_match"]))
    assert (outcome.scores, outcome.unchanged) == (1, 3)
    assert values(project, "exact_match")[1][2] == 1.0


def test_tool_calls_of_a_conversation() -> None:
    project = project_factory()
    row = {
        "item": "q",
        "prompt": "Look!",
        "system": "a",
        "output": [CALL],
        "tool_calls": [{"name": "look", "arguments": {}}],
    }
    import_file(project=project, stream=io.BytesIO(lines(row).encode()), file_name="rows.jsonl",
                options={"columns": {"tool_calls": "metadata"}})  # fmt: skip
    item = project.items.get()
    item.metadata = {"tool_calls": row["tool_calls"]}
    item.save()
    checks_run(project=project, checks=wanted_from(["tool_names", "tool_arguments"]))
    assert [values(project, key)[0][2:] for key in ("tool_names", "tool_arguments")] == [(1.0, ""), (1.0, "")]


def test_a_killed_run_goes_on_and_a_cancelled_one_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    project = stocked()
    monkeypatch.setattr(checking, "PART", 1)
    batch = checks_ask(project=project, checks=wanted_from(["valid_json"]))

    def killed(what: str, done: int, total: int | None) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(batch, killed)
    assert len(values(project, "valid_json")) == 2
    outcome = carry_out(batch)
    assert (outcome.unchanged, outcome.outputs) == (2, 4)
    assert len(values(project, "valid_json")) == 4
    batch.refresh_from_db()
    assert (batch.state, batch.counts["outputs"]) == ("done", 4)

    second = checks_ask(project=project, checks=wanted_from(["length"]))
    with pytest.raises(Conflict):
        carry_out(second, lambda what, done, total: checks_cancel(batch=second) if done == 1 else None)
    second.refresh_from_db()
    assert (second.state, len(values(project, "length (words)"))) == ("failed", 1)


def test_a_metric_of_a_file_is_never_overwritten() -> None:
    project = stocked()
    Metric.objects.create(project=project, key="valid_json", kind="number")
    with pytest.raises(ServiceError, match="Give this check a name of its own"):
        checks_run(project=project, checks=wanted_from(["valid_json"]))
    checks_run(project=project, checks=wanted_from([{"check": "valid_json", "name": "JSON"}]))
    assert len(values(project, "JSON")) == 4


def test_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = stocked()
    file = tmp_path / "checks.yaml"
    file.write_text("- valid_json\n- {check: has_pattern, name: order, options: {pattern: Par}}\n")
    call_command("run_checks", project.slug, "--checks", str(file), "--systems", "a", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told == {"metrics": ["valid_json", "order"], "outputs": 2, "scores": 4, "missing": 0, "unchanged": 0}
    for wrong, why in (("none", "There is no check"), ("rouge:{", "not JSON"), ("has_pattern", "needs the option")):
        with pytest.raises(CommandError, match=why):
            call_command("run_checks", project.slug, "--check", wrong)


def test_from_the_page_and_by_the_api(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    project = stocked()
    client.force_login(member(project, Role.LEAD))
    page = f"/p/{project.slug}/checks/"
    refused = client.post(page, {"check": ["has_pattern"], "has_pattern.pattern": "(("})
    assert refused.status_code == 422
    assert "not a pattern that RE2 accepts" in refused.content.decode()
    assert client.post(page, {"check": ["valid_json"], "valid_json.fence": "yes"}).status_code == 302
    run = ImportBatch.objects.get(format="checks")
    assert run.mapping["checks"][0]["options"] == {"fence": True}
    assert "Waiting for a worker" in client.get(page).content.decode()
    assert client.get(f"/p/{project.slug}/import/{run.pk}/").status_code == 404
    client.post(f"{page}{run.pk}/stop/")
    api = f"/api/v1/projects/{project.slug}/checks/"
    asked = {"checks": [{"check": "rouge", "options": {"type": "rouge1"}}], "systems": ["a"]}
    answer = client.post(api, asked, content_type="application/json")
    assert (answer.status_code, answer.json()["state"], answer.json()["metrics"]) == (
        202,
        "running",
        ["rouge (rouge1)"],
    )
    assert [each["state"] for each in client.get(api).json()] == ["running", "failed"]
    asked["systems"] = ["z"]
    assert client.post(api, asked, content_type="application/json").status_code == 400


def test_by_a_study_file(tmp_path: Path) -> None:
    project = stocked()
    study = tmp_path / "study.yaml"
    text = f"project: {{slug: {project.slug}, name: {project.name}}}\nchecks:\n  - valid_json\n  - {{check: rouge}}\n"
    study.write_text(text)
    call_command("apply", str(study))
    run = ImportBatch.objects.get(format="checks")
    assert [each["metric"] for each in run.mapping["checks"]] == ["valid_json", "rouge (rougeL)"]
    call_command("apply", str(study))
    assert ImportBatch.objects.filter(format="checks").count() == 1
    import_file(project=project, stream=io.BytesIO(lines({**ROWS[0], "item": "q9"}).encode()), file_name="more.jsonl")
    call_command("apply", str(study))
    assert ImportBatch.objects.filter(format="checks").count() == 2
    study.write_text(text.replace("rouge", "rogue"))
    with pytest.raises(CommandError, match="There is no check “rogue”"):
        call_command("apply", str(study))
