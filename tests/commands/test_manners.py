"""What holds for every command: one example that works, `--json`, refusals as sentences, quiet pipes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import load_command_class
from django.db import OperationalError, ProgrammingError

from config.commands import Command, database_sentence
from tests.commands.terminal import ROOT, Terminal

COMMANDS = {path.stem: path.parts[-4] for path in ROOT.glob("*/management/commands/[!_]*.py")}


def loaded(name: str) -> Command:
    command = load_command_class(COMMANDS[name], name)
    assert isinstance(command, Command), f"{name} does not share the manners of config/commands.py"
    return command


def test_there_are_commands() -> None:
    assert {"apply", "create_lead", "demo", "export", "import_judgments", "import_outputs", "report"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_an_example_that_is_accepted(name: str) -> None:
    parser = loaded(name).create_parser("manage.py", name)
    _, _, examples = parser.format_help().rpartition("\nExample:\n")
    lines = examples.splitlines()
    assert lines
    for line in lines:
        program, command, *arguments = shlex.split(line)
        assert (program, command) == ("manage.py", name)
        parser.parse_args(arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_outcome_can_be_had_as_json(name: str) -> None:
    parser = loaded(name).create_parser("manage.py", name)
    example = shlex.split(loaded(name).examples[0])[1:]
    assert parser.parse_args([*example, "--json"]).json is True
    assert parser.parse_args(example).json is False


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_nothing_of_what_every_django_command_takes(name: str) -> None:
    text = loaded(name).create_parser("manage.py", name).format_help()
    assert "--verbosity" not in text
    assert all(each.help for each in loaded(name).create_parser("manage.py", name)._actions), "an option has no help"


def test_a_database_that_is_not_prepared_is_told_how_to_be() -> None:
    hint = "Bring it to this version with manage.py migrate."
    assert hint in database_sentence(OperationalError("no such table: projects_project"))
    assert hint in database_sentence(ProgrammingError('relation "projects_project" does not exist\nLINE 1: SELECT'))
    assert database_sentence(OperationalError("attempt to write a readonly database")) == (
        "The database refused: attempt to write a readonly database. Nothing was changed."
    )


# --- At a terminal ---------------------------------------------------------------------------------------------


REFUSED = {
    "import_outputs support": "The following arguments are required: FILE.",
    "import_outputs support {files}/outputs.csv --jsn": "Not known here: --jsn. Options are -h, --help, --format,",
    "import_outputs support {files}/absent.csv": "absent.csv: there is no such file.",
    "import_judgments support/pilot {files}": " is a folder. Name a file in it.",
    "import_outputs support {files}/study.yaml": "study.yaml",
    "import_judgments support/pilot /dev/full": "/dev/full is not a file.",
    "import_judgments support/pilot {files}/outputs.csv": "outputs.csv",
    "apply": "The following arguments are required: STUDY.yaml.",
    "apply {files}/ratings.csv": "ratings.csv",
    "apply {files}/study.yaml --lead nobody@example.org": "nobody@example.org: nobody has an account",
    "report support/pilot --seed x": "--seed: x is not accepted, only a whole number from 0 to 2147483647.",
    "report support/pilot --out": "--out: expected one argument.",
    "gate support/pilot": "No gate was registered before this round was opened.",
    "gate support/pilot --register {files}/gate.yaml": "The round has been opened, so a gate can no longer be",
    "gate support/pilot --file {files}/study.yaml": "study.yaml, line 1",
    "gate support/pilot --file {files}/absent.yaml": "absent.yaml: there is no such file.",
    "import_export {files}": "round.json: this file is missing.",
    "import_export {files}/absent": "absent is no folder.",
    "verify_report {files}/absent.json": "absent.json: this file cannot be read: No such file or directory.",
    "verify_report {files}/study.yaml": "study.yaml: this is no JSON",
    "verify_report {files}/reported/report.json": "round.json: this file is missing.",
    "import_judge_answers support/quality {files}/few.csv": "few.csv: A needed column is missing",
    "rubric_doctor support/none": "There is no round “support/none”.",
    "report support/none": "There is no round “support/none”.",
    "report support/pilot --out {files}/study.yaml": "study.yaml is a file. Name a folder to write into.",
    "export support/pilot --out {files}/study.yaml/x": "study.yaml/x: this folder cannot be written: Not a directory.",
    "export support/pilot --out /proc/adjudge": "/proc/adjudge: this folder cannot be written:",
    "export support/pilot --format xml": "“xml” is not a format of this version.",
    "import_gold support/planned {files}/ratings.csv": "ratings.csv: The column 'rater' is not known.",
    "qualify support nobody@example.org": "“nobody@example.org” is not a member of a project “support”.",
    "renew_order support/planned": "only an open round with the order",
    "leaks support/pilot --redact cobalt": "“cobalt” was not found",
    "verify_audit nowhere": "There is no project “nowhere”.",
    "backup {files}/base.tar": "base.tar: there is such a file already.",
    "check_backup {files}/ratings.csv": "ratings.csv",
    "restore {files}/base.tar": "--overwrite",
    "rubric_check": "Name at least one file",
    "rubric_check {files}/absent.yaml": "absent.yaml: there is no such file.",
    "rubric_check {files}/ratings.csv": "ratings.csv",
    "rubric_library charm": "The library has no rubric “charm”. It has: code-quality,",
    "rubric_library coherence --start nowhere": "There is no project “nowhere”. There are: support.",
    "rubric_library --start support": "Name the rubric of the library",
    "rubric_export support/none": "no rubric “support/none”. Rubrics are named project/rubric: support/quality.",
    "rubric_export support/quality@7": "is not a version of this rubric. It has: 1, 2.",
    "rubric_export support/quality --form openai": "“openai” is not a form of a rubric. Accepted: yaml, prompt,",
    "rubric_export support/quality --form promptfoo": "compares two answers",
    "rubric_export support/quality --out {files}/study.yaml": "study.yaml is a file. Name a folder to write into.",
    "rubric_diff support/quality@1 support/none@2": "There is no rubric “support/none@2”.",
    "rubric_copy support/quality nowhere": "There is no project “nowhere”.",
    "rerate support/planned": "There is nothing to rate again in “support/planned”",
    "rerate support/pilot --criteria tone": "“tone” is not a criterion of version 2. Accepted: overall.",
    "create_lead nobody": "“nobody” is not an e-mail address.",
    "db_worker --lease 0": "--lease: 0 is not accepted, only seconds from 0.01 to 3600.",
    "create_lead a@example.org --password-file {files}/absent": "absent: the password file cannot be read:",
}


@pytest.mark.parametrize("command", REFUSED)
def test_bad_input_is_refused_in_sentences_with_2_and_changes_nothing(shell: Terminal, command: str) -> None:
    before, there = shell.state(), sorted(shell.files.iterdir())
    done = shell.run(*command.format(files=shell.files).split())
    assert done.code == 2, done
    assert REFUSED[command] in done.err
    assert re.search(r"[.”]$", done.err.strip())
    assert not {"Traceback", "CommandError"} & set(re.findall(r"\w+", done.err))
    assert done.out == ""
    assert (shell.state(), sorted(shell.files.iterdir())) == (before, there)


def test_a_folder_in_the_place_of_a_file_is_seen_before_the_work(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    before = shell.state()
    done = shell.run("report", "support/pilot", "--out", tmp_path)
    assert (done.code, "report.json is a folder" in done.err) == (2, True)
    assert (shell.state(), [path.name for path in tmp_path.iterdir()]) == (before, ["report.json"])


OUTCOMES = {
    "run_checks support --check valid_json": "scores",
    "import_outputs support {files}/outputs.csv": "format",
    "apply {files}/study.yaml": "changes",
    "import_judgments support/pilot {files}/ratings.csv": "judgments",
    "export support/pilot --out {files}/data/export": "files",
    "report support/pilot --out {files}/data/report": "headline",
    "import_export {files}/moved": "round",
    "gate support/planned --register {files}/gate.yaml": "digest",
    "verify_report {files}/reported/report.json --ratings {files}/exported": "equal",
    "create_lead json@example.org": "password",
    "demo --if-empty": "logins",
    "import_gold support/planned {files}/gold.csv": "answers",
    "leaks support/pilot": "words",
    "renew_order support/pilot": "judgments",
    "qualify support first@example.org --languages de": "languages",
    "verify_audit support": "chains",
    "rubric_check {files}/good.yaml": "findings",
    "rubric_library coherence --start support": "draft",
    "rubric_export support/quality --out {files}/data/judge": "files",
    "rubric_diff support/quality@1 support/quality": "to_rate_again",
    "rubric_doctor support/pilot": "criteria",
    "import_judge_answers support/quality {files}/judged.jsonl": "metrics",
    "rubric_copy support/quality support": "draft",
    "rerate support/pilot --open": "criteria",
    "backup {files}/data/json.tar": "rows",
    "check_backup {files}/base.tar": "rows",
    "restore {files}/base.tar --overwrite": "rows",
    "db_worker --batch": "done",
}


@pytest.mark.parametrize("command", OUTCOMES)
def test_json_is_one_value_on_one_line(shell: Terminal, command: str) -> None:
    done = shell.run(*command.format(files=shell.files).split(), "--json")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("\n") == 1
    assert OUTCOMES[command] in json.loads(done.out)


def test_every_command_is_tried_for_json() -> None:
    assert {command.split()[0] for command in OUTCOMES} == set(COMMANDS)


def test_a_pipe_whose_reader_has_gone_is_quiet(shell: Terminal) -> None:
    for arguments in (["export", "support/pilot", "--out", shell.files / "data" / "piped"], ["help"], ["apply", "-h"]):
        done = shell.run(*arguments, out="closed")
        assert (done.code, done.err) == (0, ""), arguments
    assert (shell.files / "data" / "piped" / "ratings.csv").is_file()


def test_an_outcome_that_cannot_be_written_is_said(shell: Terminal) -> None:
    done = shell.run("export", "support/pilot", "--out", shell.files / "data" / "full", out="full")
    assert (done.code, done.lines) == (
        1,
        ["The outcome could not be written: No space left on device. All else was done."],
    )


@pytest.mark.parametrize("out", ["full", "closed"])
def test_no_account_is_made_whose_password_nobody_saw(shell: Terminal, out: str) -> None:
    before = shell.state()
    done = shell.run("create_lead", "unseen@example.org", out=out)
    assert done.code == 1
    assert done.err.endswith("No account was made.\n")
    assert shell.state() == before
