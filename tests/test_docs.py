"""The documentation says what the code does: names, examples, links and the walk through the tables."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterable
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import BaseCommand, call_command, load_command_class
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from analytics.guards import GUARDS as ANALYTICS
from analytics.reports import build
from analytics.sections import method
from analytics.stats import _package_alpha
from analytics.stats.registry import METRICS
from annotation import claims
from annotation.claims import NewRating, Submission
from annotation.exporters.files import export_round
from annotation.exporters.tables import TABLES
from annotation.guards import GUARDS as ANNOTATION
from annotation.services.imported_rows import COLUMNS
from annotation.services.seats import seat_for
from annotation.services.study import METRIC_KEYS, TOP, study_apply
from annotation.services.study_round import ROUND_KEYS, SAMPLE_KEYS
from annotation.strategies import STRATEGIES
from projects.guards import GUARDS as PROJECTS
from projects.importers import IMPORTERS
from projects.importers.roles import ROLES
from projects.located import load
from projects.models import AutomatedScore
from rubrics.criteria import CRITERIA
from rubrics.guards import GUARDS as RUBRICS
from rubrics.schema import CRITERION_KEYS, LEVEL_KEYS, RUBRIC_KEYS
from tests.factories import member, round_factory

ROOT = Path(__file__).resolve().parent.parent
OURS = ("accounts", "projects", "rubrics", "annotation", "analytics")
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# --- The walk ------------------------------------------------------------------------------------------

MODELS = {model.__name__: model for app in OURS for model in apps.get_app_config(app).get_models()}
GUARDS = {guard.name: guard for guard in (*PROJECTS, *RUBRICS, *ANNOTATION, *ANALYTICS)}
CONSTRAINTS = {constraint.name for model in MODELS.values() for constraint in model._meta.constraints}


def walk() -> dict[str, tuple[list[str], list[str]]]:
    """Section → statements that are accepted, and statements that are refused."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    name = ""
    for kind, title, body in BLOCK.findall(read("docs/architecture.md")):
        lines = [line for line in body.splitlines() if line.strip()]
        if kind == "rows":
            name = title
            found[name] = (lines, [])
        elif kind == "refused":
            found[name][1].extend(lines)
    return found


WALK = walk()


def arguments(model: type[models.Model], call: ast.Call) -> dict[str, Any]:
    """Keyword arguments; the number of a row stands for the row."""
    given = {}
    for keyword in call.keywords:
        field: Any = model._meta.get_field(keyword.arg or "")
        given[field.attname] = ast.literal_eval(keyword.value)
    return given


def run(statement: str) -> None:
    """`Model(column=value)` inserts a row, `Model[1].update(column=value)` and `Model[1].delete()` change it."""
    call = ast.parse(statement, mode="eval").body
    assert isinstance(call, ast.Call), statement
    if isinstance(call.func, ast.Name):
        model = MODELS[call.func.id]
        values = arguments(model, call)
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.DateTimeField) and not field.null:
                values.setdefault(field.attname, timezone.now())
        model(**values).save(force_insert=True)
        return
    assert isinstance(call.func, ast.Attribute), statement
    assert isinstance(call.func.value, ast.Subscript), statement
    row = call.func.value
    assert isinstance(row.value, ast.Name), statement
    model = MODELS[row.value.id]
    # The plain manager and one statement: no service, no signal, only the database is asked.
    rows = model._base_manager.filter(pk=ast.literal_eval(row.slice))
    assert rows.exists(), f"{statement}: there is no such row"
    if call.func.attr == "update":
        rows.update(**arguments(model, call))
    else:
        assert call.func.attr == "delete", statement
        rows._raw_delete(rows.db)


@pytest.fixture
def tables(db: None) -> None:
    for statement in WALK["base"][0]:
        run(statement)


def test_the_walk_covers_every_promise() -> None:
    promised = {"conversation", "compare", "ranking", "spans", "quality", "rounds", "imported", "redaction"}
    promised |= {"erasure", "scores", "successor", "exclusion", "adjudication", "conclusion"}
    assert promised <= WALK.keys()
    assert all(rows and refused for rows, refused in WALK.values())


@pytest.mark.parametrize("section", WALK)
@pytest.mark.usefixtures("tables")
def test_the_walk_through_the_tables_is_true(section: str) -> None:
    accepted, refused = WALK[section]
    if section != "base":
        for statement in accepted:
            run(statement)
    connection.check_constraints()
    for line in refused:
        statement, _, name = line.rpartition("  # ")
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            run(statement)
        assert_refused_by(name, str(caught.value), statement)


def assert_refused_by(name: str, message: str, statement: str) -> None:
    if name in GUARDS:
        assert GUARDS[name].message in message, statement
        return
    assert name in CONSTRAINTS, f"{name} is neither a constraint nor a guard"
    # SQLite names the columns of a unique index instead of the constraint.
    if connection.vendor == "postgresql" or "CHECK" in message:
        assert name in message, f"{statement}: {message}"
    else:
        assert "UNIQUE constraint failed" in message, f"{statement}: {message}"


