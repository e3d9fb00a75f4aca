"""The how-to pages do what they say: files are read, commands run, figures recomputed, labels on the screen."""

from __future__ import annotations

import html
import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from analytics.stats.agreement import gwet_ac1, krippendorff_alpha, percent_agreement
from analytics.stats.coding import code_ratings
from annotation.models import Judgment, Rating
from projects.models import AutomatedScore, ImportBatch, Item, Output
from projects.services.importing import import_file
from projects.views.imports import button_words
from tests.factories import project_factory
from tests.test_docs import ROOT, read, studies

PAGES = ROOT / "docs" / "how-to"
FILE = re.compile(r"^```(?:csv|jsonl|yaml) (\S+\.\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)


def save_files(page: str, folder: Path) -> None:
    for name, content in FILE.findall(read(page)):
        (folder / name).write_text(content, encoding="utf-8")


def run_commands(page: str) -> list[str]:
    """Every `manage …` line of the page in order, and what it printed."""
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL))
    calls = [line.split()[1:] for line in shell.splitlines() if line.startswith("manage ")]
    assert calls, f"{page} has no command, so this test would see nothing"
    printed = []
    for call in calls:
        out = StringIO()
        call_command(*call, stdout=out, stderr=StringIO())
        printed.append(out.getvalue())
    return printed


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\((\S+?\.md)\)", (PAGES / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in PAGES.glob("*.md")} - {"README.md"}


# --- The first study ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_file_of_the_first_study_gives_the_counts_that_are_named(tmp_path: Path) -> None:
    save_files("docs/how-to/first-study.md", tmp_path)
    with (tmp_path / "parcels.csv").open("rb") as stream:
        import_file(project=project_factory(), stream=stream, file_name="parcels.csv")
    assert (Item.objects.count(), Output.objects.count(), AutomatedScore.objects.count()) == (12, 24, 24)
    assert f"**{button_words(ImportBatch.objects.get().counts)}**" in read("docs/how-to/first-study.md")


def on_the_screen() -> str:
    """All words that pages and forms are made of, without marks."""
    files = [*ROOT.glob("templates/**/*.html")]
    files += [path for app in ("projects", "rubrics", "annotation", "analytics") for path in (ROOT / app).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    text = re.sub(r"""\{% translate (["'])(.*?)\1.*?%\}""", r"\2", text)
    return " ".join(re.sub(r"\{%.*?%\}|</?\w[^>]*>", " ", html.unescape(text)).split())


MADE_OF_NUMBERS = re.compile(r"^(Import 12 items, .*|24 of 24 judgments|Publish version 1…?)$")


def test_what_the_first_study_tells_to_choose_is_on_the_screen() -> None:
    labels = {" ".join(label.split()) for label in BOLD.findall(read("docs/how-to/first-study.md"))}
    assert len(labels) > 25
    screen = on_the_screen()
    assert sorted(each for each in labels if each not in screen and not MADE_OF_NUMBERS.match(each)) == []


# --- Importing ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_commands_of_the_page_on_importing_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_files("docs/how-to/importing.md", tmp_path)
    outputs, scores, applied, judged = run_commands("docs/how-to/importing.md")
    assert "outputs: 2 (2 new, 0 changed)" in outputs
    assert "scores: 4 (4 new, 0 changed)" in scores
    assert "round spring: made" in applied
    assert "judgments: 4 new" in judged
    assert (Output.objects.count(), Judgment.objects.count()) == (6, 4)
    assert AutomatedScore.objects.filter(metric__key="fluency", number=None).count() == 1
    assert "Nothing new" in run_commands("docs/how-to/importing.md")[0]


# --- Reading a report ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_number_that_is_recomputed_is_that_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_files("README.md", tmp_path)
    (tmp_path / "study.yaml").write_text(studies("README.md")[0], encoding="utf-8")
    run_commands("README.md")
    assert Rating.objects.count() == 6
    run_commands("docs/how-to/reading-a-report.md")
    [recipe] = re.findall(r"^```python\n(.*?)^```$", read("docs/how-to/reading-a-report.md"), re.MULTILINE | re.DOTALL)
    capsys.readouterr()
    exec(compile(recipe, "reading-a-report.md", "exec"), {})  # noqa: S102 - our own page
    said = float(capsys.readouterr().out)
    body = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert said == pytest.approx(body["preference"]["overall"]["win_rate"]["amber"]["basalt"]["value"], abs=1e-12)
    assert "It prints 0.5833…" in read("docs/how-to/reading-a-report.md")
    assert f"{said:.4f}" == "0.5833"


def test_the_example_of_skewed_answers_is_calculated_right() -> None:
    fine, apart = ("fine", "fine"), [("fine", "not fine"), ("not fine", "fine")]
    pairs = [fine] * 94 + apart * 3
    unit = [n for n, _ in enumerate(pairs) for _ in range(2)]
    rater = ["a", "b"] * len(pairs)
    coded = code_ratings(unit, unit, rater, [answer for pair in pairs for answer in pair], ["not fine", "fine"])
    found = [percent_agreement(coded), krippendorff_alpha(coded, "nominal"), gwet_ac1(coded)]
    row = r"^\| (?:same answer|Krippendorff’s α|Gwet’s AC1) \| (\S+)"
    written = re.findall(row, read("docs/how-to/reading-a-report.md"), re.MULTILINE)
    values = [each.value or 0.0 for each in found]
    assert written == [f"{100 * values[0]:.0f}", f"−{-values[1]:.2f}", f"{values[2]:.2f}"]
