"""One criterion of every type, rated by keyboard alone, and each found in the report and in the export."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from analytics.reports import build
from annotation.exporters.files import export_round
from annotation.models import Round
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec, LevelSpec
from tests.annotation.test_ranking import ENDS, ORDER
from tests.annotation.test_spans import ERRORS, marking_round
from tests.browser.axe import everywhere
from tests.browser.conftest import OpenPage
from tests.browser.desk import Desk, sit
from tests.factories import OVERALL, round_factory

LEVELS = tuple(LevelSpec(str(n), f"Level {n}", float(n), f"Anchor {n}.") for n in (1, 2, 3))
LABELS = (LevelSpec("tone", "Tone"), LevelSpec("form", "Form"))
ONE = [
    CriterionSpec("scale", "scale", "How good?", "ordinal", scope="output", levels=LEVELS),
    CRITERIA["yes_no"].normalise(CriterionSpec("yes", "yes_no", "Is it polite?", "nominal", scope="output")),
    CriterionSpec("one", "one_of", "Which fault?", "nominal", scope="output", levels=LABELS),
    CriterionSpec("several", "several_of", "Which faults?", "nominal", scope="output", levels=LABELS),
    CriterionSpec("slider", "slider", "How sure?", "interval", scope="output"),
    CriterionSpec("number", "number", "How many minutes?", "ratio", scope="output", config={"min": 0}),
    ERRORS,
    CriterionSpec("text", "text", "Why?", "text", scope="output", required=False),
]
LOOKS = [(1440, "light"), (390, "dark")]
KEYS_ONE = ["2", "y", "1", "1", "2", "j", "7", "3", "Escape", "j", "5", "Escape", "j", "m", "Shift+ArrowRight", "1"]
KEYS_ONE += ["Escape", "j", *"So it is", "Escape"]


def rate(open_page: OpenPage, round_: Round, keys: list[str]) -> Page:
    desk: Desk = sit(open_page, round_)
    expect(desk.page.locator("[data-raw-switch]").first).to_be_visible()
    desk.press(*keys)
    desk.judge()
    return desk.page


def found(round_: Round, out: Path) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    export_round(round=round_, out=out, formats=["csv"])
    tables = [csv.DictReader((out / f"{name}.csv").read_text().splitlines()) for name in ("ratings", "texts")]
    return build(round_).body, {row["criterion"]: row for table in tables for row in table}


def test_every_type_is_rated_by_keyboard_and_stands_in_report_and_export(open_page: OpenPage, tmp_path: Path) -> None:
    one = marking_round("The policy says so.", criteria=ONE)
    page = rate(open_page, one, KEYS_ONE)
    assert everywhere(page, LOOKS) == []
    two = round_factory(mode="compare", items=2, systems=2, overlap=1, criteria=(OVERALL,))
    rate(open_page, two, ["ArrowRight"])
    many = round_factory(mode="rank", items=2, systems=3, overlap=1, criteria=(ORDER, ENDS))
    page = rate(open_page, many, ["1", "2", "2", "3", "1"])
    assert everywhere(page, LOOKS) == []
    assert {c.type for c in (*ONE, OVERALL, ORDER, ENDS)} == set(CRITERIA), "every type, also those to come"

    body, rows = found(one, tmp_path / "one")
    said = {key: (row.get("value"), row.get("label")) for key, row in rows.items()}
    assert said["scale"] == ("2", "")
    assert said["yes"] == ("1", "yes")
    assert said["one"] == ("", "tone")
    assert said["several"] == ("", "tone|form")
    assert said["slider"] == ("73", "")
    assert said["number"] == ("5", "")
    assert json.loads(rows["errors"]["data"])[0]["end"] == len("The policy")
    assert rows["text"]["text"] == "So it is"
    assert set(body["agreement"]) == {c.key for c in ONE if c.type != "text"}
    [system] = [name for name, own in body["scores"].items() if own]
    assert set(body["scores"][system]) == set(body["agreement"])
    assert body["marks"]["errors"]["systems"][system]["mqm"]["value"] == 1

    body, rows = found(two, tmp_path / "two")
    assert (rows["overall"]["value"], rows["overall"]["label"]) == ("1", "b")
    assert body["preference"]["overall"]["win_rate"]

    body, rows = found(many, tmp_path / "many")
    assert json.loads(rows["order"]["data"]) == [[0], [1, 2]]
    assert json.loads(rows["ends"]["data"]) == {"best": 2, "worst": 0}
    assert set(body["preference"]) == set(body["orders"]) == {"order", "ends"}
