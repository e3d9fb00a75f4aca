"""Load the first study: people, answers, scores, two rounds, and the simulated raters' judgments."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from accounts.models import User
from accounts.services import user_create
from analytics.demo.simulate import work_through
from annotation.models import Round
from annotation.services.rounds import round_close
from annotation.services.study import study_apply
from projects.located import load as load_source
from projects.models import Membership, Output, Project, Role
from projects.services.importing import import_file
from projects.services.projects import project_create

HERE = Path(__file__).parent
SYSTEMS = ("sprout-1", "sprout-2", "faq-search")
START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Login:
    role: str
    email: str
    password: str


PEOPLE = (
    ("lead", "Ines Okafor", "lead@demo.invalid"),
    ("reviewer", "Priya Nand", "reviewer@demo.invalid"),
    ("rater", "Tomas Reyl", "rater@demo.invalid"),
    ("rater", "Mara Lindqvist", "rater2@demo.invalid"),
    ("viewer", "Hana Sato", "viewer@demo.invalid"),
)


def load(progress: Callable[[str], None]) -> list[Login]:
    """Make everything. Returns who can log in; passwords are drawn for this machine and kept nowhere else."""
    study = load_source((HERE / "study.yaml").read_bytes(), "study.yaml")
    logins, lead = _people()
    # The project first, then the answers, so that the rounds find something to judge.
    project = _project(study.value["project"], lead)
    progress("answers of three systems")
    _import(project, lead)
    progress("a scoring round")
    study_apply(source=study, actor=lead)
    scoring = Round.objects.get(project=project, slug="quality")
    work_through(scoring, _quality(project), START, SEED)
    round_close(round=scoring, actor=lead)
    progress("a comparison round to rate")
    study_apply(source=load_source((HERE / "compare.yaml").read_bytes(), "compare.yaml"), actor=lead)
    return logins


def _people() -> tuple[list[Login], User]:
    logins, users = [], []
    for role, name, email in PEOPLE:
        password = secrets.token_urlsafe(9)
        users.append(user_create(email=email, password=password, name=name, email_verified=True, is_demo=True))
        logins.append(Login(role, email, password))
    return logins, users[0]


def _project(given: dict[str, str], lead: User) -> Project:
    project = project_create(name=given["name"], slug=given["slug"], description=given["description"], creator=lead)
    for role, _, email in PEOPLE[1:]:
        Membership.objects.create(project=project, user=User.objects.get(email=email), role=Role(role))
    return project


def items() -> list[dict[str, Any]]:
    data = yaml.safe_load((HERE / "support.yaml").read_text(encoding="utf-8"))
    return list(data["items"])


def rows() -> list[dict[str, Any]]:
    """The answers as a team would send them: one line an answer."""
    found = []
    for item in items():
        asked = {"messages": item["messages"]} if "messages" in item else {"prompt": item["question"]}
        for system in SYSTEMS:
            answer = item[system]
            found.append(
                {
                    "item": item["id"],
                    **asked,
                    "context": [item["source"]],
                    "tag": item["tag"],
                    "language": item.get("language", "en"),
                    "system": system,
                    "output": answer["text"],
                    "latency_ms": answer["ms"],
                    "metric": "judge",
                    "value": answer["judge"],
                    "source": "llm",
                }
            )
    return found


def _import(project: Project, lead: User) -> None:
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows())
    import_file(project=project, stream=io.BytesIO(text.encode()), file_name="brambleway.jsonl", actor=lead)


def _quality(project: Project) -> dict[int, tuple[int, bool]]:
    planned = {(item["id"], s): (item[s]["right"], item[s]["act"]) for item in items() for s in SYSTEMS}
    outputs = Output.objects.filter(item__project=project).values_list("id", "item__external_id", "system__name")
    return {pk: planned[item, system] for pk, item, system in outputs}
