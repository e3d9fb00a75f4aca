"""Load the demonstration study: people, answers, scores, five rounds, and the work of simulated raters.

Everything goes the way it would go for a team: files are imported, study files applied, rounds opened, tasks claimed
and submitted, rounds closed. All dates lie in November 2026. On an empty database the same seed makes the same
study; elsewhere the order of tasks and the sides of pairs differ, because they are drawn by database keys.
"""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max

from accounts.models import User
from accounts.services import user_create
from analytics.demo.content import HERE, answers, prompts
from analytics.demo.machine import output_rows, pair_rows, score_rows
from analytics.demo.raters import RATERS, Simulated
from analytics.demo.simulate import Work
from analytics.demo.words import Words
from annotation.models import Judgment, Round
from annotation.services.rounds import round_close, round_open
from annotation.services.study import study_apply
from projects.located import load as load_source
from projects.models import Membership, Project, Role
from projects.services.importing import import_file
from projects.services.projects import project_create

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


def load(progress: Callable[[str], None], seed: int = SEED) -> list[Login]:
    """Make everything. Returns who can log in; passwords are drawn for this machine and kept nowhere else."""
    progress("people and their project")
    logins, lead = _people()
    study = load_source((HERE / "studies" / "pilot.yaml").read_bytes(), "pilot.yaml")
    # The project first, then the answers, so that the rounds find something to judge.
    project = _project(study.value["project"], lead)
    progress(f"{len(answers())} answers of three systems to {len(prompts())} prompts, with automated scores")
    _import(project, lead, seed)
    words = Words(seed)
    for plan in ROUNDS:
        progress(plan.told)
        _round(project, plan, lead, words)
    return logins


@dataclass(frozen=True, slots=True)
class Plan:
    """A round: when it opens, who works in it, and whether it stays open (then after `only` judgments)."""

    slug: str
    told: str
    start: datetime
    raters: Sequence[Simulated] = RATERS
    apart: int = 67
    stays_open: bool = False
    only: int | None = None


def _named(*pseudonyms: str) -> list[Simulated]:
    return [rater for rater in RATERS if rater.pseudonym in pseudonyms]


ROUNDS = (
    # All at one table. Without fennel: three raters read “level of detail” one way and three the other.
    Plan(
        "pilot",
        "a pilot, with a criterion that does not work",
        datetime(2026, 11, 9, 9, tzinfo=UTC),
        _named("alder", "birch", "clover", "damson", "elder", "hazel"),
        apart=1,
    ),
    Plan("quality", "a scoring round, judged by seven simulated raters", datetime(2026, 11, 11, 9, tzinfo=UTC)),
    Plan("side-by-side", "a comparison round, judged by the same", datetime(2026, 11, 17, 9, tzinfo=UTC)),
    Plan(
        "second-look",
        "a scoring round to begin",
        datetime(2026, 11, 20, 9, tzinfo=UTC),
        (),
        stays_open=True,
    ),
    Plan(
        "preference",
        "a comparison round to go on with",
        datetime(2026, 11, 20, 10, tzinfo=UTC),
        _named("birch", "clover", "hazel"),
        apart=5,
        stays_open=True,
        only=24,
    ),
)


def _round(project: Project, plan: Plan, lead: User, words: Words) -> None:
    name = f"{plan.slug}.yaml"
    study_apply(source=load_source((HERE / "studies" / name).read_bytes(), name), actor=lead)
    row = Round.objects.get(project=project, slug=plan.slug)
    row = round_open(round=row, actor=lead, now=plan.start - timedelta(minutes=40))
    Work(row, plan.start, words, plan.raters, plan.apart, plan.only).run()
    if not plan.stays_open:
        last = Judgment.objects.filter(seat__round=row).aggregate(last=Max("submitted_at"))["last"]
        round_close(round=row, actor=lead, now=last + timedelta(minutes=25))


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


def _import(project: Project, lead: User, seed: int) -> None:
    """As three files of a nightly run: what the systems said, what was scored, what was compared."""
    for name, rows in (
        ("answers.jsonl", output_rows(seed)),
        ("scores.jsonl", score_rows(seed)),
        ("pairs.jsonl", pair_rows(seed)),
    ):
        import_file(project=project, stream=io.BytesIO(_lines(rows)), file_name=name, actor=lead)


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
