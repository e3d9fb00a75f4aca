"""One terminal for all of these tests, with a small study that was imported, opened and judged in part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.terminal import Terminal, terminal

ITEMS = 150
STUDY = """\
project: support
rubric:
  name: Quality
  criteria:
    - {key: overall, question: "Which is better?", type: preference, points: 5, ties: [tie]}
round: {name: pilot, title: Answers, mode: compare, overlap: 2, strategy: uncertain, state: open}
"""


GOOD_RUBRIC = """\
name: Manner
criteria:
  - {key: polite, question: "Is it polite?", type: yes_no, guidance: Please and thanks are enough.}
"""
REVISED = """\
project: support
rubric:
  name: Quality
  criteria:
    - {key: overall, question: "Which one is better?", type: preference, points: 5, ties: [tie]}
"""


def write_files(folder: Path) -> None:
    outputs = ["item,prompt,system,output"]
    ratings = ["item,system,system_b,rater,criterion,value,position"]
    for n in range(ITEMS):
        outputs += [
            f"q{n},May I ask {n}?,{system},Answer **{n}**{end}" for system, end in (("amber", "."), ("basalt", "!"))
        ]
        ratings += [f"q{n},amber,basalt,{rater},overall,{n % 5 - 2},a_first" for rater in ("ann", "ben")]
    texts = {
        "outputs.csv": "\n".join(outputs),
        "ratings.csv": "\n".join(ratings),
        "judged.jsonl": "\n".join(
            f'{{"item": "q{n}", "system": "amber", "system_b": "basalt", "answer": {{"overall": {{"value": 1}}}}}}'
            for n in range(ITEMS)
        ),
        "few.csv": "\n".join(ratings[:41]),
        "study.yaml": STUDY,
        "good.yaml": GOOD_RUBRIC,
        "gate.yaml": "new: amber\nold: basalt\nconditions: [{criterion: overall, margin: 0.1}]\n",
        "revised.yaml": REVISED,
        "second.yaml": STUDY.replace("pilot", "second"),
        "draft.yaml": STUDY.replace("pilot", "planned").replace("open", "draft"),
        "gold.csv": "item,system,criterion,value,system_b\nq1,amber,overall,a,basalt\nq2,amber,overall,b,basalt\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("commands")
    write_files(folder)
    with terminal(folder) as shell:
        for arguments in (
            ["import_outputs", "support", folder / "outputs.csv", "--create"],
            ["apply", folder / "study.yaml"],
            ["import_judgments", "support/pilot", folder / "few.csv"],
            ["apply", folder / "draft.yaml"],
            ["apply", folder / "revised.yaml"],
            ["create_lead", "first@example.org"],
            ["apply", folder / "study.yaml", "--lead", "first@example.org"],
            ["backup", folder / "base.tar"],
            ["export", "support/pilot", "--out", folder / "exported"],
            ["export", "support/pilot", "--out", folder / "moved"],
            ["report", "support/pilot", "--out", folder / "reported", "--format", "json"],
        ):
            done = shell.run(*arguments)
            assert (done.code, done.err) == (0, ""), done
        about = folder / "moved" / "round.json"
        about.write_text(about.read_text().replace('"slug": "pilot"', '"slug": "moved"'))
        shell.keep()
        yield shell


@pytest.fixture(autouse=True)
def same_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """What one test leaves in the database, the next does not find."""
    yield
    if "shell" in request.fixturenames:
        request.getfixturevalue("shell").back()