# --- Examples ------------------------------------------------------------------------------------------


def blocks(name: str, kind: str) -> list[tuple[str, str]]:
    """(title, content) of the fenced blocks of one kind."""
    pattern = re.compile(rf"^```{kind}(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return pattern.findall(read(name))


def studies(name: str) -> list[str]:
    return [content for title, content in blocks(name, "yaml") if title == "study"]


@pytest.mark.django_db
def test_the_example_of_the_study_file_applies() -> None:
    [study] = studies("docs/study-file.md")
    applied = study_apply(source=load(study, "study.yaml"), dry_run=True)
    assert any(change.startswith("round pilot: made") for change in applied.changes), applied.changes


def test_the_example_of_the_study_file_uses_every_key() -> None:
    [study] = studies("docs/study-file.md")
    used = set(re.findall(r"([a-z_]+):(?= |$)", study, re.MULTILINE))
    keys = {*TOP, *ROUND_KEYS, *METRIC_KEYS, *RUBRIC_KEYS, *CRITERION_KEYS, *LEVEL_KEYS}
    keys |= {key for kind in CRITERIA.values() for key in kind.config_keys}
    assert sorted(keys - used) == []


@pytest.mark.django_db(transaction=True)
def test_the_commands_of_the_readme_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for title, content in blocks("README.md", "csv"):
        (tmp_path / title).write_text(content, encoding="utf-8")
    [study] = studies("README.md")
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    shell = "\n".join(content for _, content in blocks("README.md", "sh"))
    calls = [line.split()[1:] for line in shell.splitlines() if line.startswith("manage ")]
    assert [call[0] for call in calls] == ["import_outputs", "apply", "import_judgments", "export", "report"]
    for call in calls:
        call_command(*call, stdout=StringIO(), stderr=StringIO())
    assert AutomatedScore.objects.count() == 6
    ratings = (tmp_path / "export" / "ratings.csv").read_text(encoding="utf-8").splitlines()
    assert len(ratings) == 1 + 6
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    # The mean over prompts of a preference for amber: 1, 3/4 and 0.
    assert report["preference"]["overall"]["win_rate"]["amber"]["basalt"]["value"] == pytest.approx(1.75 / 3)
    assert (tmp_path / "report" / "report.html").is_file()


@pytest.mark.django_db
def test_the_recipe_for_recomputing_a_report_gives_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    round = round_factory(items=12, systems=1, overlap=2)
    criterion = round.rubric_version.criteria.get()
    for n in range(2):
        seat = seat_for(round=round, user=member(round.project, "rater"))
        outcome = claims.claim(seat.pk)
        while outcome.presentation is not None:
            task = outcome.presentation
            answer = NewRating(criterion.pk, "", float(1 + (len(task.prompt_html) + task.assignment * (n + 1)) % 3))
            key = f"{seat.pk:04}-{task.assignment:04}"
            outcome = claims.submit(seat.pk, Submission(task.public_id, key, "d", [answer]))
    export_round(round=round, formats=["csv"], out=tmp_path)
    expected = build(round).body["agreement"][criterion.key]["krippendorff_alpha"]
    assert expected["status"] == "ok"

    monkeypatch.chdir(tmp_path)
    [(_, recipe)] = blocks("docs/algorithms/agreement.md", "python")
    exec(compile(recipe, "agreement.md", "exec"), {})  # noqa: S102 - our own page
    said = capsys.readouterr().out
    assert f"value={expected['value']!r}, low={expected['low']!r}, high={expected['high']!r}" in said


# --- Names ---------------------------------------------------------------------------------------------


def commands() -> list[str]:
    return sorted(path.stem for path in ROOT.glob("*/management/commands/[!_]*.py"))


def test_every_command_is_described_with_its_options() -> None:
    assert "apply" in commands(), "no command was found, so this test would see nothing"
    text = read("docs/commands.md")
    base = {action for parsed in BaseCommand().create_parser("", "")._actions for action in parsed.option_strings}
    for name in commands():
        section = re.search(rf"^## `{name}[ `].*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section, f"docs/commands.md has no section for {name}"
        for action in load_command_class(app_of(name), name).create_parser("", name)._actions:
            for option in set(action.option_strings) - base:
                assert f"`{option}" in section[0], f"docs/commands.md: {name} {option} is not described"


def app_of(command: str) -> str:
    [path] = ROOT.glob(f"*/management/commands/{command}.py")
    return path.parts[-4]


def assert_named(page: str, names: Iterable[str], *more: str) -> None:
    text = "".join(map(read, (page, *more)))
    missing = [name for name in names if f"`{name}`" not in text]
    assert not missing, f"{page} does not name {', '.join(missing)}"


def test_every_criterion_type_is_described() -> None:
    assert_named("docs/study-file.md", [*CRITERIA, *STRATEGIES, *SAMPLE_KEYS])
    assert_named("docs/algorithms/task-selection.md", STRATEGIES)


def test_every_statistic_is_described() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/algorithms").glob("*.md"))
    missing = [name for name in METRICS if f"`{name}`" not in text]
    assert not missing, f"No page of docs/algorithms names {', '.join(missing)}"


def test_every_importer_and_role_is_described() -> None:
    assert_named("docs/import-formats.md", [*IMPORTERS, *ROLES, *COLUMNS])


def test_the_page_of_the_export_is_the_exporters_own_dictionary() -> None:
    text = read("docs/export.md")
    for table in TABLES:
        section = re.search(rf"^## `{table.name}`\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section, f"docs/export.md has no section for {table.name}"
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", section[0], re.MULTILINE)
        assert rows == [(c.name, c.kind, c.meaning) for c in table.columns]


def test_every_runtime_dependency_has_its_licence() -> None:
    locked = re.findall(r"^([A-Za-z0-9._-]+)==", read("requirements/base.txt"), re.MULTILINE)
    assert len(locked) > 20
    listed = dict(re.findall(r"^\| ([\w.-]+) \| (.*?) \|$", read("docs/licences.md"), re.MULTILINE))
    assert sorted(set(locked) - listed.keys()) == []
    assert sorted(listed.keys() - {*locked, "package", "---"}) == []
    assert listed["krippendorff"] == "GPL-3.0-or-later"
    assert listed["psycopg"] == "LGPL-3.0-only"


@pytest.mark.django_db
def test_a_report_can_be_built_without_krippendorff_as_the_page_of_licences_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    round = round_factory(items=2, systems=1, overlap=1)
    assert "krippendorff" in build(round).body["provenance"]["packages"]
    monkeypatch.setattr(_package_alpha, "import_module", missing_module)
    monkeypatch.setattr(method, "find_spec", lambda name: None if name == "krippendorff" else find_spec(name))
    monkeypatch.setattr(method, "version", lambda name: missing_module(name) if name == "krippendorff" else "1")
    assert "krippendorff" not in build(round).body["provenance"]["packages"]


def missing_module(name: str) -> Any:
    raise ModuleNotFoundError(name)


def test_every_edge_case_of_claiming_has_its_test() -> None:
    named = set(re.findall(r"`(test_\w+)`", read("docs/algorithms/claiming.md")))
    names = ("claims", "exclusion", "gold", "strategies", "uncertainty", "groups")
    files = [f"tests/annotation/test_{name}.py" for name in names]
    there = set(re.findall(r"^def (test_\w+)", "\n".join(map(read, files)), re.MULTILINE))
    assert named
    assert sorted(named - there) == []


# --- Links ---------------------------------------------------------------------------------------------

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def markdown_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "*.md"], cwd=ROOT, capture_output=True, check=True
    )
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def anchors(path: Path) -> set[str]:
    """The fragments that a page's headings answer to, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {re.sub(r"\s", "-", heading.strip()) for heading in plain}


def broken_links(path: Path, text: str) -> list[str]:
    wrong = []
    for target in LINK.findall(BLOCK.sub("", text)):
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (fragment and fragment not in anchors(file)):
            wrong.append(f"{path.relative_to(ROOT)}: {target}")
    return wrong


def test_no_relative_link_is_broken() -> None:
    files = markdown_files()
    assert ROOT / "README.md" in files
    wrong = [link for path in files for link in broken_links(path, path.read_text(encoding="utf-8"))]
    assert not wrong, "\n".join(wrong)


def test_a_broken_link_is_recognised() -> None:
    text = "[a](nowhere.md) [b](README.md#no-such-part) [c](README.md#words) [d](https://example.org/)"
    assert broken_links(ROOT / "README.md", text) == ["README.md: nowhere.md", "README.md: README.md#no-such-part"]


# --- Where do I change X ---------------------------------------------------------------------------------


def missing_paths(text: str) -> list[str]:
    """Paths in code marks that are neither here nor in an app; `<type>` and the like stand for anything."""
    named = re.findall(r"`((?:[\w.<>-]+/)+[\w.<>-]*|[\w-]+\.(?:md|toml))`", text)
    assert named, "no path was found, so this check would see nothing"
    patterns = {name: re.sub(r"<\w+>", "*", name).rstrip("/") for name in named}
    return [name for name, pattern in patterns.items() if not any((*ROOT.glob(pattern), *ROOT.glob(f"*/{pattern}")))]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md", "docs/threat-model.md"])
def test_the_files_a_page_names_are_there(page: str) -> None:
    assert missing_paths(read(page)) == []


def test_a_missing_file_is_recognised() -> None:
    assert missing_paths("`rubrics/criteria/` `rubrics/nowhere.py` `rubrics/criteria/<type>.py`") == [
        "rubrics/nowhere.py"
    ]


def test_the_example_of_settings_names_settings_that_exist() -> None:
    known = set(re.findall(r"^\| `([A-Z_]+)`", read("docs/settings.md"), re.MULTILINE))
    named = re.findall(r"^#?([A-Z_]+)=", read("deploy/env.example"), re.MULTILINE)
    assert named
    assert sorted({name.removesuffix("_FILE") for name in named} - known) == []
