"""A release gate: declared before the data, and what the judgments answer to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from analytics.gate_services import gate_decide, gate_register
from analytics.models import Gate
from annotation.models import Round
from projects.errors import Conflict, ServiceError
from projects.located import load
from projects.models import Output
from tests.analytics.helpers import filled_round, scale
from tests.analytics.test_report_pages import client_of, text_of
from tests.analytics.test_reports import QUALITY, compared, scored
from tests.factories import OVERALL

pytestmark = pytest.mark.django_db


def gate(*conditions: str, **extra: str) -> Any:
    lines = [f"{key}: {value}" for key, value in ({"new": "new", "old": "old"} | extra).items()]
    return load("\n".join([*lines, "conditions:", *(f"  - {{{each}}}" for each in conditions)]), "gate.yaml")


def round_of(difference: int, level: str = "interval", n: int = 24) -> Round:
    rows = [{**row, "value": max(1, row["value"])} for row in scored(difference, n)]
    return filled_round([scale("helpful", level)], rows)


@pytest.mark.parametrize(
    ("difference", "level", "margin", "verdict", "code"),
    [
        (1, "interval", "0.2", "pass", 0),
        (-2, "interval", "0.2", "fail", 1),
        (0, "interval", "0.5", "pass", 0),  # no difference at all, and every prompt alike
        (1, "ordinal", "0.1", "pass", 0),
        (-2, "ordinal", "0.1", "fail", 1),
    ],
)
def test_verdicts_and_exit_codes(difference: int, level: str, margin: str, verdict: str, code: int) -> None:
    found = gate_decide(round=round_of(difference, level), source=gate(f"criterion: helpful, margin: {margin}"))
    assert (found.answer.summary.verdict, found.answer.exit_code) == (verdict, code)
    assert found.preregistered is False


def test_a_preference_is_held_against_one_half_whichever_side_is_new() -> None:
    round_ = filled_round([OVERALL], compared(), "compare")
    passed = gate_decide(round=round_, source=gate("criterion: overall, margin: 0.05"))
    assert passed.answer.conditions[0].decision.estimate.value == pytest.approx(0.25)
    assert passed.answer.summary.verdict == "pass"
    turned = gate_decide(round=round_, source=gate("criterion: overall, margin: 0.05", new="old", old="new"))
    assert turned.answer.conditions[0].decision.estimate.value == pytest.approx(-0.25)
    assert turned.answer.exit_code == 1


def test_few_data_are_insufficient_and_say_how_many_more(tmp_path: Any, capsys: Any) -> None:
    rows = [{**row, "value": row["value"] if n % 3 else 1 + n % 5} for n, row in enumerate(scored(0, 14))]
    round_ = filled_round([scale("helpful", "interval")], rows)
    (tmp_path / "gate.yaml").write_text("new: new\nold: old\nconditions: [{criterion: helpful, margin: 0.05}]")
    with pytest.raises(SystemExit) as caught:
        call_command("gate", round_.slug, "--file", str(tmp_path / "gate.yaml"), "--json")
    assert caught.value.code == 3
    said = json.loads(capsys.readouterr().out)
    [condition] = said["conditions"]
    assert condition["verdict"] == said["verdict"] == "insufficient"
    assert condition["more_prompts"] == condition["n_needed"] - 14 > 0
    assert condition["more_judgments"] == 6 * condition["more_prompts"]
    assert said["preregistered"] is False
    assert "not closed" in said["warnings"][0]


def test_time_and_cost_are_conditions_too() -> None:
    round_ = round_of(0)
    for n, output in enumerate(Output.objects.select_related("system").order_by("id")):
        output.latency_ms = 1000 + 10 * (n % 7) + (300 if output.system.name == "new" else 0)
        output.save()
    slow = gate_decide(round=round_, source=gate("measure: latency_ms, margin: 200"))
    assert slow.answer.summary.verdict == "fail"
    both = gate_decide(round=round_, source=gate("measure: latency_ms, margin: 400", "criterion: helpful, margin: 1"))
    assert both.answer.summary.verdict == "pass"
    none = gate_decide(round=round_, source=gate("measure: cost, margin: 1"))
    assert none.answer.conditions[0].decision.verdict == "insufficient"
    assert none.answer.exit_code == 3


def test_a_gate_is_registered_before_the_round_is_opened_and_stays(capsys: Any) -> None:
    round_ = round_of(1)
    Round.objects.filter(pk=round_.pk).update(state="draft")
    first = gate_register(round=round_, source=gate("criterion: helpful, margin: 0.2"))
    assert gate_register(round=round_, source=gate("criterion: helpful, margin: 0.2")) == first
    gate_register(round=round_, source=gate("criterion: helpful, margin: 0.3"))
    assert Gate.objects.get().definition["conditions"][0]["margin"] == 0.3
    Round.objects.filter(pk=round_.pk).update(state="open")
    with pytest.raises(Conflict, match="has been opened"):
        gate_register(round=round_, source=gate("criterion: helpful, margin: 9"))
    call_command("gate", round_.slug, "--json")
    assert json.loads(capsys.readouterr().out)["preregistered"] is True


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (lambda: gate("criterion: helpful, margin: 0"), "line 4, column 26: The margin must be above 0"),
        (lambda: gate("criterion: nothing, margin: 1"), "“nothing” is no criterion .* Accepted: helpful, good."),
        (lambda: gate("measure: weight, margin: 1"), "Accepted: latency_ms"),
        (lambda: gate("criterion: helpful, margin: 1", new="older"), "“older” is no system of this round"),
        (lambda: gate("criterion: helpful, margin: 1", new="old"), "held against itself"),
        (lambda: gate("criterion: helpful, margin: 1", alpha="2"), "between 0 and 0.5"),
        (lambda: gate("margin: 1"), "either a criterion or a measure"),
        (lambda: gate("criterion: helpful, margin: 1", rule="most"), "Accepted: all, any"),
    ],
)
def test_what_is_wrong_with_a_gate_is_said_with_its_place(source: Any, said: str) -> None:
    round_ = filled_round([scale("helpful", "ordinal"), QUALITY], scored())
    with pytest.raises(ServiceError, match=said):
        gate_decide(round=round_, source=source())


def test_the_page_registers_and_decides() -> None:
    round_ = round_of(1)
    Round.objects.filter(pk=round_.pk).update(state="draft")
    address = reverse("analytics:gate", args=[round_.project.slug, round_.slug])
    lead, viewer = client_of(round_, "lead"), client_of(round_, "viewer")
    text = "new: new\nold: old\nconditions: [{criterion: helpful, margin: 0.2}]"
    assert viewer.post(address, {"definition": text}).status_code == 404
    refused = lead.post(address, {"definition": text.replace("0.2", "no")})
    assert refused.status_code == 422
    assert "must be a number" in text_of(refused)
    assert lead.post(address, {"definition": text}).status_code == 302
    Round.objects.filter(pk=round_.pk).update(state="open")
    decided = text_of(viewer.post(address))
    assert "Pass" in decided
    assert "not closed" in decided


def test_a_round_without_a_gate_says_what_to_do() -> None:
    round_ = round_of(1)
    with pytest.raises(CommandError, match="No gate was registered") as caught:
        call_command("gate", round_.slug)
    assert caught.value.returncode == 2
